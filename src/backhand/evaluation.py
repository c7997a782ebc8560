"""How well predictions meet the truth: accuracy, per-class figures and the confusion matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Evaluation:
    """Figures over the rows whose true class is known.

    Attributes
    ----------
    classes : list of str
    confusion : (K, K) int64
        Rows by true class, columns by predicted class.
    loss : float
        Mean cross-entropy, over rows of classes that the model knows; nan where there are none.
    unknown : int
        Rows of classes that the model does not know; each counts as wrong.
    unlabelled : int
        Rows without a class; they are left out.
    """

    classes: list[str]
    confusion: NDArray[np.int64]
    loss: float
    unknown: int = 0
    unlabelled: int = 0

    @property
    def rows(self) -> int:
        """Rows that count."""
        return int(self.confusion.sum()) + self.unknown

    @property
    def accuracy(self) -> float:
        """Share of rows predicted correctly."""
        return float(np.trace(self.confusion)) / self.rows

    def per_class(self) -> list[dict[str, Any]]:
        """Of each class: precision, recall, f1 (nan where nothing is to be divided) and rows."""
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
        """All of it as JSON values; nan as null."""
        return {
            "accuracy": self.accuracy,
            "loss": finite(self.loss),
            "rows": self.rows,
            "unknown": self.unknown,
            "unlabelled": self.unlabelled,
            "classes": self.classes,
            "per_class": [{k: finite(v) for k, v in row.items()} for row in self.per_class()],
            "confusion": self.confusion.tolist(),
        }


class Tally:
    """Predictions judged a stretch of rows at a time."""

    def __init__(self, classes: list[str]) -> None:
        self._classes = classes
        self._confusion = np.zeros((len(classes), len(classes)), np.int64)
        self._loss = 0.0
        self._unknown = self._unlabelled = 0

    def add(self, P: NDArray[Any], y: NDArray[np.int64], unlabelled: int = 0) -> None:
        """Judge P (n, K) by y (n,): class indices, -1 where the model knows no such class.

        So many rows beside these have no class at all.
        """
        K = len(self._classes)
        known = y >= 0
        truth, predicted = y[known], P[known].argmax(axis=1)
        pairs = np.bincount(truth * K + predicted, minlength=K * K)
        self._confusion += pairs.reshape(K, K)
        # P is a softmax of the dtype's precision; the smallest normal number stands for its zeros.
        of_truth = np.maximum(P[known, truth], np.finfo(P.dtype).tiny)
        self._loss -= float(np.log(of_truth.astype(np.float64)).sum())
        self._unknown += int((~known).sum())
        self._unlabelled += unlabelled

    def result(self) -> Evaluation:
        """The figures over all rows so far."""
        known = int(self._confusion.sum())
        loss = self._loss / known if known else float("nan")
        return Evaluation(self._classes, self._confusion, loss, self._unknown, self._unlabelled)


def finite(value: Any) -> Any:
    """JSON has no nan: null stands for it."""
    return None if isinstance(value, float) and not np.isfinite(value) else value
