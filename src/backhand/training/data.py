"""Converts arrays of any library to `Data`; an `InputError` reports what cannot be used."""

from __future__ import annotations

from typing import Any

import numpy as np
from array_api_compat import is_array_api_obj, to_device
from numpy.typing import NDArray

from backhand import validation
from backhand.engines import Data
from backhand.equations import Parameters
from backhand.errors import InputError


def host(array: Any) -> Any:
    """Return an array of any library as a plain NumPy array; anything else unchanged."""
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
    if (mask := getattr(array, "mask", None)) is not None:  # numpy.ma, which may not be imported
        if masked := int(np.count_nonzero(mask)):
            raise InputError(
                f"a masked array has {masked:,} masked entries of {array.size:,}; expected an "
                "array without a mask. Fill them in (`filled`), or drop them, first."
            )
        array = np.asarray(array)
    if array.dtype.kind == "f" and array.dtype.itemsize > 8:
        array = array.astype(np.float64)
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    backward = any(stride < 0 for stride in array.strides)
    return np.ascontiguousarray(array) if backward else array


def from_lists(name: str, values: Any) -> Any:
    """Nested lists of numbers, or a data frame of numbers, as an array; an array as it is."""
    listed = isinstance(values, list | tuple) or hasattr(values, "__array__")
    if is_array_api_obj(values) or not listed:
        return values
    try:
        array = np.asarray(values)
    except ValueError:  # rows of several lengths
        array = np.asarray(None)
    if array.dtype.kind not in "biuf":
        advice = f" {validation.NUMBERED}" if name == "y" and array.dtype.kind in "US" else ""
        raise InputError(
            f"{name} is a {type(values).__name__} that is not an array of numbers; expected "
            f"numbers only, and rows of one length.{advice}"
        )
    return array


def host_parameters(params: Any) -> Parameters:
    """Parameters as NumPy arrays, checked to fit together and to be finite."""
    validation.check_parameters(params)
    found = Parameters(*map(host, params))
    for name, value in zip(found._fields, found, strict=True):
        if not (finite := np.isfinite(value)).all():
            place = tuple(int(i) for i in np.argwhere(~finite)[0])
            raise InputError(
                f"params has {value[place]} in {name}, at {list(place)}; expected finite numbers "
                "to begin with."
            )
    return found


def make_data(params: Parameters, X: Any, y: Any, sample_weight: Any = None) -> Data:
    """X (N, d), y (N,) class indices or one-hot (N, K), sample_weight (N,), as NumPy arrays.

    Each may be an array of any library, or nested lists.

    X is converted to the parameters' dtype here, once, unless it holds whole numbers or is
    memory-mapped: then each batch is converted when it is loaded, and X is not copied.
    """
    X, y = host(from_lists("X", X)), host(from_lists("y", y))
    sample_weight = host(from_lists("sample_weight", sample_weight))
    validation.check_forward(params, X)
    N, K, dtype = X.shape[0], params.b2.shape[0], params.W1.dtype
    validation.check_labels(y, N, K)
    if y.ndim == 2:
        y = indices_of_one_hot(y)
    if sample_weight is not None:
        sample_weight = checked_weights(sample_weight, N, dtype)
    if X.dtype.kind == "f" and not isinstance(X, np.memmap):
        with np.errstate(over="ignore"):  # `check_finite` reports it where it matters
            X = X.astype(dtype, copy=False)
    return Data(X, y.astype(np.int64, copy=False), sample_weight)


def indices_of_one_hot(Y: NDArray[Any]) -> NDArray[np.int64]:
    """Y (N,) of a one-hot Y (N, K)."""
    if not (((Y == 0) | (Y == 1)).all() and (Y.sum(axis=1) == 1).all()):
        row = int(np.argmax(((Y != 0) & (Y != 1)).any(axis=1) | (Y.sum(axis=1) != 1)))
        raise InputError(
            f"row {row} of y is not a one-hot row; expected a single 1, and 0 elsewhere."
        )
    indices: NDArray[np.int64] = Y.argmax(axis=1)
    return indices


def checked_weights(w: Any, N: int, dtype: Any) -> NDArray[Any]:
    """Return N finite weights in that dtype, none negative and not all zero."""
    validation.check_sample_weight(w, N)
    if w.dtype.kind not in "fiub":
        raise InputError(f"sample_weight holds {w.dtype}; expected numbers.")
    with np.errstate(over="ignore", under="ignore"):
        weights: NDArray[Any] = w.astype(dtype, copy=False)
        total = weights.sum()
    if not np.isfinite(total) or (weights < 0).any() or total < np.finfo(dtype).tiny:
        raise InputError(
            f"sample_weight must be numbers of 0 or more, not all of them 0, whose sum {dtype} can "
            f"hold; they are between {w.min():g} and {w.max():g}."
        )
    return weights


def check_validation(validation: Any) -> None:
    """Check that the validation rows are two or three arrays; raise InputError otherwise."""
    if not isinstance(validation, tuple | list) or len(validation) not in (2, 3):
        raise InputError("validation must be (X, y) or (X, y, sample_weight).")
