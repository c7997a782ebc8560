"""The table or view `rows` that holds the rows of files."""

from __future__ import annotations

import glob
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from backhand.errors import InputError, listed
from backhand.tables.database.connection import as_utf8, duckdb
from backhand.tables.database.duckdb_errors import memory_allowed
from backhand.tables.files.source import Source
from backhand.tables.queries import GROUP

CONTENT_ONLY = "hive_partitioning=false, union_by_name=false, filename=false"
"""No column is made from the name of a file or folder."""

ALL_ROWS = 2**63 - 1
"""The largest LIMIT."""

BLOCK_BYTES = 2**18
"""Minimum bytes of a column of a loaded table."""


def literally(sources: Sequence[Source]) -> list[str]:
    """Return file names that DuckDB takes literally: no pattern, no home folder, no address."""
    return [as_utf8(glob.escape(_absolute(source.path))) for source in sources]


def _absolute(path: str) -> str:
    """Return the path; an absolute one if DuckDB would interpret it otherwise."""
    return str(Path(path).absolute()) if re.search(r"~|^[A-Za-z][\w+.-]+:", path) else path


def is_wide(connection: duckdb.DuckDBPyConnection, columns: int) -> bool:
    """Return whether rows that could stay in their files should be loaded, and fit in memory.

    Columns are read in groups. On a view, each group reads all lines of a text file again, and
    binds all columns of a Parquet file.
    """
    return columns > GROUP and columns * BLOCK_BYTES <= memory_allowed(connection) // 4


def load_rows(
    connection: duckdb.DuckDBPyConnection,
    selects: Sequence[str],
    parameters: dict[str, Any],
    names: Sequence[str],
    *,
    in_place: bool,
) -> None:
    """Create the table or view `rows` from SELECTs, one after the other; its columns are c0, c1, …

    DuckDB may exchange the rows of SELECTs under a POSITIONAL JOIN, and so those that `mark`
    selects, unless what is between them depends on the order, as a LIMIT does. (A filter on the row
    number instead holds small chunks back, and exchanges rows too.)
    """
    cells = ",".join(f"c{i}" for i in range(len(names)))
    selected = f"SELECT * FROM ({' UNION ALL '.join(selects)}) AS t({cells})"
    if not in_place:
        connection.execute(f"CREATE TABLE rows AS {selected}", parameters)
        return
    if len(selects) > 1:
        selected += f" LIMIT {ALL_ROWS}"
    # A view has no parameters: DuckDB writes them into it, as literals.
    connection.sql(selected, params=parameters).create_view("rows")


def in_files(connection: duckdb.DuckDBPyConnection) -> bool:
    """Return whether `rows` are read from their files in each pass, and not loaded."""
    views = (
        "SELECT 1 FROM duckdb_views() WHERE view_name = 'rows' AND schema_name = current_schema()"
    )
    return bool(connection.execute(views).fetchall())


def check_same_names(source: Source, names: list[str], first: Source, expected: list[str]) -> None:
    """Check that a file has the columns of the first one, in any order."""
    if set(names) != set(expected):
        raise InputError(
            f"{source.name} does not have the columns of {first.name}: {listed(names)}; "
            f"expected {listed(expected)}."
        )
