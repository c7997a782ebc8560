"""Printing as text and as JSON, and the formats that several reports use."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from backhand.support.visible_text import MAX_CHARACTERS, is_visible, printable

if TYPE_CHECKING:  # NumPy is not loaded for a message
    from backhand.engines import Engine

LABEL = 12
"""Width of the names at the left of a section."""

WIDEST = 10_000
"""Width of a table at most."""

NARROWEST = 20
"""Width of text below which it is not wrapped."""


def console() -> Console:
    """Return a console on standard output; reports wrap their lines, not the console."""
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


def section(
    out: Console, title: str, subject: str, rows: Sequence[tuple[str, str]], width: int = LABEL
) -> None:
    """Print a heading and, below it, lines of a name and a value."""
    subject = printable(subject, MAX_CHARACTERS)
    out.print(Text.assemble((title, "bold"), "  " if subject else "", subject))
    for name, value in rows:
        entry(out, name, printable(value, MAX_CHARACTERS), width)
    out.print()


def entry(out: Console, name: str, text: str | Text, width: int = LABEL) -> None:
    """Print a name, and beside it a text whose further lines begin where the first does.

    A name that is wider than its column has a line of its own.
    """
    if cell_len(name) >= width:
        out.print(Text(f"  {name}"))
        name = ""
    hanging(out, f"  {set_cell_size(name, width)}", text, indent=width + 2)


def hanging(out: Console, first: str, text: str | Text, indent: int) -> None:
    """Print a text after `first`, in lines as wide as the console; all but one are indented.

    No word is broken: one that is too long for a line extends beyond it.
    """
    text = text if isinstance(text, Text) else Text(text)
    width = max(NARROWEST, out.width - max(indent, cell_len(first)))
    for line in text.divide(_breaks(text.plain, width)):
        line.rstrip()
        out.print(Text.assemble(first, line))
        first = " " * indent


def _breaks(text: str, width: int) -> list[int]:
    """Return where lines of that width end: before a word that no longer fits."""
    breaks, used = [], 0
    for word in re.finditer(r"\S+\s*", text):
        if used and used + cell_len(word[0].rstrip()) > width:
            breaks.append(word.start())
            used = 0
        used += cell_len(word[0])
    return breaks


def paragraph(out: Console, text: str) -> None:
    """Print sentences, indented and wrapped."""
    hanging(out, "  ", text, indent=2)


def grid(first: str, *others: str) -> Table:
    """Return a table without rules: the first column is left-aligned, the others right-aligned."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(first, no_wrap=True)
    for heading in others:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def print_grid(out: Console, table: Table) -> None:
    """Print a table in the width that it needs: a narrow console does not take columns from it."""
    table.width = Measurement.get(out, out.options.update(max_width=WIDEST), table).maximum
    out.print(table)


def engine_shown(engine: Engine) -> str:
    """Return `fused engine`, or `fused engine in bf16 (avx512bf16)`."""
    if engine.precision == "auto":
        return f"{engine.name} engine"
    products = engine.depends_on().get("bf16")
    return f"{engine.name} engine in bf16{f' ({products})' if products else ''}"


def network_shape(d: int, H: int, K: int) -> str:
    """Return `15 features → 128 hidden (ReLU) → 3 classes (softmax)`."""
    return f"{d:,} feature{'s' if d > 1 else ''} → {H:,} hidden (ReLU) → {K:,} classes (softmax)"
