"""Encodes the rows of a table: one pass, in which each row is written to the matrix of its use."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.cluster.part_memory import SHARED
from backhand.cluster.parted_data import PartedData
from backhand.cluster.transport import Memory
from backhand.engines import Data, Rows
from backhand.tables.array_store import ArrayStore
from backhand.tables.files.file_changes import changed
from backhand.tables.parted.part import MATRICES, TABLE
from backhand.tables.parted.parted_table import PartedTable
from backhand.tables.schema.changes import ChangeCounts
from backhand.tables.schema.schema import Schema
from backhand.tables.table import Table

Mask = NDArray[np.bool_]


def encode(
    table: Table,
    schema: Schema,
    y: NDArray[np.signedinteger[Any]],
    masks: Mapping[str, Mask],
    matrices: ArrayStore,
    changes: ChangeCounts | None = None,
    beside: Sequence[Rows] = (),
) -> Sequence[Rows]:
    """Return the rows of each mask, in one pass through the table.

    The matrices of a `PartedTable` are made and stay where its parts are.

    Parameters
    ----------
    table, schema
    y : ndarray of shape (N,)
        The class of each row.
    masks : mapping of str to ndarray of shape (N,)
        Which rows are for each use, by its name.
    matrices : ArrayStore
        Where to store the rows, unless they are in parts.
    changes : ChangeCounts, optional
        Counts what is different from training.
    beside : sequence of Data or PartedData
        The same rows in another encoding, whose classes and weights are shared.

    Raises
    ------
    InputError
        If a column is missing or of another kind, or the table has changed.
    OutputError
        If there is not enough room.
    """
    if isinstance(table, PartedTable):
        return _encode_parts(table, schema, y, masks, changes, beside)
    return _encode_rows(table, schema, y, masks, matrices, changes, beside)


def _encode_rows(
    table: Table,
    schema: Schema,
    y: NDArray[np.signedinteger[Any]],
    masks: Mapping[str, Mask],
    matrices: ArrayStore,
    changes: ChangeCounts | None,
    beside: Sequence[Any],
) -> list[Data]:
    d, sizes = schema.width, [int(mask.sum()) for mask in masks.values()]
    if beside:
        uses = [use._replace(X=matrices.array(f"{name}_bins_X", (use.rows, d), np.float32))
                 for name, use in zip(masks, beside, strict=True)]  # fmt: skip
    else:
        uses = [
            Data(matrices.array(f"{name}_X", (n, d), np.float32),
                 matrices.array(f"{name}_y", (n,), np.int64))
            for name, n in zip(masks, sizes, strict=True)
        ]  # fmt: skip
    done = [0] * len(uses)
    for rows, X, _ in schema.encoded_chunks(table, changes=changes):
        for i, (mask, use) in enumerate(zip(masks.values(), uses, strict=True)):
            keep = mask[rows]
            there = slice(done[i], done[i] + int(keep.sum()))
            use.X[there] = X[keep]
            if not beside:
                use.y[there] = y[rows][keep]
            done[i] = there.stop
    if done != sizes:
        raise changed(table.source)
    return uses


def _encode_parts(
    table: PartedTable,
    schema: Schema,
    y: NDArray[np.signedinteger[Any]],
    masks: Mapping[str, Mask],
    changes: ChangeCounts | None,
    beside: Sequence[Any],
) -> list[PartedData]:
    names = [f"{name}_bins" if beside else name for name in masks]
    counted = table.parts.keep(
        _encode_part, schema, names, [use.name for use in beside], changes is not None,
        of_part=table.by_part(y, *masks.values()), name=("encoded", *names),
        done=table.counting(),
    )  # fmt: skip
    table.seconds = [seconds for seconds, _ in counted]
    for _, part in counted:
        if changes is not None:
            changes.merge(part)
    found = []
    for i, (name, mask) in enumerate(zip(names, masks.values(), strict=True)):
        lengths = [int(some.sum()) for (some,) in table.by_part(mask)]
        labels, w = (beside[i].y, beside[i].sample_weight) if beside else (y[mask], None)
        found.append(
            PartedData(table.parts, name, lengths, schema.width, np.float32, labels, w)
        )  # fmt: skip
    return found


def _encode_part(
    memory: Memory,
    schema: Schema,
    names: Sequence[str],
    beside: Sequence[str],
    counting: bool,
    y: NDArray[np.signedinteger[Any]],
    *masks: Mask,
) -> tuple[float, ChangeCounts | None]:
    """Encode the rows of a part, on the worker that holds it, into its memory.

    Returns the seconds that it took, and what is different from training.
    """
    began = time.perf_counter()
    for name in names:
        memory.pop(name, None)  # whose place the new rows take
    changes = schema.count_changes() if counting else None
    uses = dict(zip(names, masks, strict=True))
    known = [memory[name] for name in beside]
    found = _encode_rows(
        memory[TABLE], schema, y, uses, memory[SHARED][MATRICES], changes, known
    )  # fmt: skip
    memory.update(zip(names, found, strict=True))
    return time.perf_counter() - began, changes
