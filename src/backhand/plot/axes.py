"""Axes to draw on: those of the caller, or new ones; and the colours of all displays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backhand.errors import InputError
from backhand.support.optional import extra

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import LinearSegmentedColormap

COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#555555")
"""Of classes and of runs; the colour-blind can tell them apart (Okabe and Ito 2008)."""

MARKERS = "os^Dvp*X"
"""What tells classes apart without colour."""

INK, QUIET = "#222222", "#767676"

DIVERGING = ("#7f3b00", "#e08214", "#fdd9a8", "#f7f7f7", "#b5d3ea", "#3182bd", "#08306b")
"""From the most negative number, orange, to the most positive, blue; 0 is nearly white."""

TILE = 1.5
"""Inches of a small picture, its title included."""


def library(module: str) -> Any:
    """Import a module of matplotlib; the error says how to install it."""
    extra("matplotlib", "drawing")
    return extra(f"matplotlib.{module}", "drawing")


def single(ax: Axes | None) -> Axes:
    """Return the axes of the caller, or those of a new figure."""
    if ax is None:
        _, new = library("pyplot").subplots(layout="constrained")
        made: Axes = new
        return made
    _check(ax)
    return ax


def small_multiples(ax: Axes | None, count: int, columns: int) -> NDArray[Any]:
    """Return axes (rows, columns) in the place of the caller's, or in a new figure.

    Those beyond `count` are hidden.
    """
    columns = max(1, min(columns, count))
    rows = -(-count // columns)
    if ax is None:
        size = (TILE * columns + 0.4, TILE * rows + 0.2)
        figure = library("pyplot").figure(layout="constrained", figsize=size)
        grid = figure.add_gridspec(rows, columns)
    else:
        _check(ax)
        place = ax.get_subplotspec()
        if place is None:
            raise InputError(
                "ax is placed freely in its figure, and cannot be divided; expected axes of "
                "`pyplot.subplots` or `add_subplot`."
            )
        ax.set_axis_off()
        figure, grid = ax.figure, place.subgridspec(rows, columns)
    made = np.array([[figure.add_subplot(grid[r, c]) for c in range(columns)] for r in range(rows)])
    for unused in made.flat[count:]:
        unused.set_axis_off()
    return made


def _check(ax: Any) -> None:
    if not hasattr(ax, "get_subplotspec"):
        raise InputError(
            f"ax is a {type(ax).__name__}; expected one Axes of matplotlib, such as "
            "`pyplot.subplots()[1]`."
        )


def whole_ticks(axis: Any) -> None:
    """Mark whole numbers only: epochs and units."""
    axis.get_major_locator().set_params(integer=True)


def diverging() -> LinearSegmentedColormap:
    """Return the map of colours from negative, orange, to positive, blue."""
    made: LinearSegmentedColormap = library("colors").LinearSegmentedColormap.from_list(
        "backhand", DIVERGING
    )
    return made


def colour(k: int) -> str:
    """Return the colour of class or run k."""
    return COLOURS[k % len(COLOURS)]


def marker(k: int) -> str:
    """Return the marker of class k: beyond as many classes as colours, both together differ."""
    return MARKERS[(k + k // len(COLOURS)) % len(MARKERS)]
