"""The logits of rows, for `decision_function`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.engines import is_sparse
from backhand.engines.arrays import chunks
from backhand.equations import Parameters, forward


def logits(params: Parameters, X: Any) -> NDArray[Any]:
    """S (N, K) of X (N, d), dense or CSR, in the parameters' dtype: computed in double, as P is."""
    dtype = params.W1.dtype
    wide = Parameters(*(value.astype(np.float64, copy=False) for value in params))
    S = np.empty((X.shape[0], params.b2.shape[0]), dtype)
    for rows in chunks(params, X.shape[0]):
        part, theta = X[rows].astype(dtype, copy=False), wide
        if is_sparse(part):  # with the features that these rows have
            there = np.unique(part.indices)
            part, theta = part[:, there].toarray(), wide._replace(W1=wide.W1[there])
        with np.errstate(over="ignore", invalid="ignore"):
            S[rows] = forward(theta, part).S
    return S
