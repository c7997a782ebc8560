"""The two ways to print, and the small words that the reports share."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from backhand.cli.terminal_text import MOST_LETTERS, is_visible, printable
from backhand.errors import shortened
from backhand.tables.schema.schema import Category, Schema


def console() -> Console:
    """Standard output; lines are wrapped by the terminal, never by us."""
    return Console(highlight=False, soft_wrap=True)


def print_json(event: str, values: dict[str, Any]) -> None:
    """One object, one line."""
    print(json_line({"event": event, **values}, sys.stdout.encoding or "utf-8"), flush=True)


def json_line(values: dict[str, Any], encoding: str) -> str:
    """JSON whose letters all are visible and can be encoded; the others as JSON escapes them."""
    text = json.dumps(values, ensure_ascii=False)
    return text.translate(
        {
            ord(c): json.dumps(c)[1:-1]
            for c in set(text)
            if not (is_visible(c) and _fits(c, encoding))
        }
    )


def _fits(letter: str, encoding: str) -> bool:
    try:
        letter.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def section(out: Console, title: str, what: str, rows: Sequence[tuple[str, str]]) -> None:
    """A heading, and under it lines of a word and what it says."""
    out.print(Text.assemble((title, "bold"), "  " if what else "", printable(what, MOST_LETTERS)))
    for name, value in rows:
        out.print(Text(f"  {name:<12}{printable(value, MOST_LETTERS)}"))
    out.print()


def grid(first: str, *others: str) -> Table:
    """A table without rules: the first column to the left, the others to the right."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(first, no_wrap=True)
    for heading in others:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def some(names: Iterable[str], most: int = 12) -> str:
    """The names with commas between; after `most` of them, how many more."""
    found = [shortened(name) for name in names]
    return ", ".join(found[:most]) + (f" and {len(found) - most:,} more" if found[most:] else "")


def columns_by_kind(schema: Schema) -> list[tuple[str, str]]:
    """`numbers`, `categories`, `dates`: how many columns of each kind, and their names."""
    names: dict[str, list[str]] = {}
    for column in schema.columns:
        values = f" ({len(column.categories)})" if isinstance(column, Category) else ""
        names.setdefault(column.kind, []).append(column.name + values)
    titles = {"number": "numbers", "category": "categories", "date": "dates"}
    return [(titles[kind], f"{len(found):,}: {some(found)}") for kind, found in names.items()]
