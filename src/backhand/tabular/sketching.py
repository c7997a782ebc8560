"""The digest of the rows that a model is trained on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from backhand.engines import Data, Rows
from backhand.tables.row_sketch import Overlap, Repeats, RowSketch, Sketching
from backhand.tabular.row_parts import each_part, stretches


def sketch_of(training: Rows, others: Rows) -> RowSketch:
    """Return the sketch of the training rows, with the share of rows that equal one by chance.

    It is that of the other rows, or of training rows that equal another one, if that is more.
    """
    sketching = Sketching()
    for found in each_part(training, _sketched):
        sketching.merge(found)
    sketch = sketching.result()
    repeats, overlap = Repeats(sketch), Overlap(sketch)
    for repeated in each_part(training, _repeated, sketch):
        repeats.merge(repeated)
    for equal in each_part(others, _overlapping, sketch):
        overlap.merge(equal)
    # Others may be unlike the rows to come, as the last ones in time are.
    return replace(sketch, by_chance=max(repeats.share, float(np.nan_to_num(overlap.equal))))


def _sketched(part: Data) -> RowSketch:
    sketching = Sketching()
    for _, some in stretches(part):
        sketching.add(some.X, some.y)
    return sketching.result()


def _repeated(part: Data, sketch: RowSketch) -> Repeats:
    repeats = Repeats(sketch)
    for _, some in stretches(part):
        repeats.add(some.X, some.y)
    return repeats


def _overlapping(part: Data, sketch: RowSketch) -> Overlap:
    overlap = Overlap(sketch)
    for _, some in stretches(part):
        overlap.add(some.X, some.y)
    return overlap
