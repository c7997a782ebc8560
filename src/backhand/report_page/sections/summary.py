"""What a reader has to know first: what is predicted, how well, and what to beware of."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from backhand.errors import comma_list, shortened
from backhand.evaluation import Evaluation
from backhand.report_page.contents import Contents
from backhand.report_page.html import Html, element, joined, with_options
from backhand.report_page.importance import Importance
from backhand.report_page.wording import brief, figure, percent, several

ACCURACIES = {
    "better": "The model is right clearly more often than that",
    "unclear": "Whether the model is right more often than that, these rows are too few to tell",
    "worse": "The model is right less often than that",
}
LOSSES = {
    "better": "Its probabilities are better than the plain shares of the classes",
    "unclear": "Its probabilities are not clearly better than the plain shares of the classes, as "
    "the log loss says",
    "worse": "Its probabilities are worse than the plain shares of the classes, as the log loss "
    "says",
}


def summary(contents: Contents) -> Html:
    """Return one paragraph, and its figures large."""
    paragraph = element("p", _what(contents), " ", *_how_good(contents), class_="lead")
    return joined([paragraph, _tiles(contents)])


def _what(contents: Contents) -> str:
    target, columns = contents.schema.target, several(len(contents.schema.columns), "column")
    what = (
        f"“{shortened(target)}”, one of {several(len(contents.classes), 'class')}, from {columns}"
    )
    training = contents.training
    if training is None:
        return f"The model predicts {what}. It was tried on {contents.source_name}."
    rows = several(training.rows, "row")
    return f"The model predicts {what}. It was trained on {rows} of {contents.source_name}."


def _how_good(contents: Contents) -> list[str]:
    evaluation = contents.evaluation
    if evaluation is None:
        return ["No rows were held out, so how good it is on new rows is not known."]
    accuracy, base = evaluation.figures["accuracy"], evaluation.baseline
    rows = several(evaluation.rows, "row")
    which = f"Of {rows} that it had not seen in training, it predicts"
    if contents.training is None:
        which = f"Of {rows}, it predicts"
    elif contents.is_of_folds:
        which = f"Of {rows}, models that were trained like it on other rows predict"
    parts = [
        f"{which} {percent(accuracy.value)} correctly (95 % interval: "
        f"{percent(accuracy.low)} to {percent(accuracy.high)}). ",
        f"Always answering the commonest class, “{shortened(base.name)}”, is right in "
        f"{percent(base.accuracy)}. ",
        element("strong", verdict(evaluation)),
    ]
    parts.append(relied_on(contents.importance))
    return parts


def relied_on(importance: Sequence[Importance]) -> str:
    """Return the columns that matter most, and whether their order is certain; "" if none does."""
    strongest = [one for one in importance[:3] if one.increase > one.margin]
    if not strongest:
        return ""
    close = any(a.increase - a.margin < b.increase + b.margin for a, b in pairwise(strongest))
    order = " (in an order that is not certain, since the intervals overlap)" if close else ""
    return f" What it relies on most: {comma_list(one.column for one in strongest)}{order}."


def verdict(evaluation: Evaluation) -> str:
    """Return how a model compares with always answering the commonest class."""
    found = evaluation.verdict()
    accuracy = f"{ACCURACIES[found.accuracy]}."
    if found.only is not None:
        accuracy = f"The model, too, gives every row one class, “{shortened(found.only)}”."
    if found.loss is None:
        return accuracy
    if found.overall == "better":
        return "The model is clearly better than that, and so are its probabilities."
    if found.overall == "worse" and found.accuracy == "worse":
        return "The model is worse than that."
    return f"{accuracy} {LOSSES[found.loss]}."


def _tiles(contents: Contents) -> Html:
    evaluation = contents.evaluation
    if evaluation is None:
        return Html("")
    figures, base = evaluation.figures, evaluation.baseline

    def tile(name: str, value: str, below: str) -> Html:
        return element("div", element("dt", name), element("dd", value, element("small", below)))

    def interval(name: str, shown: str) -> str:
        low, high = figures[name].low, figures[name].high
        if low != low:
            return shown
        ends = (percent(low), percent(high)) if name == "accuracy" else (figure(low), figure(high))
        return f"{ends[0]} to {ends[1]}"

    tiles = [
        tile("Accuracy", percent(figures["accuracy"].value), interval("accuracy", "")),
        tile(f"Always “{brief(base.name)}”", percent(base.accuracy), "accuracy without a model"),
        tile("Log loss", figure(figures["loss"].value), interval("loss", "")),
    ]
    if figures["roc_auc"].value == figures["roc_auc"].value:
        tiles.append(tile("ROC AUC", figure(figures["roc_auc"].value), interval("roc_auc", "")))
    return element("dl", *tiles, class_="facts")


def warnings(contents: Contents) -> Html | None:
    """Return what to beware of, if there is anything, and what to try."""
    if not contents.advice:
        return None
    items = (
        element("li", one.what, " ", element("strong", with_options(one.advice)))
        if one.advice
        else element("li", one.what)
        for one in contents.advice
    )
    return element("ul", *items, class_="warnings")
