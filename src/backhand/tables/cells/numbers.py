"""Numbers as they are written in texts: plain, or in dress, with a decimal point or comma.

The patterns are read by DuckDB (RE2) and by Python alike; the exported file has them too.
"""

from __future__ import annotations

import re
from functools import lru_cache

from backhand.tables.cells.texts import SPACES, matches, sql_text

CODE = r"0\d+"
"""Digits that would lose their leading zeros as a number."""

_SPACE, _SIGN = "[ \u00a0\u2009\u202f]", "[+\u2212-]"
_GROUPED = "|".join((
    *(f"[1-9][0-9]{{0,2}}(?:{comma}[0-9]{{3}})+" for comma in (",", "['\u2019]", _SPACE)),
    "[1-9][0-9]?(?:,[0-9]{2})+,[0-9]{3}",
))  # fmt: skip
NUMERAL = f"(?:(?:{_GROUPED})(?:[.][0-9]*)?|(?:[0-9]+[.]?[0-9]*|[.][0-9]+)(?:[eE][+-]?[0-9]+)?)"
CURRENCY = (
    "(?:(?:US|A|C|R|HK|NZ|S)?[$]|[£€¥¢₹₽₺₴₩₪₫₱฿]|USD|EUR|GBP|JPY|CNY|INR|CHF|CAD|AUD|NZD|SEK|NOK"
    "|DKK|PLN|CZK|HUF|RON|RUB|TRY|UAH|ILS|ZAR|BRL|MXN|KRW|SGD|HKD|THB|kr|Kč|zł|Ft|Rs[.]?)"
)
"""Signs and codes of currencies. A list: three capitals of any kind may be a month or a product."""

_AMOUNT = f"(?:{CURRENCY}{_SPACE}*)?{NUMERAL}(?:{_SPACE}*(?:{CURRENCY}|%))?"
DRESSED = (
    f"{_SIGN}?{_AMOUNT}|{CURRENCY}{_SPACE}*{_SIGN}{NUMERAL}"
    rf"|(?:{CURRENCY}{_SPACE}*)?[(]{_AMOUNT}[)]"
)
"""A number with a decimal point, and perhaps a sign, a currency, a percent sign, parentheses as in
accounting, and groups of digits. 1,23 is not one, nor are 1.2.3 and 12-34."""

UNDRESSED = f"{CURRENCY}|[^0-9.eE+-]"
"""What is removed of a text that matches `DRESSED` before it is cast."""

_AROUND = f"[{SPACES}]*"
_BOOLEAN = f"{_AROUND}(?:[Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee]){_AROUND}"
_READ = f"{_AROUND}(?:{DRESSED}){_AROUND}"

MIRROR = str.maketrans(".,", ",.")


def plain_number(text: str) -> str:
    """SQL for the number that a text holds in digits with a decimal point; else NULL."""
    return f"TRY_CAST({text} AS DOUBLE)"


def number_in(text: str, decimal: str = ".", *, points: bool = False, booleans: bool = True) -> str:
    """SQL for the number that a text holds, NULL if it is not a number.

    A number that is not finite means missing wherever it is used.

    Parameters
    ----------
    text : str
        SQL for the text, which may be surrounded by spaces.
    decimal : {".", ","}
        With a comma, a text means what it does with a point and each . and , exchanged.
    points : bool
        With a comma, whether digits with a decimal point, as of a number in JSON, are read first.
    booleans : bool
        Whether true is 1 and false is 0. Without, the SQL is made to find out whether a column
        holds numbers: true and false are words, and a column of words costs no casts.
    """
    mirrored = text if decimal == "." else f"translate({text}, '.,', ',.')"
    # What follows the first is computed only where that is NULL: a plain number costs a cast.
    plain = [plain_number(text)]
    if decimal == ",":
        if not points:
            plain[0] = f"CASE WHEN NOT contains({text}, '.') THEN {plain[0]} END"
        plain.append(plain_number(mirrored))
    if not booleans:  # no number begins with a letter, and casts that fail cost more than patterns
        plain = [f"CASE WHEN {text} < 'A' THEN {number} END" for number in plain]
    return f"coalesce({', '.join(plain)}, {_dressed(mirrored, booleans)})"


def _dressed(text: str, booleans: bool) -> str:
    value = plain_number(f"regexp_replace({text}, {sql_text(UNDRESSED)}, '', 'g')")
    negative = f"contains({text}, '(') OR contains({text}, '\u2212')"
    number = (
        f"{value} * CASE WHEN {negative} THEN -1e0 ELSE 1e0 END "
        f"/ CASE WHEN contains({text}, '%') THEN 1e2 ELSE 1e0 END"
    )
    if not booleans:
        return f"CASE WHEN {matches(text, _READ)} THEN {number} END"
    # One pattern for both, since most texts that are not plain numbers are words.
    return (
        f"CASE WHEN {matches(text, f'{_READ}|{_BOOLEAN}')} THEN CASE "
        f"WHEN contains(lower({text}), 'true') THEN 1e0 "
        f"WHEN contains(lower({text}), 'false') THEN 0e0 ELSE {number} END END"
    )


@lru_cache(maxsize=1000)
def may_be_number(text: str) -> bool:
    """Return whether a text is a number with a decimal point or with a comma."""
    text = text.replace("_", "").lstrip(f"{SPACES}+")  # DuckDB reads 1_000 and +-5
    return any(re.fullmatch(f"{_READ}|{_BOOLEAN}", one) for one in (text, text.translate(MIRROR)))
