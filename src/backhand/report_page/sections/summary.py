"""What a reader has to know first: what is predicted, how well, and what to beware of."""

from __future__ import annotations

from backhand.errors import comma_list, shortened
from backhand.evaluation import Evaluation, Figure
from backhand.report_page.contents import Contents
from backhand.report_page.html import Html, element, joined, with_options
from backhand.report_page.wording import brief, figure, percent, several


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
    strongest = [one.column for one in contents.importance[:3] if one.increase > one.margin]
    parts = [
        f"{which} {percent(accuracy.value)} correctly (95% interval: "
        f"{percent(accuracy.low)} to {percent(accuracy.high)}). ",
        f"Always answering the commonest class, “{shortened(base.name)}”, is right in "
        f"{percent(base.accuracy)}. ",
        element("strong", verdict(evaluation)),
    ]
    if strongest:
        parts.append(f" What it relies on most: {comma_list(strongest)}.")
    return parts


def verdict(evaluation: Evaluation) -> str:
    """Return whether a model is better than always answering the commonest class."""
    beyond = evaluation.beyond_baseline()
    accuracy, loss = beyond["accuracy"], beyond.get("loss", Figure(float("nan")))
    if accuracy.low > 0:
        first = "The model is clearly better than that."
    elif accuracy.value > 0:
        first = "The model may be better than that; these rows are too few to tell."
    elif accuracy.high < 0:
        first = "The model is worse than that."
    else:
        first = "The model is not better than that."
    if loss.high < 0 and accuracy.low <= 0:
        return (
            f"{first} Its probabilities still tell rows apart: they are better than the plain "
            "shares of the classes."
        )
    if loss.low > 0:
        return f"{first} Its probabilities are worse than the plain shares of the classes."
    return first


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
