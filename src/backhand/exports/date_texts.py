"""Days since 1970 as people write them: texts to try an export on."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from backhand.tables.cells.dates import MONTHS

EPOCH = datetime(1970, 1, 1)
UNITS = {"year": 4, "month": 7, "day": 10, "hour": 13, "minute": 16, "second": 19,
         "microsecond": 26}  # fmt: skip
"""Characters of an ISO text that tell a moment to a unit."""
BEGINNING = "0001-01-01T00:00:00.000000"
FIRST, LAST = -354285, 2932896
"""The days since 1970 of the years 1000 to 9999, which texts can have."""

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
LONG = ("January", "February", "March", "April", "May", "June", "July", "August", "September",
        "October", "November", "December")  # fmt: skip

FORMS = {
    "{Y}-{m:02}-{d:02}": "day", "{Y}-{m}-{d}": "day", "{Y}/{m}/{d} {H}:{M:02}": "minute",
    "{Y}-{m:02}-{d:02} {H:02}:{M:02}:{S:02} UTC": "second", "{Y}.{m:02}.{d:02}": "day",
    "{Y}-{m:02}-{d:02}T{H:02}:{M:02}:{S:02}.{f:06}Z": "microsecond",
    "{Y}-{m:02}-{d:02} {H:02}:{M:02}:{S:02},{f:06}+00:00": "microsecond",
    "{a}.{b}.{Y}": "day", "{a:02}.{b:02}.{y:02}": "day", "{a}. {b}. {Y} {H}:{M:02}": "minute",
    "{d} {mon} {Y}": "day", "{d}-{MON}-{y:02}": "day", "{d:02}{MON}{Y}": "day",
    "{month} {d}, {Y}": "day", "{mon}. {d} {Y} {I}:{M:02} {p}": "minute",
    "{month} {d}{th}, {Y}, {I} {p}": "hour", "{weekday}, {d} {month} {Y}": "day",
    "{Y}-{mon}-{d:02}": "day", "{Y}-{m:02}": "month", "{mon} {Y}": "month", "{m}/{Y}": "month",
    "{Y}": "year",
}  # fmt: skip
"""Forms of a date, with the smallest unit that they tell.

a and b are the day and the month in the order of their column.
"""

ORDERED = {
    "{a}/{b}/{Y}": "day", "{a:02}-{b:02}-{Y}": "day", "{a}/{b}/{y:02} {I}:{M:02}{p}": "minute",
    "{a:02}/{b:02}/{Y} {H:02}:{M:02}:{S:02}": "second",
}  # fmt: skip
"""Forms that are a date only where the order is known."""

TIMES = {"{H:02}:{M:02}": "minute", "{I}:{M:02}:{S:02} {p}": "second", "{I}{p}": "hour"}
"""Forms of a time of day."""


def written(
    x: NDArray[np.float64], order: str, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.object_]]:
    """Return days since 1970 x (n,), cut to what texts tell, and texts in all forms of an order.

    nan is None. A day of a year without four digits stays a number.
    """
    days, texts = np.array(x), np.empty(len(x), object)
    dates = list(FORMS | (ORDERED if order else {}))
    for i in np.flatnonzero(~np.isnan(x)):
        if FIRST <= x[i] < LAST:
            form = rng.choice(list(TIMES) if 0 <= x[i] < 1 else dates)
            days[i], texts[i] = in_form(str(form), float(x[i]), order)
        else:
            texts[i] = float(x[i])
    return days, texts


def in_form(form: str, day: float, order: str) -> tuple[float, str]:
    """Return a day since 1970, cut to what a form tells, and its text.

    A year that two digits cannot tell is written in ISO form.
    """
    moment = EPOCH + timedelta(days=day)
    if "{y" in form and not 1969 <= moment.year < 2069:
        form = next(iter(FORMS))
    length = UNITS[(FORMS | ORDERED | TIMES)[form]]
    iso = moment.isoformat(timespec="microseconds")[:length] + BEGINNING[length:]
    moment = datetime.fromisoformat(iso)
    since = (moment - EPOCH) // timedelta(microseconds=1)
    return since / 86400e6, form.format_map(_fields(moment, order))


def _fields(moment: datetime, order: str) -> dict[str, int | str]:
    day, month = moment.day, moment.month
    a, b = (month, day) if order == "mdy" else (day, month)
    name = MONTHS[3 * month - 3 : 3 * month]
    nth = {1: "st", 2: "nd", 3: "rd"}.get(day % 10 if day not in (11, 12, 13) else 0, "th")
    return {
        "Y": moment.year, "y": moment.year % 100, "m": month, "d": day, "a": a, "b": b,
        "mon": name.title(), "MON": name.upper(), "month": LONG[month - 1], "th": nth,
        "weekday": WEEKDAYS[moment.weekday()], "H": moment.hour, "I": (moment.hour + 11) % 12 + 1,
        "M": moment.minute, "S": moment.second, "f": moment.microsecond,
        "p": "AM" if moment.hour < 12 else "PM",
    }  # fmt: skip
