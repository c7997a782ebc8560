"""X as an array or as a sparse matrix: which it is, rows put together, and whether it is finite."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.errors import InputError
from backhand.support.optional import extra


def is_sparse(X: Any) -> bool:
    """Whether X is one of scipy's CSR matrices. (scipy is not imported to find out.)"""
    return hasattr(X, "indptr")


def dense(X: Any) -> Any:
    """Return X as a dense array."""
    return X.toarray() if is_sparse(X) else X


def stacked(pieces: Sequence[Any]) -> Any:
    """Return the rows of matrices, (n, d) each and all of them dense or all sparse, as one (N, d).

    A single one is returned as it is, without a copy.
    """
    if len(pieces) == 1:
        return pieces[0]
    if is_sparse(pieces[0]):
        return extra("scipy.sparse", "sparse rows").vstack(pieces, format="csr")
    return np.concatenate(pieces)


def check_finite(
    X: Any, dtype: Any, rows: NDArray[np.integer] | None = None, first: int = 0
) -> None:
    """Check that X is finite in that dtype; the error names the first entry that is not.

    With `rows`, the numbers of some rows, only those are checked. `first` is the number of X's
    first row to a reader of the error.
    """
    if is_sparse(X):
        _check_finite_entries(X, dtype, rows, first)
        return
    for start in range(0, X.shape[0] if rows is None else len(rows), 4096):
        here = slice(start, start + 4096)
        some = X[here] if rows is None else X[rows[here]]
        with np.errstate(over="ignore"):
            bad = ~np.isfinite(some.astype(dtype, copy=False))
        if bad.any():
            row, column = (int(i) for i in np.argwhere(bad)[0])
            number = start + row if rows is None else int(rows[start + row])
            raise _not_finite(some[row, column], first + number, column, dtype)


def _check_finite_entries(X: Any, dtype: Any, rows: NDArray[np.integer] | None, first: int) -> None:
    with np.errstate(over="ignore"):
        bad = np.flatnonzero(~np.isfinite(X.data[: X.indptr[-1]].astype(dtype, copy=False)))
    row_of = np.searchsorted(X.indptr, bad, side="right") - 1
    if rows is not None:
        chosen = np.isin(row_of, rows)
        bad, row_of = bad[chosen], row_of[chosen]
    if len(bad):
        raise _not_finite(X.data[bad[0]], first + int(row_of[0]), X.indices[bad[0]], dtype)


def _not_finite(value: Any, row: int, column: int, dtype: Any) -> InputError:
    return InputError(
        f"X holds {value} at row {row}, column {column}; expected finite numbers that {dtype} can "
        "hold. Fill in or drop missing values first."
    )
