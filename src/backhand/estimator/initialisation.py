"""Starting weights: drawn as scikit-learn draws them, or set by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.engines.argument_checks import is_theta
from backhand.equations import Parameters
from backhand.errors import InputError
from backhand.training.data import host


def draw_parameters(d: int, H: int, K: int, random_state: Any, dtype: Any) -> Parameters:
    """Draw starting parameters, equal to scikit-learn's from the same generator.

    Uniform between ±√(6 / (in + out)), biases too (Glorot and Bengio 2010, eq. 16). For two classes
    scikit-learn has one output w, whose sigmoid is P(second class); here W2 = [0, w], whose softmax
    is the same, and the first class is fixed there: only the difference matters.
    """
    outputs = 1 if K == 2 else K
    W1, b1 = _layer(d, H, random_state)
    W2, b2 = _layer(H, outputs, random_state)
    if K == 2:
        W2, b2 = _two_outputs(W2, b2)
    return Parameters(*(value.astype(dtype, copy=False) for value in (W1, b1, W2, b2)))


def _two_outputs(w: Any, b: Any) -> tuple[Any, Any]:
    """[0, w] and [0, b]: for two classes, the same as one output w (H, 1), b (1,)."""
    return np.hstack([np.zeros_like(w), w]), np.hstack([np.zeros_like(b), b])


def parameters_of(coefs: Any, intercepts: Any, d: int, K: int) -> Parameters:
    """W1 (d, H), b1 (H,), W2 (H, K) and b2 (K,), of one dtype, from what may have been set by hand.

    Arrays of that form are returned unchanged. Others become float64, or float32 if all floating
    arrays are float32. scikit-learn's one output for two classes becomes two.

    Raises
    ------
    InputError
        If they are not such arrays.
    """
    theta = _unchanged(coefs, intercepts)
    if theta is not None and (len(theta.W1), len(theta.b2)) == (d, K):
        return theta
    values = [*_two_arrays("coefs_", coefs, 2), *_two_arrays("intercepts_", intercepts, 1)]
    W1, W2, b1, b2 = _of_one_dtype(values)
    if K == 2 and W2.shape[1:] == b2.shape == (1,):
        W2, b2 = _two_outputs(W2, b2)
    H = b1.shape[0]
    if (W1.shape, W2.shape, b2.shape) != ((d, H), (H, K), (K,)) or H == 0:
        raise InputError(
            f"coefs_ are {W1.shape} and {W2.shape}, intercepts_ {b1.shape} and {b2.shape}; for "
            f"{d} features and {K} classes expected ({d}, H) and (H, {K}), (H,) and ({K},)."
        )
    return Parameters(W1, b1, W2, b2)


def _unchanged(coefs: Any, intercepts: Any) -> Parameters | None:
    """The parameters in two lists of two arrays, if nothing about these has to be converted."""
    if type(coefs) is list and type(intercepts) is list and len(coefs) == len(intercepts) == 2:
        theta = Parameters(coefs[0], intercepts[0], coefs[1], intercepts[1])
        if is_theta(theta) and theta.W1.dtype in (np.float32, np.float64):
            return theta
    return None


def _two_arrays(name: str, given: Any, ndim: int) -> list[NDArray[Any]]:
    """Two arrays of real numbers, with that number of dimensions."""
    try:
        arrays = [np.asarray(host(value)) for value in given]
    except (TypeError, ValueError) as error:  # not a sequence, or rows of several lengths
        raise InputError(f"{name} cannot be read as two arrays of numbers ({error}).") from error
    if len(arrays) != 2 or any(a.ndim != ndim or a.dtype.kind not in "fiub" for a in arrays):
        found = ", ".join(f"{a.dtype} {a.shape}" for a in arrays[:4])
        raise InputError(
            f"{name} holds {len(arrays)} arrays ({found}); expected two of numbers, of {ndim} "
            f"dimension{'s' if ndim > 1 else ''}: one hidden layer has two layers of weights."
        )
    return arrays


def _of_one_dtype(arrays: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
    """The arrays in float32 or float64."""
    floating = [a.dtype for a in arrays if a.dtype.kind == "f"]
    dtype = np.result_type(np.float32, *floating) if floating else np.dtype(np.float64)
    dtype = min(dtype, np.dtype(np.float64), key=lambda kind: kind.itemsize)
    return [a.astype(dtype, copy=False) for a in arrays]


def _layer(inputs: int, outputs: int, random_state: Any) -> tuple[Any, Any]:
    bound = np.sqrt(6.0 / (inputs + outputs))
    W = random_state.uniform(-bound, bound, (inputs, outputs))
    return W, random_state.uniform(-bound, bound, outputs)
