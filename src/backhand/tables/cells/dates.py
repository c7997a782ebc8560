"""Dates and times of day as they are written in texts, as days since 1970.

A text fits one of the forms in `RULES`, or it is no date, and `PARTS` takes it apart. The exported
NumPy file has the same rules, so they are written in what RE2 and Python's `re` share. They are for
texts in lower case.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from backhand.tables.cells.texts import matches, sql_text

CLOCK = r"(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?"
ISO = (
    r"[1-9]\d{3}(?:-\d{1,2}-\d{1,2}|/\d{1,2}/\d{1,2})"
    rf"(?:[ T]{CLOCK}(?: UTC|Z|[+-](?:0\d|1[0-4])(?::?[0-5]\d)?)?)?"
)
"""The dates that DuckDB reads by itself, optionally with a time of day and a zone (default UTC)."""

ORDERS = ("dmy", "mdy")
"""Orders of day and month in a date of three numbers that has the year last."""

EITHER = "either"
"""Instead of an order: the month is first only where it cannot be second."""

MONTHS = "janfebmaraprmayjunjulaugsepoctnovdec"

RULES = {
    "YEAR": r"[1-9]\d{3}",
    "YY": r"(?:<YEAR>|'?\d\d)",
    "MONTH": r"(?:0?[1-9]|1[0-2])",
    "DAY": r"(?:0?[1-9]|[12]\d|3[01])",
    "TH": r"(?:st|nd|rd|th)?",
    "NTH": r"<DAY><TH>",
    "NAME": (
        r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|"
        r"sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
    ),
    "WEEKDAY": (
        r"(?:(?:mon(?:day)?|tue(?:s|sday)?|wed(?:nesday)?|thu(?:r|rs|rsday)?|fri(?:day)?|"
        r"sat(?:urday)?|sun(?:day)?)\.?,? )?"
    ),
    "YEAR FIRST": (
        r"<YEAR>-<MONTH>-<DAY>|<YEAR>/<MONTH>/<DAY>|<YEAR>\.<MONTH>\.<DAY>|"
        r"<YEAR>[-/ ]?<NAME>[-/ ]?<DAY>"
    ),
    "NAMED": (
        r"<NTH>[-/. ]?(?:of )?<NAME>(?:[-/. ]|, ?|\. )?<YY>|"
        r"<NAME>[-/. ]{0,2}<NTH>(?:, ?|[-/ ])<YY>"
    ),
    "DOTTED": r"<DAY>\. ?<DAY>\. ?<YEAR>|\d\d\.\d\d\.\d\d",  # 1.2.13 would be a version
    "ORDERED": r"<DAY>/<DAY>/<YY>|<DAY>-<DAY>-<YY>",
    "MONTHLY": (
        r"<YEAR>[-/]<MONTH>|<MONTH>/<YEAR>|<NAME>(?:[-/ ]|, ?|\. ?)<YEAR>|<NAME>-\d\d|<YEAR>"
    ),
    "MINUTES": r":[0-5]\d(?::[0-5]\d(?:[.,]\d+)?)?",
    "TIME": (
        r"(?:(?:[01]?\d|2[0-3])<MINUTES>|"
        r"(?:0?[1-9]|1[0-2])(?:<MINUTES>)? ?[ap]\.?m\.?)"
    ),
    "OFFSET": r"[+-](?:0\d|1[0-4])(?::?[0-5]\d)?",
    "AFTER": (
        r"(?:(?:[ t]|, ?| at )<TIME>"
        r"(?: ?(?:utc|gmt|z|(?:utc|gmt)?<OFFSET>))?)?"
    ),
    "DATE": r"<WEEKDAY>(?:(?:<YEAR FIRST>|<NAMED>|<DOTTED>)<AFTER>|<MONTHLY>)",
    "ANY DATE": r"<DATE>|<WEEKDAY>(?:<ORDERED>)<AFTER>",
    "TIME PARTS": r"(\d{1,2})((?::\d\d){0,2})(?:[.,](\d+))?(?: ?([ap])\.?m\.?)?",
    "PARTS": (
        r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*[., ]+)?"
        r"(\d+|[a-z]+)<TH>(?:[^a-z\d]*(?:of )?(\d+|[a-z]+))?(?:<TH>[^a-z\d:]*(\d+))?"
        r"(?:[t, ]*(?:at )?<TIME PARTS> ?(?:utc|gmt|z)?([+-][\d:]+)?)?"
    ),
}
"""Patterns of texts and of their parts; `<NAME>` stands for another one.

Without a day, or a month, a date is the first. "ANY DATE" also has the dates that need an order of
day and month; without one, they are none, and with dots the day is first.
"""

_TIME_PARTS = ("hour", "minutes", "fraction", "half")
_PARTS = ("first", "second", "third", *_TIME_PARTS, "zone")
"""Names of the groups of "TIME PARTS" and "PARTS"."""

SEASON = r"[1-9]\d{3}[-/]\d\d"

WITH_YEAR = re.compile(r"[1-9]\d{3}-")
"""How a text begins that `canonical_days` may read."""

DAY_US = "86400e6"
"""Microseconds per day, as an SQL double."""


def expanded(pattern: str) -> str:
    """Return a pattern with the rules that it names put in."""
    while "<" in pattern:
        pattern = re.sub("<(.*?)>", lambda found: RULES[found[1]], pattern)
    return pattern


def moment_in(text: str, order: str = "") -> str:
    """SQL for the days since 1970 of a text that is a date in that order, else NULL.

    `order` is one of `ORDERS`, `EITHER`, or "" if it is not known.
    """
    value = _with("ymd", _year_month_day(order), f"concat({_iso_day()}, {_time('part.zone')})")
    return (
        f"CASE WHEN {matches(text, ISO)} THEN {_days(text)} "
        f"WHEN {_fits(text, '<ANY DATE>' if order else '<DATE>')} "
        f"THEN {_of_parts(text, 'PARTS', _PARTS, _days(value))} END"
    )


def canonical_days(text: str) -> str:
    """SQL for the first branches of a CASE: days since 1970 of a text as DuckDB itself writes it.

    That is 2020-01-31, or 2020-01-31 12:30:00 with a fraction of a second or without. All other
    texts, also other dates, are left for later branches. The days are those of `moment_in`, but a
    cast and back costs a fraction of patterns.
    """
    day, moment = f"TRY_CAST({text} AS DATE)", f"TRY_CAST({text} AS TIMESTAMP)"
    # Years from 1000 to 9999, and of our era: "1000-01-01 (BC)" has a sign where a digit belongs.
    year = f"{text} >= '1' AND {text}[5] = '-'"
    return (
        f"WHEN length({text}) = 10 AND {year} AND CAST({day} AS VARCHAR) = {text} "
        f"THEN epoch({day}) / 86400.0 "
        f"WHEN {text}[12] BETWEEN '0' AND '9' AND {year} AND CAST({moment} AS VARCHAR) = {text} "
        f"THEN epoch_us({moment}) / {DAY_US}"
    )


def clock_in(text: str) -> str:
    """SQL for the part of a day of a text that is a time of day, else NULL."""
    iso = f"concat('1970-01-01', {_time(sql_text(''))})"
    # A comparison costs a fraction of a pattern, and words are no times of day.
    return (
        f"CASE WHEN {text} > ':' THEN NULL "
        f"WHEN {matches(text, CLOCK)} THEN epoch_us(TRY_CAST({text} AS TIME)) / {DAY_US} "
        f"WHEN {_fits(text, '<TIME>')} "
        f"THEN {_of_parts(text, 'TIME PARTS', _TIME_PARTS, _days(iso))} END"
    )


def order_shown_in(text: str) -> str:
    """SQL for what a text shows of the order of its column; NULL if it shows nothing.

    One of `ORDERS` if it is a date in that order only; "same" if it is the same day in both; else
    "dotted" if it has dots, and "both" if not.
    """
    first, second = "CAST(part.first AS INTEGER)", "CAST(part.second AS INTEGER)"
    shown = (
        f"CASE WHEN {first} > 12 AND {second} > 12 THEN NULL WHEN {first} = {second} THEN 'same' "
        f"WHEN {first} > 12 THEN 'dmy' WHEN {second} > 12 THEN 'mdy' "
        f"WHEN contains({text}, '.') THEN 'dotted' ELSE 'both' END"
    )
    return (
        f"CASE WHEN {_fits(text, '<WEEKDAY>(?:<DOTTED>|<ORDERED>)<AFTER>')} "
        f"THEN {_of_parts(text, 'PARTS', _PARTS, shown)} END"
    )


def season_in(text: str) -> str:
    """SQL that is NULL unless a text is two years in a row, such as 2003-04, and also a month."""
    consecutive = f"(TRY_CAST(left({text}, 4) AS INTEGER) + 1) % 100 = TRY_CAST(right({text}, 2) " \
                  "AS INTEGER)"  # fmt: skip
    return f"CASE WHEN {matches(text, SEASON)} AND {consecutive} THEN {text} END"


def _fits(text: str, pattern: str) -> str:
    """SQL for whether a text fits a pattern of the rules."""
    return matches(f"lower({text})", expanded(pattern))


def _of_parts(text: str, rule: str, names: Sequence[str], value: str) -> str:
    """SQL for a value of the parts (`part`) of a text, which are empty where it lacks them."""
    pattern, groups = f"^(?:{expanded(RULES[rule])})$", ", ".join(map(sql_text, names))
    parts = f"regexp_extract(lower({text}), {sql_text(pattern)}, [{groups}])"
    return _with("part", parts, value)


def _with(name: str, meaning: str, value: str) -> str:
    """SQL for a value in which a name has a meaning, which is computed once."""
    return f"list_transform([{meaning}], lambda {name}: {value})[1]"


def _days(iso: str) -> str:
    """SQL for the days since 1970 of an ISO text, NULL if there is no such day."""
    return f"epoch_us(TRY_CAST({iso} AS TIMESTAMP WITH TIME ZONE)) / {DAY_US}"


def _year_month_day(order: str) -> str:
    """SQL for a struct of the texts of `part` that are the year, the month and the day."""
    of_numbers = {"mdy": "part.second < 'a'", EITHER: "TRY_CAST(part.second AS INTEGER) > 12"}
    ways = {
        "length(part.first) = 4 AND part.first < 'a'":
            "y := part.first, m := part.second, d := part.third",
        "part.third = ''": "y := part.second, m := part.first, d := ''",
        f"part.first >= 'a' OR {of_numbers.get(order, 'false')}":
            "y := part.third, m := part.first, d := part.second",
        "true": "y := part.third, m := part.second, d := part.first",
    }  # fmt: skip
    cases = " ".join(f"WHEN {when} THEN struct_pack({what})" for when, what in ways.items())
    return f"CASE {cases} END"


def _iso_day() -> str:
    """SQL for the ISO text of the struct `ymd` of `_year_month_day`."""
    # Of two digits, those from 69 on are a year of the last century, as in POSIX.
    century = "CASE WHEN length(ymd.y) = 4 THEN '' WHEN ymd.y >= '69' THEN '19' ELSE '20' END"
    named = f"CAST((strpos('{MONTHS}', left(ymd.m, 3)) + 2) // 3 AS VARCHAR)"
    month = f"CASE WHEN ymd.m >= 'a' THEN {named} ELSE {_or_1('ymd.m')} END"
    return f"{century}, ymd.y, '-', {month}, '-', {_or_1('ymd.d')}"


def _or_1(value: str) -> str:
    return f"coalesce(nullif({value}, ''), '1')"


def _time(zone: str) -> str:
    """SQL for a space, the time of day and a zone, in ISO form; empty if there is no time."""
    hour = "CASE part.half WHEN '' THEN part.hour ELSE CAST(CAST(part.hour AS INTEGER) % 12 + " \
           "CASE part.half WHEN 'p' THEN 12 ELSE 0 END AS VARCHAR) END"  # fmt: skip
    minutes = "coalesce(nullif(part.minutes, ''), ':00')"
    fraction = "CASE part.fraction WHEN '' THEN '' ELSE '.' || part.fraction END"
    time = f"concat(' ', {hour}, {minutes}, {fraction}, {zone})"
    return f"CASE part.hour WHEN '' THEN '' ELSE {time} END"
