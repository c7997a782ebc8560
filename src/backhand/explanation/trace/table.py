"""The table of an entry: a line per term, a column per number that goes into it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from backhand.explanation.rules import AXES, RULES, Form
from backhand.explanation.trace.equation import name_along
from backhand.explanation.trace.terms import UNMASKED, Factor, Term, label_of

if TYPE_CHECKING:
    from backhand.explanation.trace.entry import Entry

Cell = str | float | bool


@dataclass(frozen=True)
class TermTable:
    """What a table of terms contains.

    Attributes
    ----------
    headings : list of str
    rows : list of list of (str, float or bool)
        A row per term; its last cell is the term.
    totals : list of (str, float)
        What stands below the last column: the sum, what is added, the entry.
    places : list of int
        The place of each row along the axis that is summed over; empty without such an axis.
    shut : frozenset of int
        The positions of rows that a mask sets to 0.
    """

    headings: list[str]
    rows: list[list[Cell]]
    totals: list[tuple[str, float]] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    shut: frozenset[int] = frozenset()

    def largest(self, most: int) -> TermTable:
        """Return the table of the largest terms, with the sum of the others among the totals."""
        if len(self.rows) <= most:
            return self
        order = sorted(range(len(self.rows)), key=lambda at: -abs(float(self.rows[at][-1])))
        kept, left = order[:most], order[most:]
        rest = sum(float(self.rows[at][-1]) for at in left)
        sizes = [abs(float(self.rows[at][-1])) for at in (kept[-1], left[0])]
        kind = f"{'smaller' if sizes[1] < sizes[0] else 'other'} term{'s' if len(left) > 1 else ''}"
        return replace(
            self,
            rows=[self.rows[at] for at in kept],
            totals=[
                (f"{len(left):,} {kind}", rest),
                *self.totals,
            ],
            places=[self.places[at] for at in kept],
            shut=frozenset(row for row, at in enumerate(kept) if at in self.shut),
        )


def table_of(entry: Entry) -> TermTable:
    """Return the table of an entry; of one that is given, its number alone."""
    if entry.rule is None:
        return TermTable([entry.label], [[entry.value]])
    return TABLES[entry.rule.form](entry)


def _of_sum(entry: Entry) -> TermTable:
    """A line per product; what a mask may set to 0 stands with what it would be."""
    rule, headings = RULES[entry.name], []
    for factor, operand in zip(entry.terms[0].factors, rule.factors, strict=True):
        places = zip(operand.indices, factor.index, strict=True)
        index = tuple(letter if letter == rule.over else place for letter, place in places)
        if factor.name in UNMASKED:
            headings += _headings_of_mask(entry, factor.name, index)
        headings.append(label_of(factor.name, index))
    is_product = len(rule.factors) > 1
    rows = [[*_cells_of_factors(entry, term), *([term.value] if is_product else [])]
            for term in entry.terms]  # fmt: skip
    return _along_axis(entry, [*headings, *(["product"] if is_product else [])], rows)


def _of_gate(entry: Entry) -> TermTable:
    """H1 or dZ1: one line, in which the mask acts."""
    (term,) = entry.terms
    Z1 = entry.passes.at("Z1", entry.index)
    cells: dict[str, Cell] = {_label(term.factors[0]): term.factors[0].value}
    cells[label_of("Z1", entry.index)] = Z1
    cells["Z1 > 0"] = Z1 > 0
    cells |= {_label(factor): factor.value for factor in term.factors[1:]}
    table = _one_line(entry, cells)
    return replace(table, shut=frozenset([0] if term.shut else []))


def _of_softmax(entry: Entry) -> TermTable:
    n, k = entry.index
    scores = [term.factors[0].value for term in entry.terms]
    rows: list[list[Cell]] = [
        [score, score - max(scores), term.value]
        for score, term in zip(scores, entry.terms, strict=True)
    ]
    table = _along_axis(entry, [f"S[{n},k]", f"S[{n},k] - max", "exp"], rows)
    total = sum(term.value for term in entry.terms)
    share = f"exp of class {k} / sum = {entry.label}"
    return replace(table, totals=[("sum", total), (share, entry.value)])


def _of_row_loss(entry: Entry) -> TermTable:
    (n,) = entry.index
    rows = [[*_values(term), term.value] for term in entry.terms]
    return _along_axis(entry, [f"Y[{n},k]", f"P[{n},k]", "-Y log P"], rows)


def _of_mean(entry: Entry) -> TermTable:
    rows = [[*_values(term), term.value] for term in entry.terms]
    return _along_axis(entry, ["w[n]", "losses[n]", "product"], rows)


def _of_difference(entry: Entry) -> TermTable:
    (P, w), (Y, _) = entry.terms[0].factors, entry.terms[1].factors
    return _one_line(entry, {_label(P): P.value, _label(Y): Y.value, "P - Y": P.value - Y.value,
                             _label(w): w.value})  # fmt: skip


def _of_step(entry: Entry) -> TermTable:
    (theta,), (gradient,) = entry.terms[0].factors, entry.terms[1].factors
    return _one_line(entry, {
        _label(theta): theta.value, "η": entry.passes.problem.learning_rate,
        _label(gradient): gradient.value, f"-η · {_label(gradient)}": entry.terms[1].value,
    })  # fmt: skip


TABLES: dict[Form, Callable[[Entry], TermTable]] = {
    Form.SUM: _of_sum, Form.RELU: _of_gate, Form.GATE: _of_gate, Form.SOFTMAX: _of_softmax,
    Form.ROW_LOSS: _of_row_loss, Form.MEAN: _of_mean, Form.DIFFERENCE: _of_difference,
    Form.STEP: _of_step,
}  # fmt: skip


def _one_line(entry: Entry, cells: dict[str, Cell]) -> TermTable:
    """A table without an axis: what an entry is computed from, and the entry."""
    return TermTable([*cells, entry.label], [[*cells.values(), entry.value]])


def _along_axis(entry: Entry, headings: list[str], rows: list[list[Cell]]) -> TermTable:
    """A table with a line per place along the axis that is summed over, and its name."""
    problem, letter = entry.passes.problem, RULES[entry.name].over
    first = [f"{AXES[letter]} {letter}"]
    if name_along(letter, 0, problem):
        first.append("name")
        rows = [[name_along(letter, place, problem), *row] for place, row in enumerate(rows)]
    rows = [[str(place), *row] for place, row in enumerate(rows)]
    shut = frozenset(place for place, term in enumerate(entry.terms) if term.shut)
    return TermTable([*first, *headings], rows, _totals(entry), list(range(len(rows))), shut)


def _totals(entry: Entry) -> list[tuple[str, float]]:
    if not entry.plus:
        return [(f"sum = {entry.label}", entry.value)]
    added = [(f"+ {one.label}", one.value) for one in entry.plus]
    total = sum(term.value for term in entry.terms)
    return [("sum", total), *added, (f"= {entry.label}", entry.value)]


def _headings_of_mask(entry: Entry, name: str, index: tuple[Any, ...]) -> list[str]:
    dropout = [label_of("M", index)] if "M" in entry.passes.values else []
    return [label_of(UNMASKED[name], index), "Z1 > 0", *dropout]


def _cells_of_factors(entry: Entry, term: Term) -> list[Cell]:
    """The numbers of a term's factors, each after those that show what its mask did."""
    cells: list[Cell] = []
    at = entry.passes.at
    for factor in term.factors:
        if factor.name in UNMASKED:
            cells += [at(UNMASKED[factor.name], factor.index), at("Z1", factor.index) > 0]
            cells += [at("M", factor.index)] if "M" in entry.passes.values else []
        cells.append(factor.value)
    return cells


def _values(term: Term) -> list[Cell]:
    return [factor.value for factor in term.factors]


def _label(factor: Factor) -> str:
    return label_of(factor.name, factor.index)
