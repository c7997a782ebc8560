"""What a page shows: a model, how well it predicts some rows, and what that depends on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from backhand.engines import Data, Rows
from backhand.evaluation import Evaluation
from backhand.model import Model, class_names
from backhand.report_page.column_facts import ColumnFacts, column_facts
from backhand.report_page.importance import Importance, importances, rows_for
from backhand.report_page.partial_dependence import Dependence, dependences
from backhand.report_page.varied_column import Sample, places
from backhand.report_page.worst_rows import WorstRow, worst_rows
from backhand.tables.schema.notes import Note
from backhand.tables.schema.schema import Schema
from backhand.tables.table import Table
from backhand.tabular.advice import Advice
from backhand.tabular.prediction import table_schema
from backhand.tabular.row_parts import here

SEED = 0
"""Of the draws of a page."""

STRONGEST = 6
"""Columns whose partial dependence is shown."""

DEPENDENCE_ROWS = 1000
"""Rows over which a partial dependence is a mean."""

FACTS_VALUES, FACTS_ROWS = 4_000_000, 20_000
"""Values of the matrix, and rows, from which statistics of the columns are computed at most."""


@dataclass(frozen=True)
class Training:
    """What only a training knows: the table, how its rows were divided, what was found in columns.

    `how` says in a few words how rows were held out. `remarks` are those of the table.
    """

    source: str
    table_rows: int
    rows: int
    stopping: int
    held_out: int
    how: str
    unlabelled: int
    class_counts: dict[str, int]
    remarks: Sequence[str]
    notes: Sequence[Note]


@dataclass(frozen=True)
class Contents:
    """Everything that a page shows.

    Attributes
    ----------
    model : Model
        With a schema.
    source : str
        The table that the model was trained on or evaluated on.
    rows : int
        Its rows.
    evaluated : str
        The table of the evaluated rows: the same, or a second one for validation.
    evaluation : Evaluation, optional
        Of the held-out rows, or of the whole table; None if no rows were held out.
    training : Training, optional
        If the model was trained on this table.
    advice : sequence of Advice
        What a reader has to beware of.
    columns, importance, dependence, worst
        See their classes. Importance and dependence are measured on `examined` rows.
    command : str, optional
        What was typed.
    model_file : str
        How the model is named in commands.
    """

    model: Model
    schema: Schema
    source: str
    rows: int
    evaluated: str
    evaluation: Evaluation | None
    training: Training | None
    advice: Sequence[Advice]
    columns: Sequence[ColumnFacts]
    importance: Sequence[Importance]
    dependence: Sequence[Dependence]
    examined: int
    worst: Sequence[WorstRow]
    command: str | None
    model_file: str
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def source_name(self) -> str:
        """The table, without its folders."""
        return name_of(self.source)

    @property
    def is_of_folds(self) -> bool:
        """Whether the evaluation is that of a cross-validation."""
        return (
            self.evaluation is not None
            and self.training is not None
            and (not self.training.held_out)
        )

    @property
    def focus(self) -> int | None:
        """Of two classes the rarer one, which charts show alone; None if there are more."""
        if len(self.classes) != 2:
            return None
        if self.evaluation is not None:
            first, second = self.evaluation.confusion.sum(axis=1).tolist()
        elif self.training is not None:
            first, second = self.training.class_counts.values()
        else:
            return 1
        return 0 if first < second else 1

    @property
    def classes(self) -> list[str]:
        """The classes as texts."""
        return class_names(self.model)


def gather(
    model: Model,
    evaluation: Evaluation | None,
    table: Table,
    data: Rows,
    *,
    missing: Mapping[str, float],
    training: Training | None = None,
    advice: Sequence[Advice] = (),
    command: str | None = None,
    model_file: str = "model.safetensors",
) -> Contents:
    """Measure what a page shows.

    Parameters
    ----------
    model : Model
    evaluation : Evaluation, optional
    table : Table
        The table of the evaluated rows, for the cells of some of them.
    data : Data
        Evaluated rows, encoded, or training rows if none were held out.
    missing : dict
        Share of the table's rows in which a column is missing; 0 where it is left out.
    training, advice, command, model_file
        As in `Contents`.
    """
    schema = table_schema(model)
    drawn = drawn_rows(data, rows_for(len(schema.columns)))
    sample = Sample(model.params, drawn.X, drawn.y)
    importance = importances(sample, schema, SEED)
    place_of = {place.column.name: place for place in places(schema)}
    strongest = [place_of[one.column] for one in importance[:STRONGEST] if one.increase > 0]
    fewer = drawn_rows(drawn, DEPENDENCE_ROWS)
    varied = Sample(model.params, fewer.X, fewer.y)
    most = min(FACTS_ROWS, FACTS_VALUES // max(1, schema.width))
    facts = drawn_rows(data, max(1, most))
    if training is None:
        source, rows = table.source, table.rows
    else:
        source, rows = training.source, training.table_rows
    return Contents(
        model, schema, source, rows, table.source, evaluation, training, advice,
        column_facts(schema, facts.X, missing),
        importance, [one for place in strongest for one in dependences(varied, place)], sample.rows,
        _worst(model, evaluation, table, [one.column for one in importance]),
        command, model_file, model.versions,
    )  # fmt: skip


def name_of(source: str) -> str:
    """Return the name of a table without its folders."""
    return source.replace("\\", "/").rsplit("/", 1)[-1]


def drawn_rows(data: Rows, most: int) -> Data:
    """Return at most so many rows, drawn at random, in their order."""
    if data.rows <= most:
        return here(data)
    rng = np.random.default_rng(SEED)
    return data.at(np.sort(rng.choice(data.rows, most, replace=False)))


def _worst(
    model: Model, evaluation: Evaluation | None, table: Table, columns: list[str]
) -> list[WorstRow]:
    """Return the worst rows; their cells in the order of the columns' importance."""
    scores = None if evaluation is None else evaluation.scores
    if scores is None or not len(scores.y):
        return []
    used = {*columns, table_schema(model).target}
    shown = [*columns, *(name for name in table.names if name not in used)]
    return worst_rows(scores, class_names(model), table, shown)
