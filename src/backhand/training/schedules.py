"""The learning rate of each update."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SCHEDULES = ("constant", "cosine")


def learning_rates(
    schedule: str, peak: float, warmup: float, total: int, first: int, last: int
) -> NDArray[np.float64]:
    """η of the updates first..last-1 of `total`, counted from 0: float64 (last - first,).

    η rises linearly over the first `warmup` share of all updates to `peak`; then it stays there
    ("constant") or falls to 0 along half a cosine ("cosine", Loshchilov and Hutter 2017, eq. 5).
    """
    t = np.arange(first, last, dtype=np.float64)
    rise = round(warmup * total)
    rate = np.full(t.shape, float(peak))
    if schedule == "cosine":
        rate = peak * 0.5 * (1 + np.cos(np.pi * np.clip((t - rise) / max(1, total - rise), 0, 1)))
    return np.where(t < rise, peak * (t + 1) / (rise + 1), rate)
