"""One call of a search's `fit`: its splits, its fits, and what scikit-learn's loop takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import _num_samples

from backhand.estimator.search_answers import AnsweredSearch
from backhand.estimator.search_fits import Fit, Fits
from backhand.estimator.search_rows import SearchRows


class Splits:
    """Splits that were made, as a splitter that makes the same ones."""

    def __init__(self, splits: list[Any]) -> None:
        self._splits = splits

    def __len__(self) -> int:
        return len(self._splits)

    def split(self, X: Any, y: Any = None, **_: Any) -> Iterator[Any]:  # noqa: ARG002
        """Return the splits."""
        return iter(self._splits)

    def training_rows(self, X: Any) -> list[NDArray[np.int64]]:
        """Return the numbers of each split's training rows, of masks and negative ones too."""
        numbers = np.arange(_num_samples(X))
        return [numbers[np.asarray(train)] for train, _ in self._splits]


@dataclass(frozen=True)
class Comparison:
    """A comparison of candidates that began earlier, or of all of them at first.

    Attributes
    ----------
    until, most_epochs : int
        Epochs that are done then, and those up to which the best may continue.
    continuing : sequence of int, optional
        The numbers that the candidates had in the comparison before.
    """

    until: int
    most_epochs: int
    continuing: Sequence[int] | None = None


@dataclass
class SearchRun:
    """What a call of `fit` has so far.

    Attributes
    ----------
    as_fleet : bool
        Whether candidates are trained as a fleet, and not each by its own `fit`.
    jobs : int
        By how much the threads of one fit are multiplied.
    end_sequential : callable
        Ends joblib's sequential backend, in which scikit-learn's loop runs if they are.
    X, y
        As scikit-learn passes them to the fits.
    fit_params, split_params : dict
        Arguments of the estimator's `fit`, and of the splitter.
    seconds : list
        Training time of each fit; None where scikit-learn has measured it.
    """

    as_fleet: bool
    jobs: int
    end_sequential: Callable[[], None]
    X: Any = None
    y: Any = None
    fit_params: dict[str, Any] = field(default_factory=dict)
    split_params: dict[str, Any] = field(default_factory=dict)
    seconds: list[float | None] = field(default_factory=list)
    _splits: Splits | None = None
    _rows: SearchRows | None = None
    _fits: list[Fit] = field(default_factory=list)

    def splits(self, cv: Any) -> Splits:
        """Return what a splitter makes of the rows, the same at each call."""
        if self._splits is None:
            self._splits = Splits(list(cv.split(self.X, self.y, **self.split_params)))
        return self._splits

    def trained(
        self,
        estimator: Any,
        candidates: Sequence[dict[str, Any]],
        comparison: Comparison | None,
    ) -> Fits:
        """Return the fits of candidates on all splits."""
        assert self._splits is not None
        if self._rows is None:
            rows = self._splits.training_rows(self.X)
            self._rows = SearchRows(self.X, self.y, rows, self.fit_params)
        k, before = len(self._splits), self._fits
        if comparison is None or comparison.continuing is None:
            self._fits = [Fit(one, split) for one in candidates for split in range(k)]
        else:
            self._fits = [
                before[n * k + split] for n in comparison.continuing for split in range(k)
            ]
            for number, fit in enumerate(self._fits):
                fit.parameters = candidates[number // k]
        if comparison is None:
            return Fits(estimator, self._fits, self._rows, self.jobs)
        return Fits(estimator, self._fits, self._rows, self.jobs, comparison.until,
                    comparison.most_epochs)  # fmt: skip

    def context(self, context: Any, fits: Fits) -> AnsweredSearch:
        """Return scikit-learn's callback context, with which its loop takes these fits."""
        return AnsweredSearch(context, fits, self.seconds)

    def with_seconds(self, results: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return scikit-learn's results of the fits, with the times of those trained here."""
        if self.as_fleet:
            for result, seconds in zip(results, self.seconds, strict=True):
                if seconds is not None:
                    result["fit_time"] = seconds
        return results
