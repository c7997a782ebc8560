"""Output of `backhand grade`: progress, a table, CSV and JSON."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from backhand.cli.reports.output import grid, print_json
from backhand.cli.standard_streams import write_stderr
from backhand.doctor.grading.grade import Graded, shown_names
from backhand.doctor.report.render import COLOURS
from backhand.errors import shortened
from backhand.support.atomic_files import replacing
from backhand.support.visible_text import printable

WIDE = 1000
"""Characters of a line, more than there are: a terminal wraps it, and nothing is cut."""

WIDEST = 60
"""Characters of a file's name, or of what is wrong, in the table."""


class GradingReport:
    """Prints a line when a submission is checked, and all of them at the end."""

    def __init__(self, count: int, *, as_json: bool) -> None:
        self.count, self.as_json, self.done = count, as_json, 0

    def progress(self, one: Graded) -> None:
        """Say on standard error that one more is done."""
        self.done += 1
        line = f"{self.done}/{self.count}  {one.submission.file}  {one.report.outcome}"
        write_stderr(printable(f"{line}  {one.wrong}".rstrip()))

    def show(self, graded: Sequence[Graded]) -> None:
        """Print all."""
        if self.as_json:
            for one in graded:
                print_json("submission", _as_json(one))
            return
        out = Console(highlight=False, soft_wrap=True, width=WIDE)
        out.print(_table(graded))
        counted = Counter[str](one.report.outcome for one in graded)
        counts = ", ".join(f"{counted[name]} {name}" for name in COLOURS if counted[name])
        out.print(f"\n{len(graded)} submission{'s' if len(graded) > 1 else ''}: {counts}.")


def _as_json(one: Graded) -> dict[str, object]:
    values: dict[str, object] = {"file": one.submission.file, **one.report.to_json()}
    if one.points:
        values |= {"points": dict(one.points), "sum": one.total}
    return values


def _table(graded: Sequence[Graded]) -> Table:
    equations = list(graded[0].points)
    table = grid("submission", *equations, *(["sum"] if equations else []))
    table.add_column("")
    table.add_column("wrong")
    names = shown_names(graded)
    for one in graded:
        numbers = [f"{value:g}" for value in (*one.points.values(), one.total)]
        table.add_row(
            Text(shortened(printable(names[one.submission]), WIDEST)),
            *(numbers if equations else ()),
            Text(one.report.outcome, COLOURS[one.report.outcome]),
            "; ".join([shortened(printable(one.wrong), WIDEST), *one.borrowed]).removeprefix("; "),
        )
    return table


def write_csv(path: Path, graded: Sequence[Graded]) -> None:
    """Write a row for each submission, without times: the same submissions give the same file."""
    equations = list(graded[0].points)
    with replacing(path) as new, new.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["file", "function", "outcome", *equations, *(["sum"] if equations else []),
                       "findings", "wrong", "remarks"])  # fmt: skip
        for one in graded:
            points = [f"{value:g}" for value in (*one.points.values(), one.total)]
            rows.writerow([
                _cell(one.submission.file), one.submission.function, one.report.outcome,
                *(points if equations else ()), one.ids,
                _cell(" ".join(finding.mistake for finding in one.report.findings)),
                _cell(" ".join(one.report.remarks)),
            ])  # fmt: skip


def _cell(text: str) -> str:
    """Text that no spreadsheet takes for a formula, and that no terminal acts on."""
    shown = printable(text)
    return f"'{shown}" if shown[:1] in ("=", "+", "-", "@") else shown
