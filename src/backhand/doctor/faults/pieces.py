"""The parts of lines and of messages in which networks differ, by which the rows are filled in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import NamedTuple

from backhand.doctor.frame.network import (
    ACTIVATIONS,
    LOSSES,
    PENALTIES,
    REDUCED,
    SQUARES,
    Network,
)

NAMES = {
    "relu": "ReLU", "leaky_relu": "leaky ReLU", "tanh": "tanh", "sigmoid": "sigmoid",
    "softplus": "softplus", "elu": "ELU", "gelu": "GELU", "gelu_tanh": "GELU (with tanh)",
    "softmax": "softmax", "linear": "linear outputs", "cross_entropy": "cross-entropy",
    "binary_cross_entropy": "binary cross-entropy", "squared_error": "the squared error",
    "half_squared_error": "half the squared error",
}  # fmt: skip
"""What activations, outputs and losses are called in messages."""

MULTIPLE = {"mean": "1/N", "sum": "1/N", "elements": "1/(N·K)"}
"""The factor that the reduction of the loss puts before its gradient."""


ALWAYS_0 = "; over the classes P - Y sums to 0, so this db2 is always 0 and b2 never learns"


class Row(NamedTuple):
    """One thing that is written instead of a line.

    `what` is the id without its equation. `code` and `message` have fields for the pieces of a
    network; `only` names choices, of which the network must have made one (of each group, if there
    are several, with & between them); `shown` is displayed where the code is our own device.
    """

    what: str
    code: str
    message: str
    only: str = ""
    shown: str = ""


def choices(network: Network) -> frozenset[str]:
    """What rows are selected by."""
    return frozenset((
        network.activation, f"{network.output}_outputs", network.loss, network.reduction,
        "masked" if network.activation in ("relu", "leaky_relu") else "smooth",
        "other" if network.activation != "relu" else "relu",
        "squares" if "squared" in network.loss else "entropies",
        "averaged" if network.reduction != "sum" else "sum",
        "biases" if network.biases else "",
        "squares_of_sigmoids" if is_through_sigmoid(network) else "",
    ))  # fmt: skip


def selected(network: Network, rows: Iterable[tuple[str, ...]]) -> Iterator[tuple[str, str, str]]:
    """Id, code and message of the rows that are for a network, as they are."""
    its = choices(network)
    for what, code, message, *only in rows:
        if not only or _is_among(its, only[0]):
            yield what, code, message


def _is_among(its: frozenset[str], only: str) -> bool:
    """Whether one of some choices was made, of each group that "&" separates."""
    return not only or all(its.intersection(group.split()) for group in only.split("&"))


def filled(network: Network, rows: Iterable[tuple[str, ...]]) -> Iterator[Row]:
    """The rows that are for a network, with its pieces in their fields."""
    its, fields = choices(network), pieces(network)
    for row in rows:
        what, code, message, only, shown = Row(*row)
        if _is_among(its, only):
            yield Row(what, code.format_map(fields), message.format_map(fields), "",
                      shown.format_map(fields))  # fmt: skip


@cache
def pieces(network: Network) -> Mapping[str, str]:
    """The fields of rows."""
    f, slope = (part.format(slope=network.slope) for part in ACTIVATIONS[network.activation])
    name = NAMES[network.activation]
    is_relu = network.activation == "relu"
    output = network.lines["P"].data
    of_loss, of_weights = PENALTIES[network.penalty]
    divisor = "N·K" if network.reduction == "elements" else "N"
    loss, mean = LOSSES[network.loss], REDUCED[network.reduction]
    D = network.lines["dS"].data.removesuffix(mean)
    return {
        "f": f,
        "f(X @ W1)": f.replace("Z1", "X @ W1"),
        "f(-Z1)": f.replace("Z1", "-Z1"),
        "slope": slope,
        "s": str(network.slope),
        "slope(X @ W1)": at(network, "X @ W1"),
        "g": output,
        "+b1": " + b1" if network.biases else "",
        "+b2": " + b2" if network.biases else "",
        "loss": loss,
        "mean": mean,
        "l2 of loss": of_loss.removeprefix(" + ").removesuffix(f" * {SQUARES}"),
        "l2 of weights": of_weights.removeprefix(" + ").removesuffix(" * {W}"),
        "doubled": "2 * " if network.loss == "squared_error" else "",
        "through": " * P * (1 - P)" if is_through_sigmoid(network) else "",
        "D": D,
        "d": bare(D),
        "(D)": f"({bare(D)})",
        "always 0": ALWAYS_0 if network.output == "softmax" else "",
        "name": name,
        "mask": "the ReLU mask" if is_relu else f"the derivative of {name}",
        "before": "the mask" if is_relu else f"the derivative of {name}",
        "output": NAMES[network.output],
        "the loss": NAMES[network.loss],
        "instead of N": f" instead of {divisor}" if mean else "",
        ", instead of N": f", instead of {divisor}" if mean else "",
        "1/N": MULTIPLE[network.reduction],
    }


def bare(code: str) -> str:
    """Code without parentheses around the whole of it."""
    if not code.startswith("("):
        return code
    depth = 0
    for place, character in enumerate(code):
        depth += (character == "(") - (character == ")")
        if not depth:
            return code[1:-1] if place == len(code) - 1 else code
    return code


def is_through_sigmoid(network: Network) -> bool:
    """Whether dS has the derivative of the output's sigmoid as a factor."""
    return network.output == "sigmoid" and "squared" in network.loss


def at(network: Network, argument: str, value: str = "") -> str:
    """The derivative of the activation at another argument, where the activation is `value`."""
    f, slope = (part.format(slope=network.slope) for part in ACTIVATIONS[network.activation])
    value = value or f.replace("Z1", argument)
    replaced = {"Z1": argument, "H1": value}
    return re.sub(r"\b(?:Z1|H1)\b", lambda found: replaced[found[0]], slope)
