"""Where the kinks of the hidden units are before the first update."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.engines import Rows, is_sparse

CORNERS = 5
"""Number of rows of which a random mean is the point where a hidden unit begins to be active."""


def kinks_among_rows(W1: NDArray[Any], data: Rows, seed: int) -> NDArray[Any]:
    """Return b1 (H,) = -x̄ W1, for each hidden unit with an x̄ of its own: a random mean of rows.

    With b1 = 0, the kinks of all units meet at the mean of the rows. (RealMLP's initial biases.)

    Parameters
    ----------
    W1 : ndarray of shape (d, H)
        As drawn.
    data : Rows
        Training rows.
    seed : int
        Of the rows and their shares in the means.
    """
    weights = W1.T.astype(np.float64, order="C")
    H, rng = len(weights), np.random.default_rng([seed, 0, 0, 1])
    parts = rng.exponential(size=(H, CORNERS))
    parts /= parts.sum(axis=1, keepdims=True)
    rows, b1 = rng.integers(data.rows, size=(H, CORNERS)), np.zeros(H)
    for corner in range(CORNERS):
        # A matrix product's last digits could depend on the number of threads; these sums do not.
        some = data.at(rows[:, corner]).X
        if is_sparse(some):
            Z = np.asarray(some.multiply(weights).sum(axis=1)).ravel()
        else:
            Z = np.einsum("hd,hd->h", some.astype(np.float64), weights)
        b1 -= parts[:, corner] * Z
    return b1.astype(W1.dtype)
