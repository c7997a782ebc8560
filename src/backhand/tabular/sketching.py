"""The digest of the rows that a model is trained on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from backhand.engines import Data
from backhand.tables.row_sketch import Overlap, RowSketch, Sketching
from backhand.tabular.sampling import VALUES


def sketch_of(training: Data, others: Data) -> RowSketch:
    """Return the sketch of the training rows, with the share of others that equal one of them."""
    sketching = Sketching()
    for part in _parts(training):
        sketching.add(part.X, part.y)
    overlap = Overlap(sketching.result())
    for part in _parts(others):
        overlap.add(part.X, part.y)
    known = overlap.equal == overlap.equal  # not nan
    return replace(sketching.result(), by_chance=overlap.equal if known else 0.0)


def _parts(data: Data) -> Iterator[Data]:
    length = max(1, VALUES // data.X.shape[1])
    return (data.at(slice(i, i + length)) for i in range(0, data.rows, length))
