"""Reads files, globs and queries into the table or view `rows`."""
