"""The plan of a training: for any epoch, the order of the rows and the rate of each update.

A plan says the same of an epoch whether training came to it in one go, in blocks of any length, or
again after a step back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from backhand.engines import CROSS_ENTROPY, Block, Objective
from backhand.training.early_stopping import Watch
from backhand.training.samplers import Order
from backhand.training.schedules import Schedule

ORDER_ENTRIES = 2**22
"""At most about that many row numbers are drawn ahead for one block (32 MiB)."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is to be done in each epoch.

    `batch_size` is of 1..N rows; `order` None takes the rows as they stand. `weights` are the rows'
    sample weights.
    """

    schedule: Schedule
    batch_size: int
    order: Order | None
    objective: Objective = CROSS_ENTROPY
    weights: NDArray[np.floating] | None = None

    @property
    def epochs(self) -> int:
        """Epochs in all."""
        return self.schedule.epochs

    def most_epochs(self) -> int:
        """How many epochs one block may hold."""
        per_epoch = self.schedule.updates if self.order is None else self.schedule.rows
        return max(1, ORDER_ENTRIES // per_epoch)

    @property
    def parts(self) -> int:
        """In how many parts an epoch is done."""
        return 1 if self.order is None else self.order.parts

    def block(self, done: int, count: int) -> Block:
        """The `count` parts of epochs that follow the first `done`: whole epochs, or one part."""
        epoch, part = divmod(done, self.parts)
        rates, order = self.schedule.rates(epoch, count), None
        if self.order is not None:
            orders = [self.order.of_part(e, part) for e in range(epoch, epoch + count)]
            order = orders[0][None] if count == 1 else np.stack(orders)
            first = part * self.order.window // self.batch_size
            rates = rates[:, first : first + -(-order.shape[1] // self.batch_size)]
        if self.objective.alpha:
            l2 = self.objective.l2_of(self._weights_of_batches(order, count))
        else:
            l2 = np.full(rates.shape, float(self.objective.l2))
        return Block(self.batch_size, rates, l2, order)

    def after(self, epoch: int, watch: Watch) -> tuple[str, Plan]:
        """What the watch, which has seen the first `epoch` epochs, makes of it.

        That is the end of training, said in a word, or "" and the plan for the epochs that follow:
        the same, or a slower one, with which the watch is patient once more.
        """
        if watch.perfect:
            return "perfect", self
        if not watch.impatient:
            return "", self
        if (schedule := self.schedule.slower(epoch)) is None:
            return "patience", self
        watch.begin_again()
        return "", replace(self, schedule=schedule)

    def _weights_of_batches(
        self, order: NDArray[np.int64] | None, count: int
    ) -> NDArray[np.float64]:
        """Σw of each batch, (count, B)."""
        rows = self.schedule.rows if order is None else order.shape[1]
        starts = np.arange(0, rows, self.batch_size)
        if self.weights is None:
            return np.diff(starts, append=rows).astype(np.float64)[None].repeat(count, axis=0)
        w = self.weights.astype(np.float64)
        ordered = w[None] if order is None else w[order]
        times = count if order is None else 1
        sums: NDArray[np.float64] = np.add.reduceat(ordered, starts, axis=1).repeat(times, axis=0)
        return sums


def batches_of(rows: int, batch_size: int | None) -> tuple[int, int]:
    """Rows a batch, and batches an epoch: ⌈N / batch_size⌉. None is all rows in one."""
    size = rows if batch_size is None else min(batch_size, rows)
    return size, -(-rows // size)
