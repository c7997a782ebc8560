"""The plan of a training: for any epoch, the order of the rows, and η and λ of each update.

The plan of an epoch is the same whether training reaches it at once, in blocks of any length, or
again after a rewind.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backhand.engines import Block, Objective, Rows
from backhand.training.config import TrainConfig
from backhand.training.samplers import Sampler, SeededSampler
from backhand.training.schedules import Schedule

ORDER_ENTRIES = 2**22
"""Approximate maximum of row numbers drawn ahead for one block (32 MiB)."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is to be done in each epoch.

    Attributes
    ----------
    schedule : Schedule
        Without cuts: those are part of a training's state.
    batch_size : int
        1..N rows.
    sampler : Sampler or None
        None takes the rows in order.
    objective : Objective
    weights : ndarray of shape (N,), optional
        The rows' sample weights.
    """

    schedule: Schedule
    batch_size: int
    sampler: Sampler | None
    objective: Objective
    weights: NDArray[np.floating] | None = None

    @property
    def epochs(self) -> int:
        """Epochs in all."""
        return self.schedule.config.epochs

    @property
    def parts(self) -> int:
        """Number of parts in which an epoch is done."""
        return 1 if self.sampler is None else self.sampler.parts

    @property
    def most_epochs(self) -> int:
        """Maximum number of epochs in one block."""
        per_epoch = self.schedule.updates if self.sampler is None else self.schedule.rows
        return max(1, ORDER_ENTRIES // per_epoch)

    def updates_of(self, parts: int) -> int:
        """Return the number of updates in the first `parts` parts of epochs."""
        epochs, part = divmod(parts, self.parts)
        of_parts = 0
        if part:
            assert self.sampler is not None
            of_parts = part * (self.sampler.window // self.batch_size)
        return epochs * self.schedule.updates + of_parts

    def block(self, schedule: Schedule, done: int, count: int) -> Block:
        """The `count` parts of epochs that follow the first `done`: whole epochs, or one part.

        The schedule is the plan's, with the cuts that have been made.
        """
        epoch, part = divmod(done, self.parts)
        rates, order, size = schedule.rates(epoch, count), None, self.batch_size
        if self.sampler is not None:
            order = self.sampler.of_part(epoch, part)[None]
            if count > 1:
                order = np.repeat(order, count, axis=0)
                for e in range(1, count):
                    order[e] = self.sampler.of_part(epoch + e, part)
            first = part * self.sampler.window // self.batch_size
            rates = rates[:, first : first + -(-order.shape[1] // self.batch_size)]
            size = min(size, order.shape[1])  # the last part may be one short batch
        return Block(size, rates, self._l2_of_batches(rates, order), order)

    def weight_of(self, block: Block) -> float:
        """Return Σw of the rows of a block's first epoch."""
        if block.order is None:
            w = self.weights
            return float(self.schedule.rows if w is None else w.sum(dtype=np.float64))
        rows = block.order[0]
        if self.weights is None:
            return float(len(rows))
        return float(self.weights[rows].sum(dtype=np.float64))

    def _l2_of_batches(
        self, rates: NDArray[np.float64], order: NDArray[np.int64] | None
    ) -> NDArray[np.float64]:
        """λ of each batch, (count, B)."""
        if not self.objective.alpha:
            return np.full(rates.shape, float(self.objective.l2))
        rows = self.schedule.rows if order is None else order.shape[1]
        if self.weights is None:
            found = np.full(rates.shape, self.objective.l2_of(min(self.batch_size, rows)))
            if rest := rows % self.batch_size:
                found[:, -1] = self.objective.l2_of(rest)
            return found
        starts, w = np.arange(0, rows, self.batch_size), self.weights.astype(np.float64)
        sums = np.add.reduceat(w[None] if order is None else w[order], starts, axis=1)
        return np.full(rates.shape, self.objective.l2_of(sums))


def make_plan(
    config: TrainConfig, data: Rows, objective: Objective, rows_seen: int, sampler: Sampler | None
) -> Plan:
    """The plan of a training with these settings on these rows; `sampler` None: by its seed."""
    size, updates = batches_of(data.rows, config.batch_size)
    return Plan(
        schedule=Schedule(config=config, updates=updates, rows=data.rows, rows_seen=rows_seen),
        batch_size=size, sampler=sampler, objective=objective, weights=data.weights,
    )  # fmt: skip


def make_sampler(config: TrainConfig, data: Rows) -> Sampler | None:
    """The sampler that a config describes; None: the rows in order, in one part."""
    if config.batch_size is None:
        return None
    size, _ = batches_of(data.rows, config.batch_size)
    sampler = SeededSampler(data.rows, config.seed, data.row_bytes, size, shuffle=config.shuffle)
    return sampler if config.shuffle or sampler.parts > 1 else None


def batches_of(rows: int, batch_size: int | None) -> tuple[int, int]:
    """Rows per batch, and batches per epoch: ⌈N / batch_size⌉. None is all rows in one batch."""
    size = rows if batch_size is None else min(batch_size, rows)
    return size, -(-rows // size)
