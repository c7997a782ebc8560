"""The order in which each epoch visits the rows."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


class Order(Protocol):
    """For any epoch, counted from 0, a permutation of the rows: the same whenever it is asked."""

    def of_epoch(self, epoch: int) -> NDArray[np.int64]:
        """The rows' numbers, (N,)."""
        ...

    def settle(self, first: int, last: int | None = None) -> None:
        """No epoch before `first` is asked for again; nor, if told, is any from `last` on."""
        ...


class SeededOrder:
    """Each epoch's order comes from the seed and the epoch's number alone."""

    def __init__(self, rows: int, seed: int) -> None:
        self._rows, self._seed = rows, seed

    def of_epoch(self, epoch: int) -> NDArray[np.int64]:
        return np.random.default_rng([self._seed, epoch]).permutation(self._rows)

    def settle(self, first: int, last: int | None = None) -> None:
        """Nothing is remembered."""


class ShuffledOrder:
    """scikit-learn's: each epoch shuffles what the one before it left, all with one RandomState.

    Such an order cannot be drawn from an epoch's number. What was drawn is remembered until it is
    settled, together with the generator's state: training draws ahead of where it may stop.
    """

    def __init__(self, rows: int, random_state: np.random.RandomState) -> None:
        self._random_state = random_state
        self._drawn: dict[int, tuple[NDArray[np.int64], Any]] = {
            -1: (np.arange(rows), random_state.get_state(legacy=False))
        }

    def of_epoch(self, epoch: int) -> NDArray[np.int64]:
        for e in range(max(self._drawn) + 1, epoch + 1):
            before, _ = self._drawn[e - 1]
            shuffled = np.arange(len(before))
            self._random_state.shuffle(shuffled)
            self._drawn[e] = before[shuffled], self._random_state.get_state(legacy=False)
        return self._drawn[epoch][0]

    def settle(self, first: int, last: int | None = None) -> None:
        for epoch in [e for e in self._drawn if e < first - 1]:
            del self._drawn[epoch]
        if last is not None and last - 1 < max(self._drawn):
            for epoch in [e for e in self._drawn if e >= last]:
                del self._drawn[epoch]
            self._random_state.set_state(self._drawn[last - 1][1])
