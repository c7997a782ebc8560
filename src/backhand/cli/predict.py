"""`backhand predict`: a model and a table in, the table with predictions out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from backhand.cli import options, written_output
from backhand.cli.standard_streams import closed, write_error
from backhand.cli.terminal_text import printable


def predict(
    model: options.ModelFile,
    data: options.OptionalData = None,
    *,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", show_default="standard output, as CSV",
                     help="A .csv (also .csv.gz) or .parquet file to write."),
    ] = None,
    query: options.Query = None,
    memory: options.Memory = None,
    cache_dir: options.CacheDir = None,
    engine: options.EngineName = "auto",
) -> None:  # fmt: skip
    """Predict the rows of a table. They come back with the probability of each class."""
    from backhand.errors import InputError
    from backhand.model import load
    from backhand.support.atomic_files import check_folder, check_output
    from backhand.tables.reading.reader import expand, read_table
    from backhand.tables.writing import check_ending
    from backhand.tabular import predict_table, print_predictions

    if output is None and 1 in closed:
        raise InputError("standard output is closed; name a file for the rows with --output (-o).")
    if output is not None:
        inputs = expand(data) if data is not None else []
        check_output(output, "the output", [model, *inputs])
        check_ending(output)
        written_output.expect(output, f"all rows are in {output}")
    loaded = load(model)
    folder = check_folder(cache_dir)
    table = read_table(data, query, memory=memory, cache_dir=folder, once=True)
    if output is not None:
        rows = predict_table(loaded, table, output, engine)
        write_error(f"Wrote {rows:,} rows to {printable(str(output))}")
        return
    written_output.expect_rows()
    print_predictions(loaded, table, sys.stdout.buffer, engine)
