"""X and y as lists of parts: read, validated and held by a worker, which needs no other part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_consistent_length

from backhand.cluster.ray_objects import is_reference
from backhand.engines import Data, is_sparse
from backhand.engines.matrices import stacked
from backhand.errors import InputError
from backhand.estimator.classifier import MLPClassifier
from backhand.estimator.inputs import features_and_labels

Listed = tuple[str, Any, Any, Any]
"""One part as it was passed to `fit`: where X is in its list, such as "X[3]", and X (n, d), y (n,)
and the weights (n,) or None; n may be 0. (A plain tuple: in these, references to objects in Ray's
store are replaced by the objects on their way to a worker.)"""


class Expected(NamedTuple):
    """What is known of every part before it is read.

    Attributes
    ----------
    precision : str
        The estimator's, from which the dtypes follow.
    features : int or None
        d; None: each part may have another.
    columns : ndarray of str, or None
        Names of the columns, for a fitted estimator that has seen some.
    """

    precision: str
    features: int | None
    columns: NDArray[Any] | None


class Facts(NamedTuple):
    """What the driver needs to know of one part.

    Attributes
    ----------
    name : str
    features : int
    columns : tuple of str, or None
    dtype : str
    sparse : bool
    labels : ndarray of shape (n,)
    sample_weight : ndarray of shape (n,), or None
    """

    name: str
    features: int
    columns: tuple[str, ...] | None
    dtype: str
    sparse: bool
    labels: NDArray[Any]
    sample_weight: NDArray[Any] | None


def is_in_parts(X: Any) -> bool:
    """Whether X is a list of parts: arrays, matrices, tables, or references to Ray's objects."""
    return isinstance(X, list | tuple) and len(X) > 0 and all(map(_is_part, X))


def _is_part(value: Any) -> bool:
    return is_reference(value) or getattr(value, "ndim", 0) == 2 or hasattr(value, "columns")


def read(memory: dict[str, Any], name: str, expected: Expected, listed: Sequence[Listed]) -> Any:
    """Validate some neighbouring parts, put their rows together, and hold these under a name.

    Returns
    -------
    list of Facts
        Of each part that has rows.

    Raises
    ------
    InputError
        With the name of the part, for rows that scikit-learn's validation refuses.
    """
    found = [_read(one, expected) for one in listed if _rows_of(one[1])]
    check_alike([facts for _, facts in found])
    memory[name] = stacked([X for X, _ in found]) if found else None
    return [facts for _, facts in found]


def hold(
    memory: dict[str, Any], name: str, dtype: Any, features: int, y: NDArray[np.int64],
    weights: NDArray[Any] | None,
) -> None:  # fmt: skip
    """Make data of the rows that were read, with class indices (n,) and weights (n,)."""
    X = memory[name]
    if isinstance(X, Data):
        X = X.X
    X = np.empty((0, features), dtype) if X is None else X.astype(dtype, copy=False)
    memory[name] = Data(X, y, weights)


def computed(memory: dict[str, Any], estimator: Any, method: str, X: Any) -> NDArray[Any]:  # noqa: ARG001
    """Return what a method of a fitted estimator computes of a part, which may have no rows."""
    if _rows_of(X):
        found: NDArray[Any] = getattr(estimator, method)(X)
        return found
    K = len(estimator.classes_)
    if method == "predict":
        return np.asarray(estimator.classes_[:0])
    shape = (0,) if method == "decision_function" and K == 2 else (0, K)
    return np.empty(shape, estimator.coefs_[0].dtype)


def scored(memory: dict[str, Any], estimator: Any, X: Any, y: Any, w: Any) -> tuple[float, float]:  # noqa: ARG001
    """Return how much the rows of a part weigh that are classified correctly, and all of them."""
    if not _rows_of(X):
        return 0.0, 0.0
    weight = float(_rows_of(X) if w is None else np.sum(w, dtype=np.float64))
    return estimator.score(X, y, w) * weight, weight


def _rows_of(X: Any) -> int:
    return int(X.shape[0])


def _read(listed: Listed, expected: Expected) -> tuple[Any, Facts]:
    name, X, y, w = listed
    seen: Any = MLPClassifier(precision=expected.precision)
    if expected.features is not None:
        seen.n_features_in_ = expected.features
    if expected.columns is not None:
        seen.feature_names_in_ = expected.columns
    w = None if w is None else np.asarray(w)
    try:
        X, labels = features_and_labels(seen, X, y, reset=expected.features is None)
        check_consistent_length(X, w)
    except (ValueError, TypeError) as error:
        raise InputError(f"{name}: {error}") from error
    columns = getattr(seen, "feature_names_in_", None)
    return X, Facts(
        name, X.shape[1], None if columns is None else tuple(columns), X.dtype.name,
        is_sparse(X), labels, w,
    )  # fmt: skip


def check_alike(all_facts: Sequence[Facts]) -> None:
    """Check that parts have the same columns, are all sparse or none, and labels of one kind.

    Raises
    ------
    InputError
        With the names of two parts that differ, and in what.
    """
    for facts in all_facts[1:]:
        first = all_facts[0]
        for what in ("features", "columns", "sparse"):
            mine, others = getattr(facts, what), getattr(first, what)
            if mine != others:
                raise InputError(
                    f"{facts.name} {_described(what, mine)}, and {first.name} "
                    f"{_described(what, others)}; expected all parts alike."
                )
        if _are_texts(facts.labels) != _are_texts(first.labels):
            raise InputError(
                f"the labels of {facts.name} are {facts.labels.dtype}, and those of {first.name} "
                f"{first.labels.dtype}; expected labels of one kind in all parts."
            )


def _described(what: str, value: Any) -> str:
    if what == "features":
        return f"has {value} columns"
    if what == "sparse":
        return "is a sparse matrix" if value else "is not a sparse matrix"
    if value is None:
        return "has columns without names"
    return f"has the columns {', '.join(value[:8])}{' and others' if value[8:] else ''}"


def _are_texts(labels: NDArray[Any]) -> bool:
    return labels.dtype.kind in "UO"
