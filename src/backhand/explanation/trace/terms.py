"""An entry taken apart: its terms, with the numbers that they are products of.

The page does the same in `rules.js`; `tests/explanation/page/test_rules.py` compares both.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any, Literal

import numpy as np

from backhand.equations import log_softmax
from backhand.explanation.cells import cell_name
from backhand.explanation.rules import Form, Operand, Rule
from backhand.explanation.trace.passes import MASK, PENALISED, WEIGHT, Index, Passes

Shut = Literal["relu", "dropout"]

UNMASKED = {"H1": "Z1", "dZ1": "dH1"}
"""The value that an array has where no mask sets it to 0."""

At = dict[str, int]
"""Places by their letters: {"n": 2, "h": 5}."""


@dataclass(frozen=True)
class Factor:
    """A number of a term, and the entry that it is.

    Attributes
    ----------
    name : str
    index : tuple of int
    value : float
    """

    name: str
    index: Index
    value: float

    def to_json(self) -> dict[str, Any]:
        """Return JSON values."""
        return {"name": self.name, "index": list(self.index), "value": self.value}


@dataclass(frozen=True)
class Term:
    """A term of the sum that an entry is.

    Attributes
    ----------
    factors : tuple of Factor
    value : float
        `factor` times the product of the factors; exp(S - the row's largest S) in P, and
        -Y log P in the loss of a row.
    factor : float
        1, or -1 for Y in dS, or -η in an update, or 0 where ReLU's mask sets H1 or dZ1 to 0.
    shut : {"relu", "dropout"}, optional
        The mask that makes it 0: Z1 is not above 0, or M is 0.
    would_be : float
        Its value without that mask.
    """

    factors: tuple[Factor, ...]
    value: float
    factor: float = 1.0
    shut: Shut | None = None
    would_be: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Return JSON values."""
        return {"factors": [factor.to_json() for factor in self.factors], "factor": self.factor,
                "value": self.value, "shut": self.shut, "would_be": self.would_be}  # fmt: skip


@dataclass(frozen=True)
class Added:
    """What is added to the terms: a bias, or the penalty's part.

    Attributes
    ----------
    label : str
        "b1[7]", "λ W1[3,7]" or "λ/2 ‖W1‖²".
    value : float
        The number that is added.
    factor : Factor, optional
        The entry that it is, or a multiple of; None for the sum of the squares of all weights.
    """

    label: str
    value: float
    factor: Factor | None = None

    def to_json(self) -> dict[str, Any]:
        """Return JSON values."""
        factor = None if self.factor is None else self.factor.to_json()
        return {"label": self.label, "value": self.value, "factor": factor}


def label_of(name: str, index: tuple[Any, ...]) -> str:
    """Return how an entry is written: dW1[3,7], L; also one with letters: dW1[3,h]."""
    return cell_name((name, index))


def placed(rule: Rule, index: Index) -> At:
    """The letters of an entry's indices, and what they are."""
    return dict(zip(rule.indices, index, strict=True))


def terms_of(passes: Passes, rule: Rule, index: Index) -> tuple[Term, ...]:
    """The terms of an entry, in the order of what is summed over."""
    return FORMS[rule.form](passes, rule, placed(rule, index))


def added_to(passes: Passes, rule: Rule, index: Index) -> tuple[Added, ...]:
    """What is added to the terms of an entry: a bias, the penalty."""
    at, l2 = placed(rule, index), passes.problem.l2
    factors = [_factor(passes, operand, at) for operand in rule.plus]
    found = [Added(label_of(f.name, f.index), f.value, f) for f in factors]
    if l2 and rule.form is Form.MEAN:
        squares = ((W, float((passes.values[W] ** 2).sum())) for W in PENALISED)
        found += [Added(f"λ/2 ‖{W}‖²", l2 / 2 * square) for W, square in squares]
    if l2 and rule.penalised:
        weight = _factor(passes, Operand(rule.penalised, rule.indices), at)
        found.append(Added(f"λ {label_of(weight.name, index)}", l2 * weight.value, weight))
    return tuple(found)


def _sum(passes: Passes, rule: Rule, at: At) -> tuple[Term, ...]:
    found = []
    for place in _along(passes, rule, at):
        factors = _factors(passes, rule, place)
        value = prod(factor.value for factor in factors) + 0.0  # no -0 of a masked term
        shut, would_be = _without_mask(passes, factors)
        found.append(Term(factors, value, shut=shut, would_be=would_be if shut else value))
    return tuple(found)


def _gated(passes: Passes, rule: Rule, at: At) -> tuple[Term, ...]:
    """H1 or dZ1: what the mask lets through."""
    first = _factor(passes, rule.factors[0], at)
    factors = (first, _factor(passes, MASK, at)) if "M" in passes.values else (first,)
    shut = _shut(passes, (at["n"], at["h"]))
    value = 0.0 if shut else prod(factor.value for factor in factors)
    would_be = first.value if shut else value
    return (Term(factors, value, 0.0 if shut == "relu" else 1.0, shut, would_be),)


def _softmax(passes: Passes, rule: Rule, at: At) -> tuple[Term, ...]:
    scores = [_factor(passes, rule.factors[0], place) for place in _along(passes, rule, at)]
    most = max(score.value for score in scores)
    return tuple(_open((score,), float(np.exp(score.value - most))) for score in scores)


def _row_loss(passes: Passes, rule: Rule, at: At) -> tuple[Term, ...]:
    logs = log_softmax(passes.values["S"][at["n"]][None])[0]
    found = []
    for place in _along(passes, rule, at):
        Y, P = _factors(passes, rule, place)
        found.append(_open((Y, P), -Y.value * float(logs[place["k"]]) if Y.value else 0.0))
    return tuple(found)


def _mean(passes: Passes, rule: Rule, at: At) -> tuple[Term, ...]:
    pairs = [(_factor(passes, WEIGHT, place), _factor(passes, rule.factors[0], place))
             for place in _along(passes, rule, at)]  # fmt: skip
    return tuple(_open(pair, pair[0].value * pair[1].value) for pair in pairs)


def _difference(passes: Passes, rule: Rule, at: At) -> tuple[Term, ...]:
    P, Y = _factors(passes, rule, at)
    w = _factor(passes, WEIGHT, at)
    return _open((P, w), P.value * w.value), _open((Y, w), -Y.value * w.value, -1.0)


def _step(passes: Passes, rule: Rule, at: At) -> tuple[Term, ...]:
    theta, gradient = _factors(passes, rule, at)
    eta = passes.problem.learning_rate
    return _open((theta,), theta.value), _open((gradient,), -eta * gradient.value, -eta)


FORMS: dict[Form, Callable[[Passes, Rule, At], tuple[Term, ...]]] = {
    Form.SUM: _sum, Form.RELU: _gated, Form.GATE: _gated, Form.SOFTMAX: _softmax,
    Form.ROW_LOSS: _row_loss, Form.MEAN: _mean, Form.DIFFERENCE: _difference, Form.STEP: _step,
}  # fmt: skip


def _open(factors: tuple[Factor, ...], value: float, factor: float = 1.0) -> Term:
    """A term that no mask shuts out."""
    return Term(factors, value, factor, would_be=value)


def _along(passes: Passes, rule: Rule, at: At) -> list[At]:
    """The places along the axis that a rule sums over."""
    return [{**at, rule.over: place} for place in range(passes.sizes[rule.over])]


def _factor(passes: Passes, operand: Operand, at: At) -> Factor:
    index = tuple(at[letter] for letter in operand.indices)
    return Factor(operand.name, index, passes.at(operand.name, index))


def _factors(passes: Passes, rule: Rule, at: At) -> tuple[Factor, ...]:
    return tuple(_factor(passes, operand, at) for operand in rule.factors)


def _without_mask(passes: Passes, factors: tuple[Factor, ...]) -> tuple[Shut | None, float]:
    """Which mask makes a product 0, and what the product would be without it."""
    for masked in factors:
        if masked.name in UNMASKED and (shut := _shut(passes, masked.index)):
            others = prod(factor.value for factor in factors if factor is not masked)
            return shut, passes.at(UNMASKED[masked.name], masked.index) * others
    return None, 0.0


def _shut(passes: Passes, index: Index) -> Shut | None:
    """Which mask sets a hidden unit to 0 in a row."""
    if not passes.at("Z1", index) > 0:
        return "relu"
    dropped = "M" in passes.values and passes.at("M", index) == 0
    return "dropout" if dropped else None
