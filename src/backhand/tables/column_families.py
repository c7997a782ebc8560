"""DuckDB's column types in families: numbers, dates, texts, and others that no model reads."""

from __future__ import annotations

NUMBER_TYPES = (
    "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER",
    "UBIGINT", "UHUGEINT", "FLOAT", "DOUBLE", "DECIMAL",
)  # fmt: skip
NUMPY_TYPES = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER",
               "UBIGINT", "FLOAT", "DOUBLE")  # fmt: skip
"""Numbers that NumPy has, too. As doubles they could take eight times the memory in DuckDB."""
TIME_TYPES = ("TIME", "TIME_NS", "TIME WITH TIME ZONE")
DATE_TYPES = (*TIME_TYPES, "DATE", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS",
              "TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ_NS")  # fmt: skip
NULL_TYPE = '"NULL"'
"""The type of a column without a value, as DESCRIBE writes it. It fits any family."""
TEXT_TYPES = ("VARCHAR", "BOOLEAN", "ENUM", "UUID", NULL_TYPE)


def family_of(kind: str) -> str:
    """Return the family of a type of DuckDB's: "number", "date", "text" or "other"."""
    base = kind.split("(")[0]
    if kind.endswith("]"):
        return "other"
    for family, types in (("number", NUMBER_TYPES), ("date", DATE_TYPES), ("text", TEXT_TYPES)):
        if base in types:
            return family
    return "other"
