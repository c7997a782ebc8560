"""The jobs on tables that the command line offers, as functions: train, evaluate, predict.

They read, compute and return what happened; they print nothing.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.checked import init
from backhand.engines import Engine, make_engine
from backhand.errors import BackhandWarning, InputError, listed
from backhand.evaluation import Evaluation, evaluate_predictions
from backhand.files import replacing
from backhand.model import Model, probabilities
from backhand.optimizers import make_optimizer
from backhand.tables.learning import Dropped, Target, class_indices, learn_schema, read_target
from backhand.tables.schema import Schema
from backhand.tables.splitting import held_out
from backhand.tables.table import Table
from backhand.tables.writing import write_rows
from backhand.training import Callback, train
from backhand.training.inputs import check_number, check_settings

UPDATES = 8000
"""Updates that training aims at where the number of epochs is not given, and its bounds."""
FEWEST_EPOCHS, MOST_EPOCHS = 10, 100

VALIDATIONS = 50
"""How often the held-out rows are looked at in the course of a training, about."""


@dataclass(frozen=True)
class Settings:
    """How `fit_table` trains. `epochs` None: as many as make about `UPDATES` updates."""

    hidden: int = 128
    epochs: int | None = None
    batch_size: int = 128
    learning_rate: float = 0.004
    optimizer: str = "adam"
    schedule: str = "cosine"
    warmup: float = 0.05
    weight_decay: float = 0.0002
    seed: int = 0
    test_size: float = 0.2

    def __post_init__(self) -> None:
        check_number("hidden", self.hidden, 1)
        check_number("test_size", self.test_size, 0.0, 0.95)
        check_number("weight_decay", self.weight_decay, 0.0)
        make_optimizer(self.optimizer)
        check_settings(
            epochs=1 if self.epochs is None else self.epochs,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            schedule=self.schedule,
            warmup=self.warmup,
            seed=self.seed,
        )

    def epochs_for(self, rows: int) -> int:
        """Epochs of that many training rows."""
        if self.epochs is not None:
            return self.epochs
        updates = -(-rows // self.batch_size)
        return int(np.clip(round(UPDATES / updates), FEWEST_EPOCHS, MOST_EPOCHS))


@dataclass(frozen=True)
class Prepared:
    """A table, understood: the matrix, its split, and what was found on the way."""

    source: str
    rows: int
    unlabelled: int
    target: Target
    schema: Schema
    dropped: list[Dropped]
    missing: dict[str, int]
    X: NDArray[np.float32]
    y: NDArray[np.int64]
    test: NDArray[np.bool_]

    @property
    def class_counts(self) -> dict[str, int]:
        """Rows of each class."""
        counts = np.bincount(self.y, minlength=len(self.target.classes))
        return dict(zip(self.target.classes, counts.tolist(), strict=True))


def prepare_table(
    table: Table,
    target: str,
    settings: Settings,
    drop: Sequence[str] = (),
    categorical: Sequence[str] = (),
) -> Prepared:
    """Read the target, hold rows out, learn the schema on the others and encode all.

    Raises
    ------
    InputError
        If the table cannot be learned from; the message says why.
    """
    if target in drop:
        raise InputError(f"the target '{target}' cannot be dropped.")
    found = read_target(table, target, categorical=target in categorical)
    labelled = found.y >= 0
    y = found.y[labelled]
    test = held_out(y, settings.test_size, settings.seed)
    training = labelled.copy()
    training[labelled] = ~test
    schema, dropped = learn_schema(table, found, training, drop, categorical)
    X = schema.encode(table)
    _tell_odd_classes(found, np.bincount(y, minlength=len(found.classes)))
    return Prepared(
        table.source, table.rows, int((~labelled).sum()), found, schema, dropped,
        table.missing([column.name for column in schema.columns]),
        X if labelled.all() else X[labelled], y, test,
    )  # fmt: skip


def _tell_odd_classes(target: Target, counts: NDArray[np.integer]) -> None:
    """Warn of classes that look like slips of the pen, and of those that cannot be judged."""
    alike: dict[str, list[str]] = {}
    for name in target.classes:
        alike.setdefault(name.strip().casefold(), []).append(name)
    slips = [f"{listed(names)}" for names in alike.values() if len(names) > 1]
    if slips:
        warnings.warn(
            f"classes of '{target.name}' differ by upper and lower case or by spaces only: "
            f"{'; '.join(slips)}; they are learned as different ones.",
            BackhandWarning, stacklevel=3,
        )  # fmt: skip
    single = [name for name, n in zip(target.classes, counts, strict=True) if n == 1]
    if single:
        warnings.warn(
            f"of the target '{target.name}' {listed(single)} "
            f"{'has' if len(single) == 1 else 'have'} one row only; "
            "what is learned of it cannot be judged on held-out rows.",
            BackhandWarning, stacklevel=3,
        )  # fmt: skip


def fit_table(
    prepared: Prepared,
    settings: Settings,
    *,
    engine: str | Engine = "auto",
    callbacks: Sequence[Callback] = (),
) -> tuple[Model, Evaluation | None]:
    """Train on the training rows: the model, and how it does on the held-out rows, if any.

    The held-out rows are looked at now and then for the eye only: nothing depends on them.
    """
    engine = make_engine(engine) if isinstance(engine, str) else engine
    X, y, test, classes = prepared.X, prepared.y, prepared.test, prepared.target.classes
    rows = int((~test).sum())
    epochs = settings.epochs_for(rows)
    params = init(X.shape[1], settings.hidden, len(classes), settings.seed)
    result = train(
        params, X[~test], y[~test],
        learning_rate=settings.learning_rate,
        epochs=epochs,
        batch_size=settings.batch_size,
        optimizer=settings.optimizer,
        schedule=settings.schedule,
        warmup=settings.warmup,
        l2=settings.weight_decay,
        validation=(X[test], y[test]) if test.any() else None,
        validation_every=max(1, epochs // VALIDATIONS),
        callbacks=callbacks,
        engine=engine,
        seed=settings.seed,
    )  # fmt: skip
    metrics: dict[str, Any] = {
        "training_rows": rows,
        "training_loss": float(result.history.loss[-1]),
        "training_accuracy": float(result.history.accuracy[-1]),
    }
    evaluation = None
    if test.any():
        P = probabilities(engine, result.params, X[test])
        evaluation = evaluate_predictions(P, y[test], classes)
        metrics |= {
            "held_out_rows": evaluation.rows,
            "held_out_loss": evaluation.loss,
            "held_out_accuracy": evaluation.accuracy,
        }
    hyperparameters = asdict(settings) | {"epochs": len(result.history)}
    return Model(result.params, tuple(classes), prepared.schema, hyperparameters, metrics,
                 result.history), evaluation  # fmt: skip


def predict_proba(model: Model, table: Table, engine: str = "auto") -> NDArray[Any]:
    """P (N, K) of a table's rows."""
    return probabilities(make_engine(engine), model.params, table_schema(model).encode(table))


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
    """How well the model predicts a table's target column, by default that of its training."""
    target = table_schema(model).target if target is None else target
    classes = [str(name) for name in model.classes]
    y, labelled = class_indices(table, target, classes)
    if not labelled.any():
        raise InputError(f"the target '{target}' of {table.source} is missing in every row.")
    if not (y >= 0).any():
        raise InputError(
            f"no value of '{target}' in {table.source} is a class of the model, which knows "
            f"{listed(classes)}."
        )
    P = predict_proba(model, table, engine)
    return evaluate_predictions(P[labelled], y[labelled], classes, int((~labelled).sum()))


def predict_table(model: Model, table: Table, output: Path, engine: str = "auto") -> None:
    """Write the table's rows with `prediction` and `probability_<class>` columns behind.

    `output` becomes Parquet if it ends in .parquet or .pq, else CSV (compressed if it ends in .gz).
    It is written whole or not at all.

    Raises
    ------
    InputError
        If a column of the table has one of the new names, or one that the model needs is missing.
    """
    names = ["prediction", *(f"probability_{name}" for name in model.classes)]
    P = predict_proba(model, table, engine)
    labels = np.asarray(model.classes)[P.argmax(axis=1)]
    with replacing(output) as temporary:
        write_rows(table, [labels, *P.T], names, temporary, output)


def predictions_as_csv(model: Model, table: Table, engine: str = "auto") -> bytes:
    """The same as CSV text, for standard output."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "predictions.csv"
        predict_table(model, table, path, engine)
        return path.read_bytes()
