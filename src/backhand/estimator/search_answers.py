"""How scikit-learn's search uses fits that are trained beforehand.

Its search calls `fit` on a clone for each candidate and split, within a callback context that it is
passed. The contexts here are that context, and let the clone's `fit` take what was trained.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from backhand.estimator.search_fits import Fits


class AnsweredSearch:
    """scikit-learn's callback context of a search, whose fits are trained beforehand.

    Parameters
    ----------
    context : sklearn.callback.CallbackContext
    fits : Fits
    seconds : list
        The training time of each fit is appended; None where the clone's own `fit` trained it.
    """

    def __init__(self, context: Any, fits: Fits, seconds: list[float | None]) -> None:
        self._context, self._fits, self._seconds = context, fits, seconds

    def subcontext(self, *, task_id: int, **arguments: Any) -> AnsweredFit:
        """Return the context of one fit."""
        return AnsweredFit(self, self._context.subcontext(task_id=task_id, **arguments), task_id)

    def answer(self, number: int, estimator: Any, *arguments: Any, **params: Any) -> Any:
        """Do what `estimator.fit` does."""
        self._seconds.append(None)
        fit = self._fits.take(number)
        del vars(estimator)["fit"]
        if fit.estimator is None:
            return estimator.fit(*arguments, **params)
        self._seconds[-1] = fit.seconds
        fit.give_to(estimator)
        return estimator


class AnsweredFit:
    """scikit-learn's callback context of one fit, which is trained beforehand."""

    def __init__(self, search: AnsweredSearch, context: Any, number: int) -> None:
        self._search, self._context, self._number = search, context, number

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)

    @contextmanager
    def propagate_callback_context(self, estimator: Any) -> Iterator[None]:
        """Let the estimator's `fit` take what was trained."""

        def fit(*arguments: Any, **params: Any) -> Any:
            return self._search.answer(self._number, estimator, *arguments, **params)

        with self._context.propagate_callback_context(estimator):
            vars(estimator)["fit"] = fit
            try:
                yield
            finally:
                vars(estimator).pop("fit", None)
