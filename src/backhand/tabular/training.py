"""Training on a table: read, hold rows out, fit the schema, train, evaluate.

It computes and returns what happened; it prints nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backhand.engines import Data, Engine, make_engine
from backhand.equations import Parameters
from backhand.evaluation import Evaluation, Tally
from backhand.functional import init
from backhand.model import Model, check_model
from backhand.table_settings import Settings
from backhand.tables.array_store import ArrayStore
from backhand.tables.files.file_changes import changed
from backhand.tables.row_sketch import Overlap, RowSketch, Sketching
from backhand.tables.schema.choices import ColumnChoices
from backhand.tables.schema.fitting import ANY, fit_schema
from backhand.tables.schema.missing_values import Missing, count_missing
from backhand.tables.schema.notes import Note
from backhand.tables.schema.schema import Schema
from backhand.tables.schema.targets import Target, read_target, warn_of_doubtful_classes
from backhand.tables.split import STRETCH, held_out
from backhand.tables.table import Table
from backhand.tabular.sampling import VALUES, sampled
from backhand.training.callbacks import Callback
from backhand.training.checkpoints.checkpoint import Checkpoint
from backhand.training.history import History
from backhand.training.plan import make_sampler
from backhand.training.state import TrainState
from backhand.training.train import objective_of, train_data


@dataclass(frozen=True)
class Prepared:
    """A table that was read: its training rows and its held-out rows, encoded, and its schema.

    The matrices are float32, in memory or memory-mapped. `is_held_out` (N,) tells the rows of the
    table that are held out.
    """

    source: str
    rows: int
    unlabelled: int
    target: Target
    schema: Schema
    notes: list[Note]
    missing: dict[str, Missing]
    is_held_out: NDArray[np.bool_]
    training: Data
    held_out: Data
    training_rows: RowSketch

    @property
    def class_counts(self) -> dict[str, int]:
        """Rows of each class."""
        K = len(self.target.classes)
        counts = np.bincount(self.training.y, minlength=K)
        counts += np.bincount(self.held_out.y, minlength=K)
        return dict(zip(self.target.classes, counts.tolist(), strict=True))


class Reading(NamedTuple):
    """How far the reading of a table is: what is being done, and the rows done."""

    what: str
    done: int
    rows: int


def prepare_table(
    table: Table,
    target: str,
    settings: Settings,
    choices: ColumnChoices = ANY,
    *,
    matrices: ArrayStore | None = None,
    watch: Callable[[Reading], None] = lambda _: None,
) -> Prepared:
    """Read the target, hold rows out, learn the schema on the others and encode all.

    Parameters
    ----------
    table, target, settings
    choices : ColumnChoices
        What the user stated about the columns.
    matrices : ArrayStore, optional
        Where to store the encoded rows; by default in memory.
    watch : callable
        Called with a `Reading`, several times per second.

    Raises
    ------
    InputError
        If the table cannot be learned from, or changes meanwhile; the message says why.
    OutputError
        If there is not enough room for the encoded rows.
    """
    with table.unchanged(), matrices or ArrayStore(sys.maxsize) as places:
        table.watched_by(lambda rows: watch(Reading("reading", rows, table.rows)))
        choices.check(table, target)
        found = read_target(
            table, target, categorical=target in choices.categorical, missing=choices.missing
        )
        out = held_out(found.y, settings.test_size, settings.config.seed)
        training = (found.y >= 0) & ~out
        table.watched_by(lambda rows: watch(Reading("learning", rows, table.rows)))
        schema, notes = fit_schema(table, found, training, choices)
        table.watched_by(lambda rows: watch(Reading("encoding", rows, table.rows)))
        encoded = _encoded(table, schema, found.y, [training, out], places)
        lacking = count_missing(table, schema)
    unlabelled = int((found.y < 0).sum())
    prepared = Prepared(
        table.source, table.rows, unlabelled, found, schema, notes, lacking, out, *encoded
    )
    warn_of_doubtful_classes(prepared.class_counts)
    return prepared


def _encoded(
    table: Table,
    schema: Schema,
    y: NDArray[np.signedinteger[Any]],
    masks: Sequence[NDArray[np.bool_]],
    matrices: ArrayStore,
) -> tuple[Data, Data, RowSketch]:
    """The rows of each of two masks, in one pass through the table, and a digest of the first."""
    d, sizes = schema.width, [int(mask.sum()) for mask in masks]
    names = ("training", "held_out")
    parts = [
        Data(matrices.array(f"{name}_X", (n, d), np.float32),
             matrices.array(f"{name}_y", (n,), np.int64))
        for name, n in zip(names, sizes, strict=True)
    ]  # fmt: skip
    done, sketching = [0, 0], Sketching()
    for rows, X, _ in schema.encoded_chunks(table):
        for i, (mask, part) in enumerate(zip(masks, parts, strict=True)):
            keep = mask[rows]
            there = slice(done[i], done[i] + int(keep.sum()))
            part.X[there] = X[keep]
            part.y[there] = y[rows][keep]
            done[i] = there.stop
            if part is parts[0]:
                sketching.add(part.X[there], part.y[there])
    if done != sizes:
        raise changed(table.source)
    return parts[0], parts[1], _with_chance(sketching.result(), parts[1])


def _with_chance(sketch: RowSketch, others: Data) -> RowSketch:
    """The sketch, with the share of rows that were not trained on and equal one that was."""
    overlap = Overlap(sketch)
    for start in range(0, others.rows, STRETCH):
        some = others.at(slice(start, start + STRETCH))
        overlap.add(some.X, some.y)
    return replace(sketch, by_chance=0.0 if overlap.equal != overlap.equal else overlap.equal)


def fit_table(
    prepared: Prepared,
    settings: Settings,
    *,
    engine: str | Engine = "auto",
    callbacks: Sequence[Callback] = (),
    checkpoint: Checkpoint | None = None,
    trained: Callable[[Model], None] = lambda _: None,
    notify: Callable[[str], None] = lambda _: None,
) -> tuple[Model, Evaluation | None]:
    """Train on the training rows: the model, and its evaluation on the held-out rows, if any.

    The held-out rows are evaluated during training for display only: nothing depends on them.
    `trained` is called with the model before the final evaluation, so that it can be saved whatever
    comes after; `notify` with a few words if the engine compiles.

    Raises
    ------
    InputError
        Before the first epoch, if the model could not be saved.
    """
    engine = make_engine(engine) if isinstance(engine, str) else engine
    training, held_out_rows = prepared.training, prepared.held_out
    classes, config = prepared.target.classes, settings.config_for(training.rows)
    params = init(training.X.shape[1], settings.hidden, len(classes), config.seed)

    def model_of(params: Parameters, history: History, metrics: dict[str, Any]) -> Model:
        values = settings.values(training.rows) | {"epochs": len(history)}
        return Model(
            params, tuple(classes), prepared.schema, values, metrics, history,
            training_rows=prepared.training_rows,
        )  # fmt: skip

    check_model(model_of(params, History(), {}), config.epochs)
    for dtype in (np.float32, np.float64):  # of training and of prediction
        engine.prepare(dtype, notify)
    result = train_data(
        TrainState.initial(params, config), training, config,
        sampler=make_sampler(config, training), objective=objective_of(config), engine=engine,
        validation=held_out_rows if held_out_rows.rows else None, callbacks=callbacks,
        checkpoint=checkpoint,
    )  # fmt: skip
    metrics = {"training_rows": training.rows, "class_rows": _class_rows(training.y, len(classes))}
    model = model_of(result.params, result.history, metrics)
    trained(model)
    fitted = evaluate_rows(model, sampled(training), engine)
    metrics |= {"training_loss": fitted.loss, "training_accuracy": fitted.accuracy}
    if not held_out_rows.rows:
        return replace(model, metrics=metrics), None
    evaluation = evaluate_rows(model, held_out_rows, engine)
    figures = {"rows": evaluation.rows, "loss": evaluation.loss, "accuracy": evaluation.accuracy}
    metrics |= {f"held_out_{name}": value for name, value in figures.items()}
    return replace(model, metrics=metrics), evaluation


def evaluate_rows(model: Model, data: Data, engine: Engine) -> Evaluation:
    """Evaluate the model on encoded rows."""
    tally = Tally(list(model.classes), model.metrics["class_rows"])
    length = max(1, VALUES // data.X.shape[1])
    for start in range(0, data.rows, length):
        some = data.at(slice(start, start + length))
        tally.add(engine.predict_proba(model.params, some.X), some.y)
    return tally.result()


def _class_rows(y: NDArray[np.int64], K: int) -> list[int]:
    """Return the number of rows of each class."""
    counts = np.zeros(K, np.int64)
    for start in range(0, len(y), STRETCH):
        counts += np.bincount(y[start : start + STRETCH], minlength=K)
    return [int(n) for n in counts]
