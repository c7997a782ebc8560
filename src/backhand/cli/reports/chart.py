"""A curve drawn with characters."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

EIGHTHS = " ▁▂▃▄▅▆▇█"


def chart(values: NDArray[np.float64], width: int = 60, height: int = 6) -> str:
    """The values as columns of blocks from 0 to their maximum, averaged where they are too many."""
    finite = np.nan_to_num(values)
    columns = [part.mean() for part in np.array_split(finite, min(width, len(finite)))]
    top = max(columns) or 1.0
    eighths = np.round(np.array(columns) / top * height * 8).astype(int)
    lines = []
    for level in reversed(range(height)):
        filled = np.clip(eighths - 8 * level, 0, 8)
        label = f"{top:8.4f} " if level == height - 1 else " " * 9
        label = f"{0:8.4f} " if level == 0 else label
        lines.append(label + "".join(EIGHTHS[n] for n in filled))
    lines.append(" " * 9 + "1" + f"{len(values)}".rjust(len(columns) - 1))
    return "\n".join(lines)
