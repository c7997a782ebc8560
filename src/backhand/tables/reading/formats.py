"""Loads files of one format into the table or view `rows`.

A file that cannot be read raises `InputError` with its name and, if it is known, the line.
"""

from __future__ import annotations

from collections.abc import Sequence

from backhand.errors import InputError, listed
from backhand.tables.database.connection import duckdb
from backhand.tables.database.duckdb_errors import explain, find_invalid_json, to_error
from backhand.tables.files.source import Source
from backhand.tables.reading.csv_tables import load_csv
from backhand.tables.reading.json_tables import load_json
from backhand.tables.reading.parquet_tables import load_parquet
from backhand.tables.table import Table


def load_files(
    connection: duckdb.DuckDBPyConnection,
    data: str,
    sources: Sequence[Source],
    header: bool | None = None,
    *,
    in_place: bool,
    query: bool,
) -> Table:
    """Load files as the table or view `rows`; for a query, with types."""
    check_one_format(data, {source.format for source in sources})
    plain, in_place = sources[0].plain, in_place and not query
    if plain == "csv":
        return load_csv(connection, data, sources, header, in_place=in_place)
    try:
        if plain == "parquet":
            table = load_parquet(connection, data, sources)
        else:
            table = load_json(connection, data, sources, in_place=in_place, types=query)
    except duckdb.Error as error:
        line = find_invalid_json(sources) if plain == "json" else None
        raise to_error(connection, error, line or explain(error, data, sources=sources)) from error
    table.sources = sources
    return table


def check_one_format(data: str, formats: set[str]) -> None:
    """Check that all files of a glob have one format."""
    if len(formats) > 1:
        raise InputError(
            f"{data} matches files of several formats ({listed(sorted(formats))}); expected one."
        )
