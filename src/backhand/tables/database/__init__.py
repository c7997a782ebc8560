"""DuckDB: connections, streams of rows, its errors as sentences, and which queries are allowed."""
