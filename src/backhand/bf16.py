"""The equations in bf16: products of rounded numbers, sums in float32. Beside `equations.py`.

bfloat16 is the upper half of a float32: its range, and 8 bits of its precision. A product of two of
them is exact in float32, and a processor that has units for it does at least two where it does one
of float32. With r(·), rounded to the nearest bf16, ties to even::

    forward                        backward (D before the division by Σw)
    Z1 = r(X) r(W1) + b1           D   = (P - Y) ⊙ w
    H1 = r(max(0, Z1) ⊙ M)         dW2 = H1ᵀ r(D) / Σw             db2 = 1ᵀ D / Σw
    S  = H1 r(W2) + b2             dZ1 = r(r(D) r(W2)ᵀ ⊙ 1[H1 > 0]) ⊙ M / Σw
    P  = softmax(S)                dW1 = r(X)ᵀ dZ1                 db1 = 1ᵀ dZ1

Everything else is float32: the parameters ("master weights"), biases, softmax, loss, penalty,
optimizer and update. Without dropout M is 1; its factor 1/(1-p) multiplies sums of dZ1, as 1/Σw
does, and is not rounded with it. So the rounding of D does not depend on the size of a batch, and
the sums of two halves of a batch add up to that of the whole. Whatever engine computes in bf16
computes this, to the rounding of float32 sums.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from backhand.equations import Activations, Array, Gradients, Parameters, one_hot, softmax
from backhand.support.array_namespace import array_namespace

LOWER_HALF = np.uint32(16)
"""Bits of a float32 that bf16 lacks."""


def r(x: Array) -> Array:
    """Round to the nearest bf16, ties to even; the result is float32, with the lower half 0.

    Parameters
    ----------
    x : array of float32
        Of NumPy, or of a library that has a bfloat16. Infinities and nan stay what they are.

    Returns
    -------
    array of float32, of the same shape

    Examples
    --------
    >>> import numpy as np
    >>> r(np.array([1 / 3, 257, 259], np.float32)).tolist()
    [0.333984375, 256.0, 260.0]
    """
    if not isinstance(x, np.ndarray):
        xp = array_namespace(x)
        return xp.astype(xp.astype(x, xp.bfloat16), xp.float32)
    bits = x.view(np.uint32)
    last = (bits >> LOWER_HALF) & np.uint32(1)
    # Half of the last place that stays, less one unless that is odd: then a tie is carried.
    nearest = (bits + np.uint32(0x7FFF) + last) & np.uint32(0xFFFF0000)
    return np.where(np.isnan(x), x, nearest.view(np.float32))


def forward(params: Parameters, X: Array, mask: Array | None = None) -> Activations:
    """Compute all activations in bf16: `equations.forward`, with rounded factors of each product.

    Parameters
    ----------
    params : Parameters
        float32.
    X : array of shape (N, d)
    mask : array of shape (N, H), optional
        M of dropout.

    Returns
    -------
    Activations
        float32; H1 is rounded.

    Examples
    --------
    >>> import backhand, numpy as np
    >>> params, X = backhand.init(d=4, H=8, K=3), np.ones((2, 4), np.float32)
    >>> rounded, exact = forward(params, X), backhand.forward(params, X)
    >>> bool(np.abs(rounded.P - exact.P).max() < 2**-7)
    True
    """
    W1, b1, W2, b2 = params
    xp = array_namespace(W1)
    X = xp.astype(X, W1.dtype, copy=False)
    Z1 = r(X) @ r(W1) + b1
    H1 = xp.maximum(Z1, 0)
    if mask is not None:
        H1 = H1 * xp.astype(mask, H1.dtype, copy=False)
    H1 = r(H1)
    S = H1 @ r(W2) + b2
    P = softmax(S)
    return Activations(Z1, H1, S, P)


def backward(
    params: Parameters,
    X: Array,
    y: Array,
    acts: Activations,
    sample_weight: Array | None = None,
    l2: float = 0.0,
    mask: Array | None = None,
) -> Gradients:
    """Compute every gradient in bf16: `equations.backward`, with rounded factors of each product.

    Parameters
    ----------
    params : Parameters
        float32.
    X : array of shape (N, d)
    y : array of shape (N,) or (N, K)
        Class indices 0..K-1, or one-hot.
    acts : Activations
        The result of `forward(params, X, mask)`.
    sample_weight : array of shape (N,), optional
        w: 1/N becomes wᵢ / Σw.
    l2 : float
        λ of the penalty λ/2 (‖W1‖² + ‖W2‖²).
    mask : array of shape (N, H), optional
        M of dropout, the same as in the forward pass.

    Returns
    -------
    Gradients
        float32.

    Examples
    --------
    >>> import backhand, numpy as np
    >>> params, X, y = backhand.init(4, 8, 2), np.ones((3, 4), np.float32), np.array([0, 1, 1])
    >>> rounded = backward(params, X, y, forward(params, X))
    >>> exact = backhand.backward(params, X, y, backhand.forward(params, X))
    >>> bool(np.abs(rounded.dW1 - exact.dW1).max() < 2**-7)
    True
    """
    W1, _, W2, _ = params
    _, H1, S, P = acts
    xp = array_namespace(W1)
    X = xp.astype(X, W1.dtype, copy=False)
    Y = one_hot(y, S.shape[1], S)
    w, mean = _weights(S, sample_weight)
    D = (P - Y) * w
    dS = D * mean
    dW2 = H1.T @ r(D) * mean + l2 * W2
    db2 = xp.sum(D, axis=0) * mean
    dH1 = r(D) @ r(W2).T
    dZ1 = r(dH1 * xp.astype(H1 > 0, dH1.dtype)) * mean
    dH1 = dH1 * mean
    if mask is not None:
        dZ1 = dZ1 * xp.astype(mask, dZ1.dtype, copy=False)
    dW1 = r(X).T @ dZ1 + l2 * W1
    db1 = xp.sum(dZ1, axis=0)
    return Gradients(dS, dW2, db2, dH1, dZ1, dW1, db1)


def _weights(S: Array, sample_weight: Array | None) -> tuple[Any, Any]:
    """The weights w of the rows, 1 or (N, 1), and 1/Σw, where Σw is not 0."""
    if sample_weight is None:
        return 1, 1 / S.shape[0]
    xp = array_namespace(S)
    w = xp.astype(sample_weight, S.dtype, copy=False)[:, None]
    total = xp.sum(w)
    return w, 1 / xp.where(total > 0, total, xp.ones_like(total))
