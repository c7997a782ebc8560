"""The rows of a search: validated once, and shared by all fits."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _check_method_params

from backhand.engines import Data
from backhand.estimator.classifier import MLPClassifier
from backhand.estimator.inputs import features_and_labels, places_of, same_classes, weights_of


class Fold(NamedTuple):
    """Some of the rows of a search.

    Attributes
    ----------
    data : Data
        Without weights; its X is that of all rows.
    labels : ndarray of shape (n,)
    classes : ndarray of shape (K,)
        Those among the labels.
    facts : dict
        What a fit on these rows notes of X: `n_features_in_`, and `feature_names_in_` if any.
    """

    data: Data
    labels: NDArray[Any]
    classes: NDArray[Any]
    facts: dict[str, Any]

    def weighted(self, sample_weight: Any, class_weight: Any) -> Data:
        """Return the data with the weights of rows (n,) and classes."""
        X = self.data.X
        w = weights_of(X.dtype, self.labels, sample_weight, class_weight, self.classes)
        if w is None:
            return self.data
        of_all = np.zeros(X.shape[0], w.dtype)
        of_all[self.data.numbers] = w
        return self.data._replace(sample_weight=of_all)


class Rows:
    """X and y, validated as the `fit` of a classifier of this precision does it."""

    def __init__(self, X: Any, y: Any, precision: str) -> None:
        seen = MLPClassifier(precision=precision)
        self._X, self._labels = features_and_labels(seen, X, y, reset=True)
        names = ("n_features_in_", "feature_names_in_")
        self._facts = {name: vars(seen)[name] for name in names if name in vars(seen)}
        self._folds: dict[int, Fold] = {}

    def __len__(self) -> int:
        return len(self._labels)

    def fold(self, number: int, rows: NDArray[np.int64]) -> Fold:
        """Return a split's training rows, made at its first call."""
        if number not in self._folds:
            labels = self._labels[rows]
            classes = same_classes(labels, None)
            y = np.zeros(len(self._labels), np.int64)
            y[rows] = places_of(labels, classes, "y")
            data = Data(self._X, y).select(rows)
            self._folds[number] = Fold(data, labels, classes, self._facts)
        return self._folds[number]


class Given(NamedTuple):
    """What the last step of a pipeline is fitted with, after the other steps."""

    steps: list[Any]
    rows: Rows
    params: dict[str, Any]


@dataclass
class SearchRows:
    """X and y of a search, the training rows of its splits, and what the fits are passed.

    Attributes
    ----------
    X, y
        As the user passed them.
    splits : list of ndarray
        The training rows of each split.
    fit_params : dict
        Arguments of `fit`; those with an entry for each row are cut as X is.
    """

    X: Any
    y: Any
    splits: list[NDArray[np.int64]]
    fit_params: dict[str, Any]
    _whole: dict[str, Rows] = field(default_factory=dict)
    _earlier: OrderedDict[Any, tuple[Given, dict[str, Any]]] = field(default_factory=OrderedDict)

    def of_classifier(self, clf: MLPClassifier, split: int) -> tuple[Fold, dict[str, Any]]:
        """Return what a classifier is fitted with: a split's rows, and other arguments of `fit`."""
        if clf.precision not in self._whole:
            self._whole[clf.precision] = Rows(self.X, self.y, clf.precision)
        whole = self._whole[clf.precision]
        return whole.fold(split, self.splits[split]), self._params_of(split)

    def of_pipeline(
        self, pipeline: Pipeline, split: int, parameters: dict[str, Any]
    ) -> tuple[Fold, dict[str, Any]]:
        """Fit the earlier steps of a pipeline, and return what its last step is fitted with.

        Candidates that differ only in the last step share the fitted earlier ones.
        """
        last, clf = pipeline.steps[-1]
        others = {k: v for k, v in parameters.items() if not k.startswith(f"{last}__")}
        key = split, clf.precision, tuple((k, _key_of(v)) for k, v in sorted(others.items()))
        if key not in self._earlier:
            X, y = (_safe_indexing(whole, self.splits[split]) for whole in (self.X, self.y))
            given = _fit_earlier_steps(pipeline, X, y, self._params_of(split))
            self._earlier[key] = given, others  # which keeps alive what the key identifies
            if len(self._earlier) > len(self.splits):
                self._earlier.popitem(last=False)
        self._earlier.move_to_end(key)
        given, _ = self._earlier[key]
        pipeline.steps = [*given.steps, pipeline.steps[-1]]
        return given.rows.fold(0, np.arange(len(given.rows))), given.params

    def _params_of(self, split: int) -> dict[str, Any]:
        params: dict[str, Any] = _check_method_params(
            self.X, params=self.fit_params, indices=self.splits[split]
        )
        return params


def _fit_earlier_steps(pipeline: Pipeline, X: Any, y: Any, fit_params: dict[str, Any]) -> Given:
    """Fit a pipeline up to its last step, and return what that one's `fit` is called with."""
    last, calls = pipeline.steps[-1][1], []

    def fit(X: Any, y: Any, **params: Any) -> None:
        calls.append((X, y, params))

    vars(last)["fit"] = fit
    try:
        pipeline.fit(X, y, **fit_params)
    finally:
        del vars(last)["fit"]
    ((X, y, params),) = calls
    return Given(pipeline.steps[:-1], Rows(X, y, last.precision), params)


def _key_of(value: Any) -> Any:
    """Return what identifies a parameter: a number or text itself, or the one object that it is."""
    plain = value is None or isinstance(value, str | int | float | np.generic)
    return (type(value), value) if plain else id(value)
