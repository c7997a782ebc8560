"""A user's query: whether it is one SELECT that only reads.

DuckDB calls a statement a SELECT even if it writes: COPY may stand in its WITH, and some functions
turn on logs and profiles that go to files. So its syntax tree is looked at before it is bound.
"""

from __future__ import annotations

import re

from backhand.errors import InputError
from backhand.tables.database.connection import duckdb

READING = {"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE", "STATEMENT_NODE"}
"""Nodes of a syntax tree under which nothing is written."""

FORBIDDEN = {
    # They write files, or change what the database does.
    "checkpoint", "force_checkpoint", "enable_logging", "disable_logging", "truncate_duckdb_logs",
    "write_log", "enable_profiling", "disable_profiling", "nextval", "setval",
    # They start or end what is outside.
    "create_external_resource", "destroy_external_resource", "register_external_resource",
    "deregister_external_resource", "register_external_resource_type",
    # They run what a text says, which is not looked at.
    "query", "json_execute_serialized_sql",
    # They read wherever a number points to.
    "arrow_scan", "arrow_scan_dumb", "pandas_scan", "python_arrow_scan", "python_map_function",
    "seq_scan",
}  # fmt: skip
"""Functions of DuckDB that no query needs to read a table."""

TEXT = r'"((?:[^"\\]|\\.)*)"'


def check_query(connection: duckdb.DuckDBPyConnection, query: str) -> None:
    """One SELECT, which neither writes nor changes anything.

    Raises
    ------
    InputError
        If it is not.
    duckdb.Error
        If it cannot be parsed.
    """
    statements = duckdb.extract_statements(query)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise InputError("the query must be one SELECT statement, and nothing else.")
    found = connection.execute("SELECT json_serialize_sql($query)", {"query": query}).fetchall()
    # In its texts quotes are escaped: what looks like a key is one, however deep the tree is.
    tree = str(found[0][0])
    for name in re.findall(f'"function_name":{TEXT}', tree):
        if name.casefold() in FORBIDDEN:
            raise InputError(
                f"the query calls {name}, which writes or changes something or may hide what "
                "does; a query can only read."
            )
    if {node for node in re.findall(f'"type":{TEXT}', tree) if node.endswith("_NODE")} - READING:
        raise InputError(
            "the query has a statement in it that writes or changes something; a query can "
            "only read."
        )
