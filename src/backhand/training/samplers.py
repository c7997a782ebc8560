"""Samplers: the order in which each epoch visits the rows.

An order may come in several parts, each of whole batches: a part is drawn and trained on before the
next is drawn, so no epoch is too long for memory, for progress reports or to be interrupted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from threading import Lock
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from backhand.errors import InputError

WINDOW_BYTES = 2**26
"""Rows are shuffled within windows of about this size: they are near in memory or on disk."""

BLOCK_BYTES = 2**18
"""A window is made of blocks of neighbouring rows, of about this size: each is one read."""

SHARED_ROWS = 2**12
"""The maximum number of rows whose orders are kept for other trainings (32 MiB in all)."""

SHARED_BYTES = 2**26
"""Memory for the orders that trainings share, of one `SharedOrders`."""

REDRAWN_ROWS = 2**14
"""Row numbers that `RandomStateSampler` draws again, to get back to an earlier state."""

MERSENNE_WORDS = 624
"""Words in the state of NumPy's MT19937; its `pos` is 0..624."""


class Sampler(Protocol):
    """A permutation of the rows for any epoch, counted from 0; the same in every call.

    Attributes
    ----------
    window : int
        Rows in each part of an epoch but the last, which may have fewer.
    parts : int
        Number of parts in which each epoch comes.
    """

    window: int
    parts: int

    def of_part(self, epoch: int, part: int) -> NDArray[np.int64]:
        """The numbers of the rows in one part of an epoch."""
        ...

    def settle(self, first: int, last: int | None = None) -> None:
        """Discard epochs before `first`, and from `last` on if given, as if not drawn."""
        ...

    def state_dict(self, epoch: int) -> dict[str, NDArray[Any]]:
        """Return what another sampler must load to continue after the first `epoch` epochs."""
        ...

    def check_state_dict(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Raise InputError, with a clause, if no sampler of these rows has such a state."""
        ...

    def load_state_dict(self, epoch: int, state: Mapping[str, NDArray[Any]]) -> None:
        """Continue after `epoch` epochs, with a state that is checked."""
        ...


class SeededSampler:
    """Each part of each epoch follows from the seed and its numbers alone.

    Rows that take more than `WINDOW_BYTES` are not shuffled all at once: blocks of neighbouring
    rows are drawn in a random order, and the rows of as many blocks as make a window are shuffled.
    So what is read next is close together, wherever the rows are stored; the order depends on their
    number and size, and not on the available memory.

    Parameters
    ----------
    rows : int
        N.
    seed : int
    row_bytes : int
        Size of a row of X.
    batch_size : int
        Windows consist of whole batches, and all but the last have the same length.
    shuffle : bool
        False: the rows in order, in parts.
    """

    def __init__(
        self, rows: int, seed: int, row_bytes: int = 1, batch_size: int = 1, *, shuffle: bool = True
    ) -> None:
        self._rows, self._seed, self._shuffle = rows, seed, shuffle
        most, batches = max(1, WINDOW_BYTES // (row_bytes * batch_size)), -(-rows // batch_size)
        windows = -(-batches // most)
        self.window = -(-batches // windows) * batch_size
        self.parts = -(-rows // self.window)
        self._block = max(1, BLOCK_BYTES // row_bytes)

    def of_part(self, epoch: int, part: int) -> NDArray[np.int64]:
        first, last = part * self.window, min((part + 1) * self.window, self._rows)
        if not self._shuffle:
            return np.arange(first, last)
        if self.parts == 1:
            draw = _shared_permutation if self._rows <= SHARED_ROWS else _permutation
            return draw(self._seed, epoch, self._rows)
        rows = self._of_blocks(epoch, first, last)
        np.random.default_rng([self._seed, epoch, part]).shuffle(rows)
        return rows

    def _of_blocks(self, epoch: int, first: int, last: int) -> NDArray[np.int64]:
        """Rows number `first` to `last` of all, taken block by block in the epoch's order."""
        count = -(-self._rows // self._block)
        blocks = np.random.default_rng([self._seed, epoch]).permutation(count)
        sizes = np.full(count, self._block)
        sizes[blocks == count - 1] = self._rows - (count - 1) * self._block
        ends = np.cumsum(sizes)
        begin, end = np.searchsorted(ends, [first, last - 1], side="right")
        skipped = first - (ends[begin] - sizes[begin])
        some = zip(blocks[begin : end + 1] * self._block, sizes[begin : end + 1], strict=True)
        rows = np.concatenate([np.arange(start, start + size) for start, size in some])
        return rows[skipped : skipped + last - first]

    def settle(self, first: int, last: int | None = None) -> None:
        """Do nothing: no epoch is kept."""

    def state_dict(self, epoch: int) -> dict[str, NDArray[Any]]:  # noqa: ARG002
        return {}

    def check_state_dict(self, state: Mapping[str, NDArray[Any]]) -> None:
        if state:
            raise InputError("it has an order of the rows; this training's sampler stores no order")

    def load_state_dict(self, epoch: int, state: Mapping[str, NDArray[Any]]) -> None:
        """Do nothing: each order follows from the seed."""


def _permutation(seed: int, epoch: int, rows: int) -> NDArray[np.int64]:
    found = np.random.default_rng([seed, epoch]).permutation(rows)
    found.flags.writeable = False
    return found


_shared_permutation = lru_cache(maxsize=1024)(_permutation)
"""Many small trainings with one seed (of one data set, say) draw the same: drawn once for all."""


class RandomStateSampler:
    """scikit-learn's: each epoch shuffles the order of the one before it, all with one RandomState.

    Such an order does not follow from an epoch's number. What was drawn is kept until it is
    settled: training draws ahead of where it may stop. The generator's state is read, which takes
    as long as the shuffling of 3,000 rows, only so often that it can be reached again by drawing
    at most `REDRAWN_ROWS` numbers or one epoch.

    Parameters
    ----------
    rows : int
        N.
    random_state : RandomState
    ahead : bool
        Whether more epochs may be drawn than are trained. False for a training of one epoch, which
        is trained whole or raises an error.
    """

    parts = 1

    def __init__(
        self, rows: int, random_state: np.random.RandomState, *, ahead: bool = True
    ) -> None:
        self.window = rows
        self._random_state, self._ahead = random_state, ahead
        self._drawn: dict[int, NDArray[np.int64]] = {-1: np.arange(rows)}
        self._states: dict[int, Any] = {}  # of the generator before some of the epochs drawn

    def of_part(self, epoch: int, part: int) -> NDArray[np.int64]:  # noqa: ARG002
        for e in range(max(self._drawn) + 1, epoch + 1):
            known = max(self._states, default=-math.inf)
            if self._ahead and (e - known) * self.window > REDRAWN_ROWS:
                self._states[e] = self._random_state.get_state(legacy=False)
            self._drawn[e] = self._drawn[e - 1][_shuffled(self.window, self._random_state)]
        return self._drawn[epoch]

    def settle(self, first: int, last: int | None = None) -> None:
        _forget(self._drawn, first - 1)
        _forget(self._states, max((e for e in self._states if e <= first), default=first))
        if last is not None and last in self._drawn:
            self._random_state.set_state(self._generator_before(last))
            self._drawn = {e: rows for e, rows in self._drawn.items() if e < last}
            self._states = {e: state for e, state in self._states.items() if e < last}

    def _generator_before(self, epoch: int) -> Any:
        """The generator's state before it draws, or drew, an epoch that follows those kept."""
        if epoch not in self._drawn:
            return self._random_state.get_state(legacy=False)
        known = max(e for e in self._states if e <= epoch)
        if known == epoch:
            return self._states[known]
        again = np.random.RandomState()
        again.set_state(self._states[known])
        for _ in range(known, epoch):
            _shuffled(self.window, again)
        return again.get_state(legacy=False)

    def state_dict(self, epoch: int) -> dict[str, NDArray[Any]]:
        rows, generator = self._drawn[epoch - 1], self._generator_before(epoch)
        mersenne = generator["state"]
        rest = [mersenne["pos"], generator["has_gauss"], generator["gauss"]]
        return {"rows": rows, "key": mersenne["key"], "rest": np.array(rest, np.float64)}

    def check_state_dict(self, state: Mapping[str, NDArray[Any]]) -> None:
        # NumPy's generator does not check `pos`, and reads wherever it points.
        kinds = {"rows": (np.int64, self.window), "key": (np.uint32, MERSENNE_WORDS),
                 "rest": (np.float64, 3)}  # fmt: skip
        if set(state) != set(kinds) or any(
            state[name].dtype != dtype or state[name].shape != (count,)
            for name, (dtype, count) in kinds.items()
        ):
            raise InputError("its sampler's state is not an order of the rows and a generator")
        rows, (pos, has_gauss, gauss) = state["rows"], state["rest"].tolist()
        if not np.array_equal(np.sort(rows), np.arange(self.window)):
            raise InputError("its order of the rows is not a permutation of them")
        if pos not in range(MERSENNE_WORDS + 1) or has_gauss not in (0, 1) \
                or not math.isfinite(gauss):  # fmt: skip
            raise InputError("its random numbers' state is not one of NumPy's MT19937")

    def load_state_dict(self, epoch: int, state: Mapping[str, NDArray[Any]]) -> None:
        self.check_state_dict(state)
        rows, (pos, has_gauss, gauss) = state["rows"], state["rest"].tolist()
        generator = {"bit_generator": "MT19937", "has_gauss": int(has_gauss), "gauss": gauss,
                     "state": {"key": state["key"], "pos": int(pos)}}  # fmt: skip
        self._random_state.set_state(generator)
        self._drawn, self._states = {epoch - 1: rows}, {}


def _shuffled(rows: int, random_state: np.random.RandomState) -> NDArray[np.int64]:
    order = np.arange(rows)
    random_state.shuffle(order)
    return order


def _forget(kept: dict[int, Any], first: int) -> None:
    """Remove what is kept of the epochs before `first`."""
    for epoch in [e for e in kept if e < first]:
        del kept[epoch]


class SharedOrders:
    """The orders of one sampler, for several trainings whose samplers would draw the same.

    They are drawn once, and all are kept, since the trainings are at different epochs. So nothing
    has to be settled or loaded.
    """

    def __init__(self, sampler: Sampler) -> None:
        self.window, self.parts = sampler.window, sampler.parts
        self._sampler, self._lock = sampler, Lock()

    def of_part(self, epoch: int, part: int) -> NDArray[np.int64]:
        with self._lock:
            return self._sampler.of_part(epoch, part)

    def settle(self, first: int, last: int | None = None) -> None:
        """Do nothing: other trainings need all epochs."""

    def state_dict(self, epoch: int) -> dict[str, NDArray[Any]]:
        with self._lock:
            self._sampler.of_part(epoch, 0)
            return self._sampler.state_dict(epoch)

    def check_state_dict(self, state: Mapping[str, NDArray[Any]]) -> None:
        self._sampler.check_state_dict(state)

    def load_state_dict(self, epoch: int, state: Mapping[str, NDArray[Any]]) -> None:
        """Do nothing: the order of each epoch is that of the trainings' common start."""


class OrderPool:
    """Lets trainings share their orders: those that start from one generator state.

    In a grid search, all candidates with the same `random_state` and number of weights do. Drawing
    the orders takes longer than an epoch of a small training.
    """

    def __init__(self) -> None:
        self._shared: dict[Any, SharedOrders] = {}

    def shared(self, sampler: RandomStateSampler, epochs: int) -> Sampler:
        """Return the sampler, or one that draws the same, for a training of so many epochs."""
        if sampler.window * epochs * 8 > SHARED_BYTES:
            return sampler
        start = sampler.state_dict(0)
        key = sampler.window, start["key"].tobytes(), start["rest"].tobytes()
        return self._shared.setdefault(key, SharedOrders(sampler))
