"""Dates and times of day as they are written in texts, as days since 1970."""

from __future__ import annotations

from backhand.tables.cells.texts import matches

DAY = r"[1-9]\d{3}(?:-\d{1,2}-\d{1,2}|/\d{1,2}/\d{1,2})"
CLOCK = r"(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?"
ZONE = r" UTC|Z|[+-](?:0\d|1[0-4])(?::?[0-5]\d)?"
MOMENT = rf"{DAY}(?:[ T]{CLOCK}(?:{ZONE})?)?"
"""A date as text, the year first, optionally followed by a time of day and a zone (default UTC).

DuckDB and Python each read texts that the other does not; this is what both read, with one result.
"""

DAY_US = "86400e6"
"""Microseconds per day, as an SQL double."""


def moment_in(text: str) -> str:
    """SQL for the days since 1970 of a text that matches `MOMENT`, else NULL."""
    days = f"epoch_us(TRY_CAST({text} AS TIMESTAMP WITH TIME ZONE)) / {DAY_US}"
    return f"CASE WHEN {matches(text, MOMENT)} THEN {days} END"


def clock_in(text: str) -> str:
    """SQL for the part of a day of a text that matches `CLOCK`, else NULL."""
    days = f"epoch_us(TRY_CAST({text} AS TIME)) / {DAY_US}"
    return f"CASE WHEN {matches(text, CLOCK)} THEN {days} END"
