"""Printing as text and as JSON, and the formats that several reports use."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from backhand.support.visible_text import MAX_CHARACTERS, is_visible, printable


def console() -> Console:
    """Return a console on standard output that leaves wrapping to the terminal."""
    return Console(highlight=False, soft_wrap=True)


def print_json(event: str, values: dict[str, Any]) -> None:
    """Print an event as one JSON object on one line."""
    print(json_line({"event": event, **values}, sys.stdout.encoding or "utf-8"), flush=True)


def json_line(values: dict[str, Any], encoding: str) -> str:
    """Return JSON text; characters that are invisible or cannot be encoded are escaped."""
    text = json.dumps(values, ensure_ascii=False)
    return text.translate(
        {
            ord(c): json.dumps(c)[1:-1]
            for c in set(text)
            if not (is_visible(c) and _encodable(c, encoding))
        }
    )


def _encodable(character: str, encoding: str) -> bool:
    try:
        character.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def section(out: Console, title: str, subject: str, rows: Sequence[tuple[str, str]]) -> None:
    """Print a heading and, below it, lines of a name and a value."""
    subject = printable(subject, MAX_CHARACTERS)
    out.print(Text.assemble((title, "bold"), "  " if subject else "", subject))
    for name, value in rows:
        out.print(Text(f"  {name:<12}{printable(value, MAX_CHARACTERS)}"))
    out.print()


def grid(first: str, *others: str) -> Table:
    """Return a table without rules: the first column is left-aligned, the others right-aligned."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(first, no_wrap=True)
    for heading in others:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def network_shape(d: int, H: int, K: int) -> str:
    """Return `15 features → 128 hidden (ReLU) → 3 classes (softmax)`."""
    return f"{d:,} feature{'s' if d > 1 else ''} → {H:,} hidden (ReLU) → {K:,} classes (softmax)"
