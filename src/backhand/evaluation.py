"""How well predictions agree with the truth: accuracy, per-class figures, confusion matrix."""

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
        The K classes of the model.
    confusion : ndarray of shape (K, K)
        int64: number of rows by true class (row) and predicted class (column).
    loss : float
        Mean cross-entropy in nats, over rows of the model's classes; nan if there are none.
    unknown : int
        Rows whose class is none of the model's; each counts as wrong.
    unlabelled : int
        Rows without a class; they are left out.

    Examples
    --------
    >>> import numpy as np
    >>> evaluation = Evaluation(["no", "yes"], np.array([[3, 1], [0, 4]]), loss=0.3)
    >>> evaluation.rows, evaluation.accuracy
    (8, 0.875)
    """

    classes: list[str]
    confusion: NDArray[np.int64]
    loss: float
    unknown: int = 0
    unlabelled: int = 0

    @property
    def rows(self) -> int:
        """Number of rows that count."""
        return int(self.confusion.sum()) + self.unknown

    @property
    def accuracy(self) -> float:
        """Share of rows predicted correctly."""
        return float(np.trace(self.confusion)) / self.rows

    def per_class(self) -> list[dict[str, Any]]:
        """Return precision, recall, f1 (nan where undefined) and number of rows of each class."""
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
        """Return all figures as JSON values; nan as null."""
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
    """Figures that are added up over several stretches of rows."""

    def __init__(self, classes: list[str]) -> None:
        self._classes = classes
        self._confusion = np.zeros((len(classes), len(classes)), np.int64)
        self._loss = 0.0
        self._unknown = self._unlabelled = 0

    def add(self, P: NDArray[Any], y: NDArray[np.int64], unlabelled: int = 0) -> None:
        """Add the rows of a stretch.

        Parameters
        ----------
        P : ndarray of shape (n, K)
            Probabilities.
        y : ndarray of shape (n,)
            Class indices; -1 for a class that is none of the model's.
        unlabelled : int
            Number of further rows, which have no class.
        """
        K = len(self._classes)
        known = y >= 0
        truth, predicted = y[known], P[known].argmax(axis=1)
        pairs = np.bincount(truth * K + predicted, minlength=K * K)
        self._confusion += pairs.reshape(K, K)
        # P is a softmax of the dtype's precision; its zeros count as the smallest normal number.
        of_truth = np.maximum(P[known, truth], np.finfo(P.dtype).tiny)
        self._loss -= float(np.log(of_truth.astype(np.float64)).sum())
        self._unknown += int((~known).sum())
        self._unlabelled += unlabelled

    def add_others(self, unknown: int, unlabelled: int) -> None:
        """Add numbers of rows whose class is none of the model's, and of rows without a class."""
        self._unknown += unknown
        self._unlabelled += unlabelled

    def result(self) -> Evaluation:
        """Return the figures over all rows so far."""
        known = int(self._confusion.sum())
        loss = self._loss / known if known else float("nan")
        return Evaluation(self._classes, self._confusion, loss, self._unknown, self._unlabelled)


def finite(value: Any) -> Any:
    """Return the value, None instead of nan, which JSON does not have."""
    return None if isinstance(value, float) and not np.isfinite(value) else value
