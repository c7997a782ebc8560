"""Standardised columns, and the network that takes them as they were."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.preprocessing import StandardScaler

from backhand.engines import is_sparse
from backhand.equations import Parameters
from backhand.errors import InputError

STRETCH = 2**20
"""Numbers of X that are standardised at a time."""


@dataclass(frozen=True)
class Scaling:
    """The mean and the scale of each column; a sparse X keeps its zeros, so its means are 0.

    Attributes
    ----------
    mean, scale : ndarray of shape (d,)
        float64.
    """

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]

    @classmethod
    def of(cls, X: Any, sample_weight: NDArray[Any] | None) -> Scaling:
        """Return those of X (N, d); a constant column has the scale 1.

        Raises
        ------
        InputError
            If a column's numbers are too large.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            found = StandardScaler(with_mean=not is_sparse(X)).fit(X, sample_weight=sample_weight)
        scale = found.scale_.astype(np.float64)
        mean = np.zeros_like(scale) if found.mean_ is None or is_sparse(X) else found.mean_
        wrong = ~np.isfinite(scale) | ~np.isfinite(mean)
        if wrong.any():
            column = int(np.argmax(wrong))
            raise InputError(
                f"column {column} of X holds numbers whose squares float64 cannot hold; divide it "
                "by a power of ten."
            )
        return cls(mean, scale)

    def apply(self, X: Any) -> Any:
        """Return X (N, d) standardised, in its own dtype."""
        if is_sparse(X):
            factors = np.take(1 / self.scale, X.indices)
            return type(X)(((X.data * factors).astype(X.dtype), X.indices, X.indptr), X.shape)
        Z = np.empty(X.shape, X.dtype)
        rows = max(1, STRETCH // max(1, X.shape[1]))
        for start in range(0, len(X), rows):
            there = slice(start, start + rows)
            Z[there] = (X[there] - self.mean) / self.scale
        return Z

    def folded(self, params: Parameters) -> Parameters:
        """Return the network of float64 that does with X what `params` does with X standardised.

        (X - mean) / scale W1 + b1 = X (W1 / scale) + (b1 - (mean / scale) W1).
        """
        W1, b1, W2, b2 = (value.astype(np.float64) for value in params)
        return Parameters(W1 / self.scale[:, None], b1 - (self.mean / self.scale) @ W1, W2, b2)
