"""What stands in the tables of a page, as numbers, and Python's values to compare them with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from backhand import equations
from backhand.explanation.problem import Problem

if TYPE_CHECKING:
    from playwright.sync_api import Locator

FOUR_DIGITS = 6e-4
"""Relative rounding of a number that is shown with four digits."""


def number(text: str) -> float:
    """A number as the page shows it."""
    return float(text.replace("−", "-").replace("×", "").strip())


def rows(table: Locator, part: str = "tbody") -> list[list[str]]:
    """The texts of a part of a table, row by row, heads of rows included."""
    found: list[list[str]] = table.locator(part).evaluate(
        "part => [...part.rows].map(row => [...row.cells].map(cell => cell.innerText.trim()))"
    )
    return found


def numbers(texts: list[list[str]], column: int) -> NDArray[np.float64]:
    """A column of such texts as numbers."""
    return np.array([number(row[column]) for row in texts])


def values_of(problem: Problem) -> dict[str, NDArray[np.float64]]:
    """All values of a pass by `equations.py`."""
    p = problem
    acts = equations.forward(p.params, p.X, p.mask)
    grads = equations.backward(p.params, p.X, p.Y, acts, p.sample_weight, p.l2, p.mask)
    return {**acts._asdict(), **grads._asdict(), "X": p.X, "Y": p.Y,
            "losses": equations.row_losses(acts.S, p.Y)[:, 0]}  # fmt: skip
