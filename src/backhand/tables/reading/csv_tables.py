"""Loads CSV files, and what was copied into them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby
from typing import Any

from backhand.tables.database.connection import duckdb
from backhand.tables.database.duckdb_errors import explain, spill_folder, to_error
from backhand.tables.files.copies import new_path
from backhand.tables.files.encodings import with_empty_lines
from backhand.tables.files.source import Source
from backhand.tables.reading.csv_head import Head, check_heads_agree, read_head
from backhand.tables.reading.row_location import locate_record
from backhand.tables.reading.rows import CONTENT_ONLY, is_wide, literally, load_rows
from backhand.tables.table import Table

DIALECT = (
    "auto_detect=false, header=$header, skip=$skip, delim=$delim, quote='\"', escape='\"', "
    "comment='', nullstr='', allow_quoted_nulls=true, null_padding=false, ignore_errors=false, "
    "strict_mode=true, buffer_size=4194304"
)
"""DuckDB's options for CSV, which leave nothing to guess: a reader that guesses may skip lines.

Its default buffers of 32 MB are not faster, and do not fit in a small memory.
"""

READER = f"read_csv($paths, {DIALECT}, {CONTENT_ONLY}, columns=$columns)"


def load_csv(
    connection: duckdb.DuckDBPyConnection,
    data: str,
    sources: Sequence[Source],
    header: bool | None,
    *,
    in_place: bool,
) -> Table:
    """Load CSV files of the same columns as the table or view `rows`; the columns are texts."""
    header = True if sources[0].format == "sqlite" else header
    heads = [read_head(source, header) for source in sources]
    check_heads_agree(sources, heads)
    sources = [_without_quotes_above(connection, source, head)
               for source, head in zip(sources, heads, strict=True)]  # fmt: skip
    names = heads[0].names
    parameters: dict[str, Any] = {
        "delim": heads[0].delimiter, "header": heads[0].header,
        "columns": {f"c{i}": "VARCHAR" for i in range(len(names))},
    }  # fmt: skip
    parts = []
    pairs = zip(heads, sources, strict=True)
    for k, (skip, some) in enumerate(groupby(pairs, key=lambda pair: len(pair[0].above))):
        parameters[f"skip{k}"] = skip
        parameters[f"paths{k}"] = literally([source for _, source in some])
        reader = READER.replace("$paths", f"$paths{k}").replace("$skip", f"$skip{k}")
        parts.append(f"SELECT * FROM {reader}")
    in_place = in_place and not is_wide(connection, len(names))
    try:
        load_rows(connection, parts, parameters, names, in_place=in_place)
    except duckdb.Error as error:
        raise to_error(
            connection, error, explain(error, sources[0].name, names, sources)
        ) from error
    points = sources[0].format in ("excel", "sqlite")
    table = Table(connection, names, data, as_text=True, points=points)
    table.sources, table.delimiter = sources, "" if points else heads[0].delimiter
    table.located_by(partial(locate_record, sources, heads))
    for head in heads:
        table.remarks += [told for told in head.remarks if told not in table.remarks]
    return table


def _without_quotes_above(
    connection: duckdb.DuckDBPyConnection, source: Source, head: Head
) -> Source:
    """Return the source; a copy if a line above its names has a quote.

    DuckDB takes a quote in a line that it skips for the beginning of a field, and loses rows.
    """
    if not any('"' in line for line in head.above):
        return source
    copy = new_path(spill_folder(connection))
    with_empty_lines(source.path, head.above, copy)
    return replace(source, path=copy)
