"""Numbers, dates and shares as a page shows them."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

from backhand.errors import shortened
from backhand.support.visible_text import printable

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

NONE = "–"
"""Stands for a figure that is undefined."""


def percent(share: float) -> str:
    """Return 43.5 %."""
    if not math.isfinite(share):
        return NONE
    if 0 < share < 0.0005 or 0.9995 < share < 1:
        return "under 0.05 %" if share < 0.5 else "over 99.95 %"
    return f"{100 * share:.1f} %"


def number(value: float) -> str:
    """Return a number in four digits, or without what is after the point."""
    if not math.isfinite(value):
        return NONE
    if abs(value) < 1e12 and (value == round(value) or abs(value) >= 1000):
        return f"{value:,.0f}"
    return f"{value:.4g}"


def rounded(value: float) -> str:
    """Return a round number as short as an axis needs it: 20k, 1.5M."""
    for unit, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if unit <= abs(value) < 1e12:
            return f"{value / (1e3 if letter == 'k' else unit):g}{letter}"
    return f"{value:.6g}"


def figure(value: float) -> str:
    """Return a figure between 0 and 1, or a loss, in three digits after the point."""
    return f"{value:.3f}" if math.isfinite(value) else NONE


def day(days: float) -> str:
    """Return days since 1970 as a date; as a time of day if they are of the first day."""
    if 0 <= days < 1:
        return f"{int(days * 24):02d}:{int(days * 1440) % 60:02d}"
    try:
        moment = EPOCH + timedelta(days=days)
    except OverflowError:
        return f"day {days:,.0f}"
    return moment.strftime("%Y-%m-%d")


def brief(name: str, most: int = 24) -> str:
    """Return a name that fits in a chart."""
    return printable(shortened(name, most))


def several(count: int, noun: str) -> str:
    """Return `1 row` or `2 rows`, `2 classes`, `2 categories`."""
    if count == 1:
        return f"1 {noun}"
    ending = "es" if noun.endswith("s") else "s"
    return f"{count:,} {noun[:-1]}ies" if noun.endswith("y") else f"{count:,} {noun}{ending}"
