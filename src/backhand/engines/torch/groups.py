"""Which sessions on torch are advanced as one computation on stacked tensors."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np

from backhand.engines.argument_checks import check_block, checked_optimizer
from backhand.engines.array_engine import ArraySession
from backhand.engines.contract import Block
from backhand.engines.torch.arrays import kind_of


def alike(session: ArraySession, block: Block) -> tuple[object, ...] | None:
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
    """Which sessions are advanced as one on a kind of device.

    Attributes
    ----------
    members : int
        Maximum number of sessions in a stack.
    products : float
        Maximum number of products per update in a member's forward pass: where there are more, a
        member alone keeps the device busy.
    bytes : int
        Approximate maximum of working memory.
    fewest : int
        Minimum number of sessions.
    """

    members: int
    products: float
    bytes: int
    fewest: int


CPU, GPU = Limits(128, 2**23, 2**28, 4), Limits(1024, math.inf, 2**31, 4)
"""As measured: one stacked update of the equations costs about as much as those of three small
members one after the other.
"""

TRITON = Limits(16384, math.inf, 2**33, 2)
"""Kernels of which members are one more axis. Not measured."""


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
    if members < limits.fewest or at_once < limits.fewest or b * H * (d + K) > limits.products:
        return members
    return -(-members // at_once)
