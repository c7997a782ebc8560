"""Web pages: one for each submission, and an index of all. Everything in them is escaped."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

from backhand.doctor.grading.grade import Graded, shown_names
from backhand.doctor.report.document import OUTCOMES
from backhand.doctor.report.page import web_page
from backhand.errors import InputError
from backhand.support.atomic_files import replacing


def write_pages(folder: Path, graded: Sequence[Graded], hints: int) -> None:
    """Write `index.html` and a page for each submission; the pages tell as much as `hints` says.

    Raises
    ------
    OSError
        If the folder cannot be made, or a page not be written.
    """
    make_folder(folder)
    names = _page_names(graded)
    for one, name in zip(graded, names, strict=True):
        _write(folder / name, one.submission.file, _page(one, hints))
    _write(folder / "index.html", "Submissions", _index(graded, names))


def make_folder(folder: Path) -> None:
    """Make the folder of the pages, unless it is there.

    Raises
    ------
    InputError
        If that is a file, or the folder that it should be in does not exist.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"the pages {folder} are a file; name a folder.")
    if not folder.parent.is_dir():
        above = folder.parent.absolute()
        raise InputError(f"the pages {folder}: the folder {above} does not exist; create it first.")
    folder.mkdir(exist_ok=True)


def _write(path: Path, title: str, body: str) -> None:
    with replacing(path) as new:
        new.write_text(web_page(title, body), encoding="utf-8", errors="backslashreplace")


def _page_names(graded: Sequence[Graded]) -> list[str]:
    """File names of letters, digits, - and _ that say which submission it is, each once."""
    names: list[str] = []
    for one in graded:
        stem = re.sub(r"\W+", "_", one.submission.file, flags=re.ASCII).strip("_")[-100:]
        name, number = f"{stem}.html", 1
        while name.lower() in {*map(str.lower, names), "index.html"}:
            number += 1
            name = f"{stem}-{number}.html"
        names.append(name)
    return names


def _page(one: Graded, hints: int) -> str:
    report = one.report.hinted(hints)
    parts = ['<p><a href="index.html">All submissions</a></p>',
             f"<h1>{escape(one.submission.file)}</h1>", report._repr_html_()]  # fmt: skip
    if one.points:
        rows = "".join(f"<tr><td>{escape(name)}</td>{_number(points, one.most.get(name))}</tr>"
                       for name, points in one.points.items())  # fmt: skip
        most = sum(one.most.values()) if one.most else None
        total = f"<tr><th>sum</th>{_number(one.total, most)}</tr>"
        parts.append(f"<h2>Points</h2>\n{_table(rows + total)}")
    return "\n".join(parts)


def _index(graded: Sequence[Graded], names: Sequence[str]) -> str:
    equations = list(graded[0].points) if graded else []
    heads = ["submission", "outcome", "wrong", *equations, *(["sum"] if equations else [])]
    head = "".join(f"<th{_css(text in (*equations, 'sum'))}>{escape(text)}</th>" for text in heads)
    rows = "\n".join(_rows(graded, names))
    if equations and (most := graded[0].most):
        cells = "".join(map(_number, (*most.values(), sum(most.values()))))
        rows += f"\n<tr><td>points at most</td><td></td><td></td>{cells}</tr>"
    return "<h1>Submissions</h1>\n" + _table(f"<tr>{head}</tr>\n{rows}")


def _table(rows: str) -> str:
    return f'<div class="backhand-report">\n<table>\n{rows}\n</table>\n</div>'


def _rows(graded: Sequence[Graded], names: Sequence[str]) -> Iterator[str]:
    for one, name in zip(graded, names, strict=True):
        outcome = one.report.outcome
        cells = [
            f'<td><a href="{name}">{escape(shown_names(graded)[one.submission])}</a></td>',
            f'<td class="{OUTCOMES[outcome]}">{outcome}</td>',
            f"<td>{escape(one.wrong)}</td>",
        ]
        if one.points:
            cells += [*map(_number, one.points.values()), _number(one.total)]
        yield f"<tr>{''.join(cells)}</tr>"


def _number(value: float, most: float | None = None) -> str:
    of = "" if most is None else f" of {most:g}"
    return f"<td{_css(True)}>{value:g}{of}</td>"


def _css(is_number: bool) -> str:
    return ' class="number"' if is_number else ""
