"""The learning rate of each update."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backhand.training.config import TrainConfig

FACTOR = 5.0
"""What "adaptive" divides η by."""

LEAST = 1e-6
"""At or below this η, "adaptive" stops training instead."""


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """η over a training of `updates` updates per epoch, on `rows` rows.

    η rises linearly over the warm-up's share of all updates to its peak. Then

    - "constant": it stays there;
    - "cosine": it falls to 0 along half a cosine (Loshchilov and Hutter 2017, eq. 5);
    - "invscaling": it is peak / (t + 1)^power_t, t being the rows visited in whole epochs,
      `rows_seen` of them before this training (scikit-learn's rule);
    - "adaptive": it is divided by `FACTOR` after each of the epochs in `cuts`, which early stopping
      adds to each time its patience runs out (scikit-learn's rule).
    """

    config: TrainConfig
    updates: int
    rows: int
    rows_seen: int = 0
    cuts: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """What η does: the setting `schedule`."""
        return self.config.schedule

    @property
    def peak(self) -> float:
        """The highest η: the setting `learning_rate`."""
        return float(self.config.learning_rate)

    def rates(self, epoch: int, count: int) -> NDArray[np.float64]:
        """η of each update of the `count` epochs that follow the first `epoch`: (count, B)."""
        B, total = self.updates, self.config.epochs * self.updates
        t = np.arange(epoch * B, (epoch + count) * B, dtype=np.float64).reshape(count, B)
        rise = round(self.config.warmup * total)
        if self.name == "cosine":
            share = np.clip((t - rise) / max(1, total - rise), 0, 1)
            rate = self.peak * 0.5 * (1 + np.cos(np.pi * share))
        else:
            rate = np.repeat(self._of_epochs(epoch, count)[:, None], B, axis=1)
        return np.where(t < rise, self.peak * (t + 1) / (rise + 1), rate) if rise else rate

    def of_epoch(self, epoch: int) -> float:
        """η of the epoch that follows the first `epoch`, warm-up and cosine apart."""
        return float(self._of_epochs(epoch, 1)[0])

    def _of_epochs(self, epoch: int, count: int) -> NDArray[np.float64]:
        """η of each of the `count` epochs that follow the first `epoch`, as in `of_epoch`."""
        if self.name == "invscaling":
            first, power = self.rows_seen + 1, self.config.power_t
            visited = (first + self.rows * e for e in range(epoch, epoch + count))
            return np.array([self.peak / rows**power for rows in visited])
        rates = np.full(count, self.peak)
        for cut in self.cuts:
            rates[max(0, cut - epoch) :] /= FACTOR
        return rates

    def can_slow_down(self, epoch: int) -> bool:
        """Whether η may be cut after the first `epoch` epochs; if not, training stops there."""
        return self.name == "adaptive" and self.of_epoch(epoch) > LEAST
