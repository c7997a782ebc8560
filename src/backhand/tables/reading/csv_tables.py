"""Loads CSV files, and what was copied into them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import groupby
from typing import Any

from backhand.tables.database.connection import duckdb
from backhand.tables.database.duckdb_errors import explain, to_error
from backhand.tables.files.source import Source
from backhand.tables.reading.csv_head import check_heads_agree, read_head
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
    heads = [read_head(source, header) for source in sources]
    check_heads_agree(sources, heads)
    names = heads[0].names
    parameters: dict[str, Any] = {
        "delim": heads[0].delimiter, "header": heads[0].header,
        "columns": {f"c{i}": "VARCHAR" for i in range(len(names))},
    }  # fmt: skip
    parts = []
    pairs = zip(heads, sources, strict=True)
    for k, (skip, some) in enumerate(groupby(pairs, key=lambda pair: pair[0].skip)):
        parameters[f"skip{k}"] = skip
        parameters[f"paths{k}"] = literally([source for _, source in some])
        reader = READER.replace("$paths", f"$paths{k}").replace("$skip", f"$skip{k}")
        parts.append(f"SELECT * FROM {reader}")
    in_place = in_place and not is_wide(connection, len(names))
    try:
        load_rows(connection, f"({' UNION ALL '.join(parts)})", parameters, names,
                  in_place=in_place)  # fmt: skip
    except duckdb.Error as error:
        raise to_error(
            connection, error, explain(error, sources[0].name, names, sources)
        ) from error
    table = Table(connection, names, data, as_text=True)
    table.located_by(partial(locate_record, list(sources), heads))
    for head in heads:
        table.remarks += [told for told in head.remarks if told not in table.remarks]
    return table
