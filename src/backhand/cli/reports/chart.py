"""A curve drawn with block characters."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

EIGHTHS = " ▁▂▃▄▅▆▇█"
LOWEST, HIGHEST = 1e-12, 1e12
"""Bounds of the vertical axis, since a file may contain any loss; values above are clipped."""


def chart(values: NDArray[np.float64], width: int = 60, height: int = 6) -> str:
    """Draw the values as columns from 0 to their maximum; more than `width` values are averaged.

    The first and the last column are the first and the last value themselves.
    """
    finite = np.clip(np.nan_to_num(values), 0, HIGHEST)
    columns = [part.mean() for part in np.array_split(finite, min(width, len(finite)))]
    columns[0], columns[-1] = finite[0], finite[-1]
    top = max(max(columns), LOWEST)
    eighths = np.round(np.array(columns) / top * height * 8).astype(int)
    lines = []
    for level in reversed(range(height)):
        filled = np.clip(eighths - 8 * level, 0, 8)
        label = f"{top:8.4f} " if level == height - 1 else " " * 9
        label = f"{0:8.4f} " if level == 0 else label
        lines.append(label + "".join(EIGHTHS[n] for n in filled))
    lines.append(" " * 9 + "1" + f"{len(values)}".rjust(len(columns) - 1))
    return "\n".join(lines)
