"""Writes the report of a training or of an evaluation as a page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from backhand.engines import Data
from backhand.evaluation import Evaluation, Scores
from backhand.model import Model
from backhand.report_page.contents import Contents, Training, gather
from backhand.report_page.page import page
from backhand.support.atomic_files import check_output, replacing
from backhand.support.optional import extra
from backhand.tables.table import Table
from backhand.tabular.advice import Advice
from backhand.tabular.prediction import Evaluated
from backhand.tabular.training import Prepared


def check_report(path: Path, inputs: Sequence[str | Path]) -> Path:
    """Check before any work that a report can be drawn, and written to a path.

    Raises
    ------
    InputError, OutputError
        As `check_output`.
    MissingDependencyError
        If matplotlib is not installed.
    """
    extra("matplotlib", "a report with charts")
    return check_output(path, "the report", inputs, ".html")


def write_training_report(
    path: Path,
    prepared: Prepared,
    model: Model,
    evaluation: Evaluation | None,
    table: Table,
    *,
    advice: Sequence[Advice] = (),
    command: str | None = None,
    model_file: str = "model.safetensors",
) -> None:
    """Write the page of a model and of the table that it was trained on.

    Parameters
    ----------
    path : path
    prepared, model, evaluation
        What `prepare_table` and `fit_table` returned.
    table : Table
        The table of the held-out rows, still open.
    advice : sequence of Advice
        What a reader has to beware of.
    command : str, optional
        What was typed.
    model_file : str
        The model's file, for the commands that use it.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    training = Training(
        prepared.source, prepared.rows, prepared.training.rows, prepared.stopping.rows,
        prepared.held_out.rows, prepared.how, prepared.unlabelled, prepared.class_counts,
        prepared.remarks, prepared.notes,
    )  # fmt: skip
    encoded = prepared.encoded_for(model)
    data = encoded.held_out if encoded.held_out.rows else encoded.training
    contents = gather(
        model, evaluation, table, data, training=training, advice=advice, command=command,
        missing={name: m.rows / prepared.rows for name, m in prepared.missing.items()},
        model_file=model_file,
    )  # fmt: skip
    write_page(path, contents)


def write_evaluation_report(
    path: Path,
    model: Model,
    evaluated: Evaluated,
    table: Table,
    sample: Scores,
    *,
    command: str | None = None,
    model_file: str = "model.safetensors",
) -> None:
    """Write the page of a model and of a table that it was evaluated on.

    Parameters
    ----------
    path, model
    evaluated : Evaluated
        What `evaluate_table` returned.
    table : Table
        The same table, still open.
    sample : Scores
        Some of its rows, encoded.
    command, model_file
        As for `write_training_report`.

    Raises
    ------
    InputError
        If the table has changed.
    OutputError
        If it cannot be written.
    """
    known = evaluated.about_training(model.metrics)
    sentences = [known[:1].upper() + known[1:]] if known else []
    sentences += [f"{change}." for change in evaluated.changes]
    contents = gather(
        model, evaluated.evaluation, table, Data(sample.P, sample.y), missing=evaluated.missing,
        advice=[Advice("changes", sentence, "") for sentence in sentences],
        command=command, model_file=model_file,
    )  # fmt: skip
    write_page(path, contents)


def write_page(path: Path, contents: Contents) -> None:
    """Write a page, whole or not at all."""
    text = page(contents)
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
