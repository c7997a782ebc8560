"""Whether the first line of a table has values where the names of the columns should be."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from backhand.tables.cells.texts import MISSING

NUMBERS = 0.9
"""Share of the values of a column that are numbers, at least, where it counts as numbers."""


def looks_like_data(first: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Return whether the first line fits the rows below it, and nothing in it is a name.

    A number above numbers is a value, unless the numbers of the line rise in equal steps, as years
    do. A text that is also below it is a value. A text above numbers is a name, and so is one above
    a few other texts that occur again and again.
    """
    if not rows:
        return False
    values = names = 0
    series = _is_series([number_of(text) for text in first])
    for i, text in enumerate(map(str.strip, first)):
        below = [row[i].strip() for row in rows if i < len(row)]
        below = [value for value in below if value not in MISSING]
        if not below or text in MISSING:
            continue
        numbers = sum(number_of(value) is not None for value in below)
        if numbers >= NUMBERS * len(below):
            if number_of(text) is None:
                return False
            values += not series
        elif text in below:
            values += 1
        elif len(set(below)) * 2 <= len(below):
            names += 1
    return values > 3 * names


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
