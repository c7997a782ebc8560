"""`backhand predict`: append a model's predictions to the rows of a table."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from backhand.cli import options, written_output
from backhand.cli.standard_streams import closed_streams, write_stderr
from backhand.support.visible_text import printable


def predict(
    model: options.ModelFile,
    data: options.OptionalData = None,
    *,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", show_default="standard output, as CSV",
                     help="A .csv, .csv.gz, .parquet or .pq file to write."),
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
    strict: options.Strict = False,
    json: Annotated[
        bool, typer.Option("--json", help="With -o: print the number of rows, and what is "
                                          "different from training, as JSON.")
    ] = False,
) -> None:  # fmt: skip
    """Predict the class of each row. Appends the class and the probability of every class."""
    from backhand.cli.arguments import check_order
    from backhand.cli.reports.changes import show_changes
    from backhand.cli.reports.output import print_json
    from backhand.errors import InputError
    from backhand.model import load
    from backhand.support.atomic_files import check_folder, check_output
    from backhand.tables.reading.reader import expand, read_table
    from backhand.tables.writing import check_ending
    from backhand.tabular.prediction import predict_table, print_predictions

    check_order(model, data)
    if output is None and 1 in closed_streams:
        raise InputError("standard output is closed; write the rows to a file with --output (-o).")
    if output is None and json:
        raise InputError("--json needs --output (-o): standard output holds the rows.")
    if output is not None:
        inputs = expand(data) if data is not None else []
        check_output(output, "the output", [model, *inputs])
        check_ending(output)
        written_output.expect_file(output, f"all rows are in {output}")
    loaded = load(model)
    folder = check_folder(cache_dir)
    rows = read_table(
        data, query, format=format, encoding=encoding, sheet=sheet, table=table, header=header,
        memory=memory, cache_dir=folder, once=True,
    )  # fmt: skip
    rows.warn_of_remarks()
    if output is not None:
        predicted = predict_table(loaded, rows, output, engine, strict=strict)
        show_changes(predicted.changes)
        if json:
            print_json("predicted", {
                "rows": predicted.rows, "output": str(output),
                "replaced": written_output.replaced(output),
                "changes": [change.to_json() for change in predicted.changes],
            })  # fmt: skip
        else:
            before = written_output.replacing_clause(output)
            write_stderr(f"Wrote {predicted.rows:,} rows to {printable(str(output))}{before}")
        return
    written_output.expect_stdout()
    predicted = print_predictions(loaded, rows, sys.stdout.buffer, engine, strict=strict)
    show_changes(predicted.changes)
