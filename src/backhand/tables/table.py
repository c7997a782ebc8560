"""A table that has been read: rows and typed columns in DuckDB, addressed by position.

Column names are data. Inside SQL, column i is always called `ci`; its name lives in Python, and is
written into SQL in two places only, always by `quote`: the columns of a Parquet file to be written,
and the view that a user's own query speaks of.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
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
        self._numbers = count()
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
        """Whether the column's type has room for infinity; whole numbers do not."""
        type_ = self.types[column]
        if self.family(column) == "date":
            return type_ not in ("TIME", "TIME WITH TIME ZONE")
        return type_ in ("FLOAT", "DOUBLE") or self.family(column) == "text"

    def infinite(self, column: int) -> str:
        """SQL for whether a value is infinite, where the type has room for that."""
        return (
            f"isinf(TRY_CAST(c{column} AS DOUBLE))"
            if self.family(column) == "text"
            else f"isinf(c{column})"
        )

    def text(self, column: int) -> str:
        """SQL for a column as text; whole numbers without a fraction, whatever their type."""
        name = f"c{column}"
        if self.family(column) != "number":
            return f"CAST({name} AS VARCHAR)"
        if not self.may_be_infinite(column) and not self.types[column].startswith("DECIMAL"):
            return f"CAST({name} AS VARCHAR)"
        double = f"CAST({name} AS DOUBLE)"
        whole = f"{double} = floor({double}) AND abs({double}) < 1e15"
        shortest = name if self.types[column] == "FLOAT" else double
        return (
            f"CASE WHEN isnan({double}) THEN NULL WHEN {whole} "
            f"THEN CAST(CAST({name} AS BIGINT) AS VARCHAR) ELSE CAST({shortest} AS VARCHAR) END"
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

    def arrays(self, expressions: Sequence[str]) -> Iterator[tuple[slice, list[NDArray[Any]]]]:
        """Values of SQL expressions, a stretch of rows at a time, in order; masked where NULL."""
        step = max(1, CHUNK_VALUES // max(1, len(expressions)))
        listed = ", ".join(f"{sql} AS e{i}" for i, sql in enumerate(expressions))
        for start in range(0, self.rows, step):
            stop = min(start + step, self.rows)
            values = self.connection.execute(
                f"SELECT {listed} FROM rows WHERE r >= {start} AND r < {stop}"
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

    def codes(self, values: str, known: Sequence[str]) -> str:
        """SQL for the place of a text value in `known`, from 0; NULL for what is not in it."""
        if not known:
            return "CAST(NULL AS INTEGER)"
        name = f"known{next(self._numbers)}"
        self.connection.execute(
            f"CREATE TEMP TABLE {name}_values AS "
            "SELECT unnest($known) AS v, generate_subscripts($known, 1) AS i",
            {"known": list(known)},
        )
        self.connection.execute(
            f"CREATE TYPE {name} AS ENUM (SELECT v FROM {name}_values ORDER BY i)"
        )
        return f"enum_code(TRY_CAST({values} AS {name}))"

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
