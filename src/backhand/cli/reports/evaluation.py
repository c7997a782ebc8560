"""The report of an evaluation: accuracy, figures per class, the confusion matrix."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.text import Text

from backhand.cli.reports.output import console, grid, print_json
from backhand.errors import MOST_IN_NAME
from backhand.evaluation import Evaluation
from backhand.support.visible_text import printable

MAX_CLASSES = 12
"""Number of classes up to which the confusion matrix is printed."""


def show_evaluation(
    evaluation: Evaluation, title: str, *, as_json: bool, more: dict[str, Any] | None = None
) -> None:
    """Print the evaluation; `title` precedes the accuracy, `more` follows the figures in JSON."""
    if as_json:
        print_json("evaluation", evaluation.to_json() | (more or {}))
        return
    out = console()
    right = round(evaluation.accuracy * evaluation.rows)
    out.print(
        f"[bold]{title} {evaluation.accuracy:.4f}[/bold] "
        f"({right:,} of {evaluation.rows:,} rows), loss {evaluation.loss:.4f}"
    )
    if evaluation.unknown:
        out.print(
            f"  {evaluation.unknown:,} rows have a class that the model was not trained on; "
            "they count as errors"
        )
    if evaluation.unlabelled:
        out.print(f"  {evaluation.unlabelled:,} rows without a label were skipped")
    out.print()
    _classes(out, evaluation)
    if len(evaluation.classes) <= MAX_CLASSES:
        _confusion(out, evaluation)
    else:
        out.print(
            f"(--json prints the confusion matrix of the {len(evaluation.classes):,} classes)"
        )
        out.print()


def _classes(out: Console, evaluation: Evaluation) -> None:
    table = grid("class", "precision", "recall", "f1", "rows")
    for row in evaluation.per_class():
        figures = [_figure(row[name]) for name in ("precision", "recall", "f1")]
        table.add_row(escape(printable(row["class"], MOST_IN_NAME)), *figures, f"{row['rows']:,}")
    out.print(table)
    out.print()


def _confusion(out: Console, evaluation: Evaluation) -> None:
    out.print("Confusion matrix: a row per true class, a column per predicted class")
    names = [escape(printable(name, MOST_IN_NAME)) for name in evaluation.classes]
    table = grid("", *names)
    for i, (name, counts) in enumerate(zip(names, evaluation.confusion, strict=True)):
        cells = [
            Text(f"{n:,}" if n else "·", "bold" if i == j else "")
            for j, n in enumerate(counts.tolist())
        ]
        table.add_row(name, *cells)
    out.print(table)
    out.print()


def _figure(value: float) -> str:
    return "–" if value != value else f"{value:.3f}"
