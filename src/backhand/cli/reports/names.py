"""Names of classes and columns in a limited width, still told apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size

from backhand.support.visible_text import printable

NARROWEST = 6
"""Least width of a name that is cut."""


def fitting(names: Sequence[str], width: int) -> list[str]:
    """Return the names in at most `width` cells each, cut where too long, and no two the same.

    A name that is cut keeps its beginning and its end. Names that would then look the same have
    their number in the list as their end.
    """
    width = max(width, NARROWEST)
    shown = [printable(name) for name in names]
    cut = [_cut(name, width) for name in shown]
    counts = Counter(cut)
    return [
        short if counts[short] == 1 else _numbered(name, place, width)
        for place, (name, short) in enumerate(zip(shown, cut, strict=True), 1)
    ]


def _cut(name: str, width: int) -> str:
    if cell_len(name) <= width:
        return name
    tail = _last_cells(name, (width - 1) // 3)
    return _first_cells(name, width - 1 - cell_len(tail)) + "…" + tail


def _numbered(name: str, place: int, width: int) -> str:
    end = f"…#{place}"
    return _first_cells(name, max(1, width - len(end))) + end


def _first_cells(text: str, cells: int) -> str:
    return set_cell_size(text, cells).rstrip() if cell_len(text) > cells else text


def _last_cells(text: str, cells: int) -> str:
    while cell_len(text) > cells:
        text = text[1:]
    return text.lstrip()
