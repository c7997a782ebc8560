"""The two-layer MLP classifier: one equation, one line. This is the page to read first.

N rows, d features, H hidden units, K classes; X (N, d), one-hot Y (N, K)::

    forward                       backward (gradients of the mean loss L)
    Z1 = X W1 + b1                dS  = (P - Y) / N
    H1 = max(0, Z1)               dW2 = H1ᵀ dS            db2 = 1ᵀ dS
    S  = H1 W2 + b2               dH1 = dS W2ᵀ
    P  = softmax(S)               dZ1 = dH1 ⊙ 1[Z1 > 0]
    L  = -1/N ΣΣ Y log P          dW1 = Xᵀ dZ1            db1 = 1ᵀ dZ1
                     update: θ ← θ - η dθ

The functions are pure, and take NumPy arrays, torch tensors (on any device) or any other array of
the array API standard; they compute in the dtype of the parameters. Batches, engines and files are
elsewhere: everything else in Backhand is a faster or a longer way to say this. Arguments are not
checked here: `backhand.forward` and its siblings are these functions after a check of their
arguments (see `functional.py`), which raises `InputError` with both shapes in it.

Three terms may be added, each in the same lines. With sample weights w, the mean over rows becomes
the weighted mean: 1/N becomes wᵢ / Σw. With L2 of strength λ, the loss gains λ/2 (‖W1‖² + ‖W2‖²),
and its gradients λ W1 and λ W2 (biases are not penalised). With dropout, a mask M of 0 and 1/(1-p)
is a factor of H1, and so of dZ1 (see `dropout.py`, which draws it).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from backhand.support import display
from backhand.support.array_namespace import array_namespace

Array = Any
"""An array of NumPy, torch or another array API library; docstrings give its shape."""


@display.shown
class Parameters(NamedTuple):
    """Parameters of the network, θ: floating point, all of one dtype.

    They are NumPy arrays unless they were made otherwise: the equations take any array library's.

    Attributes
    ----------
    W1 : ndarray of shape (d, H)
        Weights of the first layer.
    b1 : ndarray of shape (H,)
        Biases of the hidden units.
    W2 : ndarray of shape (H, K)
        Weights of the second layer.
    b2 : ndarray of shape (K,)
        Biases of the classes.

    Examples
    --------
    >>> import backhand
    >>> backhand.init(d=4, H=8, K=3)
    Parameters (float32): W1 (4, 8), b1 (8,), W2 (8, 3), b2 (3,)
    """

    W1: NDArray[Any]
    b1: NDArray[Any]
    W2: NDArray[Any]
    b2: NDArray[Any]

    def _summary(self) -> display.Summary:
        return display.of_arrays(type(self).__name__, self._asdict())


@display.shown
class Activations(NamedTuple):
    """What the forward pass computes, in its order.

    Attributes
    ----------
    Z1 : ndarray of shape (N, H)
        Pre-activations of the hidden units: X W1 + b1.
    H1 : ndarray of shape (N, H)
        Hidden units: max(0, Z1), times the mask where there is dropout.
    S : ndarray of shape (N, K)
        Logits: H1 W2 + b2.
    P : ndarray of shape (N, K)
        Probabilities: softmax(S); each row sums to 1.

    Examples
    --------
    >>> import backhand, numpy as np
    >>> backhand.forward(backhand.init(d=4, H=8, K=3), np.zeros((2, 4)))
    Activations (float32): Z1 (2, 8), H1 (2, 8), S (2, 3), P (2, 3)
    """

    Z1: NDArray[Any]
    H1: NDArray[Any]
    S: NDArray[Any]
    P: NDArray[Any]

    def _summary(self) -> display.Summary:
        return display.of_arrays(type(self).__name__, self._asdict())


@display.shown
class Gradients(NamedTuple):
    """∂L/∂(each), in the order of the derivation: from the loss back to the first layer.

    Attributes
    ----------
    dS : ndarray of shape (N, K)
    dW2 : ndarray of shape (H, K)
    db2 : ndarray of shape (K,)
    dH1 : ndarray of shape (N, H)
    dZ1 : ndarray of shape (N, H)
    dW1 : ndarray of shape (d, H)
    db1 : ndarray of shape (H,)

    Examples
    --------
    >>> import backhand, numpy as np
    >>> params, X, y = backhand.init(d=4, H=8, K=3), np.ones((5, 4)), np.zeros(5, int)
    >>> grads = backhand.backward(params, X, y, backhand.forward(params, X))
    >>> grads.dW1.shape
    (4, 8)
    """

    dS: NDArray[Any]
    dW2: NDArray[Any]
    db2: NDArray[Any]
    dH1: NDArray[Any]
    dZ1: NDArray[Any]
    dW1: NDArray[Any]
    db1: NDArray[Any]

    def _summary(self) -> display.Summary:
        return display.of_arrays(type(self).__name__, self._asdict())


def init(d: int, H: int, K: int, seed: int = 0, dtype: DTypeLike = np.float32) -> Parameters:
    """Draw initial parameters: the same seed gives bit-identical parameters.

    W1 ~ N(0, 2/d) keeps the variance through the ReLU (He et al. 2015, eq. 10), W2 ~ N(0, 1/H)
    through the linear layer (LeCun et al. 1998, eq. 16); biases are zero.

    Parameters
    ----------
    d, H, K : int
        Number of features (1 or more), hidden units (1 or more) and classes (2 or more).
    seed : int
        Seed of NumPy's default generator, 0 or more.
    dtype : dtype
        float32 or float64.

    Returns
    -------
    params : Parameters
        NumPy arrays W1 (d, H), b1 (H,), W2 (H, K), b2 (K,).

    Raises
    ------
    InputError
        If a size, the seed or the dtype is none of these.

    Examples
    --------
    >>> import backhand
    >>> params = backhand.init(d=4, H=8, K=3, seed=0)
    >>> params.W1.shape, params.b2.tolist()
    ((4, 8), [0.0, 0.0, 0.0])
    """
    rng = np.random.default_rng(seed)
    W1 = rng.standard_normal((d, H)) * np.sqrt(2 / d)
    W2 = rng.standard_normal((H, K)) * np.sqrt(1 / H)
    return Parameters(W1.astype(dtype), np.zeros(H, dtype), W2.astype(dtype), np.zeros(K, dtype))


def forward(params: Parameters, X: Array, mask: Array | None = None) -> Activations:
    """Compute all activations, in the dtype of the parameters.

    Parameters
    ----------
    params : Parameters
        W1, b1, W2, b2.
    X : array of shape (N, d)
        Rows, of any real dtype and of the parameters' library.
    mask : array of shape (N, H), optional
        M of dropout, as `backhand.dropout_mask` draws it: H1 becomes max(0, Z1) ⊙ M.

    Returns
    -------
    Activations
        Z1 (N, H), H1 (N, H), S (N, K), P (N, K).

    Raises
    ------
    InputError
        If the shapes do not fit together; it names both.

    Examples
    --------
    >>> import backhand, numpy as np
    >>> acts = backhand.forward(backhand.init(d=4, H=8, K=2), np.zeros((3, 4)))
    >>> acts.P.tolist()
    [[0.5, 0.5], [0.5, 0.5], [0.5, 0.5]]
    """
    W1, b1, W2, b2 = params
    xp = array_namespace(W1)
    X = xp.astype(X, W1.dtype, copy=False)
    Z1 = X @ W1 + b1
    H1 = xp.maximum(Z1, 0)
    if mask is not None:
        H1 = H1 * xp.astype(mask, H1.dtype, copy=False)
    S = H1 @ W2 + b2
    P = softmax(S)
    return Activations(Z1, H1, S, P)


def cross_entropy(S: Array, y: Array, sample_weight: Array | None = None) -> Array:
    """L = -1/N ΣΣ Y log P, from the logits S (N, K) by log-softmax: never a log of zero.

    Parameters
    ----------
    S : array of shape (N, K)
        Logits, floating point; ±1e4 and more are fine.
    y : array of shape (N,) or (N, K)
        Class indices 0..K-1, or one-hot.
    sample_weight : array of shape (N,), optional
        w: the mean over rows becomes Σ wᵢ(·)ᵢ / Σw.

    Returns
    -------
    scalar
        Of S's array type and dtype, in nats.

    Raises
    ------
    InputError
        If the shapes do not fit together, or y holds other numbers.

    Examples
    --------
    >>> import backhand, numpy as np
    >>> float(backhand.cross_entropy(np.zeros((3, 2)), np.array([0, 1, 1])))  # log 2
    0.6931471805599453
    """
    w = mean_weights(S, sample_weight)
    return array_namespace(S).sum(w * row_losses(S, y))


def row_losses(S: Array, y: Array) -> Array:
    """Compute ℓ = -Σ Y log P of each row, (N, 1): the cross-entropy is their mean."""
    Y = one_hot(y, S.shape[1], S)
    return -array_namespace(S).sum(Y * log_softmax(S), axis=1, keepdims=True)


def backward(
    params: Parameters,
    X: Array,
    y: Array,
    acts: Activations,
    sample_weight: Array | None = None,
    l2: float = 0.0,
    mask: Array | None = None,
) -> Gradients:
    """Compute every gradient of the mean loss, by hand, in the order of the derivation.

    Parameters
    ----------
    params : Parameters
        W1, b1, W2, b2.
    X : array of shape (N, d)
        Rows, as in the forward pass.
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
        dS, dW2, db2, dH1, dZ1, dW1, db1, each in the shape of what it is the gradient of.

    Raises
    ------
    InputError
        If the shapes do not fit together, or y holds other numbers.

    Examples
    --------
    >>> import backhand, numpy as np
    >>> params, X, y = backhand.init(d=4, H=8, K=2), np.ones((3, 4)), np.array([0, 1, 1])
    >>> acts = backhand.forward(params, X)
    >>> grads = backhand.backward(params, X, y, acts)
    >>> bool(np.allclose(grads.dS, (acts.P - np.eye(2)[y]) / 3))
    True
    """
    W1, _, W2, _ = params
    Z1, H1, S, P = acts
    xp = array_namespace(W1)
    X = xp.astype(X, W1.dtype, copy=False)
    Y = one_hot(y, S.shape[1], S)
    w = mean_weights(S, sample_weight)
    dS = (P - Y) * w
    dW2 = H1.T @ dS + l2 * W2
    db2 = xp.sum(dS, axis=0)
    dH1 = dS @ W2.T
    dZ1 = dH1 * xp.astype(Z1 > 0, dH1.dtype)
    if mask is not None:
        dZ1 = dZ1 * xp.astype(mask, dZ1.dtype, copy=False)
    dW1 = X.T @ dZ1 + l2 * W1
    db1 = xp.sum(dZ1, axis=0)
    return Gradients(dS, dW2, db2, dH1, dZ1, dW1, db1)


def sgd(params: Parameters, grads: Gradients, learning_rate: float) -> Parameters:
    """Update the parameters by gradient descent: θ ← θ - η dθ.

    Parameters
    ----------
    params : Parameters
        θ, which are not changed.
    grads : Gradients
        dθ, the result of `backward`.
    learning_rate : float
        η.

    Returns
    -------
    params : Parameters
        New arrays, in the dtype of `params`.

    Raises
    ------
    InputError
        If a gradient has another shape than its parameter, or η is not a finite number.

    Examples
    --------
    >>> import backhand, numpy as np
    >>> params, X, y = backhand.init(d=4, H=8, K=2), np.ones((3, 4)), np.array([0, 1, 1])
    >>> acts = backhand.forward(params, X)
    >>> better = backhand.sgd(params, backhand.backward(params, X, y, acts), learning_rate=0.1)
    >>> before = backhand.cross_entropy(acts.S, y)
    >>> bool(backhand.cross_entropy(backhand.forward(better, X).S, y) < before)
    True
    """
    eta = learning_rate
    return Parameters(
        params.W1 - eta * grads.dW1,
        params.b1 - eta * grads.db1,
        params.W2 - eta * grads.dW2,
        params.b2 - eta * grads.db2,
    )


def log_softmax(S: Array) -> Array:
    """Compute log P = S - max S - log Σ exp(S - max S), row by row; finite for all finite S."""
    xp = array_namespace(S)
    shifted = S - xp.max(S, axis=1, keepdims=True)
    return shifted - xp.log(xp.sum(xp.exp(shifted), axis=1, keepdims=True))


def softmax(S: Array) -> Array:
    """P = exp(log-softmax S), (N, K): loss and gradient come from one and the same log-softmax."""
    return array_namespace(S).exp(log_softmax(S))


def one_hot(y: Array, K: int, like: Array) -> Array:
    """Make Y (N, K) of class indices y (N,), in dtype and device like `like`; Y stays Y."""
    xp = array_namespace(like)
    if y.ndim == 2:
        return xp.astype(y, like.dtype, copy=False)
    return xp.astype(y[:, None] == xp.arange(K, device=like.device)[None, :], like.dtype)


def mean_weights(S: Array, sample_weight: Array | None) -> Array:
    """Return each row's weight in a mean: 1/N, or (N, 1) with wᵢ / Σw (0 where all wᵢ are 0)."""
    if sample_weight is None:
        return 1 / S.shape[0]
    xp = array_namespace(S)
    w = xp.astype(sample_weight, S.dtype, copy=False)[:, None]
    total = xp.sum(w)
    return w / xp.where(total > 0, total, xp.ones_like(total))


def penalty(params: Parameters, l2: float) -> Array:
    """Compute λ/2 (‖W1‖² + ‖W2‖²), a scalar: what L2 adds to the loss."""
    xp = array_namespace(params.W1)
    return l2 / 2 * (xp.sum(params.W1 * params.W1) + xp.sum(params.W2 * params.W2))


def accuracy(S: Array, y: Array, sample_weight: Array | None = None) -> Array:
    """Compute the fraction of rows whose largest logit is that of the true class.

    Where several logits are equal and largest, the first counts.

    Parameters
    ----------
    S : array of shape (N, K)
        Logits.
    y : array of shape (N,) or (N, K)
        Class indices 0..K-1, or one-hot.
    sample_weight : array of shape (N,), optional
        w: the fraction becomes Σ wᵢ [row i is correct] / Σw.

    Returns
    -------
    scalar
        float64, so that it is the exact fraction of up to 2⁵³ rows; of S's array type.

    Raises
    ------
    InputError
        If the shapes do not fit together, or y holds other numbers.

    Examples
    --------
    >>> import backhand, numpy as np
    >>> S = np.array([[2.0, 1.0], [0.0, 1.0]])
    >>> float(backhand.accuracy(S, np.array([0, 0])))
    0.5
    """
    xp = array_namespace(S)
    y = xp.argmax(y, axis=1) if y.ndim == 2 else y
    correct = xp.astype(xp.argmax(S, axis=1) == y, xp.float64)
    if sample_weight is None:
        # An array: CUDA multiplies by the inverse of a plain number, and the fraction is not exact.
        N = xp.full((), S.shape[0], dtype=xp.float64, device=S.device)
        return xp.sum(correct) / N
    w = xp.astype(sample_weight, xp.float64)
    total = xp.sum(w)
    return xp.sum(w * correct) / xp.where(total > 0, total, xp.ones_like(total))
