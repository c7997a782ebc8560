"""How results are shown: one line in a session, a few when printed, a table in a notebook."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np

T = TypeVar("T")

SMALL = 8
"""Arrays of at most this many numbers are shown with their numbers."""

LONG, LONGEST_LINE = 60, 120
"""Characters of one name or value, and of a line that shows a whole result."""

POINTS = 120
"""Maximum number of points of a curve."""


class Summary(NamedTuple):
    """What is shown of a result.

    Attributes
    ----------
    title : str
    rows : sequence of tuple of str
        A table under the title.
    line : sequence of tuple of str, optional
        What one line shows after the title; None: the rows.
    curve : array_like of shape (n,)
        Figures to be drawn in a notebook, if there are any.
    """

    title: str
    rows: Sequence[tuple[str, ...]]
    line: Sequence[tuple[str, ...]] | None = None
    curve: Any = ()


class _Summarised(Protocol):
    def _summary(self) -> Summary: ...


def shown(kind: type[T]) -> type[T]:
    """Show a class by its `_summary`: `repr` is one line, `str` a few, and HTML in a notebook."""

    def as_line(self: _Summarised) -> str:
        title, rows, line, _ = self._summary()
        cells = (" ".join(filter(None, row)) for row in (rows if line is None else line))
        return cut(": ".join(filter(None, [title, ", ".join(cells)])), LONGEST_LINE)

    def as_text(self: _Summarised) -> str:
        title, rows, *_ = self._summary()
        widths = [max(map(len, column)) for column in zip(*_filled(rows), strict=True)]
        lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in _filled(rows))
        return "\n".join([title, *(f"  {line}" for line in lines)])

    def as_html(self: _Summarised) -> str:
        title, rows, _, curve = self._summary()
        body = "".join(
            "<tr>" + "".join(f'<td style="text-align:left">{html.escape(c)}</td>' for c in row)
            + "</tr>"
            for row in _filled(rows)
        )  # fmt: skip
        return (
            f"<div><strong>{html.escape(title)}</strong>"
            f'<table style="font-family:monospace">{body}</table>{_drawn(curve)}</div>'
        )

    _spell_types(kind)
    for name, method in {"__repr__": as_line, "__str__": as_text, "_repr_html_": as_html}.items():
        setattr(kind, name, method)
    return kind


def _spell_types(kind: type[Any]) -> None:
    """Show the types of a named tuple's fields as they are written, in `help` and signatures."""
    made = getattr(kind, "__new__", None)
    if hasattr(kind, "_fields") and made is not None:
        types = made.__annotations__.items()
        made.__annotations__ = {name: getattr(t, "__forward_arg__", t) for name, t in types}


def _filled(rows: Sequence[tuple[str, ...]]) -> list[list[str]]:
    """The rows, made equally long."""
    wide = max(map(len, rows), default=0)
    return [[*row, *[""] * (wide - len(row))] for row in rows]


def of_arrays(name: str, arrays: dict[str, Any]) -> Summary:
    """Summarise named arrays: shape, dtype unless all have one, small contents.

    Anything else in an array's place is shown by its type.
    """
    dtypes = {str(getattr(value, "dtype", "")) for value in arrays.values()}
    common = dtypes.pop() if len(dtypes) == 1 else ""
    rows: list[tuple[str, ...]] = []
    for key, value in arrays.items():
        shape = getattr(value, "shape", None)
        if shape is None:
            rows.append((key, type(value).__name__))
            continue
        dtype = "" if common else str(value.dtype)
        small = isinstance(value, np.ndarray) and value.size <= SMALL
        numbers = np.array2string(value, precision=4, threshold=SMALL) if small else ""
        rows.append((key, str(tuple(shape)), dtype, " ".join(numbers.split())))
    title = f"{name} ({common})" if common else name
    return Summary(title, rows, line=[row[:3] for row in rows])


def some(names: Iterable[Any], most: int = 6) -> str:
    """Return the first names, each as Python writes it and cut if long, and how many more."""
    found = [name.item() if isinstance(name, np.generic) else name for name in names]
    more = f" and {len(found) - most:,} more" if len(found) > most else ""
    return ", ".join(cut(repr(name)) for name in found[:most]) + more


def cut(text: str, most: int = LONG) -> str:
    """Return the text, without its end if it is long."""
    return text if len(text) <= most else text[: most - 1] + "…"


def _drawn(curve: Any) -> str:
    """A line from the first value to the last, between 0 and the largest."""
    values = np.asarray(curve, float)
    values = values[np.isfinite(values)]
    if len(values) < 2:
        return ""
    means = np.array([part.mean() for part in np.array_split(values, min(POINTS, len(values)))])
    x = np.linspace(0, 240, len(means))
    y = 48 - 46 * np.clip(means / max(means.max(), 1e-300), 0, 1)
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
    return (
        '<svg viewBox="0 0 240 50" width="240" height="50" role="img" aria-label="loss by epoch">'
        f'<polyline points="{points}" fill="none" stroke="currentColor" stroke-width="1.5"/></svg>'
    )
