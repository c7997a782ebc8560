"""`backhand explain`: where each number of a forward and a backward pass comes from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backhand.cli import options, written_output

if TYPE_CHECKING:
    from backhand.explanation.trace.trace import Trace
    from backhand.tables.table import Table

FIRST_ROWS = 8
"""Rows of a table that are explained unless others are chosen."""


def explain(
    source: Annotated[
        str | None,
        typer.Argument(metavar="MODEL_OR_FUNCTION", show_default="a built-in example",
                       help="A .safetensors file that `train` has saved, with DATA; or a function "
                            "in a module, .py file or notebook, such as net.py:backward."),
    ] = None,
    data: options.OptionalData = None,
    *,
    rows: Annotated[
        str | None,
        typer.Option(metavar="NUMBERS", show_default=f"{FIRST_ROWS}",
                     help="How many of the first rows, such as 3; or the numbers of some, from 1, "
                          "such as 5,8,13 or 5, (a comma behind a single one)."),
    ] = None,
    entry: Annotated[
        list[str] | None,
        typer.Option(metavar="ENTRY", show_default="an overview of all values",
                     help="Take one number apart, such as 'dW1[3,7]' (indices from 0; the quotes "
                          "are for the shell). Can be repeated; a page opens with the first."),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option("--target", "-t", metavar="COLUMN", show_default="the target in training",
                     help="Column with the true classes."),
    ] = None,
    learning_rate: Annotated[
        float | None,
        typer.Option(show_default="0.1, or the example's", help="Learning rate of the update, η."),
    ] = None,
    l2: options.L2 = 0.0,
    example: Annotated[
        str | None,
        typer.Option(metavar="NAME", show_default="penguins",
                     help="Built-in example: penguins, 'two measurements' or xor."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE.html", show_default=False,
                     help="Write a page for a browser: every number can be followed and changed."),
    ] = None,
    query: options.Query = None,
    format: options.Format = None,  # noqa: A002
    encoding: options.Encoding = None,
    sheet: options.Sheet = None,
    table: options.TableName = None,
    header: options.Header = None,
    memory: options.Memory = None,
    cache_dir: options.CacheDir = None,
    json: options.Json = False,
) -> None:  # fmt: skip
    """Show where each number of a backward pass comes from.

    Computes a forward pass, a backward pass and an update in float64: of a model and a few rows of
    a table; of a backward pass of your own, beside the equations, on a small random problem; or of
    a built-in example.
    """
    from backhand.cli.reports.explanation import show_entries, show_page, show_trace

    if source is not None and (data is not None or query is not None):
        from backhand.support.atomic_files import check_folder
        from backhand.tables.reading.reader import expand, read_table

        _check_model(source, data)
        _refuse(source, example=example)
        folder = check_folder(cache_dir)
        page = _checked_page(output, [source, *([] if data is None else expand(data))])
        found = read_table(
            data, query, format=format, encoding=encoding, sheet=sheet, table=table, header=header,
            memory=memory, cache_dir=folder, once=True,
        )  # fmt: skip
        found.warn_of_remarks()
        trace = _of_table(source, found, rows, target, learning_rate, l2)
    else:
        _check_no_table(
            source, data=data, query=query, format=format, encoding=encoding, sheet=sheet,
            table=table, header=header, rows=rows, target=target,
        )  # fmt: skip
        page = _checked_page(output, [] if source is None else [source.rpartition(":")[0]])
        trace = _without_table(source, example, learning_rate, l2)
    entries = [trace.entry(cell) for cell in entry or ()]
    if entries:
        show_entries(entries, as_json=json)
    elif page is None:
        show_trace(trace, as_json=json)
    if page is not None:
        trace.save(page, selected=entry[0] if entry else None)
        show_page(page, as_json=json)


def _check_model(source: str, data: str | None) -> None:
    """Check that a table comes with a model, and that they are not exchanged."""
    from backhand.cli.arguments import check_order
    from backhand.errors import InputError

    if _names_function(source):
        raise InputError(
            f"{source} is a function, which is called on the doctor's problem and takes no table; "
            "expected it alone, or a model file before the table."
        )
    check_order(source, data)


def _check_no_table(source: str | None, **about_rows: object) -> None:
    """Check that what has no table also has no options about one, and is not a model alone."""
    from backhand.cli.arguments import check_order
    from backhand.errors import InputError, MissingFileError

    name = next((name for name, value in about_rows.items() if value is not None), None)
    if source is not None and not _names_function(source):
        if source.endswith((".py", ".ipynb")):
            raise InputError(
                f"{source} does not say which function; expected its name after a colon, such as "
                f"{source}:backward."
            )
        if not Path(source).is_file():
            raise MissingFileError(
                f"there is no file '{source}'; expected a model, or MODULE_OR_FILE:FUNCTION such "
                "as net.py:backward."
            )
        check_order(source, None)
        raise InputError(
            "a model is explained with a few rows of a table; expected the table after it: "
            f"backhand explain {source} DATA."
        )
    if name is not None:
        what = "a function" if source is not None else "the built-in example"
        option = "DATA" if name == "data" else f"--{name}"
        raise InputError(
            f"{option} is about rows of a table, which {what} does not have; expected a model "
            "and a table: backhand explain MODEL DATA."
        )


def _refuse(source: str, **options_of_others: object) -> None:
    from backhand.errors import InputError

    for name, value in options_of_others.items():
        if value is not None:
            raise InputError(
                f"--{name.replace('_', '-')} does not apply to {source}; leave it out."
            )


def _names_function(source: str) -> bool:
    """Whether this is MODULE_OR_FILE:FUNCTION."""
    place, colon, name = source.rpartition(":")
    return bool(place and colon) and name.replace(".", "").isidentifier()


def _checked_page(output: Path | None, inputs: list[str]) -> Path | None:
    """Check, before any work, that the page can be written and replaces none of the inputs."""
    if output is None:
        return None
    from backhand.support.atomic_files import check_output

    page = check_output(output, "the page", inputs, ".html")
    written_output.expect_file(page, f"the page is in {page}")
    return page


def _without_table(
    source: str | None, example: str | None, learning_rate: float | None, l2: float
) -> Trace:
    """The trace of a function, or of a built-in example."""
    from backhand.explanation.explain import explain

    if source is None:
        return explain(example=example, learning_rate=learning_rate, l2=l2)
    _refuse(source, example=example, learning_rate=learning_rate, l2=l2 or None)
    return _of_function(source)


def _of_table(
    source: str, table: Table, rows: str | None, target: str | None,
    learning_rate: float | None, l2: float,
) -> Trace:  # fmt: skip
    """The trace of a model and of rows of a table, which it names by their numbers from 1."""
    from dataclasses import replace

    from backhand.explanation.explain import explain
    from backhand.model import load
    from backhand.tabular.prediction import table_schema

    model = load(source)
    table_schema(model)
    numbers = row_numbers(rows, table.rows, table.source)
    trace = explain(model, table, rows=[number - 1 for number in numbers], target=target,
                    learning_rate=learning_rate, l2=l2)  # fmt: skip
    count = "1 row" if len(numbers) == 1 else f"{len(numbers)} rows"
    named = replace(
        trace.problem,
        title=f"{Path(source).name} on {count} of {table.source}",
    )  # fmt: skip
    return replace(trace, problem=named)


def row_numbers(text: str | None, count: int, source: str) -> list[int]:
    """Return the numbers, from 1, of the rows that --rows chooses among `count`.

    Raises
    ------
    InputError
        If it is neither a number of rows nor numbers of some that exist.
    """
    from backhand.errors import InputError, warn
    from backhand.explanation.rows import MOST_ROWS

    parts = [part.strip() for part in (text or f"{FIRST_ROWS}").split(",")]
    chosen = parts[:-1] if len(parts) > 1 and not parts[-1] else parts
    if not all(part.isascii() and part.isdigit() and int(part) > 0 for part in chosen):
        raise InputError(
            f"--rows is '{text}'; expected how many of the first rows, such as 3, or the numbers "
            "of some, from 1, such as 5,8,13 (or 5, for row 5 alone, with the comma)."
        )
    numbers = [int(part) for part in chosen]
    if len(parts) == 1:
        numbers = list(range(1, min(numbers[0], count) + 1))
    if len(numbers) > MOST_ROWS:
        raise InputError(f"--rows chooses {len(numbers):,} rows; expected {MOST_ROWS:,} or fewer.")
    if max(numbers) > count:
        raise InputError(f"--rows has {max(numbers)}, and {source} has {count:,} rows.")
    if text is not None and len(parts) == 1 and int(parts[0]) > count:
        warn(f"--rows is {text}, and {source} has {count:,} rows: all are explained.")
    return numbers


def _of_function(named: str) -> Trace:
    """The trace of the doctor's problem, with the values of a function; what it prints is lost.

    A process of its own calls the function first: it may end that, or never return.
    """
    from backhand.doctor.apart.check_process import CheckProcess
    from backhand.doctor.probe.loading import load_function
    from backhand.doctor.probe.process_state import names_kept
    from backhand.doctor.probe.refusal import Refusal
    from backhand.errors import InputError
    from backhand.explanation.explain import explain
    from backhand.explanation.own_function import no_values
    from backhand.support.output_streams import nothing_printed

    with CheckProcess(named, autograd=False) as apart:
        report = apart.report()
    if not report.verdicts:
        raise no_values(report)
    try:
        with names_kept(), nothing_printed():
            function, _ = load_function(named)
            return explain(function)
    except Refusal as refusal:
        raise InputError(f"{refusal.clause}.") from refusal
