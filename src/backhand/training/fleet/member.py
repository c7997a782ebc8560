"""`Member`: one training of a fleet, and its checks against the rows that the fleet shares."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.constraints import Integer
from backhand.engines import Data
from backhand.equations import Parameters
from backhand.errors import InputError
from backhand.support import display
from backhand.support.memory_budget import format_size, free_memory
from backhand.training.config import TrainConfig, check_settings, setting, with_settings
from backhand.training.data import host, host_parameters
from backhand.training.prepared import check_monitored

MANY_BYTES = 2**28
"""Size of parameters from which they are compared with the free memory."""


@display.shown
@dataclass(frozen=True, kw_only=True, eq=False)
class Member(TrainConfig):
    """One training of a fleet: its network, its rows, and its settings.

    Two members are equal only if they are one object: each may be the key of its result.

    Parameters
    ----------
    hidden : int, default=128
        Number of hidden units.
    params : Parameters, optional
        Initial parameters, of the fleet's dtype, whose hidden units replace `hidden`. None: drawn
        by `backhand.init` with the member's seed, when its turn comes.
    rows : array_like, optional
        The rows of X that it learns from: a mask of shape (N,), or row numbers, in which a row may
        occur more than once. None: all rows.
    validation : array_like, optional
        The rows of X that it validates on, in the same forms. None: no validation.
    ... : all settings, which `help` describes one by one

    Raises
    ------
    InputError
        If a setting is invalid; the message says what was expected.

    See Also
    --------
    backhand.train_many : Trains members.

    Examples
    --------
    >>> import backhand
    >>> import numpy as np
    >>> fold = np.arange(90) % 3
    >>> members = [
    ...     backhand.Member(hidden=16, l2=l2, rows=fold != k, validation=fold == k)
    ...     for l2 in (1e-4, 1e-3) for k in range(3)]
    >>> len(members), members[0].l2
    (6, 0.0001)
    """

    hidden: int = setting(128, constraint=Integer(1))
    params: Parameters | None = None
    rows: Any = None
    validation: Any = None

    # `TrainConfig` would compare the settings alone; arrays do not compare as one.
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def __post_init__(self) -> None:
        check_settings(self)
        check_monitored(self.config, self.validation is not None)

    @cached_property
    def config(self) -> TrainConfig:
        """The settings alone."""
        return TrainConfig(**{f.name: getattr(self, f.name) for f in fields(TrainConfig)})

    def _summary(self) -> display.Summary:
        of_members = {f.name for f in fields(Member)} - {f.name for f in fields(TrainConfig)}
        shown = [
            (f.name, _brief(getattr(self, f.name)))
            for f in fields(Member)
            if f.name == "hidden" or getattr(self, f.name) is not f.default
        ]
        return display.Summary("Member", sorted(shown, key=lambda row: row[0] not in of_members))


Member.__doc__ = with_settings(Member.__doc__, TrainConfig)


def _brief(value: Any) -> str:
    """A value in a few words: an array by its shape."""
    shape = getattr(value, "shape", None)
    return f"{value!r}" if shape is None else f"{value.dtype} {tuple(shape)}"


def check_members(members: Any, data: Data, d: int, K: int, dtype: Any) -> None:
    """Check members against the rows that they share.

    Raises
    ------
    InputError
        For the first that does not fit; it names the member's number, from 0, and its argument.
    """
    if not isinstance(members, list | tuple) or not members:
        raise InputError(
            f"members is {_kind(members)}; expected a list of one backhand.Member or more."
        )
    for number, member in enumerate(members):
        if not isinstance(member, Member):
            raise InputError(f"member {number} is {_kind(member)}; expected a backhand.Member.")
        try:
            _check_network(member, d, K, dtype)
            for name in ("rows", "validation"):
                _check_rows(name, getattr(member, name), data)
        except InputError as error:
            raise InputError(f"member {number}: {error}") from error


def _check_network(member: Member, d: int, K: int, dtype: Any) -> None:
    if member.params is None:
        size = (d + 1 + K) * member.hidden * np.dtype(dtype).itemsize
        if size > MANY_BYTES and size > (free := free_memory()):
            raise InputError(
                f"hidden is {member.hidden:,}: with {d:,} features and {K:,} classes the "
                f"parameters take {format_size(size)}, and {format_size(free)} of memory is free; "
                "use fewer hidden units."
            )
        return
    W1, _, W2, _ = host_parameters(member.params)
    if W1.shape[0] != d or W2.shape[1] < K or W1.dtype != dtype:
        raise InputError(
            f"params has W1 {W1.shape} and W2 {W2.shape} in {W1.dtype}; expected {d} features, "
            f"{K} classes or more, and {np.dtype(dtype)} (the fleet's dtype)."
        )


def _check_rows(name: str, rows: Any, data: Data) -> None:
    if rows is None:
        return
    numbers = row_numbers(name, rows, data.rows)
    w = data.sample_weight
    if w is not None and not w[numbers].sum(dtype=np.float64) > np.finfo(w.dtype).tiny:
        raise InputError(f"{name} are rows that all have the sample weight 0.")


def row_numbers(name: str, rows: Any, N: int) -> NDArray[np.int64]:
    """Return the row numbers of a mask (N,), or of row numbers.

    Raises
    ------
    InputError
        If there are none, or one is not in 0..N-1.
    """
    rows = host(rows)
    try:
        found = np.asarray(rows)
    except ValueError:  # lists of several lengths
        found = np.asarray(None)
    if found.dtype.kind == "b" and found.shape != (N,):
        raise InputError(f"{name} is a mask {found.shape}; X has {N} rows, so expected ({N},).")
    if (found.ndim != 1 or found.dtype.kind not in "biu") and found.size:
        what = "" if found.dtype.kind == "O" else f" of {found.dtype} {found.shape}"
        raise InputError(
            f"{name} is {_kind(rows)}{what}; expected a mask of True and False, ({N},), or row "
            "numbers, (n,)."
        )
    numbers = np.flatnonzero(found) if found.dtype.kind == "b" else found
    if not numbers.size:
        raise InputError(f"{name} has no rows; expected one or more.")
    low, high = int(numbers.min()), int(numbers.max())
    if low < 0 or high >= N:
        raise InputError(
            f"{name} has row numbers from {low} to {high}; with {N} rows they must be in "
            f"0..{N - 1}."
        )
    if found.dtype.kind in "iu" and len(found) == N > 2 and high < 2:
        raise InputError(
            f"{name} is {N} integers, all of them 0 or 1. As row numbers they are rows 0 and 1 "
            "alone; if they are a mask, pass booleans: numpy.asarray(mask, dtype=bool)."
        )
    return numbers.astype(np.int64, copy=False)


def _kind(value: Any) -> str:
    if isinstance(value, list | tuple) and not value:
        return f"an empty {type(value).__name__}"
    return f"a {type(value).__name__}"
