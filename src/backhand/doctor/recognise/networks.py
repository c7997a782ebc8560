"""Finding the network that a function computes, from the values that it computed.

The forward pass decides: the activation whose H1 occurs, the output whose P occurs. The loss, the
reduction and the penalty follow from the returned loss and, where there is none, from the
gradients. A network is never chosen because a wrong gradient would be correct in it: a summed loss
or a penalty of the function's own counts only if the loss has it too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast, get_args

import numpy as np

from backhand.doctor.frame.network import (
    ACTIVATIONS,
    OUTPUTS,
    PAIRS,
    Activation,
    Loss,
    Network,
    Output,
    Penalty,
    Reduction,
)
from backhand.doctor.recognise.observed import LOSS_TOLERANCE, Array, Observed, same
from backhand.formulas import FUNCTIONS, GRADIENTS, UPDATED, compiled, derive

STEEPEST = 0.99
"""From this slope on, in float32 too, a leaky ReLU is taken for no activation at all."""

SLOPES = (0.01, 0.1, 0.2, 0.3, 0.05, 0.001, 0.5, 0.25)
"""Slopes of a leaky ReLU that are tried where no variable shows another."""

ATTEMPTS = (
    ("sigmoid", "1 + exp(-S)"), ("sigmoid", "1 + exp(S)"), ("sigmoid", "exp(-S)"),
    ("softmax", "exp(S - S.max(axis=1, keepdims=True))"), ("softmax", "exp(S - S.max())"),
    ("softmax", "exp(S - S.max(axis=0, keepdims=True))"), ("softmax", "exp(S)"),
)  # fmt: skip
"""Parts of an output, which occur where the whole is wrong."""

FORWARD = ("Z1", "H1", "S", "P", "L")
"""What a function returns that computes the forward pass only."""


@dataclass(frozen=True)
class Declared:
    """What the caller says about the network; None where it is to be found."""

    activation: Activation | None = None
    output: Output | None = None
    loss: Loss | None = None
    reduction: Reduction | None = None

    def pairs(self, *, one_output: bool) -> list[tuple[Output, Loss]]:
        """The outputs and losses that may be meant."""
        return [
            (output, loss)
            for output, loss in PAIRS
            if self.output in (None, output)
            and self.loss in (None, loss)
            and not (one_output and output == "softmax")
        ]


@dataclass(frozen=True)
class Match:
    """A network, and how well it agrees with what was seen.

    Attributes
    ----------
    network : Network
    seen : tuple of str
        Which of H1, S and P occurred as this network has them.
    agreed : tuple of str
        The values that were returned as this network has them.
    exact : bool
        Whether these are all gradients that were returned, and the loss.
    doubtful : bool
        Whether only the gradients show a choice that the loss should show too.
    loss_at : int
        When the loss was computed that is not returned; -1 if it is returned, or does not occur.
    """

    network: Network
    seen: tuple[str, ...]
    agreed: tuple[str, ...]
    exact: bool
    doubtful: bool = False
    loss_at: int = -1

    @property
    def score(self) -> tuple[bool, bool, int, int]:
        """Larger for a network that agrees better.

        The loss shows what is meant, but for cross-entropy, where its reduction is often mistaken.
        """
        loss = 4 if "L" in self.agreed and self.network.loss != "cross_entropy" else 0
        return self.exact, not self.doubtful, len(self.seen), len(self.agreed) + loss


def best_networks(
    given: Mapping[str, Any], observed: Observed, declared: Declared, *, biases: bool
) -> list[Match]:
    """The networks that agree best with what a call computed, the best first.

    Parameters
    ----------
    given : mapping
        What the call was given, as `Problem.values` has it.
    observed : Observed
    declared : Declared
    biases : bool
        Whether the function takes biases.
    """
    found: list[Match] = []
    for start in _activations(given, observed, declared, biases=biases):
        seen, values = _forward(given, observed, start)
        for output, loss in _outputs(values, observed, declared, one_output=given["K"] == 1):
            network = replace(start, output=output, loss=loss)
            occurs = output != "linear" and observed.has(_evaluated(OUTPUTS[output], values))
            forward = (*seen, "P") if occurs else seen
            for reduction in _reductions(network, declared):
                found += _matches(values, observed, reduction, forward)
    found = _by_the_loss(found)
    if declared.reduction:
        found = [_with_known_reduction(match, observed) for match in found]
    found.sort(key=lambda match: match.score, reverse=True)  # stable: the usual ones first
    return found


def _by_the_loss(found: list[Match]) -> list[Match]:
    """A loss that is computed, and not returned, shows what is meant: the last of several."""
    latest = max((match.loss_at for match in found), default=-1)
    if latest < 0:
        return found
    return [match if match.loss_at == latest else replace(match, exact=False, doubtful=True)
            for match in found]  # fmt: skip


def _with_known_reduction(match: Match, observed: Observed) -> Match:
    """A match that is not in doubt where its reduction is declared."""
    network = match.network
    if not match.doubtful or network.penalty != "half" or network.strength:
        return match
    expected = {"L", *GRADIENTS} & observed.returned.keys()
    exact = bool(match.agreed) and expected <= set(match.agreed)
    return replace(match, doubtful=False, exact=exact)


def _activations(
    given: Mapping[str, Any], observed: Observed, declared: Declared, *, biases: bool
) -> list[Network]:
    """The networks up to H1 of which most occurs; all of them where nothing does."""
    candidates = []
    for name in (declared.activation,) if declared.activation else ACTIVATIONS:
        network = Network(activation=cast(Activation, name), biases=biases)
        slopes = _slopes(given, observed, network) if name == "leaky_relu" else [0.0]
        candidates += [replace(network, slope=slope) for slope in slopes]
    scores = [len(_forward(given, observed, network)[0]) for network in candidates]
    if not max(scores):
        scores = [_applied(given, observed, network) for network in candidates]
    return [one for one, score in zip(candidates, scores, strict=True) if score == max(scores)]


def _forward(
    given: Mapping[str, Any], observed: Observed, network: Network
) -> tuple[tuple[str, ...], Mapping[str, Any]]:
    """Which of H1 and S occurred, and all values up to S."""
    values = derive(given, {}, {}, ("Z1", "H1", "S"), lines=network.lines)[1]
    return tuple(name for name in ("H1", "S") if observed.has(values[name])), values


def _applied(given: Mapping[str, Any], observed: Observed, network: Network) -> int:
    """Whether the activation was applied to any value of Z1's shape, where Z1 itself is wrong."""
    code = network.lines["H1"].data
    later = observed.shaped(given["N"], given["H"])
    for place, Z1 in enumerate(later):
        H1 = _evaluated(code, {"Z1": Z1})
        if np.array_equal(H1, Z1):
            continue
        if any(np.allclose(H1, one, 1e-9, 1e-12) for one in later[place + 1 :]):
            product = H1 @ given["W2"]
            return 1 + (observed.has(product) or observed.has(product + given["b2"]))
    return 0


def _slopes(given: Mapping[str, Any], observed: Observed, network: Network) -> Sequence[float]:
    """The slope below 0 of a variable that is Z1 above 0; the usual ones where there is none."""
    Z1 = derive(given, {}, {}, ("Z1",), lines=network.lines)[1]["Z1"]
    below = Z1 < 0
    for H1 in observed.shaped(*Z1.shape):
        slopes = H1[below] / Z1[below]
        slope = float(slopes[0])
        if not np.allclose(H1[~below], Z1[~below]) or not np.allclose(slopes, slope):
            continue
        if 0 < slope < STEEPEST:
            return [float(f"{slope:.10g}")]
    return SLOPES


def _outputs(
    values: Mapping[str, Any], observed: Observed, declared: Declared, *, one_output: bool
) -> list[tuple[Output, Loss]]:
    """The outputs and losses that may be meant; those of the output that occurred come alone.

    Where none occurred as it should be, exponentials of S show which was attempted; where S is
    wrong itself, what was applied to any value of its shape.
    """
    pairs = declared.pairs(one_output=one_output)
    for tests in (OUTPUTS.items(), ATTEMPTS):
        for output, code in tests:
            if output != "linear" and observed.has(_evaluated(code, values)):
                found = [pair for pair in pairs if pair[0] == output]
                if found:
                    return found
    kind = None if observed.has(values["S"]) else _kind_of_output(values["Y"], observed)
    return sorted(pairs, key=lambda pair: pair[0] != kind)  # stable


def _kind_of_output(Y: Array, observed: Observed) -> Output | None:
    """What Y is subtracted from: rows that sum to 1, numbers between 0 and 1, or any numbers."""
    N, K = Y.shape
    later = observed.shaped(N, K)
    if K == 1:
        later += [one.reshape(N, 1) for one in observed.shaped(N)]
    for place, P in enumerate(later):
        differences = [P - Y, Y - P]
        if any(np.allclose(one, other, 1e-9, 1e-12)
               for one in differences for other in later[place + 1 :]):  # fmt: skip
            if K > 1 and np.allclose(P.sum(axis=1), 1) and P.min() >= 0:
                return "softmax"
            return "sigmoid" if P.min() >= 0 and P.max() <= 1 else "linear"
    return None


def _reductions(network: Network, declared: Declared) -> Iterator[Network]:
    for reduction in get_args(Reduction):
        if declared.reduction not in (None, reduction):
            continue
        if reduction == "elements" and network.loss == "cross_entropy":
            continue
        yield replace(network, reduction=reduction)


def _matches(
    values: Mapping[str, Any], observed: Observed, network: Network, forward: tuple[str, ...]
) -> Iterator[Match]:
    """The network with each penalty that the function may have, given the values up to S."""
    if values["l2"]:
        for penalty in get_args(Penalty):
            own = replace(network, penalty=penalty)
            yield _match(_derived(values, own), observed, own, forward)
        return
    right = _derived(values, network)
    plain = _match(right, observed, network, forward)
    yield plain
    if not plain.exact:
        for penalty, strength in _constants(right, observed):
            own = replace(network, penalty=penalty, strength=strength)
            yield _match(_derived({**values, "l2": strength}, own), observed, own, forward)


def _derived(values: Mapping[str, Any], network: Network) -> Mapping[str, Any]:
    """All values of a network but those of a step, given some of them."""
    names = [name for name in network.lines if name not in values and name not in UPDATED]
    return derive(values, {}, {}, names, lines=network.lines)[1]


def _match(
    right: Mapping[str, Any], observed: Observed, network: Network, forward: tuple[str, ...]
) -> Match:
    """How well one network agrees, with its values."""
    expected = ("L", *GRADIENTS) if GRADIENTS.keys() & observed.returned.keys() else FORWARD
    names = [name for name in expected if name in observed.returned]
    agreed = tuple(name for name in names if name in right and observed.gave(name, right[name]))
    doubtful = _needs_its_loss(network) and not _shows_its_loss(right, observed, network, agreed)
    exact = bool(names) and len(agreed) == len(names) and not doubtful
    if not exact and _is_averaged_later(right, observed, network, agreed):
        network = replace(network, averaged="gradients")
    loss_at = -1 if "L" in observed.returned or "L" not in right else observed.last(right["L"])
    return Match(network, forward, agreed, exact, doubtful, loss_at)


def _is_averaged_later(
    right: Mapping[str, Any], observed: Observed, network: Network, agreed: tuple[str, ...]
) -> bool:
    """Whether 1/N occurs in correct gradients, and not in the dS that they were computed from."""
    if network.reduction == "sum" or not GRADIENTS.keys() & set(agreed):
        return False
    times = right["N"] * (right["K"] if network.reduction == "elements" else 1)
    return observed.has(times * right["dS"]) and not observed.has(right["dS"])


def _needs_its_loss(network: Network) -> bool:
    """Whether the loss has to show a choice that would be a fault if the gradients alone had it."""
    squared = network.loss in ("squared_error", "half_squared_error")
    return (
        (network.reduction != "mean" and not squared)
        or network.penalty != "half"
        or bool(network.strength)
    )


def _shows_its_loss(
    right: Mapping[str, Any], observed: Observed, network: Network, agreed: tuple[str, ...]
) -> bool:
    """Whether the loss is that of the network: what is returned, or else what was computed.

    On the way to a mean the sum is computed too.
    """
    if "L" in observed.returned:
        return "L" in agreed
    if not observed.has(right["L"], LOSS_TOLERANCE):
        return False
    mean = replace(network, reduction="mean")
    of_mean = derive(right, {}, {}, ("L",), lines=mean.lines)[0]["L"]
    return network == mean or not observed.has(of_mean, LOSS_TOLERANCE)


def _constants(right: Mapping[str, Any], observed: Observed) -> Iterator[tuple[Penalty, float]]:
    """Penalties with a constant: what the gradients of weights have beside the data term."""
    found = set()
    for name in ("dW1", "dW2"):
        seen, W = observed.returned.get(name), right[GRADIENTS[name]]
        if seen is None or seen.shape != W.shape:
            continue
        rest = seen - right[name]
        strength = float(np.sum(rest * W) / np.sum(W * W))
        if abs(strength) > 1e-9 and same(strength * W, rest, max(1e-6, observed.tolerance)):
            found.add(float(f"{strength:.6g}"))
    N = right["N"]
    for c in found if len(found) == 1 else ():
        for penalty, strength in (("half", c), ("full", c / 2), ("by_N", c * N)):
            yield cast(Penalty, penalty), float(f"{strength:.8g}")


def _evaluated(code: str, values: Mapping[str, Any]) -> Array:
    value: Array = eval(compiled(code), FUNCTIONS, dict(values))
    return value
