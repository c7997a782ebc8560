"""`GridSearchCV`: scikit-learn's, which trains all candidates on all splits as one fleet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sklearn.model_selection
from joblib import parallel_config
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import _num_samples

from backhand.estimator.search_answers import AnsweredSearch
from backhand.estimator.search_fits import Fits, trains_as_fleet
from backhand.estimator.search_rows import SearchRows


class GridSearchCV(sklearn.model_selection.GridSearchCV):  # type: ignore[misc]
    """scikit-learn's `GridSearchCV`, faster for `MLPClassifier`.

    Parameters, attributes and methods are scikit-learn's. If the estimator is Backhand's
    `MLPClassifier`, or a pipeline that ends in one, all candidates are trained on all splits in
    this process, in threads, over one X; each fit has the bits that it has alone. Any other
    estimator is searched by scikit-learn's own code.

    Parameters
    ----------
    estimator : estimator
    param_grid : dict or list of dict
    scoring, refit, cv, verbose, pre_dispatch, error_score, return_train_score
        scikit-learn's.
    n_jobs : int, optional
        Multiplies the threads of one fit: `n_jobs` fits are trained at the same time, each with
        the classifier's `threads`, or one. None and 1: one fit's `threads` are shared out, or if
        that is None, all that the process may use.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from backhand import GridSearchCV, MLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> grid = {"alpha": [1e-4, 1e-2], "learning_rate_init": [0.01, 0.1]}
    >>> search = GridSearchCV(MLPClassifier((16,), random_state=0), grid, cv=3).fit(X, y)
    >>> len(search.cv_results_["params"]), bool(search.best_score_ > 0.9)
    (4, True)
    """

    def fit(self, X: Any, y: Any = None, **params: Any) -> Any:
        """Train all candidates on all splits, and the best one on all rows.

        Parameters
        ----------
        X, y
            As for the estimator.
        **params
            scikit-learn's: `groups` for the splits, and arguments of the estimator's `fit`.

        Returns
        -------
        GridSearchCV
        """
        callbacks = getattr(self, "_skl_callbacks", None)
        if callbacks or not _are_fleets(self.estimator, self.param_grid):
            return super().fit(X, y, **params)
        try:
            with ExitStack() as stack:  # scikit-learn's loop only scores, in this thread
                stack.enter_context(parallel_config(backend="sequential"))
                self._run = _Run(stack)
                return super().fit(X, y, **params)
        finally:
            self.__dict__.pop("_run", None)

    # scikit-learn's `fit` calls these, in this order.

    def _get_routed_params_for_fit(self, params: dict[str, Any]) -> Any:
        routed = super()._get_routed_params_for_fit(params)
        if (run := self._running()) is not None:
            run.fit_params, run.split_params = routed.estimator.fit, routed.splitter.split
        return routed

    def _check_input_parameters(self, X: Any, y: Any, split_params: Any) -> None:
        super()._check_input_parameters(X, y, split_params)
        if (run := self._running()) is not None:
            run.X, run.y = X, y

    def _run_search(self, evaluate_candidates: Any, *, callback_ctx: Any = None) -> None:
        run = self._running()
        if run is None or callback_ctx is None:
            super()._run_search(evaluate_candidates, callback_ctx=callback_ctx)
            return

        def evaluate(candidates: Any, cv: Any = None, more_results: Any = None,
                     callback_ctx: Any = None) -> Any:  # fmt: skip
            candidates = list(candidates)
            splits = run.splits(cv or self._checked_cv_orig)
            rows = SearchRows(run.X, run.y, splits.training_rows(run.X), run.fit_params)
            fits = Fits(clone(self.estimator), candidates, rows, self.n_jobs)
            context = AnsweredSearch(callback_ctx, fits, run.seconds)
            return evaluate_candidates(candidates, splits, more_results, callback_ctx=context)

        super()._run_search(evaluate, callback_ctx=callback_ctx)
        run.stack.close()  # the best candidate is trained as it would be elsewhere

    def _format_results(
        self, candidate_params: Any, n_splits: int, out: Any, more_results: Any = None
    ) -> Any:
        if (run := self._running()) is not None:
            for result, seconds in zip(out, run.seconds, strict=True):
                if seconds is not None:
                    result["fit_time"] = seconds
        return super()._format_results(candidate_params, n_splits, out, more_results)

    def _running(self) -> _Run | None:
        """What `fit` has found so far; None if the fits are not trained as a fleet."""
        run: _Run | None = vars(self).get("_run")
        return run


class _Splits:
    """Splits that were made, as a splitter that makes the same ones."""

    def __init__(self, splits: list[Any]) -> None:
        self._splits = splits

    def split(self, X: Any, y: Any = None, **_: Any) -> Iterator[Any]:  # noqa: ARG002
        """Return the splits."""
        return iter(self._splits)

    def training_rows(self, X: Any) -> list[NDArray[np.int64]]:
        """Return the numbers of each split's training rows, of masks and negative ones too."""
        numbers = np.arange(_num_samples(X))
        return [numbers[np.asarray(train)] for train, _ in self._splits]


@dataclass
class _Run:
    """A call of `fit`, as far as it is.

    Attributes
    ----------
    stack : ExitStack
        Holds joblib's sequential backend.
    X, y
        As scikit-learn passes them to the fits.
    fit_params, split_params : dict
        Arguments of the estimator's `fit`, and of the splitter.
    seconds : list
        Training time of each fit; None where scikit-learn has measured it.
    """

    stack: ExitStack
    X: Any = None
    y: Any = None
    fit_params: dict[str, Any] = field(default_factory=dict)
    split_params: dict[str, Any] = field(default_factory=dict)
    seconds: list[float | None] = field(default_factory=list)

    def splits(self, cv: Any) -> _Splits:
        """Return what a splitter makes of the rows."""
        return _Splits(list(cv.split(self.X, self.y, **self.split_params)))


def _are_fleets(estimator: Any, param_grid: Any) -> bool:
    """Whether the estimator trains as a fleet, and no candidate replaces its classifier."""
    if not trains_as_fleet(estimator):
        return False
    if not isinstance(estimator, Pipeline):
        return True
    grids = [param_grid] if isinstance(param_grid, Mapping) else param_grid
    replacing = {"steps", estimator.steps[-1][0]}
    return not any(replacing & set(grid) for grid in grids)
