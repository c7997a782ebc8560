"""Predictions for a table: evaluated, written to a file or printed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backhand.engines import make_engine
from backhand.errors import InputError, listed
from backhand.evaluation import Evaluation, Tally, finite
from backhand.evaluation.scores import Sample
from backhand.model import Model, class_names
from backhand.option_names import given
from backhand.support.atomic_files import replacing
from backhand.tables.row_sketch import Overlap
from backhand.tables.schema.changes import Change, ChangeCounts
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


NEARLY_ALL, HARDLY_ANY = 0.995, 0.005
"""Shares of known rows above and below which "about" would be odd."""

MOST, SOME = 0.75, 0.1
"""Shares from which the figures are those of known rows, and are so in part."""


class Evaluated(NamedTuple):
    """How well a model predicts a table, and what is to be told of its rows.

    Attributes
    ----------
    evaluation : Evaluation
    changes : list of Change
        What is different from the training rows.
    trained_on : float
        The estimated share of the rows that the model was trained on; nan if unknown.
    missing : dict
        The share of the rows in which a column is missing or could not be read.
    """

    evaluation: Evaluation
    changes: list[Change]
    trained_on: float
    missing: dict[str, float]

    def to_json(self) -> dict[str, Any]:
        """Return what is beside the evaluation as JSON values."""
        return {
            "changes": [change.to_json() for change in self.changes],
            "trained_on": finite(self.trained_on),
        }

    def about_training(self, metrics: Mapping[str, Any]) -> str:
        """Return that the model was trained on some of the rows, and what held-out ones gave."""
        if not self.trained_on > HARDLY_ANY:
            return ""
        some = "all" if self.trained_on > NEARLY_ALL else f"about {100 * self.trained_on:.0f} %"
        what = f"the model was trained on {some} of these rows"
        if self.trained_on < SOME:
            return f"{what}."
        accuracy = metrics.get("held_out_accuracy")
        known = isinstance(accuracy, float)
        instead = (
            f"on rows held out from training the accuracy was {accuracy:.4f}"
            if known
            else "evaluate it on other rows"
        )
        conclusion = (
            "the figures say how well it knows them, not how good it is"
            if self.trained_on >= MOST
            else "the figures partly say how well it knows them"
        )
        return f"{what}, so {conclusion}; {instead}."


def evaluate_table(
    model: Model,
    table: Table,
    target: str | None = None,
    engine: str = "auto",
    *,
    strict: bool = False,
    sample: Sample | None = None,
) -> Evaluated:
    """Evaluate the model on a table's target column, by default that of its training.

    `sample` is given the encoded rows of the model's classes.

    Raises
    ------
    InputError
        If no row has one of the model's classes; with `strict`, if the rows are different from
        those of training.
    """
    schema = table_schema(model)
    target = schema.target if target is None else target
    classes = class_names(model)
    predictor, changes = make_engine(engine).predictor(model.params), schema.count_changes()
    tally = Tally(classes, class_rows(model))
    overlap = Overlap(model.training_rows) if model.training_rows is not None else None
    labels = class_expressions(table, target, classes, schema.named_missing)
    with table.unchanged():
        for rows, X, (y, labelled) in schema.encoded_chunks(table, labels, changes=changes):
            y, numbers = y[labelled].astype(np.int64), np.arange(rows.start, rows.stop)[labelled]
            X = X if labelled.all() else X[labelled]
            P = predictor.predict_proba(X)
            tally.add(P, y, int((~labelled).sum()), numbers)
            if overlap is not None:
                overlap.add(X, y)
            if sample is not None:
                known = y >= 0
                sample.add(X[known], y[known], numbers[known])
        found = _checked(changes.found(table), strict=strict)
    result = tally.result()
    if not result.rows:
        raise InputError(f"the target '{target}' of {table.source} is missing in every row.")
    if result.unknown == result.rows:
        raise InputError(
            f"no value of '{target}' in {table.source} is a class of the model, whose classes are "
            f"{listed(classes)}."
        )
    share = math.nan if overlap is None else overlap.share
    return Evaluated(result, found, share, changes.missing)


def class_rows(model: Model) -> list[int] | None:
    """The training rows of each class, if the file names them: it may hold anything."""
    found = model.metrics.get("class_rows")
    if not isinstance(found, list) or len(found) != len(model.classes):
        return None
    valid = all(type(n) is int and 0 <= n < 2**63 for n in found) and any(found)
    return found if valid else None


def _checked(changes: list[Change], *, strict: bool) -> list[Change]:
    """The changes; raises InputError if there are any and they are not allowed."""
    if changes and strict:
        raise InputError(
            "the rows are different from those of training, which "
            f"{given('strict')} does not allow: {'; '.join(map(str, changes))}."
        )
    return changes


class Predicted(NamedTuple):
    """The number of rows that were predicted, and what is different from the training rows."""

    rows: int
    changes: list[Change]


def predict_table(
    model: Model, table: Table, output: Path, engine: str = "auto", *, strict: bool = False
) -> Predicted:
    """Write the table's rows with `prediction` and `probability_<class>` columns appended.

    `output` becomes Parquet if it ends in .parquet or .pq, else CSV (compressed if it ends in .gz).
    It is written whole or not at all. Only a few stretches of rows are in memory at a time.

    Raises
    ------
    InputError
        If a column of the table has one of the new names, or one that the model needs is missing;
        with `strict`, if the rows are different from those of training.
    OutputError
        If there is not enough room for it.
    """
    changes = table_schema(model).count_changes()
    with replacing(output) as temporary, table.unchanged():
        rows = write_rows(table, _predictions(model, table, engine, changes), temporary, output)
        return Predicted(rows, _checked(changes.found(table), strict=strict))


def print_predictions(
    model: Model, table: Table, out: BinaryIO, engine: str = "auto", *, strict: bool = False
) -> Predicted:
    """Write the same as CSV text to a stream, row by row; with `strict`, after a pass that checks.

    Raises
    ------
    InputError
        As `predict_table`.
    """
    schema, changes = table_schema(model), table_schema(model).count_changes()
    with table.unchanged():
        if strict:
            checking = schema.count_changes()
            for _ in schema.encoded_chunks(table, changes=checking):
                pass
            _checked(checking.found(table), strict=True)
        rows = stream_rows(table, _predictions(model, table, engine, changes), out)
        return Predicted(rows, changes.found(table))


def _predictions(model: Model, table: Table, engine: str, changes: ChangeCounts) -> Added:
    """The columns that predictions add, a stretch of rows at a time."""
    names = ["prediction", *(f"probability_{name}" for name in class_names(model))]
    predictor, labels = make_engine(engine).predictor(model.params), np.asarray(model.classes)

    def stretches() -> Iterator[list[NDArray[Any]]]:
        for _, X, _ in table_schema(model).encoded_chunks(table, changes=changes):
            P = predictor.predict_proba(X)
            yield [P.argmax(axis=1), *P.T]

    probabilities = [model.params.b2.dtype] * len(model.classes)
    return Added(names, [labels, *probabilities], stretches())
