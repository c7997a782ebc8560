"""Texts: SQL for them, which of them mean missing, and the one spelling of each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import product

SPACES = (
    " \t\n\v\f\r\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
"""Characters that are not part of a text at its beginning and its end."""

MISSING = (
    "", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NULL", "null", "None", "?",
    "na", "N.A.", "n.a.", "NAN", "NaT", "none", "NONE", "Null", "<null>", "(null)", "\\N",
    "-", "--", "---", "\u2013", "\u2014", ".", "..", "...",
    "#DIV/0!", "#VALUE!", "#REF!", "#NUM!", "#NAME?", "#NULL!",
)  # fmt: skip
"""Texts that mean a missing value in a feature. In the target, only the first does."""

WHOLE = r"-?\d+\.0"
"""A whole number as it is spelled in a column of doubles."""


_EQUAL = {"true": "1", "false": "0", "1": "true", "0": "false"}


def sql_text(text: str) -> str:
    """Return a text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def sql_name(name: str) -> str:
    """Return a column name as an SQL identifier, whatever characters it has."""
    return '"' + name.replace('"', '""') + '"'


def matches(text: str, pattern: str) -> str:
    """SQL for whether all of a text matches a pattern of this module."""
    return f"regexp_full_match({text}, {sql_text(pattern)})"


def trimmed(text: str) -> str:
    """SQL for a text without the `SPACES` around it."""
    # Most texts begin and end with a visible ASCII character; a comparison costs a fraction of a
    # pattern.
    doubtful = f"{text} < '!' OR {text} > '~' OR {text}[-1] NOT BETWEEN '!' AND '~'"
    pattern = sql_text(f"^[{SPACES}]+|[{SPACES}]+$")
    return f"CASE WHEN {doubtful} THEN regexp_replace({text}, {pattern}, '', 'g') ELSE {text} END"


def canonical(text: str) -> str:
    """SQL for a trimmed text in its one spelling: true in lower case, 7 without the .0."""
    whole = f"ends_with({text}, '.0') AND {matches(text, WHOLE)}"
    return (
        f"CASE WHEN lower({text}) = 'true' OR lower({text}) = 'false' THEN lower({text}) "
        f"WHEN {whole} THEN left({text}, length({text}) - 2) ELSE {text} END"
    )


def spellings(known: Sequence[str]) -> dict[str, int]:
    """Return every spelling of the known texts, with the position of the text that it spells.

    `canonical` gives all spellings of a text the same result. The texts themselves come first: a
    model may have two spellings of one text. Where the known texts are true and false, 1 and 0
    spell them, and the other way round.
    """
    places = {text: place for place, text in enumerate(known)}
    equal = {text: other for other, text in equal_texts(known).items()}
    for text, place in list(places.items()):
        for other in (*_other_spellings(text), *_other_spellings(equal.get(text, ""))):
            places.setdefault(other, place)
    return places


def equal_texts(known: Sequence[str]) -> dict[str, str]:
    """Return 1 and 0 with the known texts that they equal, if these are true and false.

    If the known texts are 1 and 0, return true and false.
    """
    keys = [text.lower().removesuffix(".0") for text in known]
    if set(keys) not in ({"true", "false"}, {"0", "1"}):
        return {}
    return {_EQUAL[key]: text for key, text in zip(keys, known, strict=True)}


@lru_cache(maxsize=1000)
def _other_spellings(text: str) -> list[str]:
    if text.lower() in ("true", "false"):
        return [
            "".join(characters)
            for characters in product(*zip(text.lower(), text.upper(), strict=True))
        ]
    whole = text.removesuffix(".0")
    return [whole, f"{whole}.0"] if re.fullmatch(WHOLE, f"{whole}.0", re.ASCII) else []


def spelled(cell: str, kind: str) -> str:
    """SQL for the text of a cell of a DuckDB type; numbers in their shortest spelling.

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
