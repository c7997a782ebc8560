"""A fitted classifier: weights, sizes and predictions."""

from __future__ import annotations

from collections.abc import Callable
from operator import is_
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score
from sklearn.utils.validation import check_is_fitted

from backhand.engines import Engine, Predictor, make_engine
from backhand.engines.reference import ReferenceEngine
from backhand.equations import Parameters
from backhand.errors import InputError
from backhand.estimator.initialisation import parameters_of
from backhand.estimator.inputs import features, validated


def _are_labels(y: Any, like: NDArray[Any]) -> bool:
    """Whether these are as many labels, integers or texts as those, without further checks."""
    plain = type(y) is np.ndarray and y.shape == like.shape and len(y) > 0
    return plain and y.dtype.kind == like.dtype.kind and y.dtype.kind in "iubU"


class _Kept(NamedTuple):
    """A predictor, and what it was made of."""

    predictor: Predictor
    of: tuple[Any, ...]


_kept: WeakKeyDictionary[FittedClassifier, _Kept] = WeakKeyDictionary()


def _check_is_fitted(estimator: Any) -> None:
    """As scikit-learn's, which inspects the whole estimator."""
    if not hasattr(estimator, "coefs_"):
        check_is_fitted(estimator)


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

        They are checked each time; an `InputError` says which does not fit.
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
        """K, the number of classes."""
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
        """Return the probability of each class.

        Parameters
        ----------
        X : array, data frame, Arrow table or sparse matrix of shape (N, d)
            Rows with the columns of `fit`; numbers of any real dtype.

        Returns
        -------
        ndarray of shape (N, K)
            P, in the dtype of `coefs_`; column k belongs to `classes_[k]`, and each row sums to 1.

        Raises
        ------
        NotFittedError
            If the classifier has not been fitted.
        ValueError
            If X has another number of columns, or numbers that are not finite.

        See Also
        --------
        predict_log_proba : The logarithms of these.
        decision_function : The logits, before the softmax.

        Examples
        --------
        The rows of which the classifier is not sure:

        >>> from sklearn.datasets import load_iris
        >>> from backhand import MLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> clf = MLPClassifier((8,), solver="lbfgs", random_state=0).fit(X, y)
        >>> P = clf.predict_proba(X)
        >>> unsure = P.max(axis=1) < 0.9
        >>> P.shape, bool(unsure.mean() < 0.1)
        ((150, 3), True)
        """
        predictor = self._predictor()
        return self._of_rows(X, predictor.predict_proba)

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the most probable class of each row.

        Parameters
        ----------
        X : array, data frame, Arrow table or sparse matrix of shape (N, d)
            Rows with the columns of `fit`; numbers of any real dtype.

        Returns
        -------
        ndarray of shape (N,)
            Of the dtype of `classes_`, which is that of the labels passed to `fit`.

        Raises
        ------
        NotFittedError
            If the classifier has not been fitted.
        ValueError
            If X has another number of columns, or numbers that are not finite.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from backhand import MLPClassifier
        >>> iris = load_iris()
        >>> names = iris.target_names[iris.target]
        >>> clf = MLPClassifier((8,), solver="lbfgs", random_state=0).fit(iris.data, names)
        >>> clf.predict([[5.1, 3.5, 1.4, 0.2]]).tolist()
        ['setosa']
        """
        most_probable = self.predict_proba(X).argmax(axis=1)
        labels: NDArray[Any] = self.classes_[most_probable]
        return labels

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy: the share of the rows whose most probable class is theirs in y.

        Parameters
        ----------
        X : array, data frame, Arrow table or sparse matrix of shape (N, d)
            Rows with the columns of `fit`; numbers of any real dtype.
        y : array_like of shape (N,)
            Labels, of the kind that `fit` was passed.
        sample_weight : array_like of shape (N,), optional
            Weights of the rows: the mean becomes a weighted mean.

        Returns
        -------
        float
            From 0 to 1.

        Raises
        ------
        NotFittedError
            If the classifier has not been fitted.
        ValueError
            If X has another number of columns, or numbers that are not finite.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.model_selection import train_test_split
        >>> from backhand import MLPClassifier
        >>> X, X_test, y, y_test = train_test_split(*load_iris(return_X_y=True), random_state=0)
        >>> clf = MLPClassifier((8,), solver="lbfgs", alpha=1, random_state=0).fit(X, y)
        >>> clf.score(X_test, y_test) > 0.9
        True
        """
        most_probable = self.predict(X)
        if sample_weight is None and _are_labels(y, most_probable):
            return float((most_probable == y).mean())
        return float(accuracy_score(y, most_probable, sample_weight=sample_weight))

    def predict_log_proba(self, X: Any) -> NDArray[Any]:
        """Return the logarithm of the probability of each class.

        Parameters
        ----------
        X : array, data frame, Arrow table or sparse matrix of shape (N, d)
            Rows with the columns of `fit`; numbers of any real dtype.

        Returns
        -------
        ndarray of shape (N, K)
            log P, in nats; -inf where P rounds to 0.

        Raises
        ------
        NotFittedError
            If the classifier has not been fitted.
        ValueError
            If X has another number of columns, or numbers that are not finite.

        Examples
        --------
        The mean cross-entropy of some rows:

        >>> from sklearn.datasets import load_iris
        >>> from backhand import MLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> clf = MLPClassifier((8,), solver="lbfgs", random_state=0).fit(X, y)
        >>> log_P = clf.predict_log_proba(X)
        >>> bool(-log_P[range(150), y].mean() < 0.1)
        True
        """
        with np.errstate(divide="ignore"):
            log_P: NDArray[Any] = np.log(self.predict_proba(X))
        return log_P

    def decision_function(self, X: Any) -> NDArray[Any]:
        """Return the logits.

        Parameters
        ----------
        X : array, data frame, Arrow table or sparse matrix of shape (N, d)
            Rows with the columns of `fit`; numbers of any real dtype.

        Returns
        -------
        ndarray of shape (N, K), or (N,) for two classes
            S, one column per class in the order of `classes_`. For two classes, as in scikit-learn,
            the second logit minus the first: above 0 where the second class is more probable.

        Raises
        ------
        NotFittedError
            If the classifier has not been fitted.
        ValueError
            If X has another number of columns, or numbers that are not finite.

        Examples
        --------
        A threshold of one's own for two classes:

        >>> from sklearn.datasets import load_breast_cancer
        >>> from sklearn.preprocessing import scale
        >>> from backhand import MLPClassifier
        >>> X, y = load_breast_cancer(return_X_y=True)
        >>> X = scale(X)
        >>> clf = MLPClassifier((8,), solver="lbfgs", alpha=1, random_state=0).fit(X, y)
        >>> benign = clf.decision_function(X) > 2  # where P is above 0.88
        >>> benign.shape, bool(benign.sum() < (clf.predict(X) == 1).sum())
        ((569,), True)
        """
        _check_is_fitted(self)
        S = self._of_rows(X, ReferenceEngine().predictor(self.parameters_).logits)
        return S[:, 1] - S[:, 0] if S.shape[1] == 2 else S

    def _of_rows(self, X: Any, compute: Callable[[Any], NDArray[Any]]) -> NDArray[Any]:
        """What is computed of X (N, d), which is checked."""
        rows = features(self, X)
        try:
            return compute(rows)
        except InputError:
            if rows is X:
                validated(self, X)  # scikit-learn says what is wrong in its own words
            raise

    def _predictor(self) -> Predictor:
        """The predictor of the present weights, made when they, or the settings, are new.

        It is kept outside the classifier, which neither copies nor pickles it. Only one is kept
        that reads the arrays of `coefs_` and `intercepts_` where they are: these may be changed in
        place.
        """
        _check_is_fitted(self)
        made_of = self._made_of()
        kept = _kept.get(self)
        if kept is not None and len(made_of) == len(kept.of) and all(map(is_, made_of, kept.of)):
            return kept.predictor
        params = self.parameters_
        predictor = self._engine().predictor(params)
        arrays = [params.W1, params.W2, params.b1, params.b2]
        in_place = all(map(is_, made_of, arrays)) and all(v.flags.aligned for v in arrays)
        if in_place and self.device in (None, "cpu"):
            _kept[self] = _Kept(predictor, made_of)
        return predictor

    def _made_of(self) -> tuple[Any, ...]:
        """All that the predictor depends on, weights first; nothing where these are none."""
        try:
            weights = *self.coefs_, *self.intercepts_
        except TypeError:  # which `parameters_` reports
            return ()
        return (*weights, self.classes_, self.n_features_in_, self.engine, self.device,
                self.threads, self.precision)  # fmt: skip
