"""Sessions of equal shapes on torch, advanced as one computation on stacked tensors.

`torch.func.vmap` maps one update of one session over the members of a group: the equations and the
update rules are those that a session alone computes with, and their products become batched ones.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backhand.dropout import mask_of, scale, threshold, update_keys
from backhand.engines.argument_checks import check_block, checked_optimizer
from backhand.engines.array_engine import ArraySession, Tensors, measured, updated
from backhand.engines.batching import CHUNK_BYTES, WeightedMean, chunks, update_numbers
from backhand.engines.contract import Block, BlockMetrics, Data
from backhand.engines.stacked_arrays import (
    Member,
    Stacked,
    StackedRows,
    kind_of,
    over_sessions,
    stack,
    weights_of,
)
from backhand.equations import Parameters
from backhand.support.optional import extra

torch = extra("torch", "the torch engine")


def alike(session: ArraySession, block: Block) -> Hashable:
    """What sessions and their blocks have in common where they can be advanced as one; or None.

    Members of a group have their own rows, weights, η, λ, number of updates and dropout.
    """
    data, objective = session._data, session._objective
    validates = block.validated is not None and block.validated.any()
    if session._on_host or (validates and session._validation_there is None):
        return None
    return (
        tuple(v.shape for v in session._like), session._dtype, session._optimizer,
        kind_of(data), block.batch_size, block.learning_rate.shape[1],
        None if block.order is None else block.order.shape[1],
        bool(block.l2.any()), bool(objective.dropout),
        objective.loss_cap, objective.first_class_fixed,
    )  # fmt: skip


class Limits(NamedTuple):
    """Which sessions are advanced as one on a kind of device, as measured.

    Attributes
    ----------
    members : int
        Maximum number of sessions in a stack.
    products : float
        Maximum number of products per update in a member's forward pass: where there are more, a
        member alone keeps the device busy.
    bytes : int
        Approximate maximum of working memory.
    """

    members: int
    products: float
    bytes: int


CPU, GPU = Limits(128, 2**23, 2**28), Limits(1024, math.inf, 2**31)

MEASURED_BYTES = 4 * CHUNK_BYTES
"""Approximate working memory for the validation rows of all members."""

FEWEST = 4
"""One stacked update costs about as much as those of three small members one after the other."""


def groups(
    sessions: Sequence[ArraySession], blocks: Sequence[Block], limits: Limits
) -> list[list[int]]:
    """Which sessions are advanced as one: their numbers, group by group."""
    found: dict[Hashable, list[int]] = {}
    for m, (session, block) in enumerate(zip(sessions, blocks, strict=True)):
        checked_optimizer(session._optimizer)
        check_block(block, session._data.rows, session._validation)
        found.setdefault(alike(session, block) or m, []).append(m)
    return [
        part.tolist()
        for members in found.values()
        for part in np.array_split(members, _parts(sessions[members[0]], blocks[members[0]],
                                                   len(members), limits))
    ]  # fmt: skip


def _parts(session: ArraySession, block: Block, members: int, limits: Limits) -> int:
    """The number of stacks, of nearly equal sizes, for this many members like this one."""
    (d, H), K, b = session._like.W1.shape, session._like.b2.shape[0], block.batch_size
    numbers = b * (2 * d + 8 * H + 8 * K) + 12 * sum(v.size for v in session._like)
    size = session._dtype.itemsize * numbers + 8 * (2 * session._data.rows + 4 * block.l2.size)
    at_once = min(limits.members, limits.bytes // int(size))
    if members < FEWEST or at_once < FEWEST or b * H * (d + K) > limits.products:
        return members
    return -(-members // at_once)


class Numbers(NamedTuple):
    """What is a number for each member, in one update: η, λ, t and the dropout's.

    Attributes
    ----------
    learning_rate, l2, t : tensor of shape (M,)
        float64; λ is 0.0, and no array, without a penalty.
    key, threshold, scale : tensor of shape (M,), or None without dropout
        As `mask_of` takes them.
    """

    learning_rate: Any
    l2: Any
    t: Any
    key: Any = None
    threshold: Any = None
    scale: Any = None


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
        end = min(blocks[m].epochs for m in going)
        stack = Stack([sessions[m] for m in going], [_part(blocks[m], begin, end) for m in going])
        for epoch in range(begin, end):
            found = np.hstack([stack.epoch(epoch - begin), stack.validate(epoch - begin)])
            for m, figure in zip(going, found, strict=True):
                figures[m].append(figure)
            finite = np.isfinite(found[:, 0])
            if not finite.all():
                break
        stack.hand_back()
        begin = epoch + 1
        going = [m for m, ok in zip(going, finite, strict=True) if ok and begin < blocks[m].epochs]
    return [BlockMetrics(*np.stack(rows, axis=1)) for rows in figures]


def _part(block: Block, begin: int, end: int) -> Block:
    """Some epochs of a block."""
    order = None if block.order is None else block.order[begin:end]
    validated = None if block.validated is None else block.validated[begin:end]
    rates, l2 = block.learning_rate[begin:end], block.l2[begin:end]
    return Block(block.batch_size, rates, l2, order, validated)


class Stack:
    """Sessions that are `alike` and their blocks, with the tensors of all members stacked."""

    def __init__(self, sessions: Sequence[ArraySession], blocks: Sequence[Block]) -> None:
        first = sessions[0]
        self._sessions, self._blocks, self._engine = sessions, blocks, first._engine
        self._optimizer, self._objective = checked_optimizer(first._optimizer), first._objective
        self._tensors = stack([session._tensors for session in sessions])
        self._rows = StackedRows([session._data for session in sessions])
        self._numbers = self._put_numbers()
        self._updates = 0
        self._measured: dict[tuple[int, ...], StackedRows] = {}

    def _put_numbers(self) -> Numbers:
        """Of each update, (E, B, M); threshold and scale (M,)."""

        def put(values: Sequence[Any], dtype: Any) -> Any:
            return self._engine.put(np.stack(values, axis=-1).astype(dtype, copy=False))

        blocks, objectives = self._blocks, [session._objective for session in self._sessions]
        t = [
            update_numbers(block.l2.shape, session._updates)
            for session, block in zip(self._sessions, blocks, strict=True)
        ]
        numbers = Numbers(
            put([block.learning_rate for block in blocks], np.float64),
            put([block.l2 for block in blocks], np.float64) if blocks[0].l2.any() else 0.0,
            put(t, np.float64),
        )
        if not self._objective.dropout:
            return numbers
        keys = [update_keys(o.dropout_seed, u) for o, u in zip(objectives, t, strict=True)]
        return numbers._replace(
            key=self._engine.put_keys(np.stack(keys, axis=-1)),
            threshold=put([threshold(o.dropout) for o in objectives], np.int64),
            scale=put([scale(o.dropout) for o in objectives], np.float64),
        )

    def epoch(self, epoch: int) -> NDArray[np.float64]:
        """Do an epoch of the blocks; the members' loss and accuracy, (M, 2)."""
        orders = [block.order[epoch] for block in self._blocks if block.order is not None]
        order = self._engine.put(np.stack(orders, dtype=np.int64)) if orders else None
        places, size = self._rows.places(order), self._blocks[0].batch_size
        n = len(orders[0]) if orders else self._rows.count
        mean = WeightedMean()
        for number, start in enumerate(range(0, n, size)):
            here = slice(start, min(start + size, n))
            batch = self._rows.at(places, here, self._tensors.theta.W1.dtype)
            mean.add(weights_of(batch), *self._update(batch, self._numbers_of(epoch, number)))
        return self._figures(mean)

    def _figures(self, mean: WeightedMean) -> NDArray[np.float64]:
        figures: NDArray[np.float64] = self._engine.get(torch.stack(mean.on_device(), dim=1))
        return figures

    def _numbers_of(self, epoch: int, batch: int) -> Numbers:
        """The numbers of one update, (M,) each."""
        learning_rate, l2, t, key, *others = self._numbers
        return Numbers(
            learning_rate[epoch, batch], l2 if isinstance(l2, float) else l2[epoch, batch],
            t[epoch, batch], None if key is None else key[epoch, batch], *others,
        )  # fmt: skip

    def _update(self, batch: Data, numbers: Numbers) -> tuple[Any, Any]:
        """One update of each member; the losses and accuracies (M,) that it began with."""
        arguments = batch, self._tensors, numbers
        update = over_sessions(self._updated, *arguments)
        self._tensors, loss, accuracy = update(*arguments)
        self._updates += 1
        return loss, accuracy

    def _updated(self, batch: Data, tensors: Tensors, numbers: Numbers) -> tuple[Tensors, Any, Any]:
        """One update of one member."""
        eta, l2, t, key, least, factor = numbers
        mask = None
        if key is not None:
            b1 = tensors.theta.b1
            mask = mask_of(key, batch.rows, b1.shape[0], least, factor, b1.dtype)
        return updated(
            self._engine.passes, self._optimizer, self._objective, tensors, batch, eta, l2, t, mask
        )

    def validate(self, epoch: int) -> NDArray[np.float64]:
        """Loss and accuracy of the members' validation rows, (M, 2); nan where not asked for."""
        found = np.full((len(self._sessions), 2), np.nan)
        alike: dict[Hashable, list[int]] = {}
        for m, (session, block) in enumerate(zip(self._sessions, self._blocks, strict=True)):
            if block.validated is not None and block.validated[epoch]:
                alike.setdefault(kind_of(session._validation_there), []).append(m)
        for members in alike.values():
            found[members] = self._measure(members)
        return found

    def _measure(self, members: list[int]) -> NDArray[np.float64]:
        """Those figures of members whose validation rows are of one kind."""
        if tuple(members) not in self._measured:
            data = [self._sessions[m]._validation_there for m in members]
            self._measured[tuple(members)] = StackedRows(data)
        rows, theta = self._measured[tuple(members)], self._tensors.theta
        if len(members) < len(self._sessions):
            theta = Parameters(*(value[members] for value in theta))
        places, mean = rows.places(), WeightedMean()
        for here in chunks(self._sessions[0]._like, rows.count, MEASURED_BYTES // len(members)):
            batch = rows.at(places, here, theta.W1.dtype)
            measure = partial(measured, self._engine.passes)
            figures = over_sessions(measure, batch, theta)(batch, theta)
            mean.add(weights_of(batch), *figures)
        return self._figures(mean)

    def hand_back(self) -> None:
        """Make each session a member of the stack as it is now."""
        stacked = Stacked(self._tensors)
        for number, session in enumerate(self._sessions):
            session._tensors = Member(stacked, number)
            session._updates += self._updates
