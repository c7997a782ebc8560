"""`GridSearchCV`: scikit-learn's, which trains all candidates on all splits as one fleet."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import numpy as np
from joblib import effective_n_jobs, parallel_config
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV as Theirs
from sklearn.model_selection import ParameterGrid
from sklearn.pipeline import Pipeline

from backhand.constraints import Constraint, Exactly, Flag, Integer, Number, Or, check, check_all
from backhand.errors import InputError
from backhand.estimator.scikit_learn_callbacks import need_callbacks
from backhand.estimator.search_fits import epochs_of, trains_as_fleet
from backhand.estimator.search_halving import best_index, best_of, kept, stages
from backhand.estimator.search_run import Comparison, SearchRun

CONSTRAINTS: dict[str, Constraint] = {
    "halving": Flag(),
    "factor": Number(1, above=True),
    "min_epochs": Or(Exactly(None), Integer(1)),
}
"""Constraints of the parameters that scikit-learn's search does not have."""


class GridSearchCV(Theirs):  # type: ignore[misc]
    """Search a grid as scikit-learn does, with all fits of `MLPClassifier` trained together.

    How much time that saves, against scikit-learn's search over the same classifier, depends on the
    threads: with one or two, little.

    Parameters, attributes and methods are scikit-learn's. If the estimator is Backhand's
    `MLPClassifier`, or a pipeline that ends in one, all candidates are trained on all splits in
    this process, in threads, over one X; each fit has the bits that it has alone. Any other
    estimator is searched by scikit-learn's own code. `fit` needs scikit-learn 1.9 or newer.

    Parameters
    ----------
    estimator : estimator
        An `MLPClassifier`, a pipeline that ends in one, or any other estimator.
    param_grid : dict or list of dict
        Values of its parameters, by their names.
    scoring : str, callable, list or dict, optional
        What the fits are compared by, as in scikit-learn; by default the accuracy.
    n_jobs : int, optional
        Number of fits that are trained at the same time, each with the classifier's `threads` (one
        thread if that is None). With None or 1, the classifier's `threads` is the number for all
        fits together; if that is None too, all threads that the process may use.
    refit : bool, str or callable, default=True
        Whether, and by which of several figures, the best candidate is trained on all rows.
    cv : int, splitter or iterable, optional
        The splits; by default five stratified folds.
    verbose : int, default=0
        How much is printed.
    pre_dispatch : int or str, default="2*n_jobs"
        Of scikit-learn's own loop, for other estimators.
    error_score : "raise" or float, default=nan
        The score of a fit that fails.
    return_train_score : bool, default=False
        Whether `cv_results_` has the scores of the training rows too.
    halving : bool, default=False
        Whether to compare all candidates after a few epochs and continue only the best of them: the
        best 1 / `factor`, up to `factor` times as many epochs, where they are compared again, and
        so on. A fit that continues does not begin again.
        `cv_results_` is that of scikit-learn's `HalvingGridSearchCV` with the resource "max_iter":
        it has the columns `iter` and `n_resources`. The best candidate is one of the last
        comparison.
    factor : float, default=3
        With `halving`: after each comparison one candidate in `factor` continues.
    min_epochs : int, optional
        With `halving`: the epoch of the first comparison. By default it is so early that the last
        comparison is at the classifier's `max_iter`, or a little before: with 27 candidates,
        `factor` 3 and `max_iter` 81, they are compared after 3, 9, 27 and 81 epochs.

    Attributes
    ----------
    n_resources_, n_candidates_ : list of int
        With `halving`, the epochs and the number of candidates of each comparison.

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

    def __init__(
        self,
        estimator: Any,
        param_grid: Any,
        *,
        scoring: Any = None,
        n_jobs: int | None = None,
        refit: Any = True,
        cv: Any = None,
        verbose: int = 0,
        pre_dispatch: int | str = "2*n_jobs",
        error_score: Any = np.nan,
        return_train_score: bool = False,
        halving: bool = False,
        factor: float = 3,
        min_epochs: int | None = None,
    ) -> None:
        super().__init__(
            estimator, param_grid, scoring=scoring, n_jobs=n_jobs, refit=refit, cv=cv,
            verbose=verbose, pre_dispatch=pre_dispatch, error_score=error_score,
            return_train_score=return_train_score,
        )  # fmt: skip
        self.halving = halving
        self.factor = factor
        self.min_epochs = min_epochs

    def fit(self, X: Any, y: Any = None, **params: Any) -> Any:
        """Train all candidates on all splits, and the best one on all rows.

        Parameters
        ----------
        X, y : array_like
            As for the estimator.
        **params : Any
            As in scikit-learn: `groups` for the splits, and arguments of the estimator's `fit`.

        Returns
        -------
        GridSearchCV
            The same object, fitted.

        Raises
        ------
        InputError
            If a parameter is not allowed.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from backhand import GridSearchCV, MLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> clf = MLPClassifier((16,), max_iter=30, tol=0, random_state=0)
        >>> rates = {"learning_rate_init": [0.001, 0.01, 0.1]}
        >>> search = GridSearchCV(clf, rates, cv=3, halving=True).fit(X, y)
        >>> search.n_candidates_, search.n_resources_
        ([3, 1], [10, 30])
        """
        need_callbacks("Backhand's GridSearchCV")
        check_all(self, CONSTRAINTS)
        for name in ("n_resources_", "n_candidates_"):  # of an earlier call, with halving
            self.__dict__.pop(name, None)
        if self.halving:
            _check_halving(self)
        callbacks = getattr(self, "_skl_callbacks", None)
        as_fleet = not callbacks and _are_fleets(self.estimator, self.param_grid)
        jobs = 1
        if as_fleet and self.n_jobs is not None:
            jobs = effective_n_jobs(self.n_jobs)
        try:
            with ExitStack() as stack:
                if as_fleet:  # scikit-learn's loop only scores, in this thread
                    stack.enter_context(parallel_config(backend="sequential"))
                self._run = SearchRun(as_fleet, jobs, stack.close)
                return super().fit(X, y, **params)
        finally:
            self.__dict__.pop("_run", None)

    # scikit-learn's `fit` calls these, in this order.

    def _get_routed_params_for_fit(self, params: dict[str, Any]) -> Any:
        routed = super()._get_routed_params_for_fit(params)
        self._run.fit_params = routed.estimator.fit
        self._run.split_params = routed.splitter.split
        return routed

    def _check_input_parameters(self, X: Any, y: Any, split_params: Any) -> None:
        super()._check_input_parameters(X, y, split_params)
        self._run.X, self._run.y = X, y

    def _run_search(self, evaluate_candidates: Any, *, callback_ctx: Any) -> None:
        run = self._run

        def evaluate(
            candidates: Any, cv: Any = None, more_results: Any = None, callback_ctx: Any = None,
            comparison: Comparison | None = None,
        ) -> Any:  # fmt: skip
            candidates = list(candidates)
            splits = run.splits(cv or self._checked_cv_orig)
            if run.as_fleet:
                fits = run.trained(clone(self.estimator), candidates, comparison)
                callback_ctx = run.context(callback_ctx, fits)
            return evaluate_candidates(candidates, splits, more_results, callback_ctx=callback_ctx)

        if self.halving:
            self._halve(evaluate, callback_ctx)
        else:
            super()._run_search(evaluate, callback_ctx=callback_ctx)
        run.end_sequential()  # the best candidate is trained as it would be elsewhere

    def _halve(self, evaluate: Any, callback_ctx: Any) -> None:
        """Compare candidates after more and more epochs, fewer of them each time."""
        candidates, name = list(ParameterGrid(self.param_grid)), epochs_of(self.estimator)
        most = self.estimator.get_params()[name]
        epochs = stages(len(candidates), most, self.factor, self.min_epochs)
        self.n_resources_, self.n_candidates_ = epochs, []
        metric = self.refit if isinstance(self.refit, str) else "score"
        search = callback_ctx.subcontext(task_name="search", max_subtasks=len(epochs))
        search.call_on_fit_task_begin(estimator=self)
        best: Any = None
        for stage, until in enumerate(epochs):
            count = len(candidates)
            self.n_candidates_.append(count)
            candidates = [{**candidate, name: until} for candidate in candidates]
            context = search.subcontext(
                task_name="halving-iteration", max_subtasks=count * self.n_splits_,
                sequential_subtasks=False,
            ).call_on_fit_task_begin(estimator=self)  # fmt: skip
            results = evaluate(
                candidates, more_results={"iter": [stage] * count, "n_resources": [until] * count},
                callback_ctx=context, comparison=Comparison(until, most, best),
            )  # fmt: skip
            if f"mean_test_{metric}" not in results:
                raise _several_scores("returns")
            best = best_of(results, stage, metric, kept(count, self.factor)).tolist()
            candidates = [candidates[number] for number in best]
            context.call_on_fit_task_end(estimator=self)
        search.call_on_fit_task_end(estimator=self)

    def _format_results(
        self, candidate_params: Any, n_splits: int, out: Any, more_results: Any = None
    ) -> Any:
        out = self._run.with_seconds(out)
        return super()._format_results(candidate_params, n_splits, out, more_results)

    @staticmethod
    def _select_best_index(refit: Any, refit_metric: str, results: Any) -> Any:
        if "iter" in results and not callable(refit):
            return best_index(results, refit_metric)
        return Theirs._select_best_index(refit, refit_metric, results)


def _are_fleets(estimator: Any, param_grid: Any) -> bool:
    """Whether the estimator trains as a fleet, and no candidate replaces its classifier."""
    if not trains_as_fleet(estimator):
        return False
    if not isinstance(estimator, Pipeline):
        return True
    return not {"steps", estimator.steps[-1][0]} & _names(param_grid)


def _names(param_grid: Any) -> set[str]:
    """The names of all parameters in a grid; scikit-learn checks the grid itself."""
    grids = param_grid if isinstance(param_grid, list | tuple) else [param_grid]
    return set().union(*(grid for grid in grids if isinstance(grid, Mapping)))


def _check_halving(search: GridSearchCV) -> None:
    name = epochs_of(search.estimator)
    if name is None:
        raise InputError(
            "halving compares candidates by epochs; expected Backhand's MLPClassifier, or a "
            f"pipeline that ends in one, not a {type(search.estimator).__name__}. scikit-learn's "
            "HalvingGridSearchCV searches other estimators."
        )
    if name in _names(search.param_grid):
        raise InputError(
            f"halving sets {name}, and param_grid has it; take it out, and set the classifier's "
            "own max_iter, the most epochs of a candidate."
        )
    most = search.estimator.get_params()[name]
    check(name, most, Integer(1))
    if search.min_epochs is not None and search.min_epochs > most:
        raise InputError(
            f"min_epochs is {search.min_epochs}; expected at most the classifier's max_iter, "
            f"which is {most}."
        )
    if not isinstance(search.refit, str) and _is_multimetric(search.scoring):
        raise _several_scores("has")


def _several_scores(scoring: str) -> InputError:
    return InputError(
        f"halving compares candidates by one score, and scoring {scoring} several; name it by "
        "refit=."
    )


def _is_multimetric(scoring: Any) -> bool:
    return isinstance(scoring, Mapping | list | tuple | set)
