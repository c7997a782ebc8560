"""The built-in examples: problems that are small enough to be followed by hand."""

from __future__ import annotations

import csv
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backhand.equations import Parameters, init
from backhand.explanation.problem import Problem

PENGUINS = Path(__file__).parent / "penguins.csv"
"""24 rows of the Palmer penguins (public domain, CC0): the species, and four measurements."""

FEATURES = ("bill length", "bill depth", "flipper length", "body mass")
SPECIES = ("Adelie", "Chinstrap", "Gentoo")


def example(name: str) -> Problem:
    """Return a built-in example: one of `EXAMPLES`."""
    return EXAMPLES[name]()


def penguins() -> Problem:
    """Eight penguins, 4 features, 8 hidden units, 3 species; hidden unit 2 is dead on all rows."""
    X, Y = _measured()
    return Problem(
        _parameters(4, 8, 3, seed=1494), X[:8], Y[:8],
        features=FEATURES, classes=SPECIES, title="Eight penguins",
    )  # fmt: skip


def two_measurements() -> Problem:
    """24 penguins, 2 features, 6 hidden units, 3 species: a network that fits on a plane."""
    X, Y = _measured()
    return Problem(
        _parameters(2, 6, 3, seed=28), X[:, :2], Y, learning_rate=0.5,
        features=FEATURES[:2], classes=SPECIES, title="24 penguins, two measurements",
    )  # fmt: skip


def exclusive_or() -> Problem:
    """The four rows of exclusive or, 4 hidden units without biases: row 0 is at every kink."""
    X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    params = _parameters(2, 4, 2, seed=6)._replace(b1=np.zeros(4))
    return Problem(params, X, np.eye(2)[[0, 1, 1, 0]], learning_rate=0.5,
                   features=("a", "b"), classes=("equal", "different"),
                   title="Exclusive or")  # fmt: skip


EXAMPLES: dict[str, Callable[[], Problem]] = {
    "penguins": penguins,
    "two measurements": two_measurements,
    "xor": exclusive_or,
}
"""The examples by name; the first is the one that is shown unless another is named."""


@cache
def _measured() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """X (24, 4), standardised and rounded to two decimals, and one-hot Y (24, 3)."""
    with PENGUINS.open(encoding="utf-8", newline="") as file:
        _, *rows = csv.reader(file)
    measured = np.array([[float(cell) for cell in row[1:]] for row in rows])
    X = (measured - measured.mean(axis=0)) / measured.std(axis=0)
    return X.round(2), np.eye(3)[[SPECIES.index(row[0]) for row in rows]]


def _parameters(d: int, H: int, K: int, seed: int) -> Parameters:
    """Initial parameters with biases of hidden units, in two decimals, which a hand can follow."""
    drawn = init(d, H, K, seed, np.float64)
    b1 = 0.5 * np.random.default_rng(seed).standard_normal(H)
    return Parameters(*(array.round(2) for array in drawn._replace(b1=b1)))
