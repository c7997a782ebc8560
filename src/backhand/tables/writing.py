"""Writing a table's rows with more columns behind them: CSV, plain or .gz, and Parquet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
from numpy.typing import NDArray

from backhand.errors import InputError, OutputError, listed
from backhand.tables.table import Table, quote

ENDINGS = (".csv", ".csv.gz", ".parquet", ".pq")


def check_ending(path: Path) -> None:
    """Whether the name says in which format to write."""
    if not path.name.endswith(ENDINGS):
        raise InputError(
            f"the output {path} must end in {listed(ENDINGS)}, which says what to write."
        )


def write_rows(
    table: Table, added: Sequence[NDArray[Any]], names: Sequence[str], path: Path, final: Path
) -> None:
    """Write all rows to `path`, in the format that the ending of `final` asks for.

    Parameters
    ----------
    table : Table
    added : sequence of (N,)
        Columns that stand behind the table's own.
    names : sequence of str
        Their names.
    path, final : Path
        Where to write, and what that file will be called once it is whole.

    Raises
    ------
    InputError
        If a name is there twice, or for Parquet twice but for upper and lower case.
    OutputError
        If writing fails.
    """
    headings = [*table.names, *names]
    twice = [name for name, count in Counter(headings).items() if count > 1]
    if twice:
        raise InputError(
            f"{table.source} already has the column{'s' if len(twice) > 1 else ''} "
            f"{listed(twice)}, which would be added; rename or drop what is there."
        )
    parquet = final.name.endswith((".parquet", ".pq"))
    columns = [f"c{i}" for i in range(len(table.names))] + [f"a{i}" for i in range(len(names))]
    con = table.connection
    con.register("added", {f"a{i}": values for i, values in enumerate(added)})
    try:
        if parquet:
            _write_parquet(con, columns, headings, path)
        else:
            _write_csv(table, columns, headings, path, compressed=final.name.endswith(".gz"))
    except duckdb.Error as error:
        raise OutputError(f"{final} could not be written: {str(error).splitlines()[0]}.") from error
    finally:
        con.unregister("added")


def _write_csv(
    table: Table, columns: list[str], headings: list[str], path: Path, *, compressed: bool
) -> None:
    # The headings are a row of their own: DuckDB would rename those that differ by case only.
    first = ", ".join(f"$h{i}" for i in range(len(headings)))
    texts = ", ".join(f"CAST({column} AS VARCHAR)" for column in columns)
    parameters = {"path": str(path)} | {f"h{i}": name for i, name in enumerate(headings)}
    source = "rows"
    if table.original is not None:
        # Not a digit of the user's own columns changes by having been read as a number or a date.
        source, parameters = table.original.reader, parameters | table.original.parameters
    table.connection.execute(
        f"COPY (SELECT {first} UNION ALL SELECT {texts} FROM {source} POSITIONAL JOIN added) "
        f"TO $path (FORMAT csv, HEADER false, COMPRESSION {'gzip' if compressed else 'none'})",
        parameters,
    )


def _write_parquet(
    con: duckdb.DuckDBPyConnection, columns: list[str], headings: list[str], path: Path
) -> None:
    folded = Counter(name.casefold() for name in headings)
    alike = [name for name in headings if folded[name.casefold()] > 1]
    if alike:
        raise InputError(
            f"the columns {listed(alike)} differ by upper and lower case only, which a Parquet "
            "file cannot hold; write CSV instead."
        )
    named = ", ".join(f"{c} AS {quote(name)}" for c, name in zip(columns, headings, strict=True))
    con.execute(
        f"COPY (SELECT {named} FROM rows POSITIONAL JOIN added) TO $path (FORMAT parquet)",
        {"path": str(path)},
    )
