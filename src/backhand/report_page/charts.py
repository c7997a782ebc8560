"""The charts of a page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backhand.evaluation import Evaluation
from backhand.evaluation.curves import (
    average_precision,
    calibration,
    class_calibration,
    precision_recall_curve,
    roc_curve,
)
from backhand.evaluation.figures import proportion
from backhand.report_page.drawing import DASHES, INK, MARKERS, PAPER, QUIET, SERIES, drawing
from backhand.report_page.html import Html
from backhand.report_page.importance import Importance
from backhand.report_page.partial_dependence import Dependence
from backhand.report_page.wording import brief, figure, percent, rounded
from backhand.support.optional import extra
from backhand.tables.schema.columns import CYCLES, Category
from backhand.training.history import History

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_BARS = 15
"""Columns in the chart of importance."""

ROW, AROUND = 22, 56
"""Height of a row of a chart of bars, and of what is around them."""

ENOUGH = 5
"""Rows of a class from which its curves say something."""

MOST_POINTS = 400
"""Points of a learning curve."""

SQUARE, LINE = 290, 16
"""Height of a chart of two shares, and of each line of its legend."""


FIRST_DAY, LAST_DAY = -700_000, 2_900_000
"""Days since 1970 of which a calendar can be drawn: the years 54 to 9909."""


def importance_chart(found: Sequence[Importance]) -> Html:
    """Return bars of the columns with the largest importance, with their intervals."""
    shown = list(found[:MOST_BARS])

    def draw(axes: Axes) -> None:
        places = np.arange(len(shown))
        axes.barh(places, [one.increase for one in shown], color=SERIES[0], height=0.62)
        axes.errorbar(
            [one.increase for one in shown], places, xerr=[one.margin for one in shown],
            fmt="none", ecolor=INK, elinewidth=1.2, capsize=3,
        )  # fmt: skip
        _named_rows(axes, [one.column for one in shown])
        axes.axvline(0, color=QUIET, linewidth=0.8)
        axes.set_xlabel("increase of the loss")
        _few_ticks(axes)

    first = shown[0]
    label = (
        f"Bars: importance of {len(shown)} columns. The largest is {brief(first.column)}, "
        f"{figure(first.increase)} ± {figure(first.margin)}."
    )
    return drawing(draw, "importance", label, height=AROUND + ROW * len(shown))


def dependence_chart(
    found: Dependence, shown: Sequence[int], classes: Sequence[str], top: float, place: int
) -> Html:
    """Return the mean probability of some classes by the values of one column.

    `top` is the end of the axis of probabilities, `place` the number of the chart.
    """
    names = ", ".join(brief(classes[k]) for k in shown)
    lowest = [found.P[:, k].min() for k in shown]
    highest = [found.P[:, k].max() for k in shown]
    spans = "; ".join(
        f"{brief(classes[k])} from {percent(a)} to {percent(b)}"
        for k, a, b in zip(shown, lowest, highest, strict=True)
    )
    label = f"Mean probability of {names} by {brief(found.column.name)}: {spans}."
    name = f"dependence{place}"
    if isinstance(found.column, Category):
        draw = _by_category(found, shown, top)
        return drawing(draw, name, label, height=AROUND + ROW * max(4, len(found.values)))
    by = _by_part if found.part in CYCLES else _by_number
    return drawing(by(found, shown, top), name, label)


def _by_number(found: Dependence, shown: Sequence[int], top: float) -> Callable[[Axes], None]:
    def draw(axes: Axes) -> None:
        for i, k in enumerate(shown):
            axes.plot(found.values, found.P[:, k], color=SERIES[i], linestyle=DASHES[i],
                      marker=MARKERS[i])  # fmt: skip
        axes.set_ylim(0, top * 1.04)
        axes.set_ylabel("mean probability")
        _percent_ticks(axes.yaxis)
        if found.column.kind == "date":
            _date_ticks(axes, found.values)
        else:
            _few_ticks(axes)

    return draw


def _by_part(found: Dependence, shown: Sequence[int], top: float) -> Callable[[Axes], None]:
    """Draw the parts of a cycle, months for example, in their order."""

    def draw(axes: Axes) -> None:
        places = np.arange(len(found.values))
        for i, k in enumerate(shown):
            axes.plot(places, found.P[:, k], color=SERIES[i], linestyle=DASHES[i],
                      marker=MARKERS[i])  # fmt: skip
        axes.set_ylim(0, top * 1.04)
        axes.set_ylabel("mean probability")
        _percent_ticks(axes.yaxis)
        step = max(1, len(places) // 6)
        axes.set_xticks(places[::step], found.values[::step])

    return draw


def _by_category(found: Dependence, shown: Sequence[int], top: float) -> Callable[[Axes], None]:
    def draw(axes: Axes) -> None:
        places = np.arange(len(found.values))
        if len(shown) == 1:
            axes.barh(places, found.P[:, shown[0]], color=SERIES[0], height=0.62)
        else:
            for i, k in enumerate(shown):
                axes.plot(found.P[:, k], places, color=SERIES[i], linestyle="none",
                          marker=MARKERS[i], markersize=8, markeredgecolor=PAPER)  # fmt: skip
        _named_rows(axes, found.values)
        axes.set_xlim(0, top * 1.04)
        axes.set_xlabel("mean probability")
        _percent_ticks(axes.xaxis)

    return draw


class Watched(NamedTuple):
    """The rows that were evaluated during training: their name, and the best epoch, if chosen.

    `with_penalty` says whether the training loss beside theirs contains the penalty.
    """

    name: str
    best: int | None
    with_penalty: bool


def learning_charts(history: History, watched: Watched) -> list[Html]:
    """Return loss and accuracy by epoch, of the training rows and of those watched."""
    return [
        _learning_chart("loss", history.loss, history.validation_loss, watched, figure),
        _learning_chart(
            "accuracy", history.accuracy, history.validation_accuracy, watched, percent
        ),
    ]


def _learning_chart(
    name: str, training: NDArray[np.float64], validation: NDArray[np.float64], watched: Watched,
    shown: Callable[[float], str],
) -> Html:  # fmt: skip
    measured = np.flatnonzero(np.isfinite(validation))
    of_training = "training rows"
    if watched.with_penalty and name == "loss":
        of_training += " (with penalty)"

    def draw(axes: Axes) -> None:
        drawn = _thinned(np.arange(len(training)))
        axes.plot(drawn + 1, training[drawn], color=SERIES[0], label=of_training)
        if len(measured):
            drawn = _thinned(measured)
            axes.plot(drawn + 1, validation[drawn], color=SERIES[1], linestyle="--",
                      label=watched.name)  # fmt: skip
        if watched.best is not None:
            axes.axvline(watched.best, color=QUIET, linestyle=":", label="chosen epoch")
        axes.legend()
        axes.set_xlabel("epoch")
        axes.set_ylabel(name)
        _few_ticks(axes)
        axes.locator_params(axis="x", integer=True)
        if name == "accuracy":
            _percent_ticks(axes.yaxis)
        else:
            axes.set_ylim(bottom=0)

    label = f"Curve: {name} of the {of_training} from {shown(training[0])} to {shown(training[-1])}"
    if len(measured):
        ends = validation[measured[[0, -1]]]
        label += f", of the {watched.name} from {shown(ends[0])} to {shown(ends[1])}"
    return drawing(draw, name, f"{label}, by epoch.", height=220)


def _thinned(places: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return at most `MOST_POINTS` of the places, evenly spread, with the first and the last."""
    if len(places) <= MOST_POINTS:
        return places
    return places[np.linspace(0, len(places) - 1, MOST_POINTS).astype(np.int64)]


def _named_rows(axes: Axes, names: Sequence[Any]) -> None:
    """Name the rows of a chart of bars, the first at the top."""
    axes.set_yticks(np.arange(len(names)), [brief(str(name)) for name in names])
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.grid(visible=False, axis="y")


def _few_ticks(axes: Axes) -> None:
    axes.locator_params(axis="x", nbins=5)
    axes.xaxis.set_major_formatter(lambda value, _: rounded(value))


def _percent_ticks(axis: Any) -> None:
    axis.get_major_locator().set_params(nbins=5)
    axis.set_major_formatter(lambda value, _: f"{100 * value:.6g} %")


def _date_ticks(axes: Axes, days: Sequence[float]) -> None:
    """Mark dates, or times of day."""
    if days and min(days) >= 0 and max(days) < 1:
        axes.set_xticks(np.arange(0, 1.01, 0.25), ["0:00", "6:00", "12:00", "18:00", "24:00"])
        return
    if days and min(days) > FIRST_DAY and max(days) < LAST_DAY:
        dates = extra("matplotlib.dates", "a report with charts")
        locator = dates.AutoDateLocator(minticks=3, maxticks=5)
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))
    else:
        _few_ticks(axes)


def curve_charts(evaluation: Evaluation, shown: list[int], focus: int | None) -> dict[str, Html]:
    """Return ROC, precision and recall of the classes shown, and calibration, by their titles."""
    scores = evaluation.scores
    if scores is None or not len(scores.y):
        return {}
    counts = np.bincount(scores.y, minlength=len(evaluation.classes))
    if counts.max() == len(scores.y):  # there is nothing to tell apart
        return {}
    names = [brief(evaluation.classes[k]) for k in shown]
    return {
        "ROC": _roc_chart(scores.P, scores.y, shown, names),
        "Precision and recall": _precision_chart(scores.P, scores.y, shown, names),
        "Calibration": _calibration_chart(scores.P, scores.y, evaluation.classes, focus),
    }


def classes_drawn(evaluation: Evaluation, focus: int | None) -> list[int]:
    """Return the classes of the curves: of two `focus`, of many those of the lowest f1."""
    if focus is not None or evaluation.scores is None:
        return [] if focus is None else [focus]
    counts = np.bincount(evaluation.scores.y, minlength=len(evaluation.classes))
    return worst_classes(counts, [row["f1"] for row in evaluation.per_class()])


def worst_classes(counts: NDArray[np.int64], f1: Sequence[float]) -> list[int]:
    """Return the classes of the lowest f1, as many as can be drawn, by their rows and f1.

    They have `ENOUGH` rows, unless fewer than two classes do. Those without any error are left out
    if there are others.
    """
    present = np.flatnonzero(counts)
    if len(present) <= len(SERIES):
        return [int(k) for k in present]
    enough = np.flatnonzero(counts >= fewest_rows(counts))
    worst = sorted(enough.tolist(), key=lambda k: f1[k])[: len(SERIES)]
    return sorted([k for k in worst if f1[k] < 1] or worst)


def fewest_rows(counts: NDArray[np.int64]) -> int:
    """Return the rows that a class needs to be among the worst."""
    return ENOUGH if (counts >= ENOUGH).sum() > 1 else 1


def _roc_chart(P: NDArray[Any], y: NDArray[np.int64], shown: list[int], names: list[str]) -> Html:
    areas = [area(P[:, k], y == k) for k in shown]

    def draw(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color=QUIET, linewidth=1, linestyle=(0, (2, 3)))
        for i, k in enumerate(shown):
            curve = roc_curve(P[:, k], y == k)
            axes.plot(curve.false_positive, curve.true_positive, color=SERIES[i],
                      linestyle=DASHES[i], label=f"{names[i]} ({areas[i]:.3f})")  # fmt: skip
        _unit_axes(axes, "other rows taken for the class", "rows of the class found")
        _legend_below(axes, "class (area under the curve)")

    ends = ", ".join(f"{name} {value:.3f}" for name, value in zip(names, areas, strict=True))
    label = f"ROC curves; area under the curve: {ends}."
    return drawing(draw, "roc", label, height=SQUARE + LINE * len(shown))


def _precision_chart(
    P: NDArray[Any], y: NDArray[np.int64], shown: list[int], names: list[str]
) -> Html:
    means = [average_precision(P[:, k], y == k) for k in shown]

    def draw(axes: Axes) -> None:
        for i, k in enumerate(shown):
            curve = precision_recall_curve(P[:, k], y == k)
            axes.plot(curve.recall, curve.precision, color=SERIES[i], linestyle=DASHES[i],
                      label=f"{names[i]} ({means[i]:.3f})", drawstyle="steps-pre")  # fmt: skip
        if len(shown) == 1:
            share = float((y == shown[0]).mean())
            axes.axhline(share, color=QUIET, linewidth=1, linestyle=(0, (2, 3)))
        _unit_axes(axes, "recall", "precision")
        _legend_below(axes, "class (mean precision)")

    ends = ", ".join(f"{name} {value:.3f}" for name, value in zip(names, means, strict=True))
    label = f"Curves of precision and recall; mean precision: {ends}."
    return drawing(draw, "precision", label, height=SQUARE + LINE * len(shown))


def _calibration_chart(
    P: NDArray[Any], y: NDArray[np.int64], classes: Sequence[str], focus: int | None
) -> Html:
    """Return the calibration of `focus`, or else of the predicted class."""
    if focus is None:
        bins = calibration(P, y)
        stated, what = "probability of the predicted class", "share predicted correctly"
    else:
        bins, name = class_calibration(P[:, focus], y == focus), brief(classes[focus])
        stated, what = f"probability of {name}", f"share that is {name}"
    ends = [proportion(share * n, n) for share, n in zip(bins.accuracy, bins.rows, strict=True)]

    def draw(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color=QUIET, linewidth=1, linestyle=(0, (2, 3)))
        axes.vlines(bins.confidence, [e.low for e in ends], [e.high for e in ends],
                    color=QUIET, linewidth=1)  # fmt: skip
        sizes = 30 + 110 * bins.rows / bins.rows.max()
        axes.scatter(bins.confidence, bins.accuracy, s=sizes, color=SERIES[0], edgecolors=PAPER,
                     linewidths=0.7, zorder=3)  # fmt: skip
        _unit_axes(axes, stated, what)

    last = f"{percent(bins.confidence[-1])} stated, {percent(bins.accuracy[-1])} happened"
    label = f"Calibration in {len(bins.rows)} bins; of the highest probabilities, {last}."
    return drawing(draw, "calibration", label, height=SQUARE)


def _legend_below(axes: Axes, title: str) -> None:
    """Name the curves under the chart, where they hide nothing."""
    legend = axes.figure.legend(title=title, loc="outside lower left", alignment="left")
    legend.get_title().set_fontsize(11)


def _unit_axes(axes: Axes, x: str, y: str) -> None:
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(np.linspace(0, 1, 6))
        axis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")


def area(score: NDArray[Any], positive: NDArray[np.bool_]) -> float:
    """Return the area under the ROC curve of one class."""
    curve = roc_curve(score, positive)
    return float(np.trapezoid(curve.true_positive, curve.false_positive))
