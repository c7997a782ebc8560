"""A trace, a value and an entry as text for a terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from backhand.errors import comma_list
from backhand.explanation.problem import Problem
from backhand.explanation.rules import SHAPES, Form
from backhand.explanation.trace.equation import PLURALS, axes_of, line_of, name_along
from backhand.explanation.trace.table import Cell, TermTable, table_of
from backhand.explanation.trace.terms import label_of

if TYPE_CHECKING:
    from backhand.explanation.trace.entry import Entry
    from backhand.explanation.trace.terms import Term

LINE = 80
"""Characters of a line, where it can be broken."""

MOST_TERMS = 24
"""Terms that a table shows; of more, the largest are shown and the others summed up."""

MOST_ROWS, MOST_COLUMNS = 24, 16
"""Size of an array whose numbers are shown."""

LONGEST_NAME = 20
"""Characters of the name of a row, feature or class in a table."""

MOST_UNITS = 3
"""Entries of other hidden units that are named."""

DIGITS = 5
"""Significant digits of the largest number of a column."""


def entry_text(entry: Entry, most: int = MOST_TERMS) -> str:
    """Return an entry with its equation, its table and what the masks did."""
    head = f"{entry.label} = {entry.value:.6g}"
    place = f"   {entry.place}" if entry.place else ""
    if entry.rule is None:
        return f"{head}{place}\n  {given(entry)}"
    shapes = ", ".join(_operand(entry, name) for name in _read(entry))
    equation = f"  {entry.name} = {entry.equation}"
    gap = "   " if len(f"{equation}   with {shapes}") <= LINE else "\n    "
    lines = [f"{head}{place}", *([f"  {entry.beside}"] if entry.beside else [])]
    lines += [f"{equation}{gap}with {shapes}", f"  {entry.formula}"]
    lines += [*([f"  {entry.over}"] if entry.over else []), ""]
    lines += _table_lines(table_of(entry).largest(most))
    notes = notes_of(entry)
    return "\n".join([*lines, *([""] if notes else []), *notes])


def given(entry: Entry) -> str:
    """Return where an entry that no equation of the passes gives comes from."""
    if entry.name == "w":
        return f"the weight of the row in the mean: {entry.equation}"
    if entry.name == "X" and (origins := entry.passes.problem.origins):
        return f"given: {origins[entry.index[1]].sentence(entry.value)}"
    return "given, not computed"


def notes_of(entry: Entry) -> list[str]:
    """Return which terms the masks set to 0, and what else is to be known, as sentences."""
    notes = [*_of_masks(entry), *_of_unit(entry)]
    if entry.rule is not None and (entry.rule.penalised or entry.form is Form.MEAN):
        notes.append(entry.passes.problem.about_penalty)
    return [note for note in notes if note]


def _of_masks(entry: Entry) -> list[str]:
    found = []
    count = len(entry.terms)
    if count > 1 and not any(term.would_be for term in entry.shut):
        return []  # the terms are 0 without the masks, too
    relu = [term for term in entry.shut if term.shut == "relu"]
    dropped = [term for term in entry.shut if term.shut == "dropout"]
    if count == 1:
        what = "the term" if entry.plus else "it"
        found += [f"Z1 is not above 0, so the mask of ReLU sets {what} to 0."] if relu else []
        found += ["The mask of dropout is 0 here."] if dropped else []
        return found
    if relu:
        found.append(f"{_some(relu, count)} 0 because Z1 is not above 0 there.")
    if dropped:
        found.append(f"{_some(dropped, count)} 0 because dropout's mask is 0 there.")
    if found:
        without = sum(term.would_be if term.shut else term.value for term in entry.terms)
        found.append(f"Without these masks, the terms would sum to {without:.6g}.")
    return found


def _of_unit(entry: Entry) -> list[str]:
    """Say so if a sum over rows is of a hidden unit that no row activates, and which are active."""
    rule, passes = entry.rule, entry.passes
    if rule is None or rule.over != "n" or "h" not in rule.indices:
        return []
    axis, rows = rule.indices.index("h"), len(passes.values["Z1"])
    active: NDArray[np.bool_] = np.any(passes.values["Z1"] > 0, axis=0)
    unit = entry.index[axis]
    if active[unit]:
        return []
    where = "the only row" if rows == 1 else f"any of the {rows:,} rows"
    said = f"Hidden unit {unit} is inactive: Z1 is not above 0 in {where}"
    before, after = entry.index[:axis], entry.index[axis + 1 :]
    others = [
        label_of(entry.name, (*before, h, *after))
        for h in np.flatnonzero(active).tolist() if passes.at(entry.name, (*before, h, *after))
    ]  # fmt: skip
    if not active.any():
        return [f"{said}, and so are all others."]
    named = [f"Not 0, since their units are active: {comma_list(others, most=MOST_UNITS)}."]
    return [f"{said}.", *(named if others else [])]


def _some(terms: Sequence[Term], count: int) -> str:
    return f"{len(terms)} of {count} terms {'is' if len(terms) == 1 else 'are'}"


def _read(entry: Entry) -> list[str]:
    """The values that its equation reads, each once."""
    assert entry.rule is not None
    return list(dict.fromkeys(operand.name for operand in entry.passes.operands(entry.rule)))


def _operand(entry: Entry, name: str) -> str:
    """An operand with its shape; equal weights, which code writes as / N, with what they are."""
    if name == "w" and entry.passes.problem.sample_weight is None:
        return "w = 1 / N"
    return f"{name} {entry.passes.values[name].shape}"


def _table_lines(table: TermTable) -> list[str]:
    """The lines of a table: headings, rows, totals."""
    columns, below = table_texts(table)
    widths = [max(map(len, [heading, *column]))
              for heading, column in zip(table.headings, columns, strict=True)]  # fmt: skip
    widths[-1] = max(map(len, [table.headings[-1], *columns[-1], *below]))
    labels = max((len(label) for label, _ in table.totals), default=0)
    widths[0] += max(0, labels - sum(widths[:-1]) - 2 * (len(widths) - 2))
    lines = [_line(table.headings, widths, table.rows[0])]
    for cells, row in zip(zip(*columns, strict=True), table.rows, strict=True):
        lines.append(_line(cells, widths, row))
    before = sum(widths[:-1]) + 2 * (len(widths) - 2)
    for (label, _), text in zip(table.totals, below, strict=True):
        lines.append(f"{label:>{before}}  {text:>{widths[-1]}}")
    return [f"  {line}".rstrip() for line in lines]


def table_texts(table: TermTable) -> tuple[list[list[str]], list[str]]:
    """Return the cells of a table as texts, column by column, and those of its totals.

    The last column and the totals have one number of decimals, so that they can be added.
    """
    columns = [column_texts([row[at] for row in table.rows])
               for at in range(len(table.headings))]  # fmt: skip
    last = [float(row[-1]) for row in table.rows] + [value for _, value in table.totals]
    texts = number_texts(last)
    return [*columns[:-1], texts[: len(table.rows)]], texts[len(table.rows) :]


def _line(cells: Sequence[str], widths: Sequence[int], row: Sequence[Cell]) -> str:
    """Cells side by side: names to the left, numbers to the right."""
    return "  ".join(
        cell.ljust(width) if isinstance(kind, str) else cell.rjust(width)
        for cell, width, kind in zip(cells, widths, row, strict=True)
    )


def column_texts(cells: Sequence[Cell]) -> list[str]:
    """Return the cells of a column as texts; numbers have one number of decimals."""
    if all(isinstance(cell, bool) for cell in cells):
        return ["yes" if cell else "no" for cell in cells]
    if all(isinstance(cell, str) for cell in cells):
        return [str(cell)[:LONGEST_NAME] for cell in cells]
    return number_texts([float(cell) for cell in cells])


def number_texts(numbers: Sequence[float], digits: int = DIGITS) -> list[str]:
    """Return numbers with as many decimals as the largest has of that many digits.

    There are fewer decimals where fewer say all: 0.5 and 0.25 are 0.50 and 0.25.
    """
    numbers = [number + 0.0 for number in numbers]  # no -0
    size = max((abs(number) for number in numbers), default=0.0)
    exponent = math.floor(math.log10(size)) if size else 0
    if not -5 <= exponent <= 7:
        return [f"{number:.{digits - 1}e}" for number in numbers]
    most = max(0, digits - 1 - exponent)
    decimals = next((d for d in range(most) if all(round(x, d) == x for x in numbers)), most)
    return [_rounded(number, decimals) for number in numbers]


def _rounded(number: float, decimals: int) -> str:
    """0 for what is exactly 0 and nothing else."""
    if number == 0:
        return "0"
    text = f"{number:.{decimals}f}"
    return f"{number:.0e}" if float(text) == 0 else text


def value_text(name: str, array: NDArray[np.float64], problem: Problem, width: int = 80) -> str:
    """Return a value with its shape and equation, and its numbers where there are few."""
    lines = [f"{name} {array.shape if array.ndim else ''}".rstrip()]
    lines[0] += f" = {code}" if (code := line_of(name, problem)) else ""
    lines[0] += f"   {axes}" if (axes := axes_of(name)) else ""
    numbers = array_lines(name, array, problem, width) or [f"({array.size:,} numbers, not shown)"]
    return "\n".join([*lines, *(f"  {line}" for line in numbers)])


def array_lines(
    name: str, array: NDArray[np.float64], problem: Problem, width: int = 80
) -> list[str]:
    """Return the numbers of an array in columns, with the places of its axes; [] if it is large.

    There are as many digits as the width has room for, at least three.
    """
    if array.ndim == 0:
        return [f"{float(array):.6g}"]
    grid = array if array.ndim == 2 else array[None, :]
    rows, columns = grid.shape
    if rows > MOST_ROWS or columns > MOST_COLUMNS:
        return []
    bare = [str(row) if array.ndim == 2 else "" for row in range(rows)]
    named = [_row_label(SHAPES[name][0], row, problem) if label else "" for row, label
             in enumerate(bare)]  # fmt: skip
    for labels in (named, bare):
        for digits in range(DIGITS, 2, -1):
            numbers = np.reshape(number_texts(grid.ravel().tolist(), digits), grid.shape)
            lines = _grid_lines(labels, numbers.tolist())
            if max(map(len, lines)) + 2 <= width:
                return lines
    return []


def _grid_lines(labels: Sequence[str], numbers: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a matrix: the places of its columns, then its rows."""
    head = [str(place) for place in range(len(numbers[0]))]
    first, cell = max(map(len, labels)), max(map(len, [*head, *chain.from_iterable(numbers)]))
    return [f"{label:<{first}}" + "".join(f"  {text:>{cell}}" for text in texts)
            for label, texts in zip(["", *labels], [head, *numbers], strict=True)]  # fmt: skip


def _row_label(letter: str, place: int, problem: Problem) -> str:
    name = name_along(letter, place, problem)
    return f"{place} {name}"[:LONGEST_NAME] if name else f"{place}"


def overview(values: dict[str, NDArray[np.float64]], problem: Problem, width: int = 80) -> str:
    """Return every value with its shape and equation, and the numbers where they fit."""
    H, K = problem.params.W2.shape
    counts = ", ".join(f"{PLURALS[letter]} {symbol} {count:,}" for letter, symbol, count in
                       zip("nihk", "NdHK", (*problem.X.shape, H, K), strict=True))  # fmt: skip
    parts = [value_text(name, array, problem, width) for name, array in values.items()]
    head = filter(None, [problem.title, counts, problem.about_penalty])
    return "\n\n".join(["\n".join(head), *parts])
