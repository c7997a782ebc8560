"""Families of faults, generated from data: a wrong function, alone and with its own derivative."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from backhand.doctor.faults.fault import Fault, fault, number
from backhand.doctor.faults.pieces import NAMES, pieces
from backhand.doctor.frame.network import Network

WITH_DERIVATIVE = "with_derivative"
"""The end of the id of a fault whose derivative is taken right."""


class Differentiated(NamedTuple):
    """A wrong line of the forward pass, and the lines of the backward pass that belong to it."""

    name: str
    what: str
    code: str
    message: str
    derivative: Mapping[str, str]


def _activations(network: Network) -> Iterator[Differentiated]:
    name = NAMES[network.activation]
    for what, f, slope, message in (
        *((f"leaky_{number(slope)}", f"where(Z1 > 0, Z1, {slope} * Z1)",
           f"where(Z1 > 0, 1, {slope})", f"a leaky ReLU (slope {slope}) is used instead of {name}")
          for slope in ("0.01", "0.1", "0.2")),
        *((f"clipped_at_{most}", f"clip(Z1, 0, {most})", f"(Z1 > 0) * (Z1 < {most})",
           f"ReLU is also capped at {most}") for most in ("1", "6") if name == "ReLU"),
        ("squared", "maximum(Z1, 0)**2", "2 * H1**0.5 * (Z1 > 0)", "ReLU is squared"),
        ("elu", "where(Z1 > 0, Z1, exp(minimum(Z1, 0)) - 1)",
         "where(Z1 > 0, 1, exp(minimum(Z1, 0)))", f"ELU is used instead of {name}"),
        ("silu", "Z1 * sigmoid(Z1)",
         "(sigmoid(Z1) + Z1 * sigmoid(Z1) * (1 - sigmoid(Z1)))", f"SiLU is used instead of {name}"),
        ("gelu", "gelu(Z1)", "gelu_slope(Z1)", f"GELU is used instead of {name}"),
        ("relu", "maximum(Z1, 0)", "(Z1 > 0)", f"ReLU is used instead of {name}"),
    ):  # fmt: skip
        if what != network.activation:
            yield Differentiated(
                "H1", f"activation.{what}", f, message, {"dZ1": f"dH1 * {slope}"}
            )  # fmt: skip


def _inputs(network: Network) -> Iterator[Differentiated]:
    for what, f, message in (
        ("standardised", "((X - X.mean(axis=0)) / X.std(axis=0))",
         "the columns of X are standardised"),
        ("unit_rows", "(X / norm(X, axis=1, keepdims=True))",
         "the rows of X are scaled to length 1"),
        ("by_255", "(X / 255)", "X is divided by 255"),
        ("by_largest", "(X / abs(X).max())", "X is divided by its largest entry"),
        ("whole", "trunc(X)", "X is truncated to whole numbers"),
    ):  # fmt: skip
        bias = pieces(network)["+b1"]
        yield Differentiated(
            "Z1", f"input.{what}", f"{f} @ W1{bias}", message, {"dW1": f"{f}.T @ dZ1"}
        )


def _outputs(network: Network) -> Iterator[Differentiated]:
    bias, right = pieces(network)["+b2"], network.lines["dS"].data
    for name, what, f, message, derivative in (
        ("S", "scale.by_sqrt_H", f"(H1 @ W2{bias}) / sqrt(H)", "the logits are divided by √H",
         {"dS": f"{right} / sqrt(H)"}),
        ("S", "scale.product_by_sqrt_H", f"H1 @ W2 / sqrt(H){bias}", "the sum is divided by √H",
         {"dW2": "H1.T @ dS / sqrt(H)", "dH1": "dS @ W2.T / sqrt(H)"}),
        ("P", "softmax.over_rows", "softmax(S, axis=0)",
         "softmax runs over the batch (axis=0) instead of the classes",
         {"dS": "(P * Y.sum(axis=0) - Y) / N"}),
        ("P", "softmax.twice", "softmax(softmax(S))", "softmax is applied twice",
         {"dS": "softmax(S) * ((P - Y) - ((P - Y) * softmax(S)).sum(axis=1, keepdims=True)) / N"}),
    ):  # fmt: skip
        if name == "S" or (network.output == "softmax" and network.reduction == "mean"):
            yield Differentiated(name, what, f, message, derivative)


SQUARED = "P * (P - Y - ((P - Y) * P).sum(axis=1, keepdims=True))"
"""∂/∂S of half the squared error, summed over the rows."""

BINARY = "((1 - Y) / (1 - P) - Y / P)"


LOSSES = (
    ("log2", "-(Y * log2(P)).sum() / N", "the logarithm has base 2",
     "(P - Y) / N / log(2)", "the logarithm has base 2"),
    ("log10", "-(Y * log10(P)).sum() / N", "the logarithm has base 10",
     "(P - Y) / N / log(10)", "the logarithm has base 10"),
    ("no_logarithm", "-(Y * P).sum() / N", "the logarithm is missing",
     "P * ((Y * P).sum(axis=1, keepdims=True) - Y) / N",
     "the logarithm is missing: this is the gradient of -P of the true class"),
    ("squared_error", "((P - Y)**2).sum() / N",
     "the squared error is used instead of cross-entropy",
     f"2 * {SQUARED} / N", "the gradient of the squared error is used"),
    ("half_squared_error", "((P - Y)**2).sum() / (2 * N)",
     "half the squared error is used instead of cross-entropy",
     f"{SQUARED} / N", "the gradient of half the squared error is used"),
    ("mean_squared_error", "((P - Y)**2).sum() / (N * K)",
     "the mean squared error is used instead of cross-entropy",
     f"2 * {SQUARED} / (N * K)", "the gradient of the mean squared error is used"),
    ("summed_squared_error", "((P - Y)**2).sum()",
     "the summed squared error is used instead of cross-entropy",
     f"2 * {SQUARED}", "the gradient of the summed squared error is used"),
    ("half_summed_squared_error", "((P - Y)**2).sum() / 2",
     "half the summed squared error is used instead of cross-entropy",
     SQUARED, "the gradient of half the summed squared error is used"),
    *((f"smoothed_{number(share)}", f"-(({rest} * Y + {share} / K) * log(P)).sum() / N",
       f"the labels are smoothed by {share}",
       f"(P - {rest} * Y - {share} / K) / N", f"the labels are smoothed by {share}")
      for share, rest in (("0.1", "0.9"), ("0.2", "0.8"))),
    ("no_class_0", "-(Y * log(P) * (y > 0).reshape(N, 1)).sum() / (y > 0).sum()",
     "the rows of class 0 are ignored",
     "(P - Y) * (y > 0).reshape(N, 1) / (y > 0).sum()", "the rows of class 0 are ignored"),
    ("by_class_size", "-(Y * log(P) / Y.sum(axis=0)[y].reshape(N, 1)).sum()",
     "each row is divided by the number of rows of its class",
     "(P - Y) / Y.sum(axis=0)[y].reshape(N, 1)",
         "each row is divided by the number of rows of its class"),
    ("binary_cross_entropy", "-(Y * log(P) + (1 - Y) * log(1 - P)).sum() / N",
     "binary cross-entropy is used instead of cross-entropy",
     f"P * ({BINARY} - ({BINARY} * P).sum(axis=1, keepdims=True)) / N",
     "the gradient of binary cross-entropy is used"),
)  # fmt: skip
"""Other losses: what, the loss and its message, ∂/∂S and its message."""


def _losses(network: Network) -> Iterator[Differentiated]:
    for what, f, message, derivative, _ in losses(network):
        yield Differentiated("L", f"loss.{what}", f, message, {"dS": derivative})


def losses(network: Network) -> Sequence[tuple[str, str, str, str, str]]:
    """Those that are used instead of the network's, as in `LOSSES`."""
    if network.loss != "cross_entropy":
        return ()
    mean = pieces(network)["mean"]
    return [(what, f.replace(" / N", mean), message, derivative.replace(" / N", mean), of_dS)
            for what, f, message, derivative, of_dS in LOSSES]  # fmt: skip


@cache
def families(network: Network) -> tuple[Differentiated, ...]:
    """All of them."""
    return (*_inputs(network), *_activations(network), *_outputs(network), *_losses(network))


TOGETHER = (
    ("Z1.input.centred", "dW1.input.centred"),
    ("Z1.input.absolute", "dW1.input.absolute"),
    ("Z1.bias.twice", "db1.scale.doubled"),
    ("Z1.bias.subtracted", "db1.sign.flipped"),
    ("H1.activation.none", "dZ1.mask.missing"),
    ("H1.activation.absolute", "dZ1.mask.sign_of_Z1"),
    ("H1.activation.negative_part", "dZ1.mask.reversed"),
    ("H1.activation.tanh", "dZ1.derivative.tanh"),
    ("H1.activation.sigmoid", "dZ1.derivative.sigmoid"),
    ("H1.activation.softplus", "dZ1.derivative.softplus"),
    ("H1.scale.doubled", "dZ1.scale.doubled"),
    ("H1.bias.missing", "dZ1.mask.before_bias"),
    ("H1.bias.after_activation", "dZ1.mask.before_bias", "db1.operand.dH1_summed"),
    ("S.bias.twice", "db2.scale.doubled"),
    ("S.bias.subtracted", "db2.sign.flipped"),
    ("S.operand.Z1_for_H1", "dW2.operand.Z1_for_H1", "dZ1.mask.missing"),
    ("S.activation.relu", "dS.mask.of_S"),
    ("S.transpose.W2", "dW2.transpose.result", "dH1.transpose.W2"),
    ("P.softmax.temperature_2", "dS.scale.halved"),
    ("P.softmax.base_2", "dS.scale.times_log_2"),
    ("P.activation.sigmoid", "dS.softmax.true_class_only"),
    ("L.reduction.sum", "dS.scale.no_mean"),
    ("L.sign.flipped", "dS.sign.flipped"),
    ("L.scale.by_NK", "dS.scale.by_NK"),
    ("L.scale.by_K", "dS.scale.by_K"),
    ("L.scale.mean_twice", "dS.scale.mean_twice"),
    *((f"L.penalty.{what}", f"dW2.penalty.{what}", f"dW1.penalty.{what}")
      for what in ("doubled", "of_half_norms", "of_norms", "of_absolute_values")),
    ("L.penalty.with_biases", "db2.penalty.on_bias", "db1.penalty.on_bias"),
)  # fmt: skip
"""Ids of faults that also come together: a line of the forward pass, and its derivative."""


def alone(network: Network, name: str) -> Iterator[Fault]:
    """The wrong functions of one value, by themselves."""
    for one in families(network):
        if one.name == name:
            yield fault(network, one.name, one.what, one.code, one.message)
    if name == "dS":
        for what, _, _, derivative, message in losses(network):
            yield fault(network, "dS", f"loss.{what}", derivative, message)


def with_derivative(network: Network, known: Mapping[str, Fault]) -> Iterator[Fault]:
    """Each wrong function with its own derivative; `known`: the faults of single lines, by id."""
    for one in families(network):
        yield fault(network, one.name, f"{one.what}.{WITH_DERIVATIVE}", one.code, one.message,
                    one.derivative)  # fmt: skip
    for first, *others in TOGETHER:
        others = [other for other in others if _is_of(network, other)]
        if first not in known or not others or not known.keys() >= set(others):
            continue
        lines = {known[other].name: known[other].line for other in others}
        _, what = first.split(".", 1)
        yield fault(network, known[first].name, f"{what}.{WITH_DERIVATIVE}", known[first].line,
                    known[first].message, lines, needs=known[first].needs)  # fmt: skip
    if network.reduction == "sum":
        return
    lines = {name: known[f"{name}.scale.mean_twice"].line
             for name in ("db2", "db1") if name in network.lines}  # fmt: skip
    lines["dW1"] = known["dW1.scale.mean_twice.with_penalty"].line
    yield fault(network, "dW2", "scale.mean_twice.all_gradients",
                known["dW2.scale.mean_twice.with_penalty"].line,
                "1/N is applied twice, in all four gradients", lines)  # fmt: skip


def _is_of(network: Network, other: str) -> bool:
    """Whether the line of a fault is among the network's."""
    return other.partition(".")[0] in network.lines
