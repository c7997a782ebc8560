"""The table of an entry: a line per term, a column per number that goes into it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from backhand.explain.rules import AXES, Form, Operand, Rule
from backhand.explain.trace.equation import name_along
from backhand.explain.trace.terms import UNMASKED, At, Factor, Term, label_of, placed

if TYPE_CHECKING:
    from backhand.explain.trace.entry import Entry

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
    named : bool
        Whether the second column has names.
    shut : frozenset of int
        The positions of rows that a mask sets to 0.
    """

    headings: list[str]
    rows: list[list[Cell]]
    totals: list[tuple[str, float]] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    shut: frozenset[int] = frozenset()

    def some(self, most: int) -> tuple[TermTable, int, float]:
        """Return the table of the largest terms, how many are left out, and the sum of those.

        The largest come first, if not all are there.
        """
        if len(self.rows) <= most:
            return self, 0, 0.0
        order = sorted(range(len(self.rows)), key=lambda r: -abs(float(self.rows[r][-1])))
        kept, left = order[:most], order[most:]
        shut = frozenset(at for at, row in enumerate(kept) if row in self.shut)
        places = [self.places[row] for row in kept]
        short = TermTable(self.headings, [self.rows[row] for row in kept], self.totals, places,
                          shut)  # fmt: skip
        return short, len(left), sum(float(self.rows[row][-1]) for row in left)


def table_of(entry: Entry) -> TermTable:
    """Return the table of an entry that is computed."""
    rule = entry.rule
    if rule is None:
        return TermTable([entry.label], [[entry.value]])
    return TABLES[rule.form](entry, rule, placed(rule, entry.index))


def _of_sum(entry: Entry, rule: Rule, at: At) -> TermTable:
    """Also those of the mean, whose factors are a weight and a loss."""
    first = entry.terms[0]
    headings = _headings_along(entry, rule)
    for factor, letters in zip(first.factors, _letters(rule), strict=True):
        index = _with_letter(factor.index, letters, rule.over)
        if factor.name in UNMASKED:
            headings += _headings_of_mask(entry, factor.name, index)
        headings.append(label_of(factor.name, index))
    bare = len(first.factors) == 1 and headings[-1] == label_of(
        first.factors[0].name, _with_letter(first.factors[0].index, _letters(rule)[0], rule.over)
    )
    headings += [] if bare else ["product"]
    rows = [
        [*_along(entry, rule, place), *_cells(entry, term), *([] if bare else [term.value])]
        for place, term in enumerate(entry.terms)
    ]
    shut = frozenset(place for place, term in enumerate(entry.terms) if term.shut)
    return TermTable(headings, rows, _totals(entry), list(range(len(rows))), shut)


def _of_gate(entry: Entry, rule: Rule, at: At) -> TermTable:
    """H1 or dZ1: one line, in which the mask acts."""
    (term,) = entry.terms
    first = term.factors[0]
    z = label_of("Z1", entry.index)
    before = [] if first.name == "Z1" else [(label_of(first.name, first.index), first.value)]
    cells: list[tuple[str, Cell]] = [
        *before, (z, entry.passes.at("Z1", entry.index)),
        ("Z1 > 0", entry.passes.at("Z1", entry.index) > 0),
        *((label_of(m.name, m.index), m.value) for m in term.factors[1:]),
        (entry.label, entry.value),
    ]  # fmt: skip
    shut = frozenset([0] if term.shut else [])
    return TermTable([name for name, _ in cells], [[cell for _, cell in cells]], shut=shut)


def _of_softmax(entry: Entry, rule: Rule, at: At) -> TermTable:
    row = f"S[{at['n']}, k]"
    headings = [*_headings_along(entry, rule), row, f"{row} - max", "exp", f"P[{at['n']}, k]"]
    most = max(term.factors[0].value for term in entry.terms)
    total = sum(term.value for term in entry.terms)
    rows: list[list[Cell]] = [
        [*_along(entry, rule, place), term.factors[0].value, term.factors[0].value - most,
         term.value, term.value / total]
        for place, term in enumerate(entry.terms)
    ]  # fmt: skip
    return TermTable(headings, rows, [("sum of exp", total), (entry.label, entry.value)],
                     list(range(len(rows))))  # fmt: skip


def _of_row_loss(entry: Entry, rule: Rule, at: At) -> TermTable:
    n = at["n"]
    headings = [*_headings_along(entry, rule), f"Y[{n}, k]", f"P[{n}, k]", "-Y log P"]
    rows: list[list[Cell]] = [
        [*_along(entry, rule, place), *(f.value for f in term.factors), term.value]
        for place, term in enumerate(entry.terms)
    ]
    return TermTable(headings, rows, _totals(entry), list(range(len(rows))))


def _of_mean(entry: Entry, rule: Rule, at: At) -> TermTable:
    headings = [*_headings_along(entry, rule), "w[n]", "losses[n]", "product"]
    rows: list[list[Cell]] = [
        [*_along(entry, rule, place), *(f.value for f in term.factors), term.value]
        for place, term in enumerate(entry.terms)
    ]
    return TermTable(headings, rows, _totals(entry), list(range(len(rows))))


def _of_difference(entry: Entry, rule: Rule, at: At) -> TermTable:
    (P, w), (Y, _) = entry.terms[0].factors, entry.terms[1].factors
    cells: list[tuple[str, Cell]] = [
        (label_of("P", P.index), P.value), (label_of("Y", Y.index), Y.value),
        ("P - Y", P.value - Y.value), (label_of("w", w.index), w.value),
        (entry.label, entry.value),
    ]  # fmt: skip
    return TermTable([name for name, _ in cells], [[cell for _, cell in cells]])


def _of_step(entry: Entry, rule: Rule, at: At) -> TermTable:
    (theta,), (gradient,) = entry.terms[0].factors, entry.terms[1].factors
    cells: list[tuple[str, Cell]] = [
        (label_of(theta.name, theta.index), theta.value),
        ("η", entry.passes.problem.learning_rate),
        (label_of(gradient.name, gradient.index), gradient.value),
        ("-η · gradient", entry.terms[1].value), (entry.label, entry.value),
    ]  # fmt: skip
    return TermTable([name for name, _ in cells], [[cell for _, cell in cells]])


TABLES: dict[Form, Callable[[Entry, Rule, At], TermTable]] = {
    Form.SUM: _of_sum, Form.RELU: _of_gate, Form.GATE: _of_gate, Form.SOFTMAX: _of_softmax,
    Form.ROW_LOSS: _of_row_loss, Form.MEAN: _of_mean, Form.DIFFERENCE: _of_difference,
    Form.STEP: _of_step,
}  # fmt: skip


def _totals(entry: Entry) -> list[tuple[str, float]]:
    total = sum(term.value for term in entry.terms)
    if not entry.plus:
        return [(f"sum = {entry.label}", entry.value)]
    added = [(f"+ {one.label}", one.value) for one in entry.plus]
    return [("sum", total), *added, (f"= {entry.label}", entry.value)]


def _headings_along(entry: Entry, rule: Rule) -> list[str]:
    letter = rule.over
    named = bool(name_along(letter, 0, entry.passes.problem))
    return [f"{AXES[letter]} {letter}", *(["name"] if named else [])]


def _along(entry: Entry, rule: Rule, place: int) -> list[Cell]:
    name = name_along(rule.over, place, entry.passes.problem)
    return [str(place), *([name] if name else [])]


def _letters(rule: Rule) -> Sequence[str]:
    return [operand.indices for operand in rule.factors]


def _with_letter(index: tuple[int, ...], letters: str, over: str) -> tuple[Any, ...]:
    """The index of a factor, with a letter for what is summed over: (n, 3)."""
    return tuple(letter if letter == over else place
                 for letter, place in zip(letters, index, strict=True))  # fmt: skip


def _headings_of_mask(entry: Entry, name: str, index: tuple[Any, ...]) -> list[str]:
    dropout = [label_of("M", index)] if "M" in entry.passes.values else []
    return [label_of(UNMASKED[name], index), "Z1 > 0", *dropout]


def _cells(entry: Entry, term: Term) -> list[Cell]:
    """The numbers of a term's factors, each after those that show what its mask did."""
    cells: list[Cell] = []
    for factor in term.factors:
        if factor.name in UNMASKED:
            cells += _cells_of_mask(entry, factor)
        cells.append(factor.value)
    return cells


def _cells_of_mask(entry: Entry, factor: Factor) -> list[Cell]:
    at = entry.passes.at
    dropout = [at("M", factor.index)] if "M" in entry.passes.values else []
    return [at(UNMASKED[factor.name], factor.index), at("Z1", factor.index) > 0, *dropout]
