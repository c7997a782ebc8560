"""Loads JSON files: lists of objects, or an object per line."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from backhand.errors import InputError
from backhand.tables.database.connection import duckdb
from backhand.tables.files.source import Source
from backhand.tables.reading.row_location import locate_json_line
from backhand.tables.reading.rows import (
    CONTENT_ONLY,
    check_same_names,
    is_wide,
    literally,
    load_rows,
)
from backhand.tables.table import Table

READER = f"read_json($paths, {CONTENT_ONLY}, ignore_errors=false, records='true', columns=$columns)"

OBJECTS = f"read_json_objects($paths, {CONTENT_ONLY}, ignore_errors=false)"

TYPED_READER = (
    f"read_json($paths, {CONTENT_ONLY}, ignore_errors=false, sample_size=-1, maximum_depth=-1, "
    "field_appearance_threshold=0, map_inference_threshold=-1, convert_strings_to_integers=false)"
)
"""For a query, which may read nested values. Types are those of all rows."""


def load_json(
    connection: duckdb.DuckDBPyConnection,
    data: str,
    sources: Sequence[Source],
    *,
    in_place: bool,
    types: bool,
) -> Table:
    """Load JSON files as the table or view `rows`: as texts, or with the types of all rows."""
    names = _names(connection, sources)
    parameters: dict[str, Any] = {"paths": literally(sources)}
    if types:
        load_rows(connection, [f"SELECT * FROM {TYPED_READER}"], parameters, names, in_place=False)
        return Table(connection, names, data)
    if len({name.casefold() for name in names}) == len(names):
        reader, parameters["columns"] = f"SELECT * FROM {READER}", dict.fromkeys(names, "VARCHAR")
    else:  # DuckDB has no columns whose names differ by case only
        keys = {f"k{i}": "/" + name.replace("~", "~0").replace("/", "~1")
                for i, name in enumerate(names)}  # fmt: skip
        cells = ", ".join(f"json_extract_string(json, ${key})" for key in keys)
        reader = f"SELECT {cells} FROM {OBJECTS}"
        parameters |= keys
    in_place = in_place and not is_wide(connection, len(names))
    load_rows(connection, [reader], parameters, names, in_place=in_place)
    table = Table(connection, names, data, as_text=True, points=True)
    if sources[0].format == "jsonl":
        table.located_by(partial(locate_json_line, list(sources)))
    return table


def _names(connection: duckdb.DuckDBPyConnection, sources: Sequence[Source]) -> list[str]:
    """Return the keys of all objects, in order of appearance; all files have the same keys."""
    found: list[list[str]] = []
    for source in sources:
        rows = connection.execute(
            "SELECT keys FROM (SELECT json_keys(json) AS keys, row_number() OVER () AS i "
            f"FROM {OBJECTS}) GROUP BY keys ORDER BY min(i)",
            {"paths": literally([source])},
        ).fetchall()
        found.append(list(dict.fromkeys(str(key) for (keys,) in rows for key in keys or ())))
        if not found[-1]:
            raise InputError(
                f"{source.name} holds no JSON objects; expected one per row, with column names as "
                "keys."
            )
        check_same_names(source, found[-1], sources[0], found[0])
    return found[0]
