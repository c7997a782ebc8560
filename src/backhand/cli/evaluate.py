"""`backhand evaluate`: measure how well a model predicts a table with known classes."""

from __future__ import annotations

from typing import Annotated

import typer

from backhand.cli import options


def evaluate(
    model: options.ModelFile,
    data: options.OptionalData = None,
    *,
    target: Annotated[
        str | None,
        typer.Option("--target", "-t", metavar="COLUMN", show_default="the target in training",
                     help="Column with the true classes."),
    ] = None,
    query: options.Query = None,
    memory: options.Memory = None,
    cache_dir: options.CacheDir = None,
    engine: options.EngineName = "auto",
    strict: options.Strict = False,
    json: options.Json = False,
) -> None:  # fmt: skip
    """Evaluate a model on a table. Use rows that it was not trained on.

    Shows accuracy and loss, precision, recall and f1 per class, and the confusion matrix. These
    terms are explained at the end of `backhand train --help`.
    """
    from backhand.cli.reports.changes import show_changes, show_trained_on
    from backhand.cli.reports.evaluation import show_evaluation
    from backhand.model import load
    from backhand.support.atomic_files import check_folder
    from backhand.tables.reading.reader import read_table
    from backhand.tabular.prediction import evaluate_table

    loaded, folder = load(model), check_folder(cache_dir)
    table = read_table(data, query, memory=memory, cache_dir=folder, once=True)
    evaluated = evaluate_table(loaded, table, target, engine, strict=strict)
    show_changes(evaluated.changes)
    show_trained_on(evaluated.trained_on, loaded.metrics)
    show_evaluation(evaluated.evaluation, "Accuracy", as_json=json, more=evaluated.to_json())
