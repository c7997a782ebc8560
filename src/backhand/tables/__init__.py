"""Tables: read with DuckDB, turned into a matrix by a schema that is fitted to their rows.

In the order of their use: `files` and `reading` return a `Table`, `schema.targets` its `Target`,
`split` the held-out rows, `schema.fitting` a `Schema`, `array_store` arrays for the matrix;
`writing` appends predictions. `cells`, `expressions` and `queries` are the SQL between them.
DuckDB is imported by `database.connection` alone: a model file's schema can be read without it.
"""
