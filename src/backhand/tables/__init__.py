"""Tables: read with DuckDB, turned into a matrix by a schema that is learned from their rows.

`reading` gives a `Table`, `targets` a `Target`, `splitting` the held-out rows, `learning` a
`Schema`.
DuckDB is imported by `connecting` alone: a model file's schema can be looked at without it.
"""
