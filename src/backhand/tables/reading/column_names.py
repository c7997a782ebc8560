"""Names of columns: as they are in Parquet files, and each of them once.

DuckDB renames columns that differ by upper and lower case only: of `X` and `x`, the second becomes
`x_1`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from backhand.errors import InputError, listed, shortened

if TYPE_CHECKING:
    import duckdb

MOST_TOLD = 3
"""Names of several columns that are told one by one."""

NUMBERED = re.compile(r"(.*)_\d+", re.DOTALL)


def names_in_file(connection: duckdb.DuckDBPyConnection, path: str, found: list[str]) -> list[str]:
    """Return the names in a Parquet file of the columns that DuckDB calls `found`, in that order.

    Raises
    ------
    InputError
        If the names cannot be determined.
    """
    if not _may_be_renamed(found):
        return found
    names = _parquet_names(connection, path)
    if len(names) != len(found) or not all(map(_is_from, found, names)):
        raise _alike(found, "cannot be distinguished")
    return names


def check_same_order(found: list[str], files: Sequence[list[str]]) -> None:
    """Check that columns that DuckDB may have renamed have one order in all files.

    `files` are the names in each.
    """
    if _may_be_renamed(found) and any(names != files[0] for names in files[1:]):
        raise _alike(found, "have another order in another file")


def _may_be_renamed(found: list[str]) -> bool:
    folded = Counter(name.casefold() for name in found)
    stems = (NUMBERED.fullmatch(name) for name in found)
    return any(stem and folded[stem[1].casefold()] for stem in stems)


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


def numbered(names: Sequence[str], source: str) -> tuple[list[str], list[str]]:
    """Return the names, of which a second `x` is called `x_2`; and a sentence about it, if any."""
    found, taken, again = [], set(names), dict[str, list[str]]()
    for name in names:
        if name in found:
            k = 2
            while f"{name}_{k}" in taken:
                k += 1
            again.setdefault(name, []).append(f"{name}_{k}")
            name = f"{name}_{k}"
            taken.add(name)
        found.append(name)
    told = [
        f"{source} has several columns named '{shortened(name)}'; the others are called "
        f"{listed(others)}."
        for name, others in again.items()
    ]
    return found, told[:MOST_TOLD] + (
        [f"{source} has {len(told) - MOST_TOLD} more names of several columns."]
        if len(told) > MOST_TOLD else []
    )  # fmt: skip
