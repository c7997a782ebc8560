"""Predictions for a table: evaluated, written to a file or printed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from backhand.engines import make_engine
from backhand.errors import InputError, listed
from backhand.evaluation import Evaluation, Tally
from backhand.model import Model
from backhand.support.atomic_files import replacing
from backhand.tables.schema.schema import Schema
from backhand.tables.schema.targets import class_expressions
from backhand.tables.table import Table
from backhand.tables.writing import Added, stream_rows, write_rows


def table_schema(model: Model) -> Schema:
    """The schema of a model that was trained from a table."""
    if model.schema is None:
        raise InputError(
            "this model was trained on plain arrays, without a table's schema, so it "
            "cannot read a table; use `backhand.load(...).predict(X)` in Python."
        )
    return model.schema


def evaluate_table(
    model: Model, table: Table, target: str | None = None, engine: str = "auto"
) -> Evaluation:
    """Evaluate the model on a table's target column, by default that of its training."""
    target = table_schema(model).target if target is None else target
    classes = [str(name) for name in model.classes]
    chosen, tally = make_engine(engine), Tally(classes, class_rows(model))
    labels = class_expressions(table, target, classes, table_schema(model).named_missing)
    with table.unchanged():
        for rows, X, (y, labelled) in table_schema(model).encoded_chunks(table, labels):
            P = chosen.predict_proba(model.params, X[labelled])
            numbers = np.arange(rows.start, rows.stop)[labelled]
            tally.add(P, y[labelled].astype(np.int64), int((~labelled).sum()), numbers)
    result = tally.result()
    if not result.rows:
        raise InputError(f"the target '{target}' of {table.source} is missing in every row.")
    if result.unknown == result.rows:
        raise InputError(
            f"no value of '{target}' in {table.source} is a class of the model, whose classes are "
            f"{listed(classes)}."
        )
    return result


def class_rows(model: Model) -> list[int] | None:
    """The training rows of each class, if the file names them: it may hold anything."""
    found = model.metrics.get("class_rows")
    if not isinstance(found, list) or len(found) != len(model.classes):
        return None
    valid = all(type(n) is int and 0 <= n < 2**63 for n in found) and any(found)
    return found if valid else None


def predict_table(model: Model, table: Table, output: Path, engine: str = "auto") -> int:
    """Write the table's rows with `prediction` and `probability_<class>` columns appended.

    `output` becomes Parquet if it ends in .parquet or .pq, else CSV (compressed if it ends in .gz).
    It is written whole or not at all. Only a few stretches of rows are in memory at a time. Returns
    the number of rows.

    Raises
    ------
    InputError
        If a column of the table has one of the new names, or one that the model needs is missing.
    OutputError
        If there is not enough room for it.
    """
    with replacing(output) as temporary, table.unchanged():
        return write_rows(table, _predictions(model, table, engine), temporary, output)


def print_predictions(model: Model, table: Table, out: BinaryIO, engine: str = "auto") -> int:
    """Write the same as CSV text to a stream, row by row; returns the number of rows."""
    with table.unchanged():
        return stream_rows(table, _predictions(model, table, engine), out)


def _predictions(model: Model, table: Table, engine: str) -> Added:
    """The columns that predictions add, a stretch of rows at a time."""
    names = ["prediction", *(f"probability_{name}" for name in model.classes)]
    chosen, labels = make_engine(engine), np.asarray(model.classes)

    def stretches() -> Iterator[list[NDArray[Any]]]:
        for _, X, _ in table_schema(model).encoded_chunks(table):
            P = chosen.predict_proba(model.params, X)
            yield [P.argmax(axis=1), *P.T]

    probabilities = [model.params.b2.dtype] * len(model.classes)
    return Added(names, [labels, *probabilities], stretches())
