"""The border of training: what users pass becomes `Data`, or an `InputError` says why not."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from array_api_compat import is_array_api_obj, to_device
from numpy.typing import NDArray

from backhand import shapes
from backhand.engines import Data
from backhand.equations import Parameters
from backhand.errors import InputError, did_you_mean
from backhand.training.schedules import SCHEDULES


def host(array: Any) -> Any:
    """An array of any library as a NumPy array; what is no array stays what it is."""
    if isinstance(array, np.ndarray) or not is_array_api_obj(array):
        return array
    return np.asarray(to_device(array, "cpu"))


def host_parameters(params: Any) -> Parameters:
    """Parameters as NumPy arrays, checked to fit together."""
    shapes.check_parameters(params)
    return Parameters(*map(host, params))


def make_data(params: Parameters, X: Any, y: Any, sample_weight: Any = None) -> Data:
    """X (N, d), y (N,) class indices or one-hot (N, K), sample_weight (N,), as NumPy arrays."""
    X, y, sample_weight = host(X), host(y), host(sample_weight)
    shapes.check_forward(params, X)
    if X.dtype.kind not in "fiub":
        raise InputError(f"X holds {X.dtype}; expected numbers.")
    N, K = X.shape[0], params.b2.shape[0]
    shapes.check_labels(y, N, K)
    if y.ndim == 2:
        y = indices_of_one_hot(y)
    if sample_weight is not None:
        check_sample_weight(sample_weight, N)
        sample_weight = sample_weight.astype(params.W1.dtype, copy=False)
    return Data(X, y.astype(np.int64, copy=False), sample_weight)


def indices_of_one_hot(Y: NDArray[Any]) -> NDArray[np.int64]:
    """Y (N,) of a one-hot Y (N, K)."""
    if not (((Y == 0) | (Y == 1)).all() and (Y.sum(axis=1) == 1).all()):
        row = int(np.argmax(((Y != 0) & (Y != 1)).any(axis=1) | (Y.sum(axis=1) != 1)))
        raise InputError(f"row {row} of y is no one-hot row; expected a single 1, and 0 elsewhere.")
    indices: NDArray[np.int64] = Y.argmax(axis=1)
    return indices


def check_sample_weight(w: Any, N: int) -> None:
    """N finite weights, none negative, not all zero."""
    shapes.check_array("sample_weight", w, 1)
    if w.shape[0] != N:
        raise InputError(
            f"sample_weight has {w.shape[0]} entries for {N} rows; expected one a row."
        )
    if w.dtype.kind not in "fiub" or not np.isfinite(w).all() or (w < 0).any() or not w.any():
        raise InputError("sample_weight must be finite numbers of 0 or more, not all of them 0.")


def check_finite(X: Any) -> None:
    """No nan and no infinity in X, or the place of the first."""
    if X.dtype.kind != "f":
        return
    for start in range(0, X.shape[0], 4096):
        bad = ~np.isfinite(X[start : start + 4096])
        if bad.any():
            row, column = (int(i) for i in np.argwhere(bad)[0])
            raise InputError(
                f"X holds {X[start + row, column]} at row {start + row}, column {column}; expected "
                "finite numbers. Fill in or drop what is missing first."
            )


def check_settings(
    *,
    epochs: Any,
    batch_size: Any,
    learning_rate: Any,
    schedule: Any,
    warmup: Any,
    seed: Any,
) -> None:
    """What can be said of how to train before there are rows to train on."""
    check_number("epochs", epochs, 1)
    check_number("seed", seed, 0)
    if batch_size is not None:
        check_number("batch_size", batch_size, 1)
    check_number("learning_rate", learning_rate, 0.0, above=True)
    check_number("warmup", warmup, 0.0, 1.0)
    if schedule not in SCHEDULES:
        raise InputError(f"schedule is '{schedule}'. {did_you_mean(str(schedule), SCHEDULES)}")


def check_number(
    name: str, value: Any, least: float, most: float = math.inf, *, above: bool = False
) -> None:
    """A finite number in [least, most], or with `above` in (least, most]."""
    sort = "an integer" if isinstance(least, int) else "a number"
    try:
        ok = math.isfinite(value) and (value > least if above else value >= least) and value <= most
    except TypeError:
        ok = False
    if not ok or (isinstance(least, int) and not shapes.is_integer(value)):
        bound = f"above {least}" if above else f"of {least} or more"
        upper = "" if math.isinf(most) else f", at most {most}"
        raise InputError(f"{name} is {value!r}; expected {sort} {bound}{upper}.")
