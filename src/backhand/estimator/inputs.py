"""From what users pass, tables of any library or sparse matrices, to an engine's `Data`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets, unique_labels
from sklearn.utils.validation import _check_sample_weight, validate_data

from backhand.engines import Data, is_sparse
from backhand.engines.argument_checks import check_sparse
from backhand.errors import InputError
from backhand.training.data import checked_weights

DTYPES = [np.float64, np.float32]
"""Of X: these stay what they are, others become the first. So whatever float32 is, stays it."""


def features(estimator: Any, X: Any) -> Any:
    """X (N, d) as NumPy or CSR, for prediction."""
    return _checked_sparse(
        validate_data(estimator, X, accept_sparse="csr", dtype=DTYPES, reset=False)
    )


def features_and_labels(estimator: Any, X: Any, y: Any, *, reset: bool) -> tuple[Any, NDArray[Any]]:
    """X (N, d) as NumPy or CSR, and labels (N,); `reset`: X says what later ones must be like."""
    if getattr(y, "ndim", 1) == 2 and y.shape[1] > 1:
        raise InputError(
            f"y has {y.shape[1]} columns; expected one label a row, in one column. Several labels "
            "a row are another loss, which scikit-learn's own class has."
        )
    X, y = validate_data(estimator, X, y, accept_sparse="csr", dtype=DTYPES, reset=reset)
    return _checked_sparse(X), y


def _checked_sparse(X: Any) -> Any:
    """X; a sparse one is checked here, before a fit has begun, and not only by the engine."""
    if is_sparse(X):
        check_sparse(X)
    return X


def same_classes(labels: NDArray[Any], known: NDArray[Any] | None) -> NDArray[Any]:
    """The classes of labels (N,), sorted: (K,). Where `known` are given, they must be these."""
    check_classification_targets(labels)
    classes = _classes_in(labels)
    if known is not None and not np.array_equal(classes, known):
        raise InputError(
            "warm_start can only be used where `y` has the same classes as in the previous "
            f"call to fit. Previously got {known}, `y` has {classes}"
        )
    return classes


def all_classes(given: Any, known: NDArray[Any] | None) -> NDArray[Any]:
    """The classes (K,) that `partial_fit` is given, or knows; if both, they must be the same."""
    if given is None:
        if known is None:
            raise InputError("classes must be passed on the first call to partial_fit.")
        return known
    classes = _classes_in(given)
    if known is not None and not np.array_equal(known, classes):
        raise InputError(
            f"classes is {classes}; the first call to partial_fit, or fit, had {known}."
        )
    return classes


def _classes_in(labels: Any) -> NDArray[Any]:
    """Sorted, in the dtype that scikit-learn keeps them in: texts as NumPy's, never as objects."""
    classes: NDArray[Any] = unique_labels(labels)
    return classes


def places_of(y: NDArray[Any], classes: NDArray[Any], what: str) -> NDArray[np.int64]:
    """The place of each label (N,) in `classes` (K,), which are sorted.

    Raises
    ------
    InputError
        For labels that are none of them; it names them.
    """
    unknown = np.isin(y, classes, invert=True)
    if unknown.any():
        strange = np.unique(y[unknown])
        raise InputError(
            f"{what} holds {_named(strange)}, which {'is' if len(strange) == 1 else 'are'} none of "
            f"the classes that the model knows: {_named(classes)}."
        )
    return np.searchsorted(classes, y).astype(np.int64, copy=False)


def weights_of(
    X: Any, y: NDArray[Any], sample_weight: Any, class_weight: Any, classes: NDArray[Any]
) -> NDArray[Any] | None:
    """One weight a row, (N,), in X's dtype: the sample's times its class's; None if both are None.

    Weights below 0, all 0 or not finite, and names of no class, raise `InputError`.
    """
    if sample_weight is None and class_weight is None:
        return None
    w: NDArray[Any] = _check_sample_weight(sample_weight, X, dtype=X.dtype)
    if class_weight is not None:
        if class_weight == "balanced":
            per_class = _balanced(y, w, classes)
        else:
            per_class = _by_name(class_weight, classes)
        w = w * per_class[places_of(y, classes, "y")].astype(X.dtype)
    return checked_weights(w, X.shape[0], X.dtype)


def _balanced(y: NDArray[Any], w: NDArray[Any], classes: NDArray[Any]) -> NDArray[np.float64]:
    """Of each class (K,): Σw / (number of classes in y · Σw of the class); 1 where w has no row."""
    per_class = np.ones(len(classes))
    there = w > 0
    if there.any():
        present = np.unique(y[there])
        per_class[np.searchsorted(classes, present)] = compute_class_weight(
            "balanced", classes=present, y=y[there], sample_weight=w[there]
        )
    return per_class


def _by_name(weights: Mapping[Any, float], classes: NDArray[Any]) -> NDArray[np.float64]:
    """Of each class (K,): its weight, or 1.

    A fold may lack a class that has a weight. But if there is a class without one as well, one may
    be meant by the other: that is refused, as scikit-learn does.
    """
    names = classes.tolist()
    strange = [name for name in weights if name not in set(names)]
    without = [name for name in names if name not in weights]
    if strange and without:
        raise InputError(
            f"class_weight names {_named(strange)}, which is no class in y, and has no weight for "
            f"{_named(without)}. Name every class: then some rows, such as a fold's, may lack one."
        )
    return np.array([weights.get(name, 1.0) for name in names], np.float64)


def split(data: Data, share: float, classes: int, random_state: Any) -> tuple[Data, Data]:
    """Hold out a share of the rows: training and validation rows, drawn as scikit-learn draws them.

    Two classes are held out in equal shares. More are not: scikit-learn does not either. Fewer than
    two rows to validate on raise `InputError`.
    """
    stratify = data.y.astype(bool)[:, None] if classes <= 2 else None
    rows, out = train_test_split(
        np.arange(data.rows), test_size=share, random_state=random_state, stratify=stratify
    )
    if len(out) < 2:
        raise InputError(
            "The validation set is too small: one row cannot tell a good model from a bad one. "
            "Increase 'validation_fraction', or pass X_val and y_val."
        )
    return data.at(rows), data.at(out)


def _named(values: Iterable[Any]) -> str:
    """As Python writes them: 1 is not '1'."""
    plain = [value.item() if isinstance(value, np.generic) else value for value in values]
    return ", ".join(map(repr, plain[:8])) + (f" and {len(plain) - 8} more" if plain[8:] else "")
