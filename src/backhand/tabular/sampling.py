"""Draws of encoded rows, where all of them would take too long."""

from __future__ import annotations

import numpy as np

from backhand.engines import Data, Rows
from backhand.evaluation.scores import MOST_ROWS
from backhand.tabular.row_parts import VALUES, here

PAGE, BLOCKS = 1024, 64
"""Numbers of a page of memory; least number of blocks of neighbours in a draw."""


def sampled(data: Rows, most: int = MOST_ROWS) -> Data:
    """Return an even draw of about that many of the rows, in their order, fewer if long.

    It consists of blocks of neighbours, each about a page of memory, since the rows may be on disk.
    """
    d = data.X.shape[1]
    most = min(most, max(1, VALUES // d))
    if data.rows <= most:
        return here(data)
    block = max(1, min(PAGE // d, most // BLOCKS))
    chosen = np.random.default_rng(0).choice(data.rows // block, most // block, replace=False)
    return data.at((np.sort(chosen)[:, None] * block + np.arange(block)).ravel())
