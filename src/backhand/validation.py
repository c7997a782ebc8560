"""Checks of the equations' arguments.

Each raises `InputError` with the actual and the expected value. The checks read shapes and dtypes;
of values they read only class indices, for their minimum and maximum (a one-hot Y is not read).
"""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

import numpy as np
from array_api_compat import is_array_api_obj

from backhand.constraints import is_integer
from backhand.errors import InputError
from backhand.support.array_namespace import array_namespace

Array = Any

NUMBERED = "Number its classes: classes, y = numpy.unique(y, return_inverse=True)."
"""What to do about a y that is not of class indices."""


def check_init(d: int, H: int, K: int, seed: int = 0, dtype: Any = np.float32) -> None:
    """Check d, H ≥ 1, K ≥ 2, seed ≥ 0, all integers; dtype float32 or float64."""
    for name, value, least in (("d", d, 1), ("H", H, 1), ("K", K, 2), ("seed", seed, 0)):
        if not is_integer(value) or value < least:
            raise InputError(f"{name} is {value!r}; expected an integer of {least} or more.")
    if np.dtype(dtype) not in (np.float32, np.float64):
        raise InputError(f"dtype is {np.dtype(dtype)}; expected float32 or float64.")


def check_parameters(params: Any) -> None:
    """Check W1 (d, H), b1 (H,), W2 (H, K), b2 (K,): real floating point, one dtype."""
    if not isinstance(params, tuple) or len(params) != 4:
        raise InputError(
            f"params is a {type(params).__name__}; expected Parameters(W1, b1, W2, b2), "
            "as `backhand.init` returns them."
        )
    for name, value in zip(("W1", "b1", "W2", "b2"), params, strict=True):
        check_array(name, value, 1 if name in ("b1", "b2") else 2)
    W1, b1, W2, b2 = params
    got = f"W1 {size(W1)}, b1 {size(b1)}, W2 {size(W2)}, b2 {size(b2)}"
    if W1.shape[1] != b1.shape[0] or W1.shape[1] != W2.shape[0] or W2.shape[1] != b2.shape[0]:
        raise InputError(
            f"the parameters do not fit together: {got}; "
            "expected W1 (d, H), b1 (H,), W2 (H, K), b2 (K,)."
        )
    if not W1.dtype == b1.dtype == W2.dtype == b2.dtype:
        raise InputError(
            "the parameters are of several dtypes "
            f"({W1.dtype}, {b1.dtype}, {W2.dtype}, {b2.dtype}); expected one."
        )
    if not array_namespace(W1).isdtype(W1.dtype, "real floating"):
        raise InputError(f"the parameters are {W1.dtype}; expected floating point numbers.")


def check_forward(params: Any, X: Array, mask: Array | None = None) -> None:
    """Check X (N, d), N ≥ 1, against W1 (d, H), and mask (N, H)."""
    check_parameters(params)
    check_array("X", X, 2)
    check_one_library(W1=params[0], X=X)
    if not array_namespace(X).isdtype(X.dtype, ("bool", "integral", "real floating")):
        raise InputError(f"X holds {X.dtype}; expected real numbers.")
    if X.shape[1] != params[0].shape[0]:
        raise InputError(
            f"X is {size(X)} and W1 is {size(params[0])}: X has {X.shape[1]} columns "
            f"where W1 expects {params[0].shape[0]}."
        )
    if X.shape[0] == 0:
        raise InputError(f"X is {size(X)}: it has no rows; expected one or more.")
    if mask is not None:
        check_mask(mask, X, params[0])


def check_mask(mask: Array, X: Array, W1: Array) -> None:
    """Check mask (N, H): one real number per row and hidden unit."""
    check_array("mask", mask, 2)
    check_one_library(W1=W1, mask=mask)
    N, H = X.shape[0], W1.shape[1]
    if tuple(mask.shape) != (N, H):
        raise InputError(
            f"mask is {size(mask)}; expected {(N, H)}, one number per row and hidden unit."
        )
    if not array_namespace(mask).isdtype(mask.dtype, "real floating"):
        raise InputError(f"mask holds {mask.dtype}; expected 0 or 1/(1-p), floating point.")


def check_loss(S: Array, y: Array, sample_weight: Array | None = None) -> None:
    """Check S (N, K), y (N,) of indices or (N, K), sample_weight (N,)."""
    check_array("S", S, 2)
    if S.shape[0] == 0:
        raise InputError(f"S is {size(S)}: it has no rows; expected one or more.")
    check_labels(y, S.shape[0], S.shape[1])
    check_one_library(S=S, y=y, sample_weight=sample_weight)
    if sample_weight is not None:
        check_sample_weight(sample_weight, S.shape[0])


def check_sample_weight(sample_weight: Array, N: int) -> None:
    """Check sample_weight (N,): one weight per row."""
    if isinstance(sample_weight, str):
        raise InputError(
            f"sample_weight is {sample_weight!r:.30}; expected an array ({N},), one weight per "
            "row. MLPClassifier(class_weight='balanced') weights each row by "
            "N / (K · the rows of its class)."
        )
    check_array("sample_weight", sample_weight, 1)
    if sample_weight.shape[0] != N:
        raise InputError(
            f"sample_weight has {sample_weight.shape[0]} entries for {N} rows; expected one "
            "per row."
        )


def check_labels(y: Array, N: int, K: int) -> None:
    """Check y: N class indices 0..K-1 of an integer dtype, or one-hot (N, K)."""
    check_array("y", y)
    if y.ndim == 2 and tuple(y.shape) == (N, K):
        return
    if y.ndim != 1 or y.shape[0] != N:
        raise InputError(f"y is {size(y)}; expected ({N},) class indices or ({N}, {K}) one-hot.")
    xp = array_namespace(y)
    if not xp.isdtype(y.dtype, "integral"):
        raise InputError(
            f"y holds {y.dtype}; expected integers 0..{K - 1} or a one-hot ({N}, {K}). {NUMBERED}"
        )
    low, high = int(xp.min(y)), int(xp.max(y))
    if low < 0 or high >= K:
        raise InputError(
            f"y holds class indices from {low} to {high}; with {K} classes they must "
            f"be in 0..{K - 1}."
        )


def check_backward(
    params: Any,
    X: Array,
    y: Array,
    acts: Any,
    sample_weight: Array | None = None,
    l2: float = 0.0,
    mask: Array | None = None,
) -> None:
    """Check that the activations have the shapes that these parameters and this X give."""
    check_forward(params, X, mask)
    if not isinstance(acts, tuple) or len(acts) != 4:
        raise InputError(
            f"acts is a {type(acts).__name__}; expected the Activations(Z1, H1, S, P) "
            "of `forward(params, X)`."
        )
    N, H, K = X.shape[0], params[0].shape[1], params[2].shape[1]
    expected = ((N, H), (N, H), (N, K), (N, K))
    for name, value, shape in zip(("Z1", "H1", "S", "P"), acts, expected, strict=True):
        check_array(name, value, 2)
        if tuple(value.shape) != shape:
            raise InputError(f"{name} is {size(value)}; expected {shape}, of `forward(params, X)`.")
    check_loss(acts[2], y, sample_weight)


def check_one_library(**arrays: Any) -> None:
    """Check that all arrays are of one library."""
    try:
        array_namespace(*(array for array in arrays.values() if array is not None))
    except TypeError:
        kinds = ", ".join(f"{name} is a {type(a).__module__}.{type(a).__name__}"
                          for name, a in arrays.items() if a is not None)  # fmt: skip
        raise InputError(f"{kinds}; expected arrays of one library.") from None


def check_array(name: str, value: Any, ndim: int | None = None) -> None:
    """Check that the value is an array (of any array API library) with `ndim` dimensions."""
    if not is_array_api_obj(value):
        way = (
            "toarray converts it" if hasattr(value, "toarray") else "numpy.asarray converts a list"
        )
        raise InputError(f"{name} is a {type(value).__name__}; expected an array ({way}).")
    if ndim is not None and value.ndim != ndim:
        raise InputError(
            f"{name} is {size(value)}; expected {ndim} dimension{'s' if ndim > 1 else ''}."
        )


def size(array: Array) -> str:
    """Return the shape as text: `(128, 20)`."""
    return str(tuple(array.shape))


def check_sgd(params: Any, grads: Any, learning_rate: Any) -> None:
    """Check that each gradient has the shape of its parameter, and a finite learning rate."""
    check_parameters(params)
    if not isinstance(learning_rate, Real) or not math.isfinite(learning_rate):
        raise InputError(f"learning_rate is {learning_rate!r}; expected a finite number.")
    for name in ("W1", "b1", "W2", "b2"):
        gradient: Any = getattr(grads, f"d{name}", None)
        check_array(f"d{name}", gradient)
        if tuple(gradient.shape) != tuple(getattr(params, name).shape):
            raise InputError(
                f"d{name} is {size(gradient)} and {name} is "
                f"{size(getattr(params, name))}; expected one shape."
            )
