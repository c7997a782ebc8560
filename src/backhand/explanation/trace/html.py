"""A trace, a value and an entry as HTML for a notebook, light or dark.

Colours are translucent, over the colours of the notebook: blue for numbers above 0, orange for
those below. Every text is escaped.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from backhand.explanation.rules import SHAPES
from backhand.explanation.trace.equation import axes_of, name_along
from backhand.explanation.trace.table import Cell, table_of
from backhand.explanation.trace.text import MOST_TERMS, given, notes_of, number_texts, table_texts
from backhand.support.visible_text import printable

if TYPE_CHECKING:
    from backhand.explanation.trace.entry import Entry
    from backhand.explanation.trace.trace import Trace
    from backhand.explanation.trace.value import Value

MOST_ROWS, MOST_COLUMNS = 30, 20
"""Size up to which an array is shown; of a larger one, this corner."""

POSITIVE, NEGATIVE = "48, 116, 198", "224, 122, 31"

TABLE = (
    "border-collapse:collapse;font-variant-numeric:tabular-nums;"
    "font-family:ui-monospace,Menlo,Consolas,monospace;font-size:0.9em"
)
NUMBER = "text-align:right;padding:0.15em 0.6em;white-space:nowrap"
NAME = "text-align:left;padding:0.15em 0.6em;white-space:nowrap;font-weight:normal"


def entry_html(entry: Entry) -> str:
    """Return an entry with its equation, its table and what the masks did."""
    head = f"<strong>{_text(entry.label)} = {entry.value:.6g}</strong> {_text(entry.place)}"
    if entry.rule is None:
        return f"<div>{head}<p>{_text(given(entry))}</p></div>"
    head += f"<br>{_text(entry.beside)}" if entry.beside else ""
    equation = f"<code>{_text(entry.name)} = {_text(entry.equation)}</code>"
    formula = f"<code>{_text(entry.formula)}</code>"
    formula += f"<br>{_text(entry.over)}" if entry.over else ""
    notes = "".join(f"<div>{_text(note)}</div>" for note in notes_of(entry))
    return f"<div>{head}<br>{equation}<br>{formula}{_terms(entry)}{notes}</div>"


def _terms(entry: Entry) -> str:
    table = table_of(entry).largest(MOST_TERMS)
    columns, below = table_texts(table)
    head = "".join(
        f'<th scope="col" style="{_style(kind)}">{_text(heading)}</th>'
        for heading, kind in zip(table.headings, table.rows[0], strict=True)
    )
    lines = zip(zip(*columns, strict=True), table.rows, strict=True)
    body = "".join(_row(cells, row, shut=at in table.shut) for at, (cells, row) in enumerate(lines))
    foot = "".join(
        f'<tr><th scope="row" colspan="{len(table.headings) - 1}" style="{NUMBER}">'
        f'{_text(label)}</th><td style="{NUMBER};font-weight:bold">{text}</td></tr>'
        for (label, _), text in zip(table.totals, below, strict=True)
    )
    return (f'<table style="{TABLE}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody>'
            f"<tfoot>{foot}</tfoot></table>")  # fmt: skip


def _row(cells: Sequence[str], row: Sequence[Cell], *, shut: bool) -> str:
    """A row of the table; that of a term which a mask shuts out is paler."""
    content = "".join(
        f'<td style="{_style(kind)}">{_text(cell)}</td>'
        for cell, kind in zip(cells, row, strict=True)
    )
    return f'<tr style="opacity:0.65">{content}</tr>' if shut else f"<tr>{content}</tr>"


def _style(kind: Cell) -> str:
    return NAME if isinstance(kind, str) else NUMBER


def value_html(value: Value) -> str:
    """Return a value with its shape and equation, its numbers on colours of their size."""
    shape = f" {value.shape}" if value.shape else f" {float(value.array):.6g}"
    equation = f" = {value.equation}" if value.equation else ""
    axes = f" {axes_of(value.name)}"
    head = f"<strong><code>{_text(value.name + shape + equation)}</code></strong>{_text(axes)}"
    return f"<div>{head}{_grid(value) if value.shape else ''}</div>"


def _grid(value: Value) -> str:
    array = value.array if value.array.ndim == 2 else value.array[None, :]
    part = array[:MOST_ROWS, :MOST_COLUMNS]
    texts = np.reshape(number_texts(part.ravel().tolist()), part.shape)
    size = float(np.abs(array).max()) or 1.0
    matrix = value.array.ndim == 2
    corner = "<td></td>" if matrix else ""
    head = corner + "".join(f'<th scope="col" style="{NUMBER}">{at}</th>'
                            for at in range(part.shape[1]))  # fmt: skip
    body = "".join(
        f"<tr>{_row_name(value, at) if matrix else ''}{_coloured(texts[at], part[at], size)}</tr>"
        for at in range(len(part))
    )
    cut = "" if part.shape == array.shape else f"<div>The first {part.shape} are shown.</div>"
    return (
        f'<table style="{TABLE}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{cut}'
    )


def _row_name(value: Value, place: int) -> str:
    name = name_along(SHAPES[value.name][0], place, value.passes.problem)
    return f'<th scope="row" style="{NAME}">{_text(f"{place} {name}".strip())}</th>'


def _coloured(texts: Sequence[str], numbers: NDArray[np.float64], size: float) -> str:
    return "".join(
        f'<td style="{NUMBER};background:rgba({POSITIVE if number > 0 else NEGATIVE}, '
        f'{0.65 * abs(number) / size:.3f})">{_text(str(text))}</td>'
        for text, number in zip(texts, numbers.tolist(), strict=True)
    )


def trace_html(trace: Trace) -> str:
    """Return all values, each folded until it is opened."""
    own = f"<pre>{_text(str(trace.own))}</pre>" if trace.own else ""
    parts = "".join(
        f"<details><summary><code>{_text(repr(trace[name]))}</code></summary>"
        f"{value_html(trace[name])}</details>"
        for name in trace
    )
    return f"<div><strong>{_text(repr(trace))}</strong>{own}{parts}</div>"


def _text(text: str) -> str:
    return escape(printable(text))
