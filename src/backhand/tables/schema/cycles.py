"""Which cycles of a date column are features: those in which the training rows differ."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backhand.tables.schema.columns import CYCLES, WAVES, waves

VARIES = 1e-3
"""Circular variance of the places in a cycle from which they vary.

It is that of places within three days of a year, or ten minutes of a day: leap years move the first
of January by less.
"""


class Places:
    """Where the days of a column lie in each cycle, from a chunk of them at a time."""

    def __init__(self) -> None:
        self._n, self._least, self._most = 0, np.inf, -np.inf
        self._sums = {cycle: np.zeros(len(WAVES)) for cycle in CYCLES}

    def add(self, x: NDArray[np.float64]) -> None:
        """Take in days since 1970 x (n,), none missing."""
        if not len(x):
            return
        self._n += len(x)
        self._least, self._most = min(self._least, x.min()), max(self._most, x.max())
        for cycle, sums in self._sums.items():
            sums += [wave.sum() for wave in waves(x, cycle)]

    def merge(self, other: Places) -> None:
        """Take in the days that another one has."""
        self._n += other._n
        self._least, self._most = min(self._least, other._least), max(self._most, other._most)
        for cycle, sums in self._sums.items():
            sums += other._sums[cycle]

    def cycles(self) -> tuple[str, ...]:
        """Return the cycles that the days cover more than once and in which they vary.

        Of times of day alone, it is the day.
        """
        if not self._n:
            return ()
        if self._least >= 0 and self._most < 1:
            return ("day",)
        covered = self._most - self._least
        return tuple(
            cycle for cycle, sums in self._sums.items()
            if covered > CYCLES[cycle] and 1 - np.hypot(*sums) / self._n > VARIES
        )  # fmt: skip
