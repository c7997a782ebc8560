"""Names of columns as they are in Parquet files.

DuckDB renames columns that differ by upper and lower case only: of `X` and `x`, the second becomes
`x_1`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from backhand.errors import InputError, listed

if TYPE_CHECKING:
    import duckdb

NUMBERED = re.compile(r"(.*)_\d+", re.DOTALL)


def names_in_files(
    connection: duckdb.DuckDBPyConnection, paths: Sequence[str], found: list[str]
) -> list[str]:
    """Return the names in the files of the columns that DuckDB calls `found`, in that order.

    Parameters
    ----------
    connection : duckdb connection
    paths : sequence of str
        Parquet files with these columns.
    found : list of str

    Raises
    ------
    InputError
        If the names, or the order of the columns in several files, cannot be determined.
    """
    folded = Counter(name.casefold() for name in found)
    stems = (NUMBERED.fullmatch(name) for name in found)
    if not any(stem and folded[stem[1].casefold()] for stem in stems):
        return found
    names = _parquet_names(connection, paths[0])
    if any(_parquet_names(connection, path) != names for path in paths[1:]):
        raise _alike(found, "have another order in another file")
    if len(names) != len(found) or not all(map(_is_from, found, names)):
        raise _alike(found, "cannot be distinguished")
    return names


def _is_from(found: str, name: str) -> bool:
    while found != name:
        stem = NUMBERED.fullmatch(found)
        if stem is None:
            return False
        found = stem[1]
    return True


def _alike(names: list[str], what: str) -> InputError:
    return InputError(
        f"some of the columns {listed(names)} differ by upper and lower case only and {what}; "
        "rename them."
    )


def _parquet_names(connection: duckdb.DuckDBPyConnection, path: str) -> list[str]:
    """Return the columns of a Parquet file; in its schema, nested fields follow their column."""
    schema = connection.execute(
        "SELECT name, coalesce(num_children, 0) FROM parquet_schema($path)", {"path": path}
    ).fetchall()
    names, inside = [], 0
    for name, children in schema[1:]:
        if not inside:
            names.append(str(name))
        inside += int(children) - bool(inside)
    return names
