"""Every value of one forward pass, backward pass and update, by its name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from backhand import equations
from backhand.errors import InputError
from backhand.explanation.problem import Problem
from backhand.explanation.rules import RULES, SHAPES, Form, Operand, Rule
from backhand.formulas import UPDATED

if TYPE_CHECKING:
    from backhand.explanation.own_function import OwnFunction

Array = NDArray[np.float64]
Index = tuple[int, ...]

WEIGHT, MASK = Operand("w", "n"), Operand("M", "nh")
"""The weight of a row in the mean, and the mask of dropout."""

FURTHER = {Form.RELU: MASK, Form.GATE: MASK, Form.MEAN: WEIGHT, Form.DIFFERENCE: WEIGHT}
"""What the entries of a form read besides the factors of their rule."""

PENALISED = ("W1", "W2")


@dataclass(frozen=True, eq=False)
class Passes:
    """A problem with all its values; where an entry is read, and what it reads.

    Attributes
    ----------
    problem : Problem
    own : OwnFunction, optional
        What a function of one's own gave for it.
    """

    problem: Problem
    own: OwnFunction | None = None

    @cached_property
    def values(self) -> dict[str, Array]:
        """All arrays in the order of the derivation, those that are given first.

        w are the weights of the mean; M, the mask of dropout, is there if the problem has one.
        """
        return _checked(_given(self.problem) | _computed(self.problem))

    @cached_property
    def sizes(self) -> dict[str, int]:
        """The number of rows, features, hidden units and classes, by their letters."""
        (N, d), (H, K) = self.problem.X.shape, self.problem.params.W2.shape
        return {"n": N, "i": d, "h": H, "k": K}

    def at(self, name: str, index: Index) -> float:
        """The number at an index of a value."""
        return float(self.values[name][index])

    def operands(self, rule: Rule) -> list[Operand]:
        """All that the entries of a value read: its factors, masks, weights and biases.

        The penalty is not among them.
        """
        further = FURTHER.get(rule.form)
        there = [further] if further is not None and further.name in self.values else []
        return [*rule.factors, *there, *rule.plus]

    def readers(self, name: str, index: Index) -> Iterator[tuple[str, Index]]:
        """The entries that are computed from an entry, in the order of the derivation."""
        for rule in RULES.values():
            letters = self._letters_read(rule, name)
            if letters is not None:
                fixed = dict(zip(letters, index, strict=True))
                fixed.pop(rule.over, None)  # all along that axis are read, whichever entry it is
                for other in self.everywhere(rule.indices, fixed):
                    yield rule.name, other

    def _letters_read(self, rule: Rule, name: str) -> str | None:
        """The indices with which a rule reads a value; None if it does not."""
        for operand in self.operands(rule):
            if operand.name == name:
                return operand.indices
        of_loss = rule.form is Form.MEAN and name in PENALISED
        penalised = self.problem.l2 and (rule.penalised == name or of_loss)
        return SHAPES[name] if penalised else None

    def penalised_by(self, rule: Rule) -> Iterator[tuple[str, Index]]:
        """The entries of which a rule reads the squares: for the loss with a penalty, all weights.

        Its table has the sums alone.
        """
        if self.problem.l2 and rule.form is Form.MEAN:
            yield from ((name, index) for name in PENALISED
                        for index in self.everywhere(SHAPES[name], {}))  # fmt: skip

    def everywhere(self, letters: str, fixed: dict[str, int]) -> Iterable[Index]:
        """All indices in which some letters are fixed."""
        return product(*(
            (fixed[letter],) if letter in fixed else range(self.sizes[letter])
            for letter in letters
        ))  # fmt: skip


def _given(problem: Problem) -> dict[str, Array]:
    N = len(problem.X)
    some = {"X": problem.X, "Y": problem.Y, **problem.params._asdict()}
    weights = equations.mean_weights(problem.X, problem.sample_weight)
    some["w"] = np.broadcast_to(np.ravel(weights), N).astype(np.float64)
    return some if problem.mask is None else {**some, "M": problem.mask}


def _computed(problem: Problem) -> dict[str, Array]:
    """What the equations give, which are those of `backhand.equations`."""
    params, X, Y = problem.params, problem.X, problem.Y
    weights, l2 = problem.sample_weight, problem.l2
    with np.errstate(all="ignore"):  # `_checked` reports what is not finite
        acts = equations.forward(params, X, problem.mask)
        losses = equations.row_losses(acts.S, Y)
        L = equations.cross_entropy(acts.S, Y, weights) + equations.penalty(params, l2)
        grads = equations.backward(params, X, Y, acts, weights, l2, problem.mask)
        updated = equations.sgd(params, grads, problem.learning_rate)
    found = {**acts._asdict(), "losses": losses.ravel(), "L": np.asarray(L), **grads._asdict(),
             **dict(zip(UPDATED, updated, strict=True))}  # fmt: skip
    return {name: found[name] for name in RULES}


def _checked(values: dict[str, Array]) -> dict[str, Array]:
    """The values, read-only; the arrays that were given stay as they are."""
    found = {}
    for name, value in values.items():
        if not np.isfinite(value).all():
            raise InputError(
                f"{name} is not finite: the numbers of X or of the parameters are too large to be "
                "computed with; expected a network whose values float64 can hold."
            )
        found[name] = value.view()
        found[name].flags.writeable = False
    return found
