"""Finding the frame of a function: it is called in many forms, and compared with many networks."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from types import CodeType
from typing import Any, NamedTuple

import numpy as np

from backhand.doctor.frame.form import Form
from backhand.doctor.probe.exceptions import line_reached
from backhand.doctor.probe.forms import forms_of
from backhand.doctor.probe.function import Called, CheckedFunction
from backhand.doctor.probe.problems import square_problems
from backhand.doctor.probe.refusal import Reason, Refusal
from backhand.doctor.probe.run import Calls, evidence_of
from backhand.doctor.probe.signature import MEANINGS, arguments_of
from backhand.doctor.probe.tries import WHATEVER_IS_GIVEN, Try, tries
from backhand.doctor.recognise.networks import Declared, Match, best_networks
from backhand.doctor.recognise.observed import TOLERANCE, Observed
from backhand.formulas import UPDATED

SINGLE = 1e-4
"""Tolerance for values that were computed in float32."""

NAMES_OF_K = {
    "K",
    "C",
    "classes",
    "outputs",
    "n_outputs",
    "n_classes",
    "num_classes",
    "n_out",
    "num_outputs",
}

ACTIVATION_WORDS = {
    "leaky relu": "leaky_relu", "relu": "relu", "tanh": "tanh", "sigmoid": "sigmoid",
    "softplus": "softplus", "elu": "elu", "gelu": "gelu",
}  # fmt: skip


@dataclass(frozen=True)
class Recognised:
    """How a function is called, what it returned, and which networks it may compute.

    Attributes
    ----------
    function : CheckedFunction
    calls : Calls
    matches : list of Match
        The best first; empty if no call gave gradients.
    """

    function: CheckedFunction
    calls: Calls
    matches: list[Match] = field(default_factory=list)


@dataclass(frozen=True)
class _Candidate:
    """A form in which the function gave gradients, and the networks that these fit."""

    tried: Try
    matches: list[Match]

    @property
    def score(self) -> tuple[bool, bool, bool, int, int]:
        """Larger for a form that fits better."""
        exact, sure, forward, agreed = self.matches[0].score
        return exact, self.tried.in_shape, sure, forward, agreed

    @property
    def of_outputs(self) -> tuple[bool, int, bool, bool, int]:
        """The score by which one output and K are compared: what occurs comes before shapes."""
        exact, in_shape, sure, forward, agreed = self.score
        return exact, forward, in_shape, sure, agreed


def recognise(
    f: Callable[..., Any], form: Mapping[str, str], network: Declared, seconds: float, *,
    forward: bool = False,
) -> Recognised:  # fmt: skip
    """Find the frame of a function.

    Parameters
    ----------
    f : callable
    form : mapping of str to str
        The choices of the form that are declared.
    network : Declared
        The choices of the network that are declared.
    seconds : float
        Time limit for one call, and for all calls in different forms together.
    forward : bool
        Whether the forward pass alone is expected.

    Raises
    ------
    Refusal
        If the parameters of the function cannot be matched.
    """
    forms = forms_of(arguments_of(f), form)
    attempts = partial(tries, f, seconds=seconds, forward=forward)
    best, failed = _best(attempts([form for form in forms if form.outputs == "K"]), network)
    settled = best is not None and (
        best.score[0] or _speaks_of_classes(f, best.tried.function.form)
    )
    if not settled and not any(one.refusal.reason in WHATEVER_IS_GIVEN for one in failed):
        of_one, more = _best(attempts([form for form in forms if form.outputs == "one"]), network)
        failed += more
        if of_one is not None and (best is None or of_one.of_outputs > best.of_outputs):
            best = of_one
    # Where it raises with K outputs, and is not correct with one, it may need equal sizes.
    sure = best is not None and (best.score[0] or best.tried.function.form.outputs == "K")
    if failed and failed[0].refusal.reason is Reason.RAISES and not sure:
        found = [_on_equal_sizes(attempts, forms, network, all_sizes=all_sizes)
                 for all_sizes in ((False, True) if best is None else (False,))]  # fmt: skip
        equal = max((one for one in found if one), key=lambda one: one.score, default=None)
        if equal is not None and (best is None or equal.score > best.score):
            called = equal.tried.calls
            its = equal.tried.function.form
            own = next((one for one in failed if one.function.form == its), failed[0])
            calls = replace(called, refusals=[own.refusal, *called.refusals])
            return Recognised(equal.tried.function, calls, equal.matches)
    if best is not None:
        return Recognised(best.tried.function, best.tried.calls, best.matches)
    refusal = _furthest([one.refusal for one in failed])
    called_so = next((one.function.form for one in failed if one.refusal is refusal), forms[0])
    return Recognised(CheckedFunction(f, called_so, seconds), Calls(refusals=[refusal]))


def _on_equal_sizes(
    attempts: Callable[..., Iterable[Try]], forms: Sequence[Form], network: Declared, *,
    all_sizes: bool,
) -> _Candidate | None:  # fmt: skip
    """Where a function raises on unequal sizes: where H = K, or where all four are equal."""
    some = [form for form in forms if form.outputs == "K"]
    wanted = square_problems(all_sizes=all_sizes)
    best, _ = _best(attempts(some, problems=lambda _: wanted), network)
    return best


class _Failed(NamedTuple):
    """A form in which the function gave nothing, and why."""

    function: CheckedFunction
    refusal: Refusal


def _best(attempts: Iterable[Try], network: Declared) -> tuple[_Candidate | None, list[_Failed]]:
    """The form that fits best, up to the first in which everything does; and those that failed."""
    best: _Candidate | None = None
    failed = []
    for tried in attempts:
        if tried.called is None:
            assert tried.refusal is not None
            failed.append(_Failed(tried.function, tried.refusal))
            continue
        matches = _matches(tried, network)
        if not matches:
            continue
        candidate = _Candidate(tried, matches)
        if best is None or candidate.score > best.score:
            best = candidate
        if best.score[:2] == (True, True):
            break
    return best, failed


def _matches(tried: Try, network: Declared) -> list[Match]:
    """The networks that a call fits, in the reading of what it returned that fits best."""
    called = tried.called
    assert called is not None
    found: list[list[Match]] = []
    for outputs in called.readings:
        found.append(_matches_of(tried, replace(called, outputs=outputs), network))
        if found[-1] and found[-1][0].exact:
            break
    fitting = [matches for matches in found if matches]
    return max(fitting, key=lambda matches: matches[0].score, default=[])


def _matches_of(tried: Try, called: Called, network: Declared) -> list[Match]:
    function = tried.function
    evidence = evidence_of(function, Calls([(tried.problem, called)]))[0]
    if UPDATED.keys() & evidence.observed.keys():
        evidence = evidence.along_the_step()
    # In float32 all agrees less well, whatever is returned.
    found: list[Match] = []
    for tolerance in (TOLERANCE, SINGLE):
        observed = Observed(evidence.observed, called.trace, tolerance)
        with np.errstate(all="ignore"):
            matches = best_networks(
                evidence.given, observed, network, biases=function.form.biases != "none"
            )
        if not found or (matches and matches[0].exact):
            found = matches
        if found and found[0].exact:
            break
    return found


def _speaks_of_classes(f: Any, form: Form) -> bool:
    """Whether names show that there are K outputs, where the numbers fit one output too.

    A loss that divides by all entries, and gradients that divide by the rows, are correct for one
    output and wrong for K. With examples as columns, one output is often called Y too.
    """
    try:
        code = getattr(inspect.unwrap(f), "__code__", None)
    except Exception:  # of an object of a class of its own
        return False
    if not isinstance(code, CodeType):
        return False
    parameters = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    labels = [name for name in parameters if MEANINGS.get(name) in ("y", "Y")]
    upper = form.layout != "columns" and any(name[0].isupper() for name in labels)
    return upper or bool(NAMES_OF_K & set(code.co_varnames))


def _furthest(refusals: Sequence[Refusal]) -> Refusal:
    """The refusal to show: one that is not about the arguments, or that of the furthest line."""
    other = next((one for one in refusals if one.reason is not Reason.RAISES), None)
    return other or max(refusals, key=line_reached)  # the first of equal ones


def declared_in(text: str | None) -> Declared:
    """What the docstring of an exercise says: "ReLU units and a softmax"."""
    words = (text or "").lower().replace("-", " ").replace("_", " ")
    named = {word for word in ACTIVATION_WORDS if re.search(rf"\b{word}\b", words)}
    if "leaky relu" in named:
        named.discard("relu")
    softmax = "softmax" in words
    if softmax:
        named.discard("sigmoid")
    activation = ACTIVATION_WORDS[named.pop()] if len(named) == 1 else None
    return Declared(
        activation=activation,  # type: ignore[arg-type]
        output="softmax" if softmax else None,
        loss="cross_entropy" if softmax else None,
    )


def leading(matches: Sequence[Match], most: int = 7) -> list[Match]:
    """The matches in which faults are searched, in this order, until all is explained.

    They are those that agree as well as the best one, and doubtful ones that agree no less.
    """
    best = matches[0]
    equal = [match for match in matches if match.score == best.score]
    no_less = [match for match in matches if match.doubtful and len(match.seen) == len(best.seen)
               and len(match.agreed) >= len(best.agreed)
               and match.network.output == best.network.output]  # fmt: skip
    no_less.sort(key=lambda match: -len(match.agreed))
    return [*equal[:most], *no_less[:2]]
