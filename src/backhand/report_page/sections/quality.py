"""How good the model is: figures with intervals, classes, what is mistaken for what, curves."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from backhand.evaluation import Evaluation
from backhand.report_page.charts import classes_drawn, curve_charts, fewest_rows
from backhand.report_page.contents import Contents
from backhand.report_page.drawing import SERIES
from backhand.report_page.html import (
    Html,
    breakable,
    details,
    element,
    html_of,
    joined,
    scrolling,
    table,
)
from backhand.report_page.wording import NONE, brief, figure, percent, several
from backhand.tabular.choice import out_of_fold_in_words

MATRIX_CLASSES, LARGEST_MATRIX = 12, 30
"""Classes up to which the confusion matrix is shown, and up to which it is there to unfold."""

NARROW_MATRIX = 5
"""Classes whose matrix is as narrow as a telephone."""

MOST_PAIRS = 15
"""Confusions that are listed."""

OPEN_CLASSES, MOST_CLASSES = 20, 1000
"""Classes whose figures are listed at once, and at all."""


class Measure(NamedTuple):
    """A figure of the page: what it is called, and what it means."""

    title: str
    meaning: str
    as_percent: bool = False


MEASURES = {
    "accuracy": Measure("Accuracy", "Share of rows whose class is predicted correctly.", True),
    "balanced_accuracy": Measure(
        "Balanced accuracy", "The same for each class alone, then the mean: rare classes count as "
        "much as common ones.", True,
    ),
    "loss": Measure(
        "Log loss", "How wrong the probabilities are: the mean of −log(probability of the true "
        "class). 0 is perfect; being sure and wrong costs most.",
    ),
    "roc_auc": Measure(
        "ROC AUC", "How well rows are ranked: the chance that a row of a class gets a higher "
        "probability of it than a row of another class. 0.5 is guessing, 1 is perfect.",
    ),
    "calibration_error": Measure(
        "Calibration error", "The mean gap between stated probabilities and what happens: at 0.04, "
        "of the rows predicted with 80 %, typically 76 % or 84 % are right. If the interval "
        "contains 0, the gap is no more than chance gives on so few rows.",
    ),
}  # fmt: skip


BESIDE = {
    "held_out": "",
    "out_of_fold": "The out-of-fold figures are of the training rows, each predicted by a network "
    "that did not learn from it; the search chose by them.",
    "training": "The held-out figures count: on the training rows a model is nearly always better, "
    "and a large distance between the two means that it has learnt its rows by heart "
    "(overfitting).",
}
"""What is said of the figures of other rows."""


def quality(contents: Contents) -> Html:
    """Return figures, the classes and the curves."""
    evaluation = contents.evaluation
    if evaluation is None:
        right = percent(_metric(contents, "training_accuracy"))
        text = (
            "No rows were held out (--test-size 0), so nothing can be said about new rows. Of the "
            f"training rows themselves, {right} are predicted correctly."
        )
        return element("p", text)
    return joined([_measures(contents, evaluation), _confusion(evaluation), _per_class(evaluation),
                   _curves(evaluation, contents.focus)])  # fmt: skip


def _metric(contents: Contents, name: str) -> float:
    value = contents.model.metrics.get(name)
    return float(value) if isinstance(value, int | float) else float("nan")


def _rows_beside(contents: Contents) -> tuple[str, str]:
    """Return the rows whose figures are shown beside, as the metrics and as people call them."""
    if contents.training is None:
        return "held_out", "held out in training"
    if "out_of_fold_loss" in contents.model.metrics:
        return "out_of_fold", "out of fold"
    return "training", "training"


def _measures(contents: Contents, evaluation: Evaluation) -> Html:
    base = evaluation.baseline
    guess = 1 / max(1, int((evaluation.confusion.sum(axis=1) > 0).sum()))
    bases = {
        "accuracy": base.accuracy,
        "loss": base.loss,
        "roc_auc": 0.5,
        "balanced_accuracy": guess,
    }
    beside, there = _rows_beside(contents)
    rows = []
    for name, measure in MEASURES.items():
        found, shown = evaluation.figures[name], percent if measure.as_percent else figure
        low, high = html_of(shown(found.low)), html_of(shown(found.high))
        interval = Html(f"{low} to&nbsp;{high}") if found.low == found.low else NONE
        other = _metric(contents, f"{beside}_{name}")
        rows.append((
            measure.title, shown(found.value), interval, shown(other),
            shown(bases.get(name, float("nan"))),
        ))  # fmt: skip
    here = "held out" if contents.training is not None else "these rows"
    headings = ["", here, "95 % interval", there, f"always “{brief(base.name)}”"]
    caption = f"Figures on {several(evaluation.rows, 'row')}"
    text = (
        "The interval says how much the number of rows limits what is known: of 100 such "
        "intervals, about 95 contain the figure of unlimited rows of the same kind. "
    )
    text += BESIDE[beside]
    if beside == "out_of_fold":
        text += f" {out_of_fold_in_words(contents.model)} {_held_out(contents)}"
    meanings = (
        part for measure in MEASURES.values()
        for part in (element("dt", measure.title), element("dd", measure.meaning))
    )  # fmt: skip
    return joined([
        table(headings, rows, numbers=[1, 2, 3, 4], caption=caption),
        element("p", text),
        element("dl", *meanings, class_="words"),
    ])  # fmt: skip


def _held_out(contents: Contents) -> str:
    if contents.is_of_folds:
        return "Nothing was chosen by the held-out figures."
    return "The held-out figures are those of the saved network; nothing was chosen by them."


def _confusion(evaluation: Evaluation) -> Html:
    heading = element("h3", "What is mistaken for what")
    K = len(evaluation.classes)
    if K <= MATRIX_CLASSES:
        text = (
            "The confusion matrix: a row for each true class, a column for each prediction. What "
            "is on the diagonal is right."
        )
        return joined([heading, element("p", text), _matrix(evaluation)])
    parts = [heading, _pairs(evaluation)]
    if K <= LARGEST_MATRIX:
        parts.append(details(f"The whole confusion matrix of {K} classes", _matrix(evaluation)))
    return joined(parts)


def _matrix(evaluation: Evaluation) -> Html:
    shares = evaluation.confusion / np.maximum(evaluation.confusion.sum(axis=1, keepdims=True), 1)

    def cell(i: int, j: int) -> Html:
        n = int(evaluation.confusion[i, j])
        return element("td", f"{n:,}" if n else "·", style=f"--share: {shares[i, j]:.2f}",
                       class_="number right" if i == j else "number")  # fmt: skip

    names = evaluation.classes
    corner = element("td", "true ↓  predicted →")
    head = element("tr", corner, *(element("th", breakable(name), scope="col") for name in names))
    body = joined(
        element(
            "tr",
            element("th", breakable(name), scope="row"),
            *(cell(i, j) for j in range(len(names))),
        )
        for i, name in enumerate(names)
    )
    caption = ["Rows by true and predicted class"]
    if len(names) > NARROW_MATRIX:
        wide = "hint always" if len(names) > MATRIX_CLASSES else "hint"
        caption.append(element("span", "scroll sideways →", class_=wide))
    return scrolling(
        element("table", element("caption", *caption),
                element("thead", head), element("tbody", body),
                class_="matrix upright" if len(names) > 3 else "matrix"),
        "Confusion matrix",
    )  # fmt: skip


def _pairs(evaluation: Evaluation) -> Html:
    wrong = evaluation.confusion.copy()
    np.fill_diagonal(wrong, 0)
    rows_of = evaluation.confusion.sum(axis=1)
    order = np.argsort(-wrong, axis=None, kind="stable")[:MOST_PAIRS]
    places = zip(*np.unravel_index(order, wrong.shape), strict=True)
    pairs = [(int(i), int(j)) for i, j in places if wrong[i, j]]
    if not pairs:
        return element("p", "Nothing: every row is predicted correctly.")
    rows = [
        (evaluation.classes[i], evaluation.classes[j], f"{wrong[i, j]:,}",
         percent(wrong[i, j] / rows_of[i]))
        for i, j in pairs
    ]  # fmt: skip
    return table(
        ["true class", "predicted as", "rows", "share of the true class"], rows,
        numbers=[2, 3], caption=f"The {len(rows)} most frequent confusions",
    )  # fmt: skip


def _per_class(evaluation: Evaluation) -> Html:
    found = evaluation.per_class()
    few, shares = len(found) <= OPEN_CLASSES, ("precision", "recall", "f1")
    if not few:
        found.sort(key=lambda row: (not row["rows"], np.nan_to_num(row["f1"], nan=2.0)))
    rows = [
        (row["class"], f"{row['rows']:,}", *(percent(row[name]) for name in shares))
        for row in found
    ]
    headings = ["class", "rows", *shares]

    def of(some: list[tuple[str, ...]], caption: str) -> Html:
        return table(headings, some, numbers=[1, 2, 3, 4], caption=caption)

    text = (
        "Precision: of the rows predicted as the class, the share that is in it. Recall: of the "
        "rows in the class, the share that is predicted as it. f1: their harmonic mean, low where "
        "either is low."
    )
    caption = "Figures of each class" if few else f"The {OPEN_CLASSES} classes of the lowest f1"
    parts = [element("h3", "Each class"), element("p", text), of(rows[:OPEN_CLASSES], caption)]
    rest = rows[OPEN_CLASSES:MOST_CLASSES]
    if rest:
        parts.append(details(f"{len(rest):,} more classes", of(rest, "The other classes")))
    if rows[MOST_CLASSES:]:
        parts.append(element("p", f"And {len(rows) - MOST_CLASSES:,} more classes."))
    return joined(parts)


def _curves(evaluation: Evaluation, focus: int | None) -> Html:
    shown = classes_drawn(evaluation, focus)
    charts = curve_charts(evaluation, shown, focus)
    if not charts:
        return Html("")
    texts = {
        "ROC": "Each point is a threshold on the probability: upwards, the share of the "
        "class that is found; to the right, the share of other rows taken for it. The nearer to "
        "the upper left corner, the better; the diagonal is guessing.",
        "Precision and recall": "Both at each threshold. If the class is rare, this "
        "shows more than the ROC curve: how many alarms are false when most of the class is to be "
        "found.",
        "Calibration": "Stated probabilities against what happened, with 95 % intervals. On the "
        "diagonal, probabilities can be taken at their word; below it, less happened than was "
        "stated; above it, more. The larger a dot, the more rows.",
    }
    figures = [
        element("figure", chart, element("figcaption", element("strong", f"{name}. "), texts[name]))
        for name, chart in charts.items()
    ]
    parts = [element("h3", "Curves")]
    if len(evaluation.classes) > len(SERIES):
        fewest = several(fewest_rows(evaluation.confusion.sum(axis=1)), "row")
        parts.append(element(
            "p", f"Of the {len(evaluation.classes):,} classes, the {len(shown)} of the lowest f1 "
            f"among those of at least {fewest}.",
        ))  # fmt: skip
    if focus is not None:
        parts.append(element(
            "p", "For the rarer class, ", element("strong", evaluation.classes[focus]), ". The ROC "
            "curve and the calibration of the other class are the mirror images of these, with the "
            "same area under the curve.",
        ))  # fmt: skip
    return joined([*parts, element("div", *figures, class_="charts")])
