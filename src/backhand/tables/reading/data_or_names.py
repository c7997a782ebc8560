"""Whether the first line of a table has values where the names of the columns should be."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from backhand.tables.cells.texts import MISSING

NUMBERS = 0.9
"""Share of the values of a column that are numbers, at least, where it counts as numbers."""


def names_numbers(first: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Return whether a text of the first line is above numbers: it is the name of a column."""
    return any(
        _are_numbers(below) and number_of(text) is None and text.strip() not in MISSING
        for text, below in zip(first, _columns(first, rows), strict=True)
    )


def looks_like_data(first: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Return whether the first line fits the rows below it, and nothing in it is a name.

    A number above numbers is a value, unless the numbers of the line rise in equal steps, as years
    do. A text that is also below it is a value. A text above numbers is a name, and so is one above
    a few other texts that occur again and again.
    """
    if names_numbers(first, rows):
        return False
    values = names = 0
    series = _is_series([number_of(text) for text in first])
    for text, below in zip(map(str.strip, first), _columns(first, rows), strict=True):
        if not below or text in MISSING:
            continue
        if _are_numbers(below):
            values += not series
        elif text in below:
            values += 1
        elif len(set(below)) * 2 <= len(below):
            names += 1
    return values > 3 * names


def _columns(first: Sequence[str], rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """Return the values below each field of the first line that are not missing."""
    columns = ([row[i].strip() for row in rows if i < len(row)] for i in range(len(first)))
    return [[value for value in column if value not in MISSING] for column in columns]


def _are_numbers(values: Sequence[str]) -> bool:
    numbers = sum(number_of(value) is not None for value in values)
    return numbers > 0 and numbers >= NUMBERS * len(values)


def number_of(text: str) -> float | None:
    """Return the finite number that a text is; None if it is none."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and "_" not in text else None


def _is_series(values: Sequence[float | None]) -> bool:
    """Return whether the numbers among these are whole and rise in equal steps."""
    known = [value for value in values if value is not None]
    steps = {b - a for a, b in pairwise(known)}
    whole = all(value.is_integer() for value in known)
    return len(known) > 1 and whole and len(steps) == 1 and min(steps) > 0
