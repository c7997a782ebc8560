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
    format: options.Format = None,  # noqa: A002
    encoding: options.Encoding = None,
    sheet: options.Sheet = None,
    table: options.TableName = None,
    header: options.Header = None,
    memory: options.Memory = None,
    cache_dir: options.CacheDir = None,
    engine: options.EngineName = "auto",
    report_file: options.ReportFile = None,
    strict: options.Strict = False,
    all_classes: options.AllClasses = False,
    explain_words: options.ExplainWords = False,
    json: options.Json = False,
) -> None:  # fmt: skip
    """Evaluate a model on a table. Use rows that it was not trained on.

    Shows accuracy, loss and other figures with their intervals, precision, recall and f1 per class,
    and the confusion matrix. --explain-words explains these terms.
    """
    from backhand.cli.arguments import check_order
    from backhand.cli.report_file import command_line, report_path, show_report
    from backhand.cli.reports.changes import show_changes, show_trained_on
    from backhand.cli.reports.evaluation import show_evaluation, show_words
    from backhand.evaluation.scores import Sample
    from backhand.model import load
    from backhand.report_page.importance import MOST_ROWS
    from backhand.support.atomic_files import check_folder
    from backhand.tables.reading.reader import expand, read_table
    from backhand.tabular.prediction import evaluate_table

    check_order(model, data)
    loaded, folder = load(model), check_folder(cache_dir)
    page = report_path(report_file, [] if data is None else expand(data), model)
    rows = read_table(
        data, query, format=format, encoding=encoding, sheet=sheet, table=table, header=header,
        memory=memory, cache_dir=folder, once=True,
    )  # fmt: skip
    rows.warn_of_remarks()
    sample = None if page is None else Sample(loaded.sizes[0], MOST_ROWS)
    evaluated = evaluate_table(loaded, rows, target, engine, strict=strict, sample=sample)
    show_changes(evaluated.changes)
    show_trained_on(evaluated, loaded.metrics)
    show_evaluation(
        evaluated.evaluation, "Accuracy", as_json=json, more=evaluated.to_json(),
        all_classes=all_classes,
    )  # fmt: skip
    if explain_words and not json:
        show_words()
    if page is not None and sample is not None:
        from backhand.report_page.write import write_evaluation_report

        write_evaluation_report(
            page, loaded, evaluated, rows, sample.result(), command=command_line(), model_file=model
        )
        show_report(page, as_json=json)
