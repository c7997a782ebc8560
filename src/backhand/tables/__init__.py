"""Tables: read with DuckDB, turned into a matrix by a schema that is learned from their rows."""

from backhand.tables.learning import Dropped, Target, learn_schema, read_target
from backhand.tables.reading import read_table
from backhand.tables.schema import Category, Date, Number, Schema
from backhand.tables.splitting import held_out
from backhand.tables.table import Table

__all__ = [
    "Category",
    "Date",
    "Dropped",
    "Number",
    "Schema",
    "Table",
    "Target",
    "held_out",
    "learn_schema",
    "read_table",
    "read_target",
]
