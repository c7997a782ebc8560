"""Tables: read with DuckDB, turned into a matrix by a schema that is learned from their rows.

`reading` gives a `Table`, `learning` a `Schema` and a `Target`, `splitting` the held-out rows.
DuckDB is imported by `reading` alone: a model file's schema can be looked at without it.
"""
