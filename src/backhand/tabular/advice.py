"""What the figures of a training warn of, and what to try: each with the numbers behind it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from backhand.errors import comma_list, shortened
from backhand.evaluation import Evaluation, Figure, Verdict
from backhand.model import Model
from backhand.option_names import given, is_option, named
from backhand.table_settings import Settings
from backhand.tabular import leaks, twins
from backhand.tabular.drift import drifts, orders
from backhand.tabular.overfitting import Fit, fit_of
from backhand.tabular.training import Prepared

FEW_ROWS, FEW_HELD_OUT = 10, 20
"""Rows of a class, and held-out rows, below which figures say little."""

IMBALANCED = 0.9
"""Share of the commonest class from which accuracy says little."""

TOO_FAST = 3.0
"""How many times the loss of guessing a training with too high a learning rate has had."""

MANY_NUMBERS = 20
"""Numeric classes from which the target looks like a quantity."""


@dataclass(frozen=True)
class Advice:
    """A warning about a trained model.

    Attributes
    ----------
    kind : str
        "baseline", "overfit", "leak", "twins", "groups", "few rows", "imbalance", "quantity",
        "drift" or "order".
    what : str
        What was found, with its figures: one or two sentences.
    advice : str
        What to try.
    """

    kind: str
    what: str
    advice: str


def advise(prepared: Prepared, model: Model, evaluation: Evaluation | None) -> list[Advice]:
    """Return what a person should know before the model is used, the most harmful first.

    Parameters
    ----------
    prepared : Prepared
        The rows that the model was trained on, and those that were held out.
    model : Model
        With its metrics.
    evaluation : Evaluation, optional
        Of the held-out rows, if there are any.
    """
    found = _rows(prepared) + _quantity(prepared)
    if not {"time", "validation"} & set(model.hyperparameters):  # the held-out rows are chosen
        found += _drift(prepared)
    if evaluation is None:
        return found
    fit = fit_of(model, evaluation)
    if evaluation.rows < FEW_HELD_OUT:
        return [*_held_out(model, evaluation), *_overfit(model, evaluation, fit), *found]
    return [
        *advise_on_split(prepared, evaluation),
        *_baseline(model, evaluation, fit),
        *_overfit(model, evaluation, fit),
        *_imbalance(model, evaluation),
        *found,
    ]


def advise_on_split(prepared: Prepared, evaluation: Evaluation) -> list[Advice]:
    """Return what the held-out rows say beside the training rows: leaks and copies."""
    if not prepared.held_out.rows:  # the evaluation is that of the folds
        return []
    return _leak(prepared) + _twins(prepared, evaluation)


def _held_out(model: Model, evaluation: Evaluation) -> list[Advice]:
    """Too few rows to say how good the model is."""
    rows = f"{evaluation.rows:,} rows are" if evaluation.rows > 1 else "1 row is"
    return [Advice(
        "few rows",
        f"Only {rows} held out: the figures say little, as their intervals show.",
        _out_of_fold(model) or f"Try a larger {named('test_size')}, or more rows.",
    )]  # fmt: skip


def _baseline(model: Model, evaluation: Evaluation, fit: Fit) -> list[Advice]:
    """The model against always answering the commonest class."""
    base, verdict, found = evaluation.baseline, evaluation.verdict(), []
    beyond = evaluation.beyond_baseline()
    if verdict.only is not None:
        found.append(f"The model always answers {quoted(verdict.only)}.")
    if verdict.accuracy != "better" and verdict.only != base.name:
        gain = beyond["accuracy"]
        than = "lower than" if verdict.accuracy == "worse" else (
            "not clearly higher than" if gain.value > 0 else "not higher than")  # fmt: skip
        found.append(
            f"Accuracy {evaluation.accuracy:.4f} is {than} the {base.accuracy:.4f} of always "
            f"answering {quoted(base.name)} {_difference(gain)}."
        )
    if verdict.loss not in {"better", None}:
        gain = beyond["loss"]
        than = "higher than" if verdict.loss == "worse" else (
            "not clearly lower than" if gain.value < 0 else "not lower than")  # fmt: skip
        found.append(
            f"Loss {evaluation.loss:.4f} is {than} the {base.loss:.4f} of giving every row the "
            f"shares of the classes as its probabilities {_difference(gain)}."
        )
    if not found:
        return []
    return [Advice("baseline", " ".join(found), _remedy(model, verdict, fit))]


def _difference(gain: Figure) -> str:
    return f"(difference {gain.value:+.4f}, 95 % interval {gain.low:+.4f} to {gain.high:+.4f})"


def _remedy(model: Model, verdict: Verdict, fit: Fit) -> str:
    """What to try if the model is no better than the baseline."""
    if found := _too_fast(model):
        return found
    if fit.epochs == "too few":
        return f"Try more {named('epochs')}; or the columns say little about the target."
    doubt = "" if "better" in verdict else "; or the columns say little about the target"
    if fit.epochs == "too many":
        return f"{_restraint(model)}{doubt}."
    if verdict.only is not None and verdict.loss == "better":
        return "Its probabilities still tell rows apart: see the ROC AUC."
    if verdict.overall == "worse":
        return "The columns say little about the target."
    if {"cv", "validation"} & set(model.hyperparameters):
        return f"More rows would tell{doubt}."
    if found := _out_of_fold(model):
        return found
    return (
        f"More held-out rows would tell: try {given('cv', 5)}, or a larger "
        f"{named('test_size')}{doubt}."
    )


def _too_fast(model: Model) -> str:
    """What shows that a learning rate above the default is too high; empty if nothing does.

    The loss of training holds the penalty, and that of other rows rises where rows are learned by
    heart; only steps that are too long make both many times that of guessing.
    """
    rate, default = float(model.hyperparameters.get("learning_rate", 0)), Settings.learning_rate
    curves = [np.asarray(model.history.loss), np.asarray(model.history.validation_loss)]
    rose = min((float(np.nanmax(x)) for x in curves if np.isfinite(x).any()), default=0.0)
    guessing = math.log(model.sizes[2])
    if rate <= default or rose < TOO_FAST * guessing:
        return ""
    return (
        f"The learning rate {rate:g} is too high: in training the loss rose to {rose:.4g}, where "
        f"guessing gives {guessing:.4g}. Try a smaller {named('learning_rate')}; the default is "
        f"{default:g}."
    )


def _out_of_fold(model: Model) -> str:
    """What the out-of-fold figures are, if there are any."""
    if not (rows := model.metrics.get("out_of_fold_rows")):
        return ""
    accuracy, loss = (model.metrics[f"out_of_fold_{name}"] for name in ("accuracy", "loss"))
    return (
        f"Out of fold, on {rows:,} training rows, accuracy is {accuracy:.4f} and loss {loss:.4f}."
    )


def _restraint(model: Model) -> str:
    """What keeps the network of a single run from learning rows by heart."""
    l2 = max(0.01, 10 * float(model.hyperparameters.get("l2", 0.0)))
    return (
        f"Omit {named('quick')}, so that the penalty and the epochs are chosen; or try "
        f"{given('early_stopping')}, {given('l2', l2)} or fewer {named('epochs')}"
    )


def _overfit(model: Model, evaluation: Evaluation, fit: Fit) -> list[Advice]:
    """The held-out loss rose while the training loss fell, or is far above it."""
    if fit.epochs != "too many":
        return []
    rose = f", where it was {fit.lowest:.4f} after epoch {fit.epoch:,}" if fit.epoch else ""
    return [Advice(
        "overfit",
        "The model has learned training rows by heart: loss "
        f"{model.metrics['training_loss']:.4f} on them, {evaluation.loss:.4f} on the held-out "
        f"rows{rose}.",
        f"{_restraint(model)}.",
    )]  # fmt: skip


def _leak(prepared: Prepared) -> list[Advice]:
    """One column alone nearly decides the class."""
    return [
        Advice(
            "leak",
            f"Column {quoted(found.column)} alone gives the class of {percent(found.accuracy)} of "
            f"{found.rows:,} held-out rows ({percent(found.baseline)} without it).",
            "If its value is known only after the class is, it leaks the answer; then add "
            f"{_column('drop', found.column)}.",
        )
        for found in leaks.deciding_columns(prepared.schema, prepared.training, prepared.held_out)
    ]


def _twins(prepared: Prepared, evaluation: Evaluation) -> list[Advice]:
    """Held-out rows that are copies, or nearly, of training rows."""
    scores, advice = evaluation.scores, list[Advice]()
    if scores is not None:  # rows are numbered as in the table, and the matrix has some of them
        of_matrix = np.searchsorted(np.flatnonzero(prepared.is_held_out), scores.rows)
        scores = scores._replace(rows=of_matrix)
    found = twins.exact(prepared.schema, prepared.training, prepared.held_out, scores)
    if found.matters:
        others = f" and {found.others:.4f} on the others" if found.share < 1 else ""
        advice.append(Advice(
            "twins",
            f"{percent(found.share)} of {found.rows:,} held-out rows equal a training row in every "
            f"column that is used; accuracy is {found.accuracy:.4f} on them{others}.",
            "If rows were copied, remove the copies; if rows belong together (of one person, one "
            f"day), keep them on one side of the split with {_column('group')}.",
        ))  # fmt: skip
    share, rows = twins.near(prepared.training, prepared.held_out)
    if share >= twins.GROUPED:
        advice.append(Advice(
            "groups",
            f"{percent(share, 0)} of {rows:,} held-out rows have near copies among the training "
            f"rows, {twins.GAP:g} times closer than all others. Held-out figures are too good if "
            "new rows will not have such copies.",
            "If rows belong together (of one person, one device), name the column that says so "
            f"with {_column('group')}.",
        ))  # fmt: skip
    return advice


def _imbalance(model: Model, evaluation: Evaluation) -> list[Advice]:
    """The commonest class hides the others in the accuracy."""
    rows = evaluation.confusion.sum(axis=1)
    largest = int(rows.argmax())
    others = int(rows.sum() - rows[largest])
    share = rows[largest] / max(rows.sum(), 1)
    if share < IMBALANCED or not others:
        return []
    found = int(np.trace(evaluation.confusion)) - int(evaluation.confusion[largest, largest])
    are = "is" if found == 1 else "are"
    right = f"of the {others:,} others, {found:,} {are} predicted correctly"
    if others == 1:
        right = f"the only other row is {'' if found else 'not '}predicted correctly"
    weighted = model.hyperparameters.get("class_weight") is not None
    return [Advice(
        "imbalance",
        f"{percent(share)} of the held-out rows are {quoted(evaluation.classes[largest])}; {right}."
        " Accuracy says little; see balanced accuracy and recall.",
        "" if weighted else
        "To find more of them, at the price of false alarms, try "
        f"{given('class_weight', 'balanced')}.",
    )]  # fmt: skip


def _rows(prepared: Prepared) -> list[Advice]:
    """Classes of few rows."""
    few = {name: n for name, n in prepared.class_counts.items() if n < FEW_ROWS}
    if not few:
        return []
    fewest = sorted(few.items(), key=lambda entry: entry[1])
    rows = comma_list((f"{quoted(name)} {n:,}" for name, n in fewest), most=5)
    have, are = ("class has", "it is hardly learned, and its") if len(few) == 1 else (
        "classes have", "they are hardly learned, and their")  # fmt: skip
    return [Advice(
        "few rows",
        f"{len(few):,} {have} fewer than {FEW_ROWS} rows ({rows}): {are} figures say little.",
        f"Add rows, or combine classes with {named('query')}.",
    )]  # fmt: skip


def _quantity(prepared: Prepared) -> list[Advice]:
    """Classes that are numbers."""
    classes = prepared.target.classes
    if len(classes) < MANY_NUMBERS or not all(map(_is_number, classes)):
        return []
    low, high = min(map(float, classes)), max(map(float, classes))
    return [Advice(
        "quantity",
        f"The target {quoted(prepared.target.name)} looks like a quantity: {len(classes):,} "
        f"different numbers from {low:g} to {high:g}. Each is a class of its own here, and to be "
        "near is as wrong as to be far.",
        f"Predict ranges instead, made with {named('query')}; or use a method for regression.",
    )]  # fmt: skip


def _column(option: str, name: str = "") -> str:
    """An option with a column's name."""
    if is_option(option):
        return f"{named(option)} {quoted(name) if name else 'COLUMN'}"
    return f"{option}={quoted(name) if name else 'COLUMN'}"


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _drift(prepared: Prepared) -> list[Advice]:
    """Columns along which later rows may be different."""
    parts = prepared.schema, prepared.training, prepared.held_out
    found = drifts(*parts, prepared.target.classes)
    changing = [
        Advice(
            "drift",
            f"Along {quoted(drift.column)}, the share of {quoted(drift.name)} goes from "
            f"{percent(drift.first)} in the first quarter of the training rows to "
            f"{percent(drift.last)} in the last. Held-out rows are drawn from the same time, rows "
            "to come are not.",
            f"Hold out the latest rows: {_column('time', drift.column)}.",
        )
        for drift in found
    ]
    return changing + [
        Advice(
            "order",
            f"The rows are sorted by {quoted(name)}. If it is a time, rows to come are later than "
            "all of these, while held-out rows are drawn from among them.",
            f"Hold out the latest rows: {_column('time', name)}.",
        )
        for name in orders(*parts)
        if name not in {drift.column for drift in found}
    ]


def percent(share: float, digits: int = 1) -> str:
    """Return a share as `12.3 %`."""
    return f"{100 * share:.{digits}f} %"


def quoted(name: str) -> str:
    """Return a name in quotes, shortened."""
    return f"'{shortened(name)}'"
