r"""What a cell means: one rule for its number, its day, its text, and for whether it is missing.

The rule knows the cell and the type of its column in the file, and nothing of other rows: CSV and
JSON hold texts, Parquet and queries values with a type. An exported file has the same rule
(`exports/script.py`), and a test holds both against each other.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import product

MISSING = ("", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NULL", "null", "None", "?")
"""Texts that stand for a missing value in a feature. In the target, only the first does."""

DAY = r"[1-9]\d{3}(?:-\d{1,2}-\d{1,2}|/\d{1,2}/\d{1,2})"
CLOCK = r"(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?"
ZONE = r" UTC|Z|[+-](?:0\d|1[0-4])(?::?[0-5]\d)?"
MOMENT = rf"{DAY}(?:[ T]{CLOCK}(?:{ZONE})?)?"
"""A date as text, the year first, with or without a time of day and a zone behind (else UTC).

DuckDB reads more, Python less, and each something else: what is read is what both read alike.
"""

WHOLE = r"-?\d+\.0"
"""A whole number as a column of doubles spells it."""

CODE = r"0\d+"
"""Digits that lose some when they become a number."""

SEPARATED = r"[+-]?\d+([,']\d{3})*([.,]\d+)?"
"""A number as people write it: with thousands separators, or with a decimal comma."""

DAY_US = "86400e6"
"""Microseconds in a day, as SQL writes a double."""


def literal(text: str) -> str:
    """A text of ours as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


def matches(text: str, pattern: str) -> str:
    """SQL for whether all of a text matches a pattern of this module."""
    return f"regexp_full_match({text}, {literal(pattern)})"


def number_in(text: str) -> str:
    """SQL for the number that a text holds, NULL if it holds none."""
    return f"TRY_CAST({text} AS DOUBLE)"


def moment_in(text: str) -> str:
    """SQL for the days since 1970 of a text that matches `MOMENT`, else NULL."""
    days = f"epoch_us(TRY_CAST({text} AS TIMESTAMP WITH TIME ZONE)) / {DAY_US}"
    return f"CASE WHEN {matches(text, MOMENT)} THEN {days} END"


def clock_in(text: str) -> str:
    """SQL for the part of a day of a text that matches `CLOCK`, else NULL."""
    days = f"epoch_us(TRY_CAST({text} AS TIME)) / {DAY_US}"
    return f"CASE WHEN {matches(text, CLOCK)} THEN {days} END"


def canonical(text: str) -> str:
    """SQL for the one spelling of a text: true and false in small letters, 7.0 without the .0."""
    whole = f"ends_with({text}, '.0') AND {matches(text, WHOLE)}"
    return (
        f"CASE WHEN lower({text}) = 'true' OR lower({text}) = 'false' THEN lower({text}) "
        f"WHEN {whole} THEN left({text}, length({text}) - 2) ELSE {text} END"
    )


def spellings(known: Sequence[str]) -> dict[str, int]:
    """Every text that `canonical` makes one of some texts, and which of them, from 0.

    The texts themselves come first: a model may know two spellings of one.
    """
    places = {text: place for place, text in enumerate(known)}
    for text, place in list(places.items()):
        for other in _other_spellings(text):
            places.setdefault(other, place)
    return places


def _other_spellings(text: str) -> list[str]:
    if text.lower() in ("true", "false"):
        return [
            "".join(letters) for letters in product(*zip(text.lower(), text.upper(), strict=True))
        ]
    whole = text.removesuffix(".0")
    return [whole, f"{whole}.0"] if re.fullmatch(WHOLE, f"{whole}.0", re.ASCII) else []


def spelled(cell: str, kind: str) -> str:
    """SQL for the text of a cell of that type of DuckDB's; a number has its shortest.

    The digits of a DECIMAL are exact, whatever its scale: 7.50 is 7.5, as in a column of doubles.
    """
    text = cell if kind == "VARCHAR" else f"CAST({cell} AS VARCHAR)"
    if kind in ("FLOAT", "DOUBLE"):
        return f"CASE WHEN isnan({cell}) THEN NULL ELSE {text} END"
    if kind.startswith("DECIMAL"):
        return (
            f"CASE WHEN contains({text}, '.') THEN rtrim(rtrim({text}, '0'), '.') ELSE {text} END"
        )
    return text
