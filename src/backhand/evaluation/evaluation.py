"""`Evaluation`: the figures over the rows whose true class is known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backhand.evaluation.curves import calibration
from backhand.evaluation.figures import (
    Figure,
    balanced_accuracy,
    calibration_error,
    implied_variance,
    mean,
    proportion,
    roc_auc,
)
from backhand.evaluation.scores import Scores


class Losses(NamedTuple):
    """Sums over the rows of the model's classes: the loss by true class (K,), and its square."""

    by_class: NDArray[np.float64]
    squares: float


class Baseline(NamedTuple):
    """What always answering the commonest class of the training rows scores on the same rows.

    `loss` is that of answering with the shares that the classes had in training.
    """

    name: str
    accuracy: float
    loss: float


Comparison = Literal["better", "unclear", "worse"]
"""With a baseline: "unclear" where the interval of the difference has 0 in it."""


class Verdict(NamedTuple):
    """How accuracy and loss compare with those of the baseline; the loss is None if not known.

    `only` is the class that every row is given, if it is one and the same.
    """

    accuracy: Comparison
    loss: Comparison | None
    only: str | None

    @property
    def overall(self) -> Comparison:
        """Better where all that is known is; worse where something is, and nothing is better."""
        known = {self.accuracy, self.loss} - {None}
        if known == {"better"}:
            return "better"
        return "worse" if "worse" in known and "better" not in known else "unclear"


@dataclass(frozen=True)
class Evaluation:
    """Figures over the rows whose true class is known.

    Attributes
    ----------
    rows : int
        Number of rows that count.
    accuracy : float
        Share of rows predicted correctly.
    baseline : Baseline
        What always answering the commonest class scores: `name`, `accuracy`, `loss`.
    figures : dict of Figure
        "accuracy", "loss", "balanced_accuracy", "roc_auc" and "calibration_error", each with
        `value`, and `low` and `high` of its 95 % interval.
    classes : list of str
        The K classes of the model.
    confusion : ndarray of shape (K, K)
        int64: number of rows by true class (row) and predicted class (column).
    loss : float
        Mean cross-entropy in nats, over rows of the model's classes; nan if there are none.
    unknown : int
        Rows whose class is none of the model's; each counts as wrong.
    unlabelled : int
        Rows without a class; they are left out.
    losses : Losses, optional
        What the interval of the loss is computed from.
    scores : Scores, optional
        Probabilities and true classes of the rows, or of an even sample of them.
    training_counts : sequence of int, optional
        Training rows of each class; without them, the baseline is that of the rows themselves.

    Examples
    --------
    >>> import backhand
    >>> import numpy as np
    >>> x, y = np.random.default_rng(0).normal(size=(2, 400))
    >>> columns = {"x": x, "y": y, "above": np.where(x + y > 0, "yes", "no")}
    >>> evaluation = backhand.fit(columns, "above", hidden=8, quick=True).evaluation
    >>> evaluation.rows, evaluation.confusion.shape, evaluation.accuracy > 0.9
    (80, (2, 2), True)
    >>> accuracy = evaluation.figures["accuracy"]
    >>> accuracy.low < accuracy.value <= accuracy.high
    True
    """

    classes: list[str]
    confusion: NDArray[np.int64]
    loss: float
    unknown: int = 0
    unlabelled: int = 0
    losses: Losses | None = None
    scores: Scores | None = None
    training_counts: Sequence[int] | None = None

    @property
    def rows(self) -> int:
        """Number of rows that count."""
        return int(self.confusion.sum()) + self.unknown

    @property
    def accuracy(self) -> float:
        """Share of rows predicted correctly."""
        return float(np.trace(self.confusion)) / self.rows

    @cached_property
    def baseline(self) -> Baseline:
        """What always answering the commonest class scores."""
        truth, log_shares = self.confusion.sum(axis=1), self._log_shares()
        known = int(truth.sum())
        commonest = int(log_shares.argmax())
        present = truth > 0  # a class that training did not have has an infinite loss
        loss = -float(truth[present] @ log_shares[present]) / known if known else float("nan")
        return Baseline(self.classes[commonest], int(truth[commonest]) / self.rows, loss)

    def _log_shares(self) -> NDArray[np.float64]:
        """Logarithm of the share of each class among the training rows."""
        given = self.training_counts
        counts = self.confusion.sum(axis=1) if given is None else np.asarray(given, np.float64)
        logarithms = np.full(len(counts), -np.inf)
        np.log(counts / max(counts.sum(), 1), out=logarithms, where=counts > 0)
        return logarithms

    @cached_property
    def figures(self) -> dict[str, Figure]:
        """The figures with their 95 % intervals.

        "accuracy", "loss", "balanced_accuracy" (mean recall of the classes present), "roc_auc" (one
        class against the rest, mean of the classes present), "calibration_error". Accuracy and loss
        are of all rows, balanced accuracy of all whose class the model has; the last two are of
        `scores`. `figures.py` describes the intervals.
        """
        undefined = Figure(np.nan)
        scores = self.scores if self.scores is not None and len(self.scores.y) else None
        return {
            "accuracy": proportion(int(np.trace(self.confusion)), self.rows),
            "loss": self._loss(0.0 if scores is None else implied_variance(scores.P)),
            "balanced_accuracy": balanced_accuracy(self.confusion),
            "roc_auc": undefined if scores is None else roc_auc(scores.P, scores.y),
            "calibration_error": (
                undefined if scores is None else calibration_error(scores.P, scores.y)
            ),
        }

    def _loss(self, least_variance: float) -> Figure:
        if self.losses is None:
            return Figure(self.loss)
        total, known = float(self.losses.by_class.sum()), int(self.confusion.sum())
        _, low, high = mean(total, self.losses.squares, known, least_variance)
        return Figure(self.loss, max(low, 0.0), high)

    def beyond_baseline(self) -> dict[str, Figure]:
        """Return accuracy and loss minus those of the baseline, with intervals of paired values.

        Returns
        -------
        dict of Figure
            "accuracy" and, where it is known, "loss".

        Examples
        --------
        >>> import numpy as np
        >>> from backhand.evaluation import Evaluation
        >>> evaluation = Evaluation(["no", "yes"], np.array([[3, 1], [0, 4]]), loss=0.3)
        >>> evaluation.beyond_baseline()["accuracy"].value
        0.375
        """
        known, base = int(self.confusion.sum()), self.baseline
        column = self.classes.index(base.name)
        gained = int(np.trace(self.confusion)) - int(self.confusion[column, column])
        lost = int(self.confusion[column].sum()) - int(self.confusion[column, column])
        found = {"accuracy": mean(gained - lost, gained + lost, self.rows)}
        if self.losses is not None and math.isfinite(base.loss):  # nan if no class is known
            truth, of_base = self.confusion.sum(axis=1), -self._log_shares()
            of_base = np.where(truth > 0, of_base, 0.0)
            squares = self.losses.squares - 2 * self.losses.by_class @ of_base + truth @ of_base**2
            found["loss"] = mean((self.loss - base.loss) * known, float(squares), known)
        return found

    def verdict(self) -> Verdict:
        """Return how the model compares with the baseline.

        Returns
        -------
        backhand.evaluation.Verdict
            "better", "worse" or "unclear" in `overall`, and by accuracy and loss.

        Examples
        --------
        >>> import numpy as np
        >>> from backhand.evaluation import Evaluation
        >>> Evaluation(["no", "yes"], np.array([[30, 10], [0, 40]]), 0.3).verdict().overall
        'better'
        """
        beyond = self.beyond_baseline()
        loss = beyond.get("loss")
        predicted = np.flatnonzero(self.confusion.sum(axis=0))
        return Verdict(
            _compared(beyond["accuracy"]),
            None if loss is None else _compared(Figure(-loss.value, -loss.high, -loss.low)),
            self.classes[predicted[0]] if len(predicted) == 1 and not self.unknown else None,
        )

    def per_class(self) -> list[dict[str, Any]]:
        """Return precision, recall, f1 (nan where undefined) and number of rows of each class.

        Returns
        -------
        list of dict
            "class", "precision", "recall", "f1" and "rows", in the order of `classes`.

        Examples
        --------
        >>> import numpy as np
        >>> from backhand.evaluation import Evaluation
        >>> evaluation = Evaluation(["no", "yes"], np.array([[3, 1], [0, 4]]), loss=0.3)
        >>> [row["recall"] for row in evaluation.per_class()]
        [0.75, 1.0]
        """
        right = np.diag(self.confusion).astype(np.float64)
        truth, predicted = self.confusion.sum(axis=1), self.confusion.sum(axis=0)
        with np.errstate(invalid="ignore"):
            precision, recall = right / predicted, right / truth
            f1 = 2 * right / (truth + predicted)
        return [
            {
                "class": name,
                "precision": float(p),
                "recall": float(r),
                "f1": float(f),
                "rows": int(n),
            }
            for name, p, r, f, n in zip(self.classes, precision, recall, f1, truth, strict=True)
        ]

    def to_json(self) -> dict[str, Any]:
        """Return all figures as JSON values; nan as null.

        Returns
        -------
        dict
            What `backhand evaluate --json` prints of the figures.

        Examples
        --------
        >>> import numpy as np
        >>> from backhand.evaluation import Evaluation
        >>> evaluation = Evaluation(["no", "yes"], np.array([[3, 1], [0, 4]]), loss=0.3)
        >>> evaluation.to_json()["confusion"]
        [[3, 1], [0, 4]]
        """
        return {
            "rows": self.rows,
            "unknown": self.unknown,
            "unlabelled": self.unlabelled,
            **{name: finite(value.value) for name, value in self.figures.items()},
            "intervals": {
                name: [finite(value.low), finite(value.high)]
                for name, value in self.figures.items()
            },
            "baseline": {k: finite(v) for k, v in self.baseline._asdict().items()},
            **self._scores_to_json(),
            "classes": self.classes,
            "per_class": [{k: finite(v) for k, v in row.items()} for row in self.per_class()],
            "confusion": self.confusion.tolist(),
        }

    def _scores_to_json(self) -> dict[str, Any]:
        if self.scores is None:
            return {"scored_rows": 0, "calibration": []}
        bins = zip(*calibration(self.scores.P, self.scores.y), strict=True)
        return {
            "scored_rows": len(self.scores.y),
            "calibration": [
                {"confidence": float(c), "accuracy": float(a), "rows": int(n)} for c, a, n in bins
            ],
        }


def _compared(gain: Figure) -> Comparison:
    """Return what a gain and its interval say."""
    if gain.low > 0:
        return "better"
    return "worse" if gain.high < 0 else "unclear"


def finite(value: Any) -> Any:
    """Return the value, None instead of nan, which JSON does not have."""
    return None if isinstance(value, float) and not np.isfinite(value) else value
