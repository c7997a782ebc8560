"""Dates and times of day as they are written in texts, as days since 1970.

A text is in one of the forms of `date_form`, or it is no date; `PARTS` takes it apart. The exported
NumPy file has the same two patterns, so they are written in what RE2 and Python's `re` share. Both
are for texts in lower case.
"""

from __future__ import annotations

from collections.abc import Sequence

from backhand.tables.cells.texts import matches, sql_text

CLOCK = r"(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?"
OFFSET = r"[+-](?:0\d|1[0-4])(?::?[0-5]\d)?"
ISO = (
    r"[1-9]\d{3}(?:-\d{1,2}-\d{1,2}|/\d{1,2}/\d{1,2})"
    rf"(?:[ T]{CLOCK}(?: UTC|Z|{OFFSET})?)?"
)
"""The dates that DuckDB reads by itself, optionally with a time of day and a zone (default UTC)."""

ORDERS = ("dmy", "mdy")
"""Orders of day and month in a date of three numbers that has the year last."""

SHOWN = (*ORDERS, "both", "dotted", "same")
"""What a text shows of the order of its column: see `order_shown_in`."""

EITHER = "either"
"""Instead of an order: the month is first only where it cannot be second."""

MONTHS = "janfebmaraprmayjunjulaugsepoctnovdec"

_MONTH = ("(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
          "|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)")  # fmt: skip
_WEEKDAY = ("(?:(?:mon(?:day)?|tue(?:s|sday)?|wed(?:nesday)?|thu(?:r|rs|rsday)?|fri(?:day)?"
            r"|sat(?:urday)?|sun(?:day)?)\.?,? )?")  # fmt: skip
_Y, _YY = r"[1-9]\d{3}", r"(?:[1-9]\d{3}|'?\d\d)"
_M, _D = r"(?:0?[1-9]|1[0-2])", r"(?:0?[1-9]|[12]\d|3[01])"
_NTH = rf"{_D}(?:st|nd|rd|th)?"

_FIRSTS = (
    _Y, rf"{_Y}[-/]{_M}", rf"{_M}/{_Y}", rf"{_MONTH}(?:[-/ ]|, ?|\. ?){_Y}", rf"{_MONTH}-\d\d",
)  # fmt: skip
"""Dates without a day, or also without a month: they mean the first."""

_PLAIN = (
    *(rf"{_Y}{sign}{_M}{sign}{_D}" for sign in ("-", "/", r"\.")),
    rf"{_Y}[-/ ]?{_MONTH}[-/ ]?{_D}",
    rf"{_NTH}[-/. ]?(?:of )?{_MONTH}(?:[-/. ]|, ?|\. )?{_YY}",
    rf"{_MONTH}[-/. ]{{0,2}}{_NTH}(?:, ?|[-/ ]){_YY}",
)  # fmt: skip
_DOTTED = (rf"{_D}\. ?{_D}\. ?{_Y}", r"\d\d\.\d\d\.\d\d")  # 1.2.13 would be a version
_ORDERED = (rf"{_D}/{_D}/{_YY}", rf"{_D}-{_D}-{_YY}")

_MINUTES = r":[0-5]\d(?::[0-5]\d(?:[.,]\d+)?)?"
TIME = rf"(?:(?:[01]?\d|2[0-3]){_MINUTES}|(?:0?[1-9]|1[0-2])(?:{_MINUTES})? ?[ap]\.?m\.?)"
"""A time of day, of 24 or of 12 hours."""
_AFTER = rf"(?:(?:[ t]|, ?| at ){TIME}(?: ?(?:utc|gmt|z|(?:utc|gmt)?{OFFSET}))?)?"

TIME_PARTS = r"(\d{1,2})((?::\d\d){0,2})(?:[.,](\d+))?(?: ?([ap])\.?m\.?)?"
PARTS = (
    r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*[., ]+)?"
    r"(\d+|[a-z]+)(?:st|nd|rd|th)?"
    r"(?:[^a-z\d]*(?:of )?(\d+|[a-z]+))?"
    r"(?:(?:st|nd|rd|th)?[^a-z\d:]*(\d+))?"
    rf"(?:[t, ]*(?:at )?{TIME_PARTS} ?(?:utc|gmt|z)?([+-][\d:]+)?)?"
)
"""The parts of a text in a form of `date_form`: `_NAMES` are those of the groups."""

_TIME_NAMES = ("hour", "minutes", "fraction", "half")
_NAMES = ("first", "second", "third", *_TIME_NAMES, "zone")

DAY_US = "86400e6"
"""Microseconds per day, as an SQL double."""


def date_form(order: str) -> str:
    """Return the pattern of the dates in a column of an order.

    Where it is not known (""), 3/4/2020 is no date, and of 3.4.2020 the day is first.
    """
    days = "|".join((*_PLAIN, *_DOTTED, *(_ORDERED if order else ())))
    return rf"{_WEEKDAY}(?:(?:{days}){_AFTER}|{'|'.join(_FIRSTS)})"


def moment_in(text: str, order: str = "") -> str:
    """SQL for the days since 1970 of a text that is a date in that order, else NULL.

    `order` is one of `ORDERS`, `EITHER`, or "" if it is not known.
    """
    iso = f"concat({_year()}, '-', {_month(order)}, '-', {_day(order)}, {_time('m.zone')})"
    return (
        f"CASE WHEN {matches(text, ISO)} THEN {_days(text)} "
        f"WHEN {matches(f'lower({text})', date_form(order))} "
        f"THEN {_of_parts(text, PARTS, _NAMES, _days(iso))} END"
    )


def clock_in(text: str) -> str:
    """SQL for the part of a day of a text that is a time of day, else NULL."""
    iso = f"concat('1970-01-01', {_time(sql_text(''))})"
    return (
        f"CASE WHEN {matches(text, CLOCK)} THEN epoch_us(TRY_CAST({text} AS TIME)) / {DAY_US} "
        f"WHEN {matches(f'lower({text})', TIME)} "
        f"THEN {_of_parts(text, TIME_PARTS, _TIME_NAMES, _days(iso))} END"
    )


def order_shown_in(text: str) -> str:
    """SQL for what a text shows of the order of its column; NULL if it shows nothing.

    One of `ORDERS` if it is a date in that order only; "same" if it is the same day in both; else
    "dotted" if it has dots, and "both" if not.
    """
    form = rf"{_WEEKDAY}(?:{'|'.join((*_DOTTED, *_ORDERED))}){_AFTER}"
    first, second = "CAST(m.first AS INTEGER)", "CAST(m.second AS INTEGER)"
    shown = (
        f"CASE WHEN {first} > 12 AND {second} > 12 THEN NULL WHEN {first} = {second} THEN 'same' "
        f"WHEN {first} > 12 THEN 'dmy' WHEN {second} > 12 THEN 'mdy' "
        f"WHEN contains({text}, '.') THEN 'dotted' ELSE 'both' END"
    )
    return (
        f"CASE WHEN {matches(f'lower({text})', form)} "
        f"THEN {_of_parts(text, PARTS, _NAMES, shown)} END"
    )


def _of_parts(text: str, pattern: str, names: Sequence[str], value: str) -> str:
    """SQL for a value of the parts `m` of a text, which are empty where it lacks them."""
    groups = ", ".join(map(sql_text, names))
    parts = f"regexp_extract(lower({text}), {sql_text(f'^(?:{pattern})$')}, [{groups}])"
    # A lambda is what gives them a name within an expression.
    return f"list_transform([{parts}], lambda m: {value})[1]"


def _days(iso: str) -> str:
    """SQL for the days since 1970 of an ISO text, NULL if there is no such day."""
    return f"epoch_us(TRY_CAST({iso} AS TIMESTAMP WITH TIME ZONE)) / {DAY_US}"


YEAR_FIRST = "(length(m.first) = 4 AND m.first < 'a')"


def _month_first(order: str) -> str:
    """SQL for whether the month is before the day, or before the year if there is no day."""
    of_numbers = {"mdy": "m.second < 'a'", EITHER: "TRY_CAST(m.second AS INTEGER) > 12"}
    return f"(m.first >= 'a' OR m.third = '' OR {of_numbers.get(order, 'false')})"


def _year() -> str:
    """SQL for the year; of two digits, those from 69 on are of the last century, as in POSIX."""
    year = f"CASE WHEN {YEAR_FIRST} THEN m.first WHEN m.third = '' THEN m.second ELSE m.third END"
    return (
        f"concat(CASE WHEN length({year}) = 4 THEN '' WHEN {year} >= '69' THEN '19' "
        f"ELSE '20' END, {year})"
    )


def _month(order: str) -> str:
    """SQL for the number of the month."""
    month = f"CASE WHEN NOT {YEAR_FIRST} AND {_month_first(order)} THEN m.first ELSE m.second END"
    named = f"CAST((strpos('{MONTHS}', left({month}, 3)) + 2) // 3 AS VARCHAR)"
    return f"CASE WHEN {month} >= 'a' THEN {named} ELSE {_or_1(month)} END"


def _day(order: str) -> str:
    """SQL for the number of the day."""
    return _or_1(
        f"CASE WHEN {YEAR_FIRST} OR m.third = '' THEN m.third "
        f"WHEN {_month_first(order)} THEN m.second ELSE m.first END"
    )


def _or_1(value: str) -> str:
    return f"coalesce(nullif({value}, ''), '1')"


def _time(zone: str) -> str:
    """SQL for a space, the time of day and a zone, in ISO form; empty if there is no time."""
    hour = "CASE m.half WHEN '' THEN m.hour ELSE CAST(CAST(m.hour AS INTEGER) % 12 + " \
           "CASE m.half WHEN 'p' THEN 12 ELSE 0 END AS VARCHAR) END"  # fmt: skip
    minutes = "coalesce(nullif(m.minutes, ''), ':00')"
    fraction = "CASE m.fraction WHEN '' THEN '' ELSE '.' || m.fraction END"
    return (
        f"CASE m.hour WHEN '' THEN '' ELSE concat(' ', {hour}, {minutes}, {fraction}, {zone}) END"
    )
