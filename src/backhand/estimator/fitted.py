"""A fitted classifier: weights, sizes and predictions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score
from sklearn.utils.validation import check_is_fitted

from backhand.engines import Engine, make_engine
from backhand.engines.reference import ReferenceEngine
from backhand.equations import Parameters
from backhand.estimator.initialisation import parameters_of
from backhand.estimator.inputs import features


def _are_labels(y: Any, like: NDArray[Any]) -> bool:
    """Whether these are as many labels, integers or texts as those, without further checks."""
    plain = type(y) is np.ndarray and y.shape == like.shape and len(y) > 0
    return plain and y.dtype.kind == like.dtype.kind and y.dtype.kind in "iubU"


class FittedClassifier:
    """The attributes and predictions of a fitted classifier."""

    classes_: NDArray[Any]
    coefs_: list[NDArray[Any]]
    intercepts_: list[NDArray[Any]]
    n_features_in_: int
    engine: Any
    device: str | None
    threads: int | None
    precision: str

    def _engine(self) -> Engine:
        return make_engine(self.engine, self.device, self.threads, self.precision)

    def _fitted(self, params: Parameters) -> dict[str, Any]:
        return {"coefs_": [params.W1, params.W2], "intercepts_": [params.b1, params.b2]}

    @property
    def parameters_(self) -> Parameters:
        """W1, b1, W2, b2: the arrays of `coefs_` and `intercepts_`, which may have been set.

        They are checked in each call (`initialisation.parameters_of`), which raises InputError.
        """
        if not hasattr(self, "coefs_"):
            raise AttributeError("parameters_ is available after fit")
        return parameters_of(self.coefs_, self.intercepts_, self.n_features_in_, len(self.classes_))

    @parameters_.setter
    def parameters_(self, params: Parameters) -> None:
        for name, value in self._fitted(params).items():
            setattr(self, name, value)

    @property
    def n_layers_(self) -> int:
        """3: the features, the hidden units and the classes."""
        check_is_fitted(self)
        return 3

    @property
    def n_outputs_(self) -> int:
        """K."""
        check_is_fitted(self)
        return len(self.classes_)

    @property
    def out_activation_(self) -> str:
        """The activation of the outputs: always "softmax"."""
        check_is_fitted(self)
        return "softmax"

    @out_activation_.setter
    def out_activation_(self, name: str) -> None:
        raise AttributeError(
            f"out_activation_ cannot be set to {name!r}: the outputs are always a softmax. "
            "decision_function(X) returns the logits before it."
        )

    def predict_proba(self, X: Any) -> NDArray[Any]:
        """Return P (N, K) of X (N, d), one column per class in the order of `classes_`."""
        params, X = self._parameters_and(X)
        return self._engine().predict_proba(params, X)

    def predict(self, X: Any) -> NDArray[Any]:
        """The most probable class of each row of X (N, d): (N,)."""
        most_probable = self.predict_proba(X).argmax(axis=1)
        labels: NDArray[Any] = self.classes_[most_probable]
        return labels

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the share of the rows of X (N, d) whose most probable class is in y (N,)."""
        most_probable = self.predict(X)
        if sample_weight is None and _are_labels(y, most_probable):
            return float((most_probable == y).mean())
        return float(accuracy_score(y, most_probable, sample_weight=sample_weight))

    def predict_log_proba(self, X: Any) -> NDArray[Any]:
        """Log P (N, K) of X (N, d); -inf where P rounds to 0."""
        with np.errstate(divide="ignore"):
            log_P: NDArray[Any] = np.log(self.predict_proba(X))
        return log_P

    def decision_function(self, X: Any) -> NDArray[Any]:
        """Return the logits S (N, K) of X (N, d), one column per class in the order of `classes_`.

        For two classes (N,), as in scikit-learn: the second logit minus the first.
        """
        params, X = self._parameters_and(X)
        S = ReferenceEngine().logits(params, X)
        return S[:, 1] - S[:, 0] if S.shape[1] == 2 else S

    def _parameters_and(self, X: Any) -> tuple[Parameters, Any]:
        """The parameters that predict, and the rows (N, d), checked."""
        check_is_fitted(self)
        X, params = features(self, X), self.parameters_
        if X.dtype != params.W1.dtype:
            check_finite(X, params.W1.dtype)
        return params, X
