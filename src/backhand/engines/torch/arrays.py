"""Tensors of several sessions: shared by all of them, or stacked, each kind in one."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from functools import cached_property
from threading import Lock
from typing import Any
from weakref import WeakValueDictionary, ref

import numpy as np
from numpy.typing import NDArray

from backhand.engines.array_engine import Tensors
from backhand.engines.contract import Data
from backhand.equations import Parameters
from backhand.optimizers import Slots
from backhand.support.optional import extra

torch = extra("torch", "the torch engine")


class SharedArrays:
    """Arrays on the engine's device, each of them once for all sessions that read it.

    An array is there as long as a session has it; until then it must not change.
    """

    def __init__(self) -> None:
        self._there: WeakValueDictionary[int, Any] = WeakValueDictionary()
        self._lock = Lock()

    def put(self, array: NDArray[Any], put: Callable[[Any], Any]) -> Any:
        """The array on the device, by `put` if it is not there yet."""
        with self._lock:
            there = self._there.get(id(array))
            if there is None or there.array() is not array:
                there = put(array)
                there.array = ref(array)
                self._there[id(array)] = there
            return there


class Stacked:
    """The tensors of several sessions: (M, ...), which updates change in place."""

    def __init__(self, tensors: Tensors) -> None:
        self.tensors = tensors
        self._on_host: Tensors | None = None

    def on_host(self, get: Callable[[Any], NDArray[Any]]) -> Tensors:
        """The same as NumPy arrays: one transfer for each kind, however many members ask."""
        if self._on_host is None:
            self._on_host = self.tensors.each(get)
        return self._on_host

    def changed(self) -> None:
        """Forget what was read of the tensors before they changed."""
        self._on_host = None

    def has_members(self, all_tensors: Sequence[Any]) -> bool:
        """Whether these are all its members, in their order."""
        return len(all_tensors) == len(self.tensors.theta.b2) and all(
            isinstance(member, Member) and member.stacked is self and member.number == m
            for m, member in enumerate(all_tensors)
        )


class Member:
    """The tensors of one of the sessions; they are taken out of the stack when they are needed."""

    def __init__(self, stacked: Stacked, number: int) -> None:
        self.stacked, self.number = stacked, number

    @cached_property
    def _own(self) -> Tensors:
        return self.stacked.tensors.each(lambda array: array[self.number])

    @property
    def theta(self) -> Parameters:
        """Its own, as of `Tensors`."""
        return self._own.theta

    @property
    def slots(self) -> Slots:
        """Its own, as of `Tensors`."""
        return self._own.slots

    def copied(self, get: Callable[[Any], NDArray[Any]]) -> Tensors:
        """Copies as NumPy arrays."""
        return self.stacked.on_host(get).each(lambda array: np.array(array[self.number]))


def stack(members: Sequence[Tensors | Member]) -> Tensors:
    """The tensors of several sessions, (M, ...)."""
    first = members[0]
    if isinstance(first, Member):
        numbers = [
            m.number for m in members if isinstance(m, Member) and m.stacked is first.stacked
        ]
        if len(numbers) == len(members):
            whole = first.stacked.tensors
            complete = numbers == list(range(len(whole.theta.b2)))
            return whole if complete else whole.each(lambda array: array[numbers])
    theta = _stacked([member.theta for member in members])
    slots = zip(*(member.slots for member in members), strict=True)
    return Tensors(theta, tuple(map(_stacked, slots)))


def _stacked(values: Sequence[Parameters]) -> Parameters:
    return Parameters(*map(torch.stack, zip(*values, strict=True)))


class StackedRows:
    """The rows of several sessions: some of one X and y, with weights of their own.

    Parameters
    ----------
    data : sequence of Data
        Of tensors, all with the same X and y, and with as many rows.

    Attributes
    ----------
    X, y : tensor
        Of all sessions, (N, d) and (N,).
    weights : tensor of shape (M, N), or None
        Each session's.
    count : int
        How many rows each session has.
    """

    def __init__(self, data: Sequence[Any]) -> None:
        self.X, self.y, w, numbers = data[0]
        self.count: int = data[0].rows
        self.weights: Any = None
        if w is not None:
            shared = all(one.sample_weight is w for one in data)
            self.weights = (
                w.expand(len(data), -1) if shared
                else torch.stack([one.sample_weight for one in data])
            )  # fmt: skip
        self._places = None if numbers is None else torch.stack([one.numbers for one in data])

    def places(self, order: Any = None) -> Any:
        """Where in X the sessions' rows are, (M, n): all, or in an order (M, n) those it names.

        None: all rows of X, as they are stored.
        """
        if order is None or self._places is None:
            return self._places if order is None else order
        return self._places.gather(1, order)

    def at(self, there: Any, dtype: Any) -> Any:
        """The `Data` at places (M, n) of each session's, or of all's: places (n,) or a slice."""
        w = self.weights
        if w is not None:
            own = isinstance(there, torch.Tensor) and there.ndim == 2
            w = w.gather(1, there) if own else w[:, there]
        return Data(self.X[there].to(dtype), self.y[there], w)


def kind_of(rows: Any) -> Hashable:
    """What `Data` of tensors have in common where they can be `StackedRows`."""
    return (
        id(rows.X), id(rows.y), rows.rows, rows.sample_weight is None, rows.numbers is None
    )  # fmt: skip


def weights_of(batch: Any) -> Any:
    """Σw of each session's rows, (M,), or their number, of what `StackedRows.at` returned."""
    w = batch.sample_weight
    return batch.y.shape[-1] if w is None else w.sum(dim=1, dtype=torch.float64)


def over_sessions(function: Callable[..., Any], batch: Any, *others: Any) -> Callable[..., Any]:
    """A function of one session's batch and of other values, as one of those of all sessions.

    Other values are tensors (M, ...) in tuples of them, or no tensors, which stay as they are.
    """
    of_rows = None if batch.X.ndim == 2 else 0
    of_batch = Data(of_rows, of_rows, None if batch.sample_weight is None else 0)  # type: ignore[arg-type]
    dims = each(lambda value: 0 if isinstance(value, torch.Tensor) else None, others)
    mapped: Callable[..., Any] = torch.func.vmap(function, (of_batch, *dims))
    return mapped


def each(function: Callable[[Any], Any], value: Any) -> Any:
    """The function's value for each part of a tuple of tuples."""
    if not isinstance(value, tuple):
        return function(value)
    values = [each(function, one) for one in value]
    return type(value)(*values) if hasattr(value, "_fields") else tuple(values)
