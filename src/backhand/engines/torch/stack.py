"""Sessions on torch that are advanced as one computation: a stack of their tensors."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from functools import partial
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from backhand.dropout import scale, threshold, update_keys
from backhand.engines.argument_checks import checked_optimizer
from backhand.engines.array_engine import ArraySession, measured
from backhand.engines.batching import CHUNK_BYTES, WeightedMean, chunks, update_numbers
from backhand.engines.contract import Block, BlockMetrics
from backhand.engines.torch.arrays import (
    Member,
    Stacked,
    StackedRows,
    kind_of,
    over_sessions,
    stack,
    weights_of,
)
from backhand.engines.torch.groups import alike
from backhand.engines.torch.work import Epochs, Numbers, Work
from backhand.equations import Parameters
from backhand.support.optional import extra

torch = extra("torch", "the torch engine")

MEASURED_BYTES = 4 * CHUNK_BYTES
"""Approximate working memory for the validation rows of all members."""

PART_BYTES = 2**24
"""Approximate memory for the order, η, λ and figures of the epochs between two transfers."""

MOST_EPOCHS = 4096
"""Maximum number of epochs between two transfers: Ctrl-C takes effect only between them."""


def advance_stacked(
    sessions: Sequence[ArraySession], blocks: Sequence[Block]
) -> list[BlockMetrics]:
    """Do the blocks of sessions that are `alike`; afterwards the sessions are members of a stack.

    A member leaves after its last epoch, or after one whose loss is not finite, and the others are
    stacked anew.
    """
    figures: list[list[NDArray[np.float64]]] = [[] for _ in sessions]
    going, begin = list(range(len(sessions))), 0
    while going:
        some, theirs = [sessions[m] for m in going], [blocks[m] for m in going]
        stacked = stack_of(some, theirs[0])
        end = min(begin + stacked.room, *(block.epochs for block in theirs))
        found = stacked.advance(some, [_part(block, begin, end) for block in theirs])
        for m, rows in zip(going, found, strict=True):
            figures[m].append(rows)
        going = [
            m for m, rows in zip(going, found, strict=True)
            if np.isfinite(rows[-1, 0]) and end < blocks[m].epochs
        ]  # fmt: skip
        begin = end
    return [BlockMetrics(*np.concatenate(rows).T) for rows in figures]


def stack_of(sessions: Sequence[ArraySession], block: Block) -> Stack:
    """The stack that the sessions are the members of, if it does such blocks, or a new one."""
    tensors = [session._tensors for session in sessions]
    first, kind = tensors[0], alike(sessions[0], block)
    if isinstance(first, Member):
        found = first.stacked
        if isinstance(found, Stack) and found.kind == kind and found.has_members(tensors):
            return found
    return Stack(sessions, block, kind)


def _part(block: Block, begin: int, end: int) -> Block:
    """Some epochs of a block."""
    order = None if block.order is None else block.order[begin:end]
    validated = None if block.validated is None else block.validated[begin:end]
    rates, l2 = block.learning_rate[begin:end], block.l2[begin:end]
    return Block(block.batch_size, rates, l2, order, validated)


class Measured(NamedTuple):
    """Validation figures of some members after an epoch, (m, 2), on the device."""

    epoch: int
    members: list[int]
    figures: Any


class Stack(Stacked):
    """The tensors of sessions that are `alike`, and what their updates read and write.

    Attributes
    ----------
    kind : hashable
        What its sessions and their blocks have in common.
    room : int
        Maximum number of epochs in one call.
    """

    def __init__(self, sessions: Sequence[ArraySession], block: Block, kind: Hashable) -> None:
        first = sessions[0]
        super().__init__(stack([session._tensors for session in sessions]))
        self._engine = cast("Any", first._engine)  # the torch engine, which imports this module
        self.kind, self._like = kind, first._like
        rows = StackedRows([session._data for session in sessions])
        ordered = block.order is not None
        n = rows.count if block.order is None else block.order.shape[1]
        epochs = Epochs(n, block.batch_size, block.learning_rate.shape[1], ordered)
        bytes_each = len(sessions) * 8 * (8 * epochs.batches + n * ordered)
        self.room = min(MOST_EPOCHS, max(1, PART_BYTES // bytes_each))
        self._work = self._make_work(sessions, rows, epochs, bool(block.l2.any()))
        self._updates = self._engine.updates(self._work)
        self._measured: dict[tuple[int, ...], StackedRows] = {}

    def _make_work(
        self, sessions: Sequence[ArraySession], rows: StackedRows, epochs: Epochs, penalised: bool
    ) -> Work:
        """The arrays of the updates, for as many as there is room for."""
        M, U, objective = len(sessions), self.room * epochs.batches, sessions[0]._objective
        empty = partial(torch.zeros, device=self.tensors.theta.b2.device)
        numbers = Numbers(*(empty(U, M, dtype=torch.float64) for _ in range(4)))
        if not penalised:
            numbers = numbers._replace(l2=0.0)
        if objective.dropout:
            shares = [session._objective.dropout for session in sessions]
            numbers = numbers._replace(
                key=empty(U, M, dtype=torch.int64),
                threshold=self._engine.put(np.array([threshold(p) for p in shares])),
                scale=self._engine.put(np.array([scale(p) for p in shares])),
            )
        places = rows.places()
        if epochs.ordered:
            places = empty(M, self.room * epochs.rows, dtype=torch.int64)
        return Work(
            self._engine.passes, checked_optimizer(sessions[0]._optimizer), objective, rows,
            epochs, self.tensors, numbers, places, counter=empty(M, dtype=torch.int64),
            going=empty(M, dtype=torch.bool), failed=empty(M, dtype=torch.bool),
            figures=empty(U, M, 3, dtype=torch.float64),
        )  # fmt: skip

    def advance(
        self, sessions: Sequence[ArraySession], blocks: Sequence[Block]
    ) -> list[NDArray[np.float64]]:
        """Do blocks of at most `room` epochs, all of as many; the figures of each member's epochs.

        They are (E, 4), as those of `BlockMetrics`, and fewer where a loss was not finite.
        """
        epochs, done = self._work.epochs, 0
        self._load(sessions, blocks)
        self.changed()
        validation: list[Measured] = []
        try:
            for first, last in _stretches(blocks):
                for run in epochs.runs(last - first):
                    self._updates.do(run)
                    done += run.batches
                validation += self._validate(sessions, blocks, last - 1)
            found = self._figures(blocks[0].epochs, validation)
        finally:  # also after an interrupt
            for number, session in enumerate(sessions):
                session._tensors = Member(self, number)
                session._updates += done
        for session, rows in zip(sessions, found, strict=True):
            session._updates -= (blocks[0].epochs - len(rows)) * epochs.batches
        return found

    def _load(self, sessions: Sequence[ArraySession], blocks: Sequence[Block]) -> None:
        """Put what the blocks say where the updates look it up."""
        work, put = self._work, self._engine.put
        t = [
            update_numbers(block.l2.shape, session._updates)
            for session, block in zip(sessions, blocks, strict=True)
        ]
        etas = [block.learning_rate for block in blocks]
        rates = [work.optimizer.rate(eta, number) for eta, number in zip(etas, t, strict=True)]
        l2 = [block.l2 for block in blocks]
        all_values: list[list[Any]] = [etas, rates, l2, t]
        for there, values in zip(work.numbers, all_values, strict=False):
            if isinstance(there, torch.Tensor):
                _fill(there, put(np.stack(values, axis=-1).astype(np.float64)).flatten(0, 1))
        if work.numbers.key is not None:
            keys = [
                update_keys(session._objective.dropout_seed, number)
                for session, number in zip(sessions, t, strict=True)
            ]
            there = work.numbers.key
            _fill(there, self._engine.put_keys(np.stack(keys, axis=-1)).flatten(0, 1))
        if work.epochs.ordered:
            orders = [block.order.reshape(-1) for block in blocks if block.order is not None]
            _fill(work.places.T, work.rows.places(put(np.stack(orders, dtype=np.int64))).T)
        work.counter.zero_()
        work.failed.zero_()
        work.going.fill_(True)

    def _figures(self, epochs: int, validation: list[Measured]) -> list[NDArray[np.float64]]:
        """The figures of each member's epochs up to the first whose loss is not finite."""
        batches, M = self._work.epochs.batches, self._work.members
        figures = self._engine.get(self._work.figures[: epochs * batches])
        *values, w = np.moveaxis(figures.reshape(epochs, batches, M, 3), 3, 0)
        found = np.full((M, epochs, 4), np.nan)
        with np.errstate(invalid="ignore", over="ignore"):
            for column, value in enumerate(values):
                found[:, :, column] = ((value * w).sum(axis=1) / w.sum(axis=1)).T
        for epoch, members, theirs in validation:
            found[members, epoch, 2:] = self._engine.get(theirs)
        ended = ~np.isfinite(found[:, :, 0])
        lengths = np.where(ended.any(axis=1), ended.argmax(axis=1) + 1, epochs)
        return [rows[:length] for rows, length in zip(found, lengths, strict=True)]

    def _validate(
        self, sessions: Sequence[ArraySession], blocks: Sequence[Block], epoch: int
    ) -> list[Measured]:
        """Measure the members that are validated after the epoch, those of one kind as one."""
        kinds: dict[Hashable, list[int]] = {}
        for m, (session, block) in enumerate(zip(sessions, blocks, strict=True)):
            if block.validated is not None and block.validated[epoch]:
                kinds.setdefault(kind_of(session._validation_there), []).append(m)
        return [
            Measured(epoch, members, self._measure(sessions, members)) for members in kinds.values()
        ]

    def _measure(self, sessions: Sequence[ArraySession], members: list[int]) -> Any:
        """Loss and accuracy of the validation rows of members whose rows are of one kind."""
        if tuple(members) not in self._measured:
            data = [sessions[m]._validation_there for m in members]
            self._measured[tuple(members)] = StackedRows(data)
        rows, theta = self._measured[tuple(members)], self.tensors.theta
        if len(members) < len(sessions):
            theta = Parameters(*(value[members] for value in theta))
        places, mean = rows.places(), WeightedMean()
        for here in chunks(self._like, rows.count, MEASURED_BYTES // len(members)):
            batch = rows.at(here if places is None else places[:, here], theta.W1.dtype)
            measure = partial(measured, self._work.passes)
            figures = over_sessions(measure, batch, theta)(batch, theta)
            mean.add(weights_of(batch), *figures)
        return torch.stack(mean.on_device(), dim=1)


def _stretches(blocks: Sequence[Block]) -> list[tuple[int, int]]:
    """The epochs of blocks, cut after those that any of them validates."""
    ends = np.zeros(blocks[0].epochs, bool)
    for block in blocks:
        if block.validated is not None:
            ends |= block.validated
    ends[-1] = True
    last = np.flatnonzero(ends) + 1
    return list(zip([0, *last[:-1].tolist()], last.tolist(), strict=True))


def _fill(there: Any, values: Any) -> None:
    """Copy values over the first rows of a tensor."""
    there[: len(values)].copy_(values)
