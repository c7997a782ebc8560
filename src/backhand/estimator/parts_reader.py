"""The rows of a fit in parts that workers hold; labels and weights, which are narrow, are here."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backhand.cluster.assignment import assigned
from backhand.cluster.parted_data import PartedData, share_out
from backhand.cluster.parted_engine import PartedEngine
from backhand.cluster.parts import Parts, part_count
from backhand.cluster.ray_objects import is_reference, machines_near
from backhand.cluster.transport import Transport
from backhand.engines import Data, Engine
from backhand.errors import BackhandWarning, InputError
from backhand.estimator.inputs import Read, features_and_labels
from backhand.estimator.listed_parts import (
    Expected,
    Facts,
    Listed,
    check_alike,
    hold,
    is_in_parts,
    read,
)
from backhand.estimator.parameters import DEFAULT_BATCH_SIZE
from backhand.estimator.reporting import warn


class Held(NamedTuple):
    """Rows that workers have read, in the order of the parts.

    Attributes
    ----------
    name : str
        Their key in the memory of each part.
    lengths : list of int
        Rows of each part.
    shape : (int, int)
    dtype : dtype
    """

    name: str
    lengths: list[int]
    shape: tuple[int, int]
    dtype: Any


class PartsReader:
    """Reads rows into parts that workers hold: `inputs.Reader` over a transport.

    Parameters
    ----------
    transport : Transport
    batch_size : int, "auto" or None
        The estimator's; None: all rows. With it and the number of rows, the number of parts is
        decided by what is read first.
    """

    def __init__(self, transport: Transport, batch_size: int | str | None) -> None:
        self._transport, self._names = transport, count()
        self._batch_size = DEFAULT_BATCH_SIZE if isinstance(batch_size, str) else batch_size
        self._parts: Parts | None = None

    def read(
        self, estimator: Any, X: Any, y: Any, sample_weight: Any, name: str = "X", *, reset: bool
    ) -> Read:
        """Validate rows: one table here, a list of parts where they are held."""
        if not is_in_parts(X):
            return Read(*features_and_labels(estimator, X, y, reset=reset), sample_weight)
        check_lists(X, y, sample_weight, name)
        weights = [None] * len(X) if sample_weight is None else sample_weight
        listed: list[Listed] = [
            (f"{name}[{n}]", *entries) for n, entries in enumerate(zip(X, y, weights, strict=True))
        ]
        return self._read_parts(estimator, listed, reset=reset)

    def data(self, X: Any, y: NDArray[np.int64], weights: NDArray[Any] | None) -> PartedData:
        """Return what was read as data in parts, to which y and the weights are sent."""
        if not isinstance(X, Held):
            return self._sent_out(Data(X, y, weights))
        parts = self._parts_of(len(X.lengths))
        of_part = list(zip(*(_cut(rows, X.lengths) for rows in (y, weights)), strict=True))
        parts.keep(hold, X.name, X.dtype, X.shape[1], of_part=of_part)
        return PartedData(parts, X.name, X.lengths, X.shape[1], X.dtype, y, weights)

    def engine(self, *choice: Any) -> Engine:
        """Return an engine whose sessions send each update to the workers."""
        assert self._parts is not None  # rows have been read
        return PartedEngine(self._parts, *choice)

    def _sent_out(self, data: Data) -> PartedData:
        """Cut rows into parts of about equal lengths, and send these to the workers."""
        size = data.rows if self._batch_size is None else self._batch_size
        return share_out(self._parts_of(part_count(data.rows, size)), data, self._next_name())

    def _read_parts(self, estimator: Any, listed: Sequence[Listed], *, reset: bool) -> Read:
        """Have lists of parts read by the workers, neighbours together where they are many."""
        runs = _runs(listed, self._count(part_count(len(listed), self._batch_size)))
        parts = self._parts_of(len(runs), _near(runs))
        name, expected = self._next_name(), _expected(estimator, reset=reset)
        by_part: list[list[Facts]] = parts.keep(
            read, name, expected, of_part=[(run,) for run in runs]
        )
        found = [facts for some in by_part for facts in some]
        if not found:
            raise InputError("none of these parts has rows; expected one row or more.")
        check_alike(found)
        if reset:
            _note(estimator, found[0])
        lengths = [sum(len(facts.labels) for facts in some) for some in by_part]
        dtype = np.result_type(*{facts.dtype for facts in found})
        labels = np.concatenate([facts.labels for facts in found])
        held = Held(name, lengths, (len(labels), found[0].features), dtype)
        return Read(held, labels, _weights(found))

    def _count(self, count: int) -> int:
        """Return the number of parts of all rows; it is `count`, if it is not decided yet."""
        return count if self._parts is None else self._parts.count

    def _parts_of(self, count: int, near: Sequence[frozenset[str]] | None = None) -> Parts:
        """Return the parts of all rows, which are made at the first call."""
        if self._parts is None:
            self._parts = Parts(self._transport, count, near=near)
            if (idle := len(self._transport.places) - count) > 0:
                warn(
                    f"num_workers is {count + idle}, and there are {count} parts: {idle} workers "
                    "have no rows. Use fewer workers, or pass X in more parts.",
                    BackhandWarning,
                )
        return self._parts

    def _next_name(self) -> str:
        return f"rows {next(self._names)}"


def check_lists(X: Any, y: Any, sample_weight: Any, name: str = "X") -> None:
    """Check that labels and weights are lists of as many parts as X, which is one.

    Raises
    ------
    InputError
        If one is not.
    """
    for what, values in (("labels", y), ("weights", sample_weight)):
        if what == "weights" and values is None:
            continue
        if not isinstance(values, list | tuple) or len(values) != len(X) or not all(
            is_reference(value) or hasattr(value, "__len__") for value in values
        ):  # fmt: skip
            raise InputError(
                f"{name} is a list of {len(X)} parts, and its {what} are not; expected a list with "
                f"the {what} of each part."
            )


def _runs(listed: Sequence[Listed], count: int) -> list[list[Listed]]:
    """Put neighbours together in `count` runs, by their number alone; a run may be empty."""
    places = assigned([1.0] * len(listed), [range(count)] * len(listed))
    pairs = list(zip(listed, places, strict=True))
    return [[one for one, place in pairs if place == run] for run in range(count)]


def _near(runs: Sequence[Sequence[Listed]]) -> list[frozenset[str]] | None:
    """Return the machines that have the rows of each run already; None if all come from here."""
    references = [[X for _, X, _, _ in run if is_reference(X)] for run in runs]
    return machines_near(references) if any(references) else None


def _expected(estimator: Any, *, reset: bool) -> Expected:
    """Return what the parts must have in common with rows that the estimator has seen."""
    if reset:
        return Expected(estimator.precision, None, None)
    columns = getattr(estimator, "feature_names_in_", None)
    return Expected(estimator.precision, estimator.n_features_in_, columns)


def _note(estimator: Any, facts: Facts) -> None:
    """Set what later rows must have in common with these."""
    estimator.n_features_in_ = facts.features
    if facts.columns is not None:
        estimator.feature_names_in_ = np.array(facts.columns, object)
    elif hasattr(estimator, "feature_names_in_"):
        del estimator.feature_names_in_


def _weights(found: Sequence[Facts]) -> NDArray[Any] | None:
    some = [facts.sample_weight for facts in found if facts.sample_weight is not None]
    return np.concatenate(some) if some else None


def _cut(values: NDArray[Any] | None, lengths: Sequence[int]) -> list[Any]:
    """Return the values of each part, (n,)."""
    if values is None:
        return [None] * len(lengths)
    return np.split(values, np.cumsum(lengths)[:-1])
