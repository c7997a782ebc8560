"""What the predictions depend on, how the model was trained, and where it errs most."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from backhand.errors import shortened
from backhand.model import Model, penalised
from backhand.report_page.charts import (
    Watched,
    dependence_chart,
    importance_chart,
    learning_charts,
)
from backhand.report_page.contents import Contents, name_of
from backhand.report_page.drawing import KEYS
from backhand.report_page.html import Html, details, element, joined, table, with_options
from backhand.report_page.importance import REPEATS
from backhand.report_page.partial_dependence import Dependence
from backhand.report_page.wording import percent, several
from backhand.report_page.worst_rows import WorstRow
from backhand.tabular.curves import curves_in_words

MOST_SERIES = len(KEYS)
"""Classes in a chart of partial dependence."""

PARTS = {
    "trend": ", the trend", "year": " by month", "week": " by weekday", "day": " by hour"
}  # fmt: skip
"""What is said of a part of a date."""

MOST_COLUMNS = 300
"""Columns in the table of importance."""


def importance(contents: Contents) -> Html | None:
    """Return which columns matter, as a chart and as a table."""
    found = contents.importance
    if not found:
        return None
    held_out = contents.training is not None and contents.training.held_out
    kind = "held-out row" if held_out else "row"
    text = (
        f"The values of each column were exchanged at random between "
        f"{several(contents.examined, kind)}, {REPEATS} times, so that they say nothing any more. "
        "The bar is by how much the log loss grows: what the model loses without that column. The "
        "line is a 95 % interval. Columns that say the same can replace each other; then each of "
        "them looks unimportant."
    )
    if contents.training is not None and not contents.training.held_out:
        text += " The rows are training rows, since none are held out."
    rows = [
        (one.column, f"{one.increase:.4f}", f"± {one.margin:.4f}") for one in found[:MOST_COLUMNS]
    ]
    numbers = table(["column", "increase of the log loss", "95 % interval"], rows, numbers=[1, 2],
                    caption="Importance of the columns")  # fmt: skip
    label = (
        "The numbers" if len(found) <= MOST_COLUMNS else f"The numbers of the first {MOST_COLUMNS}"
    )
    chart = element("figure", importance_chart(found), class_="wide")
    return joined([element("p", text), chart, details(label, numbers)])


def partial_dependence(contents: Contents) -> Html | None:
    """Return how the probabilities change with the strongest columns."""
    found = contents.dependence
    if not found:
        return None
    shown = _classes_shown(found, contents.focus)
    top = max(float(one.P[:, shown].max()) for one in found)
    classes = contents.classes
    charts = []
    for place, one in enumerate(found):
        chart = dependence_chart(one, shown, classes, top, place)
        name = element("strong", one.column.name + PARTS.get(one.part, ""))
        caption = [name, _beside(one, shown, classes)]
        charts.append(element("figure", chart, element("figcaption", *caption)))
    text = (
        "The mean probability if every row had the same value of one column, and all else stayed "
        "as it is. It shows what the model does, not what causes what. All charts have the same "
        "scale."
    )
    if any(one.part for one in found):
        text += (
            " A date has several charts: the trend, with the season, weekday and hour of each row "
            "as they are; and each of these, with the trend as it is."
        )
    parts = [element("p", text)]
    if len(shown) == 1:
        parts.append(
            element("p", "Shown is the probability of ", element("strong", classes[shown[0]]), ".")
        )
    else:
        keys = (
            element(
                "li", element("span", KEYS[i], class_=f"k{i + 1}", aria_hidden="true"), classes[k]
            )
            for i, k in enumerate(shown)
        )
        if len(shown) < len(classes):
            parts.append(element("p", f"Of {len(classes):,} classes, those that change most:"))
        parts.append(element("ul", *keys, class_="keys"))
    return joined([*parts, element("div", *charts, class_="charts")])


def _classes_shown(found: Sequence[Dependence], focus: int | None) -> list[int]:
    """Return the classes in the charts: `focus`, or else those that change most."""
    K = found[0].P.shape[1]
    if focus is not None:
        return [focus]
    if K <= MOST_SERIES:
        return list(range(K))
    change = sum(np.ptp(one.P, axis=0) for one in found)
    return sorted(np.argsort(-change, kind="stable")[:MOST_SERIES].tolist())


def _beside(one: Dependence, shown: list[int], classes: list[str]) -> str:
    parts = []
    if one.missing is not None:
        if len(shown) == 1:
            parts.append(f"where it is missing, {percent(one.missing[shown[0]])}")
        else:
            most = int(one.missing.argmax())
            share = percent(one.missing[most])
            parts.append(f"where it is missing, “{classes[most]}” is likeliest ({share})")
    if one.left_out:
        parts.append(f"{several(one.left_out, 'rarer category')} left out")
    return f": {'; '.join(parts)}" if parts else ""


def learning(contents: Contents) -> Html | None:
    """Return the curves of the training."""
    history = contents.model.history
    if len(history) < 2:
        return None
    watched, outcome = _watched(contents.model)
    text = (
        "An epoch is one pass over all training rows. Training lowers the loss; where the loss of "
        f"the {watched.name} rises again while that of the training rows falls, the model learns "
        f"its rows by heart. {outcome} {curves_in_words(contents.model)}"
    ).strip()
    charts = [element("figure", chart) for chart in learning_charts(history, watched)]
    return joined([element("p", with_options(text)), element("div", *charts, class_="charts")])


def _watched(model: Model) -> tuple[Watched, str]:
    """Return the rows that were measured during training, and what followed from them."""
    if (chosen := model.chosen) is not None and chosen.trials:
        return Watched("rows out of fold", None, penalised(model)), (
            "Each network of the search was stopped where the loss of its own fold, the rows that "
            "it did not learn from, was least."
        )
    best = model.metrics.get("best_epoch")
    if isinstance(best, int):
        return Watched("rows of early stopping", best, penalised(model)), (
            f"Early stopping therefore chose epoch {best:,}."
        )
    return Watched("held-out rows", None, penalised(model)), (
        "Then fewer --epochs or a larger --l2 may help, or the search that chooses both (without "
        "--quick)."
    )


def worst(contents: Contents) -> Html | None:
    """Return the rows that the model was most sure about, and wrong."""
    if contents.evaluation is None:
        return None
    if not contents.worst:
        return element("p", "No row was predicted wrongly.")
    text = (
        "The rows to which the model gave the lowest probability of their true class. Look at them "
        "first: such rows are often labelled wrongly, unusual, or of a kind that the columns do "
        f"not describe. Rows of {name_of(contents.evaluated)} are counted from 1, without a header."
    )
    if ".csv" in contents.evaluated.lower():
        text += " Row 1 is line 2 of a file with a header line."
    return joined(
        [element("p", text), element("ol", *map(_worst_row, contents.worst), class_="rows")]
    )


def _worst_row(row: WorstRow) -> Html:
    line = element(
        "div", element("strong", f"Row {row.row:,}"), ": predicted ",
        element("strong", row.predicted), f" ({percent(row.of_predicted)}), true ",
        element("strong", row.true), f" ({percent(row.of_true)})",
    )  # fmt: skip
    cells = (
        element(
            "div",
            element("dt", name),
            element("dd", "missing" if value is None else shortened(value, 200)),
        )
        for name, value in row.cells.items()
    )
    return element("li", line, element("dl", *cells, class_="cells") if row.cells else Html(""))
