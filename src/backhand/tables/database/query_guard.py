"""Checks that a user's query is one SELECT that only reads.

DuckDB classifies a statement as SELECT even if it writes: its WITH may contain COPY, and some
functions turn on logs and profiles that are written to files. So the syntax tree is checked before
it is bound.
"""

from __future__ import annotations

import re

from backhand.errors import InputError
from backhand.tables.database.connection import duckdb

READING = {"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE", "STATEMENT_NODE"}
"""Nodes of a syntax tree that write nothing."""

FORBIDDEN = {
    # They write files, or change what the database does.
    "checkpoint", "force_checkpoint", "enable_logging", "disable_logging", "truncate_duckdb_logs",
    "write_log", "enable_profiling", "disable_profiling", "nextval", "setval",
    # They start or end something outside the database.
    "create_external_resource", "destroy_external_resource", "register_external_resource",
    "deregister_external_resource", "register_external_resource_type",
    # They run a text as a query, which is not checked.
    "query", "json_execute_serialized_sql",
    # They read memory at any address.
    "arrow_scan", "arrow_scan_dumb", "pandas_scan", "python_arrow_scan", "python_map_function",
    "seq_scan",
}  # fmt: skip
"""Functions of DuckDB that are not needed to read a table."""

TEXT = r'"((?:[^"\\]|\\.)*)"'


def check_query(connection: duckdb.DuckDBPyConnection, query: str) -> None:
    """Check that a query is one SELECT, which neither writes nor changes anything.

    Raises
    ------
    InputError
        If it is not.
    duckdb.Error
        If it cannot be parsed.
    """
    statements = duckdb.extract_statements(query)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise InputError("the query must be one SELECT statement.")
    found = connection.execute("SELECT json_serialize_sql($query)", {"query": query}).fetchall()
    # Quotes are escaped in its texts: what looks like a key is one, however deep the tree is.
    tree = str(found[0][0])
    for name in re.findall(f'"function_name":{TEXT}', tree):
        if name.casefold() in FORBIDDEN:
            raise InputError(
                f"the query calls {name}, which writes or changes something, or can hide a call "
                "that does; a query can only read."
            )
    if {node for node in re.findall(f'"type":{TEXT}', tree) if node.endswith("_NODE")} - READING:
        raise InputError(
            "the query contains a statement that writes or changes something; a query can only "
            "read."
        )
