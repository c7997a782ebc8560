"""Converts what users pass, tables of any library or sparse matrices, to `Data`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets, unique_labels
from sklearn.utils.validation import _check_sample_weight, validate_data

from backhand.engines import Data, Engine, Rows, is_sparse, make_engine
from backhand.engines.argument_checks import check_sparse, is_finite
from backhand.errors import InputError
from backhand.estimator.plain_arrays import (
    are_plain_labels,
    is_plain_table,
    plain_classes,
)
from backhand.training.data import checked_weights

DTYPES = [np.float64, np.float32]
"""Dtypes of X that are kept; others become the first. So float32 stays float32."""


class Read(NamedTuple):
    """The rows of a fit, validated.

    Attributes
    ----------
    X : object
        Of shape (N, d); it has a dtype.
    labels : ndarray of shape (N,)
    sample_weight : object
        As passed, but in one piece: numbers (N,), one number, or None.
    """

    X: Any
    labels: NDArray[Any]
    sample_weight: Any


class Reader(Protocol):
    """Reads the rows of a fit: into this process, or into parts that workers hold."""

    def read(
        self, estimator: Any, X: Any, y: Any, sample_weight: Any, name: str = "X", *, reset: bool
    ) -> Read:
        """Validate rows, as `features_and_labels` does; messages name X so."""
        ...

    def data(self, X: Any, y: NDArray[np.int64], weights: NDArray[Any] | None) -> Rows:
        """Return what was read as data, with class indices (N,) and weights (N,)."""
        ...

    def engine(self, *choice: Any) -> Engine:
        """Return an engine that trains on such data, from the arguments of `make_engine`."""
        ...


class LocalReader:
    """Reads rows into this process."""

    def read(
        self,
        estimator: Any,
        X: Any,
        y: Any,
        sample_weight: Any,
        name: str = "X",  # noqa: ARG002
        *,
        reset: bool,
    ) -> Read:
        return Read(*features_and_labels(estimator, X, y, reset=reset), sample_weight)

    def data(self, X: Any, y: NDArray[np.int64], weights: NDArray[Any] | None) -> Data:
        return Data(X, y, weights)

    def engine(self, *choice: Any) -> Engine:
        return make_engine(*choice)


HERE = LocalReader()


def dtypes_for(precision: str) -> list[Any]:
    """The dtypes that X may have in training; those of the parameters follow from it."""
    return [np.float32] if precision == "bf16" else DTYPES


def features(estimator: Any, X: Any) -> Any:
    """X (N, d) as NumPy or CSR, for prediction.

    An X that is returned unchanged may contain nan or infinity, which the engine finds;
    `validated` then raises scikit-learn's error.
    """
    if is_plain_table(estimator, X, DTYPES, reset=False):
        return X
    return validated(estimator, X)


def validated(estimator: Any, X: Any) -> Any:
    """The same after scikit-learn's whole validation, whose errors are a ValueError of its own."""
    return _checked_sparse(
        validate_data(estimator, X, accept_sparse="csr", dtype=DTYPES, reset=False)
    )


def features_and_labels(estimator: Any, X: Any, y: Any, *, reset: bool) -> tuple[Any, NDArray[Any]]:
    """Return X (N, d) as NumPy or CSR, and labels (N,); `reset`: X sets what later X must match.

    The estimator has a `precision`, from which X's dtypes follow.
    """
    dtypes = dtypes_for(estimator.precision)
    plain = isinstance(X, np.ndarray) and is_plain_table(estimator, X, dtypes, reset=reset)
    if plain and is_finite(X) and are_plain_labels(y, len(X)):
        estimator.n_features_in_ = X.shape[1]
        return X, y
    if getattr(y, "ndim", 1) == 2 and y.shape[1] > 1:
        raise InputError(
            f"y has {y.shape[1]} columns; expected one label per row, in one column. Several "
            "labels per row need another loss, which scikit-learn's own class has."
        )
    X, y = validate_data(estimator, X, y, accept_sparse="csr", dtype=dtypes, reset=reset)
    return _checked_sparse(X), y


def _checked_sparse(X: Any) -> Any:
    """Return X; a sparse X is checked here, before a fit begins, not only by the engine."""
    if is_sparse(X):
        check_sparse(X)
    return X


def same_classes(labels: NDArray[Any], known: NDArray[Any] | None) -> NDArray[Any]:
    """The classes of labels (N,), sorted: (K,). Where `known` are given, they must be these."""
    if (classes := plain_classes(labels)) is None:
        check_classification_targets(labels)
        classes = _classes_in(labels)
    if known is not None and not np.array_equal(classes, known):
        raise InputError(
            "warm_start can only be used where `y` has the same classes as in the previous "
            f"call to fit. Previously got {known}, `y` has {classes}"
        )
    return classes


def all_classes(given: Any, known: NDArray[Any] | None) -> NDArray[Any]:
    """Return the classes (K,) passed to `partial_fit`, or the known ones; they must agree."""
    if given is None:
        if known is None:
            raise InputError("classes must be passed on the first call to partial_fit.")
        return known
    classes = _classes_in(given)
    if known is not None and not np.array_equal(known, classes):
        raise InputError(
            f"classes is {classes}; in the first call to partial_fit, or fit, it was {known}."
        )
    return classes


def _classes_in(labels: Any) -> NDArray[Any]:
    """Return the classes, sorted, in scikit-learn's dtype: NumPy texts, never objects."""
    classes: NDArray[Any] = unique_labels(labels)
    return classes


def places_of(y: NDArray[Any], classes: NDArray[Any], what: str) -> NDArray[np.int64]:
    """Return the index of each label (N,) in `classes` (K,), which are sorted.

    Raises
    ------
    InputError
        For labels that are not among them; the message names those.
    """
    unknown = ~_are_among(y, classes)
    if unknown.any():
        strange = np.unique(y[unknown])
        raise InputError(
            f"{what} holds {_named(strange)}, which {'is' if len(strange) == 1 else 'are'} not "
            f"among the model's classes: {_named(classes)}."
        )
    return np.searchsorted(classes, y).astype(np.int64, copy=False)


def _are_among(y: NDArray[Any], classes: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether each label (N,) is in `classes` (K,), which are sorted."""
    plain = are_plain_labels(y, len(y)) and are_plain_labels(classes, len(classes)) and len(classes)
    if not plain:  # there may be no order in them
        return np.isin(y, classes)
    found: NDArray[np.bool_] = classes.take(np.searchsorted(classes, y), mode="clip") == y
    return found


def weights_of(
    dtype: Any, y: NDArray[Any], sample_weight: Any, class_weight: Any, classes: NDArray[Any]
) -> NDArray[Any] | None:
    """Return the weights (N,) in that dtype: the sample's times its class's; None if both are None.

    Weights that are negative, all 0 or not finite, and unknown classes, raise `InputError`.
    """
    if sample_weight is None and class_weight is None:
        return None
    w: NDArray[Any] = _check_sample_weight(sample_weight, y, dtype=dtype)
    if class_weight is not None:
        if class_weight == "balanced":
            per_class = _balanced(y, w, classes)
        else:
            per_class = _by_name(class_weight, classes)
        w = w * per_class[places_of(y, classes, "y")].astype(dtype)
    return checked_weights(w, len(y), dtype)


def _balanced(y: NDArray[Any], w: NDArray[Any], classes: NDArray[Any]) -> NDArray[np.float64]:
    """Return Σw / (number of classes in y · Σw of the class), (K,); 1 for a class without rows."""
    per_class = np.ones(len(classes))
    there = w > 0
    if there.any():
        present = np.unique(y[there])
        per_class[np.searchsorted(classes, present)] = compute_class_weight(
            "balanced", classes=present, y=y[there], sample_weight=w[there]
        )
    return per_class


def _by_name(weights: Mapping[Any, float], classes: NDArray[Any]) -> NDArray[np.float64]:
    """Return the weight of each class, (K,), or 1.

    A fold may lack a class that has a weight. If another class has no weight, the names may be
    misspelled: that is an error, as in scikit-learn.
    """
    names = classes.tolist()
    strange = [name for name in weights if name not in set(names)]
    without = [name for name in names if name not in weights]
    if strange and without:
        raise InputError(
            f"class_weight names {_named(strange)}, which is not a class in y, and has no weight "
            f"for {_named(without)}. Name every class; a class may then be absent from y."
        )
    return np.array([weights.get(name, 1.0) for name in names], np.float64)


def split(data: Rows, share: float, classes: int, random_state: Any) -> tuple[Rows, Rows]:
    """Hold out a share of the rows: training and validation rows, drawn as scikit-learn draws them.

    The draw is stratified for two classes only, as in scikit-learn. Fewer than two validation rows
    raise `InputError`.
    """
    stratify = data.labels.astype(bool)[:, None] if classes <= 2 else None
    rows, out = train_test_split(
        np.arange(data.rows), test_size=share, random_state=random_state, stratify=stratify
    )
    if len(out) < 2:
        raise InputError(
            "The validation set is too small: expected two rows or more. "
            "Increase 'validation_fraction', or pass X_val and y_val."
        )
    return data.select(rows), data.select(out)


def _named(values: Iterable[Any]) -> str:
    """Return the values as Python writes them: 1 differs from '1'."""
    plain = [value.item() if isinstance(value, np.generic) else value for value in values]
    return ", ".join(map(repr, plain[:8])) + (f" and {len(plain) - 8} more" if plain[8:] else "")
