"""Curves drawn with characters, with axes and labels."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

HIGHEST = 1e12
"""Top of the vertical axis at most, since a file may contain any loss; what is above is clipped."""

MARKS = "●○"
"""Marks of the curves, in their order."""

WIDTH, HEIGHT = 60, 12
"""Columns and lines of the area in which curves are drawn, at most."""

STEP = 3
"""Lines between two labels of the vertical axis."""

STEPS = (1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10)
"""Tops of the vertical axis, but for a power of ten."""


def chart(curves: Mapping[str, NDArray[np.float64]], x: str, width: int = WIDTH) -> list[str]:
    """Draw curves over 1, 2 …, from 0 up; nan where not measured.

    Parameters
    ----------
    curves : mapping of str to ndarray of shape (E,)
        At most two, by their names. A curve without numbers is left out.
    x : str
        What is counted from left to right.
    width : int
        Columns of the whole drawing at most; with more values than columns, they are averaged. The
        first and the last column are the first and the last value themselves.
    """
    drawn = {name: values for name, values in curves.items() if np.isfinite(values).any()}
    if not drawn:
        return []
    E = max(map(len, drawn.values()))
    highest = min(max(float(np.nanmax(values)) for values in drawn.values()), HIGHEST)
    top = _rounded_up(max(highest, 1e-12))
    labels = [f"{top * level / HEIGHT:.4g}" for level in range(0, HEIGHT + 1, STEP)]
    margin = max(map(len, labels)) + 2
    columns = max(10, min(WIDTH, width - margin))
    cells = np.full((HEIGHT + 1, columns), " ")
    marks = dict(zip(drawn, MARKS, strict=False))
    for name in reversed(drawn):  # the first on top
        _draw(cells, _columns(np.minimum(drawn[name], top), columns) / top, marks[name])
    lines = [f"{'':{margin}}{', '.join(f'{mark} {name}' for name, mark in marks.items())}"]
    for level in reversed(range(HEIGHT + 1)):
        label = labels[level // STEP] if level % STEP == 0 else ""
        axis = "┤" if label else "│"
        lines.append(f"{label:>{margin - 2}} {axis}{''.join(cells[level])}".rstrip())
    return [*lines, *_axis(E, x, margin, columns)]


def _columns(values: NDArray[np.float64], columns: int) -> NDArray[np.float64]:
    """Return the height of a curve in each column, on a line between the measured ones."""
    parts = np.array_split(values, min(columns, len(values)))
    means = np.array([part[np.isfinite(part)].mean() if np.isfinite(part).any() else np.nan
                      for part in parts])  # fmt: skip
    for end in (0, -1):
        if np.isfinite(values[end]):
            means[end] = values[end]
    places = np.linspace(0, columns - 1, len(means)) if len(means) > 1 else np.zeros(1)
    known = np.isfinite(means)
    at = np.arange(columns)
    heights = np.interp(at, places[known], means[known])
    inside = (at >= np.floor(places[known][0])) & (at <= np.ceil(places[known][-1]))
    return np.where(inside, heights, np.nan)


def _draw(cells: NDArray[np.str_], heights: NDArray[np.float64], mark: str) -> None:
    """Put the marks of a curve; a steep part is a column of marks."""
    before = None
    for column in np.flatnonzero(np.isfinite(heights)):
        level = round(float(heights[column]) * HEIGHT)
        low, high = sorted((level, level if before is None else before))
        low, high = (low + 1, high) if before == low < high else (low, high)
        low, high = (low, high - 1) if before == high > low else (low, high)
        cells[low : high + 1, column] = mark
        before = level


def _axis(E: int, x: str, margin: int, columns: int) -> list[str]:
    """Return the horizontal axis, with labels at its ends and in its middle."""
    middle = (E + 1) / 2
    at = {0: "1", columns - 1: f"{E:,}"}
    if middle == int(middle) and columns >= 30:
        at[(columns - 1) // 2] = f"{int(middle):,}"
    line = "".join("┬" if column in at else "─" for column in range(columns))
    labels = [" "] * (margin + columns)
    for column, label in at.items():
        start = min(margin + column - len(label) // 2, len(labels) - len(label))
        labels[start : start + len(label)] = label
    return [f"{'':{margin - 1}}└{line}", f"{''.join(labels)}  {x}"]


def _rounded_up(value: float) -> float:
    """Return the next number whose quarters have two digits at most."""
    power = 10.0 ** np.floor(np.log10(value))
    return float(next(power * step for step in STEPS if power * step >= value * 0.999))
