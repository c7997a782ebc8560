"""What is to be told of a table's columns, as lines of a report."""

from __future__ import annotations

from backhand.errors import comma_list
from backhand.tables.schema.notes import Note

MAX_LINES = 6
"""Lines per kind of note; --json has them all."""

PLURALS = {"is": "are", "looks": "look", "holds": "hold", "varies": "vary"}
"""Verbs with which what was found begins, as said of several columns."""


def note_lines(notes: list[Note]) -> list[tuple[str, str]]:
    """Return a line, with its title, for each thing that was found: dropped columns first."""
    dropped = [note for note in notes if note.kind == "dropped"]
    lines = _lines("dropped", dropped)
    for kind in dict.fromkeys(note.kind for note in notes if note.kind != "dropped"):
        lines += _lines("note", [note for note in notes if note.kind == kind])
    return lines


def _lines(title: str, notes: list[Note]) -> list[tuple[str, str]]:
    """Return one line for each thing that was found, with the columns that it was found of."""
    columns: dict[str, list[Note]] = {}
    for note in notes:
        columns.setdefault(note.what, []).append(note)
    lines = []
    for what, alike in columns.items():
        names = comma_list((note.column for note in alike), most=6)
        advice = f"; {alike[0].advice}" if alike[0].advice else ""
        lines.append((title, f"{names}: {_plural(what) if alike[1:] else what}{advice}"))
    more = len(lines) - MAX_LINES
    if more > 1:
        lines[MAX_LINES:] = [(title, f"and {more:,} more such lines; --json prints all")]
    return lines


def _plural(what: str) -> str:
    """Return what was found of one column as it is said of several."""
    verb, space, rest = what.partition(" ")
    return f"{PLURALS.get(verb, verb)}{space}{rest}"
