"""The plan of a training: for any epoch, the order of the rows and the rate of each update.

A plan has no state: epoch e is the same whether training came to it in one go, in blocks of any
length, again after a step back, or in another process.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backhand.engines import Block
from backhand.training.schedules import learning_rates

ORDER_ENTRIES = 2**22
"""At most about that many row numbers are drawn ahead for one block (32 MiB)."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is to be done in each epoch.

    `batch_size` None is full batch, in order. `weights` are the rows' sample weights; `alpha` is
    scikit-learn's penalty, λ = l2 + alpha / Σw with Σw of each batch.
    """

    rows: int
    epochs: int
    batch_size: int | None
    learning_rate: float
    schedule: str
    warmup: float
    l2: float
    alpha: float
    shuffle: bool
    seed: int
    weights: NDArray[np.floating] | None

    @property
    def _size(self) -> int:
        return self.rows if self.batch_size is None else min(self.batch_size, self.rows)

    @property
    def updates(self) -> int:
        """Updates an epoch: ⌈N / batch_size⌉."""
        return -(-self.rows // self._size)

    def most_epochs(self) -> int:
        """How many epochs one block may hold."""
        per_epoch = self.rows if self._shuffles else self.updates
        return max(1, ORDER_ENTRIES // per_epoch)

    @property
    def _shuffles(self) -> bool:
        return self.shuffle and self.batch_size is not None

    def block(self, epoch: int, count: int) -> Block:
        """The `count` epochs that follow the first `epoch`."""
        B = self.updates
        rates = learning_rates(
            self.schedule, self.learning_rate, self.warmup, self.epochs * B, epoch * B,
            (epoch + count) * B,
        ).reshape(count, B)  # fmt: skip
        order = None
        if self._shuffles:
            order = np.stack([self._order(e) for e in range(epoch, epoch + count)])
        l2 = np.full((count, B), float(self.l2))
        if self.alpha:
            l2 += self._alpha_over_weights(order, count)
        return Block(self._size, rates, l2, order)

    def _order(self, epoch: int) -> NDArray[np.int64]:
        return np.random.default_rng([self.seed, epoch]).permutation(self.rows)

    def _alpha_over_weights(
        self, order: NDArray[np.int64] | None, count: int
    ) -> NDArray[np.float64]:
        """Alpha / Σw of each batch, (count, B); 0 where a batch weighs nothing."""
        starts = np.arange(0, self.rows, self._size)
        if self.weights is None:
            sums = np.diff(starts, append=self.rows).astype(np.float64)[None].repeat(count, axis=0)
        else:
            w = self.weights.astype(np.float64)
            ordered = w[None] if order is None else w[order]
            sums = np.add.reduceat(ordered, starts, axis=1).repeat(
                count if order is None else 1, axis=0
            )
        return np.divide(self.alpha, sums, out=np.zeros_like(sums), where=sums > 0)
