"""Arguments that scikit-learn's validation would return unchanged, recognised in microseconds.

Its validation takes a tenth of a millisecond or more, mostly to establish that an array is no data
frame, which is several times as long as a small network takes to compute. Everything else is passed
to it, so conversions, warnings and messages are scikit-learn's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

CSR = ("csr_array", "csr_matrix")
"""SciPy's classes of matrices in CSR form."""

UNSURE_ROWS = 20
"""With more rows, scikit-learn warns of labels that differ in most of them."""


def is_plain_table(estimator: Any, X: Any, dtypes: Sequence[Any], *, reset: bool) -> bool:
    """Whether `validate_data` would return X (N, d) unchanged, and set no more than `d`.

    X is a NumPy array, or one of SciPy's in CSR form. Engines check that its numbers are finite and
    that its indices point into it.

    Parameters
    ----------
    estimator : MLPClassifier
        Whose `n_features_in_` X must have, unless `reset`.
    X : object
    dtypes : sequence of dtype
        Those that are kept.
    reset : bool
        Whether X sets the number of features, and there are no names to be forgotten.
    """
    return (
        (type(X) is np.ndarray or _is_scipys_csr(X))
        and X.ndim == 2
        and X.dtype in dtypes
        and X.dtype.isnative
        and 0 not in X.shape
        and not hasattr(estimator, "feature_names_in_")
        and (reset or X.shape[1] == getattr(estimator, "n_features_in_", -1))
    )


def _is_scipys_csr(X: Any) -> bool:
    """Whether X is a CSR matrix or array of SciPy's own. (SciPy is not imported to find out.)"""
    return type(X).__name__ in CSR and type(X).__module__ == "scipy.sparse._csr"


def are_plain_labels(y: Any, rows: int) -> bool:
    """Whether y (N,) are integers or bools in an array, one for each row."""
    return (
        type(y) is np.ndarray
        and y.shape == (rows,)
        and y.dtype.kind in "iub"
        and y.dtype.isnative
        and y.flags.c_contiguous
    )


def plain_classes(y: Any) -> NDArray[Any] | None:
    """Return the classes (K,) of such labels, sorted; None where scikit-learn has to look at them.

    That is where y is something else, or may be no classes: where most rows differ.
    """
    if not (isinstance(y, np.ndarray) and are_plain_labels(y, len(y)) and len(y) > 0):
        return None
    classes = np.unique(y)
    return classes if len(y) <= UNSURE_ROWS or 2 * len(classes) < len(y) else None
