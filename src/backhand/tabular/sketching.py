"""The digest of the rows that a model is trained on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from backhand.engines import Data
from backhand.tables.row_sketch import Overlap, Repeats, RowSketch, Sketching
from backhand.tabular.sampling import VALUES


def sketch_of(training: Data, others: Data) -> RowSketch:
    """Return the sketch of the training rows, with the share of rows that equal one by chance.

    It is that of the other rows, or of training rows that equal another one, if that is more.
    """
    sketching = Sketching()
    for part in _parts(training):
        sketching.add(part.X, part.y)
    sketch, repeats = sketching.result(), Repeats(sketching.result())
    for part in _parts(training):
        repeats.add(part.X, part.y)
    overlap = Overlap(sketch)
    for part in _parts(others):
        overlap.add(part.X, part.y)
    # Others may be unlike the rows to come, as the last ones in time are.
    return replace(sketch, by_chance=max(repeats.share, float(np.nan_to_num(overlap.equal))))


def _parts(data: Data) -> Iterator[Data]:
    length = max(1, VALUES // data.X.shape[1])
    return (data.at(slice(i, i + length)) for i in range(0, data.rows, length))
