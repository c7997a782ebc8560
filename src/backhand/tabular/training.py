"""Training on a table: read, hold rows out, fit the schema, train, evaluate.

It computes and returns what happened; it prints nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backhand.cluster.part_sums import EngineChoice
from backhand.cluster.parted_data import PartedData
from backhand.cluster.parted_engine import PartedEngine
from backhand.engines import Data, Engine, Rows, make_engine
from backhand.equations import Parameters
from backhand.errors import InputError, listed, warn
from backhand.evaluation import Evaluation, Tally
from backhand.evaluation.scores import bound_of
from backhand.functional import init
from backhand.model import Model, check_model, class_names
from backhand.option_names import given
from backhand.selection import InnerFolds, SearchProgress
from backhand.stratified import STRETCH, class_counts
from backhand.table_settings import Settings
from backhand.tables.array_store import ArrayStore
from backhand.tables.parted.parted_table import PartedTable, Reader
from backhand.tables.row_sketch import RowSketch
from backhand.tables.schema.changes import Change
from backhand.tables.schema.choices import ColumnChoices
from backhand.tables.schema.fitting import ANY, fit_schema
from backhand.tables.schema.missing_values import Missing, count_missing, notes_of_missing
from backhand.tables.schema.notes import Note
from backhand.tables.schema.schema import Schema
from backhand.tables.schema.targets import (
    Target,
    count_unlabelled,
    read_classes,
    read_target,
    warn_of_doubtful_classes,
)
from backhand.tables.table import Table
from backhand.tabular.binning import is_small, is_worthwhile, may_compare, with_bins
from backhand.tabular.encoding import encode
from backhand.tabular.learning import Learned, search, train_once
from backhand.tabular.row_parts import cut, each_part, here, stretches
from backhand.tabular.sampling import sampled
from backhand.tabular.sketching import sketch_of
from backhand.tabular.splitting import Split, Splitter, splitter_of
from backhand.training.callbacks import Callback
from backhand.training.checkpoints.checkpoint import Checkpoint
from backhand.training.history import History


class Encoded(NamedTuple):
    """A schema, and the rows of a table that it has encoded.

    The matrices are float32, in memory or memory-mapped. `stopping` are the rows that early
    stopping watches. `training_rows` is the digest of the training rows.
    """

    schema: Schema
    training: Rows
    stopping: Rows
    held_out: Rows
    training_rows: RowSketch


@dataclass(frozen=True)
class Prepared:
    """A table that was read: its rows, encoded, and its schema.

    Numbers are `standard`; `binned` are the same rows with bins, where these are used or tried.
    `folds` are the inner folds of a search. `is_held_out` (N,) tells the rows of the
    table that are held out, or those of a second table. `how` says how the rows were divided. The
    held-out rows have further ones beside them whose class is `unknown`, or that are without one,
    if they are of a second table; `changes` are what is different in that one. The remarks are
    those of the table. `readers` say what each worker reads, if workers share the rows.
    """

    source: str
    rows: int
    unlabelled: int
    target: Target
    notes: list[Note]
    remarks: list[str]
    missing: dict[str, Missing]
    is_held_out: NDArray[np.bool_]
    standard: Encoded
    how: str
    binned: Encoded | None = None
    folds: InnerFolds | None = None
    unknown: int = 0
    held_out_unlabelled: int = 0
    changes: list[Change] = field(default_factory=list)
    readers: list[Reader] = field(default_factory=list)

    @property
    def schema(self) -> Schema:
        """That with standardised numbers."""
        return self.standard.schema

    @property
    def training(self) -> Rows:
        """The training rows, numbers being standardised."""
        return self.standard.training

    @property
    def stopping(self) -> Rows:
        """The rows that early stopping watches, numbers being standardised."""
        return self.standard.stopping

    @property
    def held_out(self) -> Rows:
        """The held-out rows, numbers being standardised."""
        return self.standard.held_out

    def encodings(self, settings: Settings) -> dict[str, Encoded]:
        """Return the encodings that are used, or compared, by name."""
        if self.binned is None:
            return {"standard": self.standard}
        if settings.number_encoding == "bins":
            return {"bins": self.binned}
        return {"standard": self.standard, "bins": self.binned}

    def encoded_for(self, model: Model) -> Encoded:
        """Return the rows as this model, which was trained on some of them, takes them."""
        binned = self.binned
        return binned if binned is not None and model.schema == binned.schema else self.standard

    @property
    def class_counts(self) -> dict[str, int]:
        """Rows of each class in the table."""
        classes = self.target.classes
        counts = class_counts(self.target.y, len(classes))
        return dict(zip(classes, counts.tolist(), strict=True))


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
    validation: Table | None = None,
    matrices: ArrayStore | None = None,
    watch: Callable[[Reading], None] = lambda _: None,
) -> Prepared:
    """Read the target, hold rows out, learn the schema on the others and encode all.

    Parameters
    ----------
    table, target, settings
    choices : ColumnChoices
        What the user stated about the columns.
    validation : Table, optional
        A second table, whose rows are the held-out rows.
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
        splitter = splitter_of(table, found, settings, choices)
        prepared = prepare_split(splitter, splitter.split(), choices, places, watch)
        if validation is not None:
            with validation.unchanged():
                prepared = _with_validation(prepared, validation, places)
    if isinstance(table, PartedTable):
        prepared = replace(prepared, readers=table.readers)
    warn_of_doubtful_classes(prepared.class_counts)
    _warn_of_unlearned_classes(prepared)
    if prepared.folds is not None and not prepared.folds.measured:
        warn(
            f"the {prepared.training.rows:,} training rows cannot be divided into folds, so that "
            "nothing is chosen: the networks learn from all of them, with the settings of "
            f"{given('quick')}."
        )
    return prepared


def prepare_split(
    splitter: Splitter,
    split: Split,
    choices: ColumnChoices,
    places: ArrayStore,
    watch: Callable[[Reading], None] = lambda _: None,
) -> Prepared:
    """Fit the schema to the training rows of a split, and encode all its rows."""
    table, target, settings = splitter.table, splitter.target, splitter.settings
    unused = (*choices.drop, *(() if settings.group is None else (settings.group,)))
    table.watched_by(lambda rows: watch(Reading("learning", rows, table.rows)))
    learned_from = split.training | split.stopping
    schema, notes, present = fit_schema(table, target, learned_from, replace(choices, drop=unused))
    table.watched_by(lambda rows: watch(Reading("encoding", rows, table.rows)))
    parts = {"training": split.training, "stopping": split.stopping, "held_out": split.held_out}
    training, stopping, held_out = encode(table, schema, target.y, parts, places)
    lacking = count_missing(table, schema, present)
    notes = [
        *target.notes, *splitter.notes(schema), *notes, *notes_of_missing(lacking, table.rows)
    ]  # fmt: skip
    if settings.class_weight == "balanced":
        weights = balanced_weights(class_counts(training.y, len(target.classes)))
        training = _weighted("training", training, weights, places)
        stopping = _weighted("stopping", stopping, weights, places)
    standard = Encoded(schema, training, stopping, held_out, sketch_of(training, held_out))
    inner = None if settings.quick else splitter.inner_folds(split.training, schema.width)
    return Prepared(
        table.source, table.rows, int((target.y < 0).sum()), target, notes, table.remarks, lacking,
        split.held_out, standard, split.how,
        _with_bins(table, target, standard, inner, parts, settings, places), inner,
    )  # fmt: skip


def _with_bins(
    table: Table,
    target: Target,
    standard: Encoded,
    folds: InnerFolds | None,
    masks: Mapping[str, NDArray[np.bool_]],
    settings: Settings,
    places: ArrayStore,
) -> Encoded | None:
    """Encode the same rows with bins, if these are wanted or worth a comparison."""
    K = len(target.classes)
    compare = folds is not None and may_compare(settings, len(folds.measured))
    if settings.number_encoding != "bins" and not compare:
        return None
    schema = with_bins(standard.schema, standard.training, K)
    if schema == standard.schema:
        return None
    known = [standard.training, standard.stopping, standard.held_out]
    if compare and not (is_worthwhile(schema) and is_small(schema, standard.training.rows, K)):
        return None
    training, stopping, held_out = encode(table, schema, target.y, masks, places, beside=known)
    return Encoded(schema, training, stopping, held_out, sketch_of(training, held_out))


def balanced_weights(counts: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the weight of a row of each class (K,), with which all classes weigh the same."""
    present = counts > 0
    weights = counts.sum() / (present.sum() * np.maximum(counts, 1))
    return np.where(present, weights, 1.0).astype(np.float32)


def _weighted(name: str, data: Rows, weights: NDArray[np.float32], matrices: ArrayStore) -> Rows:
    """The rows with the weights of their classes."""
    w = matrices.array(f"{name}_weight", (data.rows,), np.float32)
    for start in range(0, data.rows, STRETCH):
        w[start : start + STRETCH] = weights[data.y[start : start + STRETCH]]
    if isinstance(data, PartedData):
        return data.weighted(f"{name}_weighted", w)
    return here(data)._replace(sample_weight=w)


def _with_validation(prepared: Prepared, table: Table, matrices: ArrayStore) -> Prepared:
    """The same with the rows of a second table as held-out rows.

    Raises
    ------
    InputError
        If it lacks a column that is needed, or has no row of a known class.
    """
    target, schema = prepared.target, prepared.schema
    of_target = (table, target.name, target.classes, schema.named_missing)
    y, unlabelled = read_classes(*of_target), count_unlabelled(*of_target)
    known = y >= 0
    if not known.any():
        raise InputError(
            f"no value of '{target.name}' in {table.source} is a class of {prepared.source}, whose "
            f"classes are {listed(target.classes)}."
        )
    changes, masks, binned = schema.count_changes(), {"held_out": known}, prepared.binned
    (held_out,) = encode(table, schema, y, masks, matrices, changes)
    if binned is not None:
        (also,) = encode(table, binned.schema, y, masks, matrices, beside=[held_out])
        binned = binned._replace(held_out=also)
    return replace(
        prepared, standard=prepared.standard._replace(held_out=held_out), binned=binned,
        is_held_out=known, how=f"all of {table.source}",
        held_out_unlabelled=unlabelled, unknown=int((~known).sum()) - unlabelled,
        changes=changes.found(table),
    )  # fmt: skip


def _warn_of_unlearned_classes(prepared: Prepared) -> None:
    """Warn of classes whose rows are all held out, as may happen by group and by time."""
    classes = prepared.target.classes
    seen = class_counts(prepared.training.y, len(classes))
    unseen = [name for name, rows in zip(classes, seen, strict=True) if not rows]
    if unseen:
        warn(
            f"no training row has the class{'es' if len(unseen) > 1 else ''} {listed(unseen)}, "
            "which the model therefore cannot learn; divide the rows otherwise."
        )


def fit_table(
    prepared: Prepared,
    settings: Settings,
    *,
    engine: str | Engine = "auto",
    callbacks: Sequence[Callback] = (),
    watch: Callable[[SearchProgress], None] = lambda _: None,
    checkpoint: Checkpoint | None = None,
    trained: Callable[[Model], None] = lambda _: None,
    notify: Callable[[str], None] = lambda _: None,
    tallies: Sequence[Tally] = (),
) -> tuple[Model, Evaluation | None]:
    """Train on the training rows: the model, and its evaluation on the held-out rows, if any.

    A single run calls `callbacks`, a search `watch`. In a single run the held-out rows are
    evaluated during training for display only: nothing depends on them, and with early stopping the
    rows that it watches are evaluated instead.
    `trained` is called with the model before the final evaluation, so that it can be saved whatever
    comes after; `notify` with a few words if the engine compiles. The
    held-out rows are added to `tallies` too.

    Raises
    ------
    InputError
        Before the first epoch, if the model could not be saved.
    """
    engine = make_engine(engine) if isinstance(engine, str) else engine
    training, classes = prepared.training, prepared.target.classes
    encodings = prepared.encodings(settings)
    for encoded in encodings.values():
        largest = _largest(prepared, encoded, settings)
        check_model(_model(prepared, encoded, largest, {}), settings.epochs_for(training.rows))
    engine.prepare(np.float32, notify)
    name, encoded = next(iter(encodings.items()))
    if prepared.folds is None:
        watched = encoded.stopping if encoded.stopping.rows else encoded.held_out
        learned = train_once(
            encoded.training, watched, classes, settings, engine, callbacks, checkpoint
        )
    else:
        rows = {name: some.training for name, some in encodings.items()}
        learned = search(rows, prepared.folds, classes, settings, engine, watch, checkpoint)
        if learned.chosen is not None and learned.chosen.encodings is not None:
            name = learned.chosen.encodings.chosen
            encoded = encodings[name]
    learned.settings["number_encoding"] = name
    if engine.precision != "auto":
        learned.settings["precision"] = engine.precision
        if products := engine.depends_on().get("bf16"):
            learned.settings["bf16_products"] = products
    if isinstance(training, PartedData):
        learned.settings["parts"] = training.parts.count
    metrics = {
        "training_rows": training.rows,
        "class_rows": class_counts(training.y, len(classes)).tolist(),
        **learned.metrics,
    }
    model = _model(prepared, encoded, learned, metrics)
    trained(model)
    fitted = Tally(classes)
    tally_rows(model, sampled(encoded.training), engine, [fitted])
    figures = fitted.result()
    metrics |= {"training_loss": figures.loss, "training_accuracy": figures.accuracy}
    if (found := learned.out_of_fold) is not None:
        predicted = Tally(classes)
        predicted.add(found.probabilities, training.y[found.rows].astype(np.int64, copy=False))
        metrics |= figures_of("out_of_fold", predicted.result())
    if not prepared.held_out.rows:
        return replace(model, metrics=metrics), None
    tally = Tally(classes, metrics["class_rows"])
    numbers = np.flatnonzero(prepared.is_held_out)
    tally_rows(model, encoded.held_out, engine, [tally, *tallies], numbers)
    for some in (tally, *tallies):
        some.add_others(prepared.unknown, prepared.held_out_unlabelled)
    evaluation = tally.result()
    return replace(model, metrics=metrics | figures_of("held_out", evaluation)), evaluation


def _model(
    prepared: Prepared, encoded: Encoded, learned: Learned, metrics: dict[str, Any]
) -> Model:
    """The model of a table, with these figures."""
    return Model(
        learned.params, prepared.target.labels, encoded.schema, learned.settings, metrics,
        learned.history, training_rows=encoded.training_rows, chosen=learned.chosen,
    )  # fmt: skip


def _largest(prepared: Prepared, encoded: Encoded, settings: Settings) -> Learned:
    """What is learned at most: as many networks as are averaged, side by side."""
    members = 1 if prepared.folds is None else settings.recipe_for(prepared.folds).members
    d, H = encoded.schema.width, settings.hidden * members
    params = init(d, H, len(prepared.target.classes), settings.seed)
    return Learned(params, History(), settings.values(prepared.training.rows), {})


def figures_of(rows: str, evaluation: Evaluation) -> dict[str, Any]:
    """Return the figures of some rows that a model keeps."""
    return {
        f"{rows}_rows": evaluation.rows,
        f"{rows}_loss": evaluation.loss,
        f"{rows}_accuracy": evaluation.accuracy,
    }


def tally_rows(
    model: Model,
    data: Rows,
    engine: Engine,
    tallies: Sequence[Tally],
    numbers: NDArray[np.int64] | None = None,
) -> None:
    """Add the predictions for encoded rows to each tally, with the rows' numbers if given."""
    if numbers is None:
        numbers = np.arange(data.rows)
    made = engine.choice if isinstance(engine, PartedEngine) else engine
    found = each_part(
        data, _tallied, model.params, made, class_names(model),
        bound_of(numbers, len(model.classes)), of_part=[(some,) for some in cut(numbers, data)],
    )  # fmt: skip
    for tally in tallies:
        for part in found:
            tally.merge(part)


def _tallied(
    part: Data,
    params: Parameters,
    engine: Engine | EngineChoice,
    classes: list[str],
    bound: np.uint64,
    numbers: NDArray[np.int64],
) -> Tally:
    """Return the figures of the predictions for one part of the rows."""
    engine = engine.make() if isinstance(engine, EngineChoice) else engine
    tally, predictor = Tally(classes, bound=bound), engine.predictor(params)
    for there, some in stretches(part):
        tally.add(predictor.predict_proba(some.X), some.y, rows=numbers[there])
    return tally
