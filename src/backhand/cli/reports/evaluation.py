"""The report of an evaluation: figures with intervals, classes, the confusion matrix."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.text import Text

from backhand.cli.glossary import LABEL
from backhand.cli.reports.names import fitting
from backhand.cli.reports.output import (
    console,
    grid,
    hanging,
    paragraph,
    print_grid,
    print_json,
    section,
)
from backhand.errors import MOST_IN_NAME
from backhand.evaluation import Evaluation, Figure
from backhand.glossary import TERMS
from backhand.support.visible_text import printable

MAX_CLASSES, MAX_IN_MATRIX = 12, 60
"""Number of classes up to which all are shown, and the matrix at all."""

SOME = 5
"""Number of the largest classes that are shown, and of the worst."""

CONFUSIONS = 10
"""Number of frequent confusions that are shown instead of the matrix."""

WIDEST_ROW, WIDEST_HEADING = 24, 12
"""Width of class names at the left of the matrix, and above its columns, if they must be cut."""

NAMES = {
    "accuracy": "accuracy",
    "loss": "loss",
    "balanced_accuracy": "balanced accuracy",
    "roc_auc": "ROC AUC",
    "calibration_error": "calibration error",
}
"""Titles of the figures."""


def show_evaluation(
    evaluation: Evaluation,
    title: str,
    *,
    as_json: bool,
    beside: Mapping[str, Mapping[str, float]] | None = None,
    more: Mapping[str, Any] | None = None,
    all_classes: bool = False,
) -> None:
    """Print the evaluation; `title` precedes the accuracy.

    `beside` are figures of other rows by their title, to be shown beside these where there are any;
    `more` follows them in JSON.
    """
    if as_json:
        print_json("evaluation", evaluation.to_json() | dict(more or {}))
        return
    out = console()
    _summary(out, evaluation, title)
    _figures(out, evaluation, {title: of for title, of in (beside or {}).items() if of})
    _classes(out, evaluation, every=all_classes)
    K = len(evaluation.classes)
    if (MAX_IN_MATRIX if all_classes else MAX_CLASSES) >= K:
        _confusion(out, evaluation)
    else:
        _frequent_confusions(out, evaluation)
        option = "--all-classes shows all classes; " if not all_classes else ""
        paragraph(out, f"{option}--json prints the confusion matrix of the {K:,} classes.")
        out.print()


def show_words() -> None:
    """Print what the terms of a report mean."""
    section(console(), "Terms in the report", "", list(TERMS.items()), LABEL)


def _summary(out: Console, evaluation: Evaluation, title: str) -> None:
    right, base = round(evaluation.accuracy * evaluation.rows), evaluation.baseline
    heading = Text(f"{title} {evaluation.accuracy:.4f}", "bold")
    rest = f" ({right:,} of {evaluation.rows:,} rows), loss {evaluation.loss:.4f}"
    hanging(out, "", heading + Text(rest), indent=2)
    always = f"Always answering '{printable(base.name, MOST_IN_NAME)}' would score"
    hanging(out, "", f"{always} {base.accuracy:.4f}, loss {base.loss:.4f}", indent=2)
    if evaluation.unknown:
        paragraph(
            out,
            f"{evaluation.unknown:,} rows have a class that the model was not trained on; they "
            "count as errors in the accuracy, and in nothing else.",
        )
    if evaluation.unlabelled:
        paragraph(out, f"{evaluation.unlabelled:,} rows without a label were skipped")
    out.print()


def _figures(
    out: Console, evaluation: Evaluation, beside: Mapping[str, Mapping[str, float]]
) -> None:
    """Print the figures with their intervals, and those of other rows."""
    table = grid("", "held out" if beside else "value", "95 % interval", *beside)
    for name, figure in evaluation.figures.items():
        others = (_number(of[name]) if name in of else "" for of in beside.values())
        table.add_row(NAMES[name], _number(figure.value), _interval(figure), *others)
    print_grid(out, table)
    if evaluation.scores is not None and not evaluation.scores.complete:
        rows = len(evaluation.scores.y)
        paragraph(out, f"ROC AUC and calibration error are of an even sample of {rows:,} rows.")
    if evaluation.figures["calibration_error"].low == 0:
        paragraph(
            out, "The calibration error is no more than chance gives: its interval contains 0."
        )
    out.print()


def _classes(out: Console, evaluation: Evaluation, *, every: bool) -> None:
    """Print the figures of each class, or of the largest and the worst."""
    figures = evaluation.per_class()
    shown = list(range(len(figures)))
    if len(figures) > MAX_CLASSES and not every:
        shown = _largest_and_worst(figures)
        paragraph(
            out, f"The {SOME} largest of {len(figures):,} classes, then the {SOME} of lowest f1"
        )
    counts = [f"{row['rows']:,}" for row in figures]
    beside = len("precision  recall     f1  ") + max(4, *map(len, counts)) + 4
    names = fitting(evaluation.classes, out.width - beside)
    table = grid("class", "precision", "recall", "f1", "rows")
    for i in shown:
        values = [_share(figures[i][name]) for name in ("precision", "recall", "f1")]
        table.add_row(Text(names[i]), *values, counts[i])
    print_grid(out, table)
    out.print()


def _largest_and_worst(figures: list[dict[str, Any]]) -> list[int]:
    """Return the places of the classes with the most rows, and of others with the lowest f1."""
    by_size = sorted(range(len(figures)), key=lambda i: -figures[i]["rows"])
    rest = [i for i in by_size[SOME:] if figures[i]["rows"]]
    return by_size[:SOME] + sorted(rest, key=lambda i: figures[i]["f1"])[:SOME]


def _confusion(out: Console, evaluation: Evaluation) -> None:
    """Print the confusion matrix, in blocks of columns if it is wider than the console."""
    hanging(
        out, "", "Confusion matrix: a row per true class, a column per predicted class", indent=2
    )
    counts = [[f"{n:,}" if n else "·" for n in row] for row in evaluation.confusion.tolist()]
    rows = fitting(evaluation.classes, min(WIDEST_ROW, out.width // 3))
    headings = [printable(name) for name in evaluation.classes]
    widths = [max(map(cell_len, column)) for column in zip(headings, *counts, strict=True)]
    first = max(map(cell_len, rows))
    if first + sum(width + 2 for width in widths) > out.width:
        headings = fitting(evaluation.classes, WIDEST_HEADING)
        widths = [max(map(cell_len, column)) for column in zip(headings, *counts, strict=True)]
    for block in _blocks(widths, out.width - first):
        table = grid("", *(escape(headings[j]) for j in block))
        for i, name in enumerate(rows):
            cells = [Text(counts[i][j], "bold" if i == j else "") for j in block]
            table.add_row(Text(name), *cells)
        print_grid(out, table)
        out.print()


def _blocks(widths: list[int], room: int) -> list[list[int]]:
    """Divide columns of these widths into blocks that fit; one column is a block at least."""
    blocks: list[list[int]] = [[]]
    left = room
    for place, width in enumerate(widths):
        if blocks[-1] and left < width + 2:
            blocks.append([])
            left = room
        blocks[-1].append(place)
        left -= width + 2
    return blocks


def _frequent_confusions(out: Console, evaluation: Evaluation) -> None:
    """Print the pairs of true and predicted class with the most rows."""
    wrong = evaluation.confusion.copy()
    np.fill_diagonal(wrong, 0)
    K = len(evaluation.classes)
    places = np.argsort(-wrong, axis=None, kind="stable")[:CONFUSIONS]
    pairs = [divmod(int(place), K) for place in places if wrong.flat[place]]
    if not pairs:
        return
    names = fitting(evaluation.classes, (out.width - 12) // 2)
    table = grid("true class", "predicted as", "rows")
    table.columns[1].justify = "left"
    for i, j in pairs:
        table.add_row(Text(names[i]), Text(names[j]), f"{wrong[i, j]:,}")
    hanging(out, "", "The most frequent errors", indent=2)
    print_grid(out, table)
    out.print()


def _number(value: float) -> str:
    return "–" if value != value else f"{value:.4f}"


def _interval(figure: Figure) -> str:
    return "–" if figure.low != figure.low else f"{figure.low:.4f}–{figure.high:.4f}"


def _share(value: float) -> str:
    return "–" if value != value else f"{value:.3f}"
