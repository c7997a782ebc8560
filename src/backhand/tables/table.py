"""A table that has been read: rows and typed columns in DuckDB, addressed by position.

Column names are data. Inside SQL, column i is always called `ci`; its name lives in Python, and is
written into SQL in two places only, always by `quote`: the columns of a Parquet file to be written,
and the view that a user's own query speaks of.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backhand.errors import InputError, did_you_mean

if TYPE_CHECKING:
    import duckdb

CHUNK_VALUES = 2**23
"""Values that are brought from DuckDB to NumPy at a time, about."""

NUMBER_TYPES = (
    "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER",
    "UBIGINT", "UHUGEINT", "FLOAT", "DOUBLE", "DECIMAL",
)  # fmt: skip
DATE_TYPES = ("DATE", "TIME", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS",
              "TIMESTAMP WITH TIME ZONE", "TIME WITH TIME ZONE")  # fmt: skip
TEXT_TYPES = ("VARCHAR", "BOOLEAN", "ENUM", "UUID")


class Table:
    """Rows in the order in which they were read, and columns with a name and a type.

    Parameters
    ----------
    connection : duckdb connection
        Its table or view `rows` has the columns `c0`, `c1`, … and the row number `r`, from 0.
    names : sequence of str
        Column names, as the user wrote them.
    source : str
        What was read, for messages.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, names: Sequence[str], source: str
    ) -> None:
        self.connection = connection
        self.names = list(names)
        self.source = source
        described = connection.execute("DESCRIBE rows").fetchall()
        self.types = [str(row[1]) for row in described if row[0] != "r"]
        self.rows = int(self.one("SELECT count(*) FROM rows")[0])

    def index(self, name: str, role: str = "column") -> int:
        """The position of the column of that name."""
        if name not in self.names:
            raise InputError(
                f"{self.source} has no {role} '{name}'. {did_you_mean(name, self.names)}"
            )
        return self.names.index(name)

    def family(self, column: int) -> str:
        """What sort of values a column holds: "number", "date", "text" or "other"."""
        base = self.types[column].split("(")[0]
        if self.types[column].endswith("]"):
            return "other"
        for family, types in (("number", NUMBER_TYPES), ("date", DATE_TYPES), ("text", TEXT_TYPES)):
            if base in types:
                return family
        return "other"

    def number(self, column: int) -> str:
        """SQL for a column as numbers: dates as days since 1970, NULL for a text that is none."""
        if self.family(column) == "date":
            return f"epoch(c{column}) / 86400.0"
        return f"TRY_CAST(c{column} AS DOUBLE)" if self.family(column) == "text" else f"c{column}"

    def may_be_infinite(self, column: int) -> bool:
        """Whether the column's type has room for infinity and nan; whole numbers do not."""
        return self.types[column] in ("FLOAT", "DOUBLE") or self.family(column) == "text"

    def text(self, column: int) -> str:
        """SQL for a column as text; whole numbers without a fraction, whatever their type."""
        name = f"c{column}"
        as_text = f"CAST({name} AS VARCHAR)"
        if self.family(column) != "number":
            return as_text
        whole = f"isfinite({name}::DOUBLE) AND {name}::DOUBLE = floor({name}::DOUBLE)"
        return (
            f"CASE WHEN isnan({name}::DOUBLE) THEN NULL WHEN {whole} AND abs({name}) < 1e15 "
            f"THEN CAST(CAST({name} AS BIGINT) AS VARCHAR) ELSE {as_text} END"
        )

    def one(self, sql: str, parameters: dict[str, Any] | None = None) -> tuple[Any, ...]:
        """The first row that a query gives."""
        row = self.connection.execute(sql, parameters or {}).fetchone()
        assert row is not None
        return row

    def all(self, sql: str, parameters: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """All rows that a query gives."""
        rows: list[tuple[Any, ...]] = self.connection.execute(sql, parameters or {}).fetchall()
        return rows

    def arrays(
        self, expressions: Sequence[str], parameters: dict[str, Any] | None = None
    ) -> Iterator[tuple[slice, list[NDArray[Any]]]]:
        """Values of SQL expressions, a stretch of rows at a time, in order; masked where NULL."""
        step = max(1, CHUNK_VALUES // max(1, len(expressions)))
        listed = ", ".join(f"{sql} AS e{i}" for i, sql in enumerate(expressions))
        for start in range(0, self.rows, step):
            stop = min(start + step, self.rows)
            values = self.connection.execute(
                f"SELECT {listed} FROM rows WHERE r >= {start} AND r < {stop}",
                parameters or {},
            ).fetchnumpy()
            yield slice(start, stop), [values[f"e{i}"] for i in range(len(expressions))]

    def missing(self, names: Sequence[str]) -> dict[str, int]:
        """How many values are missing in each of these columns, where any are."""
        columns = [self.index(name) for name in names]
        tests = [
            f"isnan(c{i})" if self.types[i] in ("FLOAT", "DOUBLE") else "false" for i in columns
        ]
        counts = [
            f"count(*) FILTER (WHERE c{i} IS NULL OR {t})"
            for i, t in zip(columns, tests, strict=True)
        ]
        found = self.one(f"SELECT {', '.join(counts)} FROM rows") if counts else ()
        return {name: int(n) for name, n in zip(names, found, strict=True) if n}

    def mark(self, chosen: NDArray[np.bool_]) -> None:
        """Make those rows the view `chosen`, with the columns of `rows`."""
        self.connection.register("chosen_mask", {"keep": chosen})
        self.connection.execute("CREATE OR REPLACE TEMP TABLE mask AS SELECT * FROM chosen_mask")
        self.connection.unregister("chosen_mask")
        self.connection.execute(
            "CREATE OR REPLACE TEMP VIEW chosen AS "
            "SELECT rows.* FROM rows POSITIONAL JOIN mask WHERE keep"
        )


def quote(name: str) -> str:
    """A column name as SQL writes it, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'


def numbers(values: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Of what `Table.arrays` gave for `Table.number`: values (n,), and which are missing (n,)."""
    data = np.ma.getdata(values).astype(np.float64)
    return data, np.ma.getmaskarray(values) | np.isnan(data)
