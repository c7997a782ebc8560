"""A report in a terminal, as plain text, and as a picture of a terminal."""

from __future__ import annotations

import io
import re
from itertools import groupby
from operator import itemgetter

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

from backhand.doctor.report.contents import Contents
from backhand.doctor.report.document import OUTCOMES, Role, Section, Span, Table, document

WIDTH = 80
"""Columns of plain text: those of a terminal."""

STYLES = {
    Role.PLAIN: "", Role.STRONG: "bold", Role.QUIET: "dim", Role.CODE: "cyan",
    Role.CORRECT: "green", Role.WRONG: "red", Role.DOUBTFUL: "yellow",
}  # fmt: skip

COLOURS = {outcome: STYLES[role] for outcome, role in OUTCOMES.items()}


def rendered(report: Contents) -> Group:
    """The whole report."""
    parts = document(report)
    function, outcome, *frame = parts.headline
    headline = [_text(function), Text(outcome.text, f"bold {STYLES[outcome.role]}"),
                *map(_text, frame)]  # fmt: skip
    found: list[RenderableType] = [Text("  ").join(headline), Text(parts.circumstances, "dim")]
    if parts.table:
        found += ["", _grid(parts.table), *(Text(line, "dim") for line in parts.table.legend)]
    for section in parts.sections:
        found += ["", _section(section)]
    for label, notes in groupby(parts.notes, key=itemgetter(0)):
        found += ["", *(Text.assemble((f"{label}: ", "dim"), sentence) for _, sentence in notes)]
    return Group(*found)


def as_text(report: Contents) -> str:
    """The report without colours."""
    console = _console(width=WIDTH)
    console.print(rendered(report))
    return "\n".join(line.rstrip() for line in console.export_text().splitlines())


def as_svg(report: Contents, title: str, width: int = WIDTH) -> str:
    """The report as a picture of a terminal, in the reader's own monospaced font."""
    console = _console(width=width)
    console.print(rendered(report))
    picture = console.export_svg(title=title, unique_id="backhand")
    return re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL)


def _console(width: int) -> Console:
    return Console(
        record=True, width=width, file=io.StringIO(), force_terminal=True, highlight=False,
        color_system="truecolor", legacy_windows=False,
        force_jupyter=False,  # else it displays in the notebook whatever it prints
    )  # fmt: skip


def _text(span: Span) -> Text:
    return Text(span.text, STYLES[span.role])


def _grid(table: Table) -> Grid:
    grid = Grid(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for number, heading in enumerate(table.headings):
        grid.add_column(
            heading, justify="right" if number in table.numbers else "left",
            no_wrap="\n" not in heading,
        )  # fmt: skip
    for row in table.rows:
        grid.add_row(*map(_text, row))
    return grid


def _section(section: Section) -> Group:
    entries = Grid.grid(padding=(0, 2, 0, 0))
    entries.add_column(style="dim", no_wrap=True)
    entries.add_column(overflow="fold")
    for label, span in section.entries:
        entries.add_row(label, _text(span))
    title = Text(section.title.text, f"bold {STYLES[section.title.role]}")
    return Group(title, Padding(entries, (0, 0, 0, 3)))
