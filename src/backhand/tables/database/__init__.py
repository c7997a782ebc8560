"""DuckDB: the connection, its errors as sentences, and which queries it may run."""
