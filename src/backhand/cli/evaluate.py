"""`backhand evaluate`: how well a model predicts a table whose classes are known."""

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
        typer.Option("--target", "-t", metavar="COLUMN", show_default="the one it was trained on",
                     help="The column with the true classes."),
    ] = None,
    query: options.Query = None,
    memory: options.Memory = None,
    cache_dir: options.CacheDir = None,
    engine: options.EngineName = "auto",
    json: options.Json = False,
) -> None:  # fmt: skip
    """Judge a model on a table. Shows accuracy, each class and the confusion matrix."""
    from backhand.cli.reports.evaluation import show_evaluation
    from backhand.model import load
    from backhand.support.atomic_files import check_folder
    from backhand.tables.reading.reader import read_table
    from backhand.tabular import evaluate_table

    loaded, folder = load(model), check_folder(cache_dir)
    table = read_table(data, query, memory=memory, cache_dir=folder, once=True)
    evaluation = evaluate_table(loaded, table, target, engine)
    show_evaluation(evaluation, "Accuracy", as_json=json)
