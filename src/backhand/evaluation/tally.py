"""`Tally`: figures that are added up over several stretches of rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.evaluation.evaluation import Evaluation, Losses
from backhand.evaluation.scores import LARGEST, Sample


class Tally:
    """Figures that are added up over several stretches of rows.

    Parameters
    ----------
    classes : list of str
        The K classes of the model.
    training_counts : sequence of int, optional
        Training rows of each class.
    bound : uint64
        That of the sample of scores: see `Sample`.
    """

    def __init__(
        self,
        classes: list[str],
        training_counts: Sequence[int] | None = None,
        bound: np.uint64 = LARGEST,
    ) -> None:
        K = len(classes)
        self._classes, self._training_counts = classes, training_counts
        self._confusion = np.zeros((K, K), np.int64)
        self._losses, self._squares = np.zeros(K), 0.0
        self._seen = self._unknown = self._unlabelled = 0
        self._sample = Sample(K, bound=bound)

    def add(
        self,
        P: NDArray[Any],
        y: NDArray[np.int64],
        unlabelled: int = 0,
        rows: NDArray[np.int64] | None = None,
    ) -> None:
        """Add the rows of a stretch.

        Parameters
        ----------
        P : ndarray of shape (n, K)
            Probabilities.
        y : ndarray of shape (n,)
            Class indices; -1 for a class that is none of the model's.
        unlabelled : int
            Number of further rows, which have no class.
        rows : ndarray of shape (n,), optional
            Their numbers, each of which comes once; by default they are counted from 0.
        """
        K = len(self._classes)
        rows = self._seen + np.arange(len(y)) if rows is None else rows
        known = y >= 0
        P, y, rows = P[known], y[known], rows[known]
        pairs = np.bincount(y * K + P.argmax(axis=1), minlength=K * K)
        self._confusion += pairs.reshape(K, K)
        loss = losses(P, y)
        self._losses += np.bincount(y, loss, minlength=K)
        self._squares += float((loss**2).sum())
        self._sample.add(P, y, rows)
        self._seen += len(known)
        self._unknown += int((~known).sum())
        self._unlabelled += unlabelled

    def merge(self, other: Tally) -> None:
        """Add the figures of other rows, of the same classes; their numbers are others."""
        self._confusion += other._confusion
        self._losses += other._losses
        self._squares += other._squares
        self._seen += other._seen
        self._sample.merge(other._sample.result())
        self.add_others(other._unknown, other._unlabelled)

    def add_others(self, unknown: int, unlabelled: int) -> None:
        """Add numbers of rows whose class is none of the model's, and of rows without a class."""
        self._unknown += unknown
        self._unlabelled += unlabelled

    def result(self) -> Evaluation:
        """Return the figures over all rows so far."""
        known = int(self._confusion.sum())
        loss = float(self._losses.sum()) / known if known else float("nan")
        return Evaluation(
            self._classes, self._confusion, loss, self._unknown, self._unlabelled,
            Losses(self._losses, self._squares), self._sample.result(), self._training_counts,
        )  # fmt: skip


def losses(P: NDArray[Any], y: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return -log P of the true class of each row."""
    # P is a softmax of the dtype's precision; its zeros count as the smallest normal number.
    of_truth = np.maximum(P[np.arange(len(y)), y], np.finfo(P.dtype).tiny)
    loss: NDArray[np.float64] = -np.log(of_truth.astype(np.float64))
    return loss
