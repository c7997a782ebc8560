"""The border of training: what users pass becomes `Data`, or an `InputError` says why not."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from array_api_compat import is_array_api_obj, to_device
from numpy.typing import NDArray

from backhand import validation
from backhand.engines import Data, is_sparse
from backhand.equations import Parameters
from backhand.errors import InputError, did_you_mean
from backhand.training.early_stopping import EarlyStopping
from backhand.training.schedules import SCHEDULES


def host(array: Any) -> Any:
    """An array of any library as a plain NumPy array; what is no array stays what it is."""
    if not is_array_api_obj(array):
        return array
    if not isinstance(array, np.ndarray):
        array = array.detach() if hasattr(array, "detach") else array
        try:
            array = np.asarray(to_device(array, "cpu"))
        except TypeError as error:
            raise InputError(
                f"an array of {array.dtype} cannot be used; convert it first."
            ) from error
    if array.dtype.kind == "f" and array.dtype.itemsize > 8:
        array = array.astype(np.float64)
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    backward = any(stride < 0 for stride in array.strides)
    return np.ascontiguousarray(array) if backward else array


def host_parameters(params: Any) -> Parameters:
    """Parameters as NumPy arrays, checked to fit together."""
    validation.check_parameters(params)
    return Parameters(*map(host, params))


def make_data(params: Parameters, X: Any, y: Any, sample_weight: Any = None) -> Data:
    """X (N, d), y (N,) class indices or one-hot (N, K), sample_weight (N,), as NumPy arrays.

    X is converted to the parameters' dtype here, once, unless it holds whole numbers or is
    memory-mapped: then each batch is converted when its turn comes, and memory stays as it is.
    """
    X, y, sample_weight = host(X), host(y), host(sample_weight)
    validation.check_forward(params, X)
    N, K, dtype = X.shape[0], params.b2.shape[0], params.W1.dtype
    validation.check_labels(y, N, K)
    if y.ndim == 2:
        y = indices_of_one_hot(y)
    if sample_weight is not None:
        sample_weight = checked_weights(sample_weight, N, dtype)
    if X.dtype.kind == "f" and not isinstance(X, np.memmap):
        with np.errstate(over="ignore"):  # `check_finite` says so where it matters
            X = X.astype(dtype, copy=False)
    return Data(X, y.astype(np.int64, copy=False), sample_weight)


def indices_of_one_hot(Y: NDArray[Any]) -> NDArray[np.int64]:
    """Y (N,) of a one-hot Y (N, K)."""
    if not (((Y == 0) | (Y == 1)).all() and (Y.sum(axis=1) == 1).all()):
        row = int(np.argmax(((Y != 0) & (Y != 1)).any(axis=1) | (Y.sum(axis=1) != 1)))
        raise InputError(f"row {row} of y is no one-hot row; expected a single 1, and 0 elsewhere.")
    indices: NDArray[np.int64] = Y.argmax(axis=1)
    return indices


def checked_weights(w: Any, N: int, dtype: Any) -> NDArray[Any]:
    """N finite weights in that dtype, none negative, not all zero."""
    validation.check_sample_weight(w, N)
    if w.dtype.kind not in "fiub":
        raise InputError(f"sample_weight holds {w.dtype}; expected numbers.")
    with np.errstate(over="ignore", under="ignore"):
        weights: NDArray[Any] = w.astype(dtype, copy=False)
        total = weights.sum()
    if not np.isfinite(total) or (weights < 0).any() or total < np.finfo(dtype).tiny:
        raise InputError(
            f"sample_weight must be numbers of 0 or more, not all of them 0, whose sum {dtype} can "
            f"hold; they lie between {w.min():g} and {w.max():g}."
        )
    return weights


def check_finite(X: Any, dtype: Any) -> None:
    """No nan and no infinity in X, as numbers of that dtype, or the place of the first."""
    if is_sparse(X):
        _check_finite_entries(X, dtype)
        return
    for start in range(0, X.shape[0], 4096):
        with np.errstate(over="ignore"):
            bad = ~np.isfinite(X[start : start + 4096].astype(dtype, copy=False))
        if bad.any():
            row, column = (int(i) for i in np.argwhere(bad)[0])
            raise _not_finite(X[start + row, column], start + row, column, dtype)


def _check_finite_entries(X: Any, dtype: Any) -> None:
    with np.errstate(over="ignore"):
        bad = ~np.isfinite(X.data[: X.indptr[-1]].astype(dtype, copy=False))
    if bad.any():
        place = int(np.argmax(bad))
        row = int(np.searchsorted(X.indptr, place, side="right")) - 1
        raise _not_finite(X.data[place], row, X.indices[place], dtype)


def _not_finite(value: Any, row: int, column: int, dtype: Any) -> InputError:
    return InputError(
        f"X holds {value} at row {row}, column {column}; expected finite numbers that {dtype} can "
        "hold. Fill in or drop what is missing first."
    )


def check_settings(
    *,
    epochs: Any,
    batch_size: Any,
    learning_rate: Any,
    schedule: Any,
    warmup: Any,
    seed: Any,
    power_t: Any = 0.5,
    l2: Any = 0.0,
    alpha: Any = 0.0,
    dropout: Any = 0.0,
) -> None:
    """What can be said of how to train before there are rows to train on."""
    check_number("epochs", epochs, 1)
    check_number("seed", seed, 0)
    if batch_size is not None:
        check_number("batch_size", batch_size, 1)
    check_number("learning_rate", learning_rate, 0.0, above=True)
    check_number("warmup", warmup, 0.0, 1.0)
    check_number("power_t", power_t, 0.0)
    check_number("l2", l2, 0.0)
    check_number("alpha", alpha, 0.0)
    check_number("dropout", dropout, 0.0, 1.0)
    if dropout == 1:
        raise InputError("dropout is 1, which leaves no hidden unit; expected a share below 1.")
    if schedule not in SCHEDULES:
        raise InputError(f"schedule is '{schedule}'. {did_you_mean(str(schedule), SCHEDULES)}")


def check_early_stopping(rule: EarlyStopping | None, schedule: str, validation: Any) -> None:
    """There are rows for what is watched, and there is a watch where the schedule needs one."""
    if rule is None:
        if schedule == "adaptive":
            raise InputError(
                "the schedule 'adaptive' acts when early stopping would: pass "
                "early_stopping=EarlyStopping(…)."
            )
    elif validation is None and rule.needs_validation:
        raise InputError(
            f"early stopping watches the {rule.gives_back or rule.monitor}, and there are no "
            "validation rows. Pass validation=(X, y), or take monitor='loss'."
        )


def check_callbacks(callbacks: Any) -> None:
    """A sequence of callables."""
    if not isinstance(callbacks, tuple | list) or not all(map(callable, callbacks)):
        raise InputError(
            f"callbacks is {callbacks!r}; expected a list of callables. (An EarlyStopping is "
            "passed as early_stopping=.)"
        )


def check_validation(validation: Any) -> None:
    """A pair of arrays, or three."""
    if not isinstance(validation, tuple | list) or len(validation) not in (2, 3):
        raise InputError("validation must be (X, y) or (X, y, sample_weight).")


def check_number(
    name: str, value: Any, least: float, most: float = math.inf, *, above: bool = False
) -> None:
    """A finite number in [least, most], or with `above` in (least, most]."""
    sort = "an integer" if isinstance(least, int) else "a number"
    try:
        ok = math.isfinite(value) and (value > least if above else value >= least) and value <= most
    except TypeError:
        ok = False
    if not ok or (isinstance(least, int) and not validation.is_integer(value)):
        bound = f"above {least}" if above else f"of {least} or more"
        upper = "" if math.isinf(most) else f", at most {most}"
        raise InputError(f"{name} is {value!r}; expected {sort} {bound}{upper}.")
