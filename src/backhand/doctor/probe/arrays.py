"""The arrays of a problem in the form that a function takes, and what it returns, back from it."""

from __future__ import annotations

import sys
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.doctor.frame.form import Form
from backhand.doctor.probe.names import THETA
from backhand.doctor.probe.problems import Problem
from backhand.doctor.probe.refusal import Reason, Refusal
from backhand.equations import Parameters

KINDS = ("numpy", "torch", "torch float32", "jax")
"""Arrays of these libraries are tried in turn."""


class Given(Parameters):
    """Parameters that can be read by attribute, by key and in order."""

    def __getitem__(self, key: Any) -> Any:
        return getattr(self, key) if isinstance(key, str) else super().__getitem__(key)

    def keys(self) -> tuple[str, ...]:
        """The four names."""
        return self._fields

    def items(self) -> list[tuple[str, Any]]:
        """Names and arrays."""
        return list(zip(self._fields, self, strict=True))


class Keyed(dict[str, Any]):
    """Parameters as a dict, for functions that assign to them or iterate over their names."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


def given(problem: Problem, form: Form) -> dict[str, NDArray[Any]]:
    """The arrays of a problem, as a function of this form takes them."""
    W1, b1, W2, b2 = problem.params
    arrays: dict[str, NDArray[Any]] = {"X": problem.X, "Y": problem.Y, "W1": W1, "W2": W2}
    if form.labels == "flat":
        arrays["Y"] = problem.Y[:, 0]
    if form.biases == "flat":
        arrays |= {"b1": b1, "b2": b2}
    elif form.biases != "none":
        shape = (1, -1) if form.biases == "row" else (-1, 1)
        arrays |= {"b1": b1.reshape(shape), "b2": b2.reshape(shape)}
    for name in _transposed(form):
        arrays[name] = arrays[name].T
    arrays = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    return {**arrays, "y": problem.y}


def shapes_of(problem: Problem, form: Form) -> dict[str, tuple[int, ...]]:
    """The shapes of gradients and forward values, as a function of this form returns them."""
    arrays = given(problem, form)
    N, H, K = len(problem.X), len(problem.params.b1), len(problem.params.b2)
    rows = {"Z1": (N, H), "H1": (N, H), "S": (N, K), "P": (N, K)}
    rows |= {"dH1": (N, H), "dZ1": (N, H), "dS": (N, K)}
    turned = form.layout == "columns"
    return {
        **{f"d{name}": arrays[name].shape for name in THETA if name in arrays},
        **{name: shape[::-1] if turned else shape for name, shape in rows.items()},
    }


def _transposed(form: Form) -> tuple[str, ...]:
    """The names of what a layout transposes."""
    return {"rows": (), "linear": ("W1", "W2"), "columns": ("X", "Y", "W1", "W2")}[form.layout]


def in_container(arrays: dict[str, Any], form: Form) -> Any:
    """All parameters as one argument."""
    theta = {name: arrays[name] for name in THETA if name in arrays}
    if form.container == "vector":
        return _joined([array.reshape(-1) for array in theta.values()])
    return Given(**theta) if form.container == "named" and len(theta) == 4 else Keyed(theta)


def _joined(parts: list[Any]) -> Any:
    """Arrays of any library, one after the other."""
    if isinstance(parts[0], np.ndarray):
        return np.concatenate(parts)
    if hasattr(parts[0], "detach"):
        return sys.modules["torch"].cat(parts)
    return sys.modules["jax"].numpy.concatenate(parts)


def held(values: dict[str, Any], arrays: dict[str, Any]) -> dict[str, Any]:
    """The four parameters as they are after a call: a container may have got others."""
    after = {name: arrays[name] for name in THETA if name in arrays}
    if isinstance(values["params"], Keyed):
        after |= {name: values["params"][name] for name in after if name in values["params"]}
    elif hasattr(values["params"], "shape"):  # a vector
        pieces = np.split(as_array("params", values["params"]), _ends(after))
        after = {name: piece.reshape(after[name].shape)
                 for name, piece in zip(after, pieces, strict=True)}  # fmt: skip
    for kind, names in (("weights", ("W1", "W2")), ("biases", ("b1", "b2"))):
        for name, now in zip(names, values[kind], strict=False):
            after[name] = after[name] if now is arrays[name] else now
    return after


def _ends(arrays: dict[str, Any]) -> NDArray[Any]:
    """Where each but the last ends in a vector of all."""
    return np.cumsum([prod(array.shape) for array in arrays.values()])[:-1]


def canonical(name: str, value: NDArray[Any], form: Form) -> NDArray[Any]:
    """A returned array, in the layout of the equations.

    A flat bias in place of a column has a shape that no equation gives: subtracted from the column,
    it gives a matrix.
    """
    if name == "L":
        return value.reshape(()) if value.size == 1 else value
    theta = name.removeprefix("new ").removeprefix("d")
    if theta in ("b1", "b2"):
        return _flat(value, form)
    transposed = form.layout == "columns" or (form.layout == "linear" and theta in ("W1", "W2"))
    return value.T if value.ndim == 2 and transposed else value


def _flat(value: NDArray[Any], form: Form) -> NDArray[Any]:
    """A bias, as (H,)."""
    if form.biases in ("flat", "none"):
        return value
    if form.biases == "column":
        value = value.T if value.ndim == 2 else value[None, None]
    return value[0] if value.ndim > 1 and len(value) == 1 else value


def as_array(name: str, value: Any) -> NDArray[Any]:
    """A NumPy array of an array or tensor of any library, a list or a number.

    Raises
    ------
    Refusal
        If it is none of these.
    """
    for step in ("detach", "cpu"):
        if hasattr(value, step) and not isinstance(value, np.ndarray):
            value = getattr(value, step)()
    if hasattr(value, "resolve_conj"):
        value = value.numpy()
    if isinstance(value, list | tuple) and any(hasattr(part, "detach") for part in value):
        value = [as_array(name, part) for part in value]
    try:
        array = np.array(value)  # a copy: the function may write to its own later
        if array.dtype.kind in "biu":
            array = array.astype(np.float64)
        if array.dtype.kind != "f":
            raise TypeError
    except (TypeError, ValueError) as error:
        raise Refusal(
            Reason.NOT_NUMBERS, f"its {name} is not an array of numbers but {described(value)}"
        ) from error
    return array


def described(value: Any) -> str:
    """What a value is, in a few words."""
    if isinstance(value, list | tuple):
        return f"a {type(value).__name__} of {len(value)}"
    if hasattr(value, "shape"):
        return f"an array of shape {tuple(value.shape)}"
    return f"{type(value).__name__} {value!r:.40}"


def converted(value: NDArray[Any], kind: str) -> Any:
    """A copy as an array of the library of that name."""
    if kind == "numpy":
        return value.copy()
    if kind == "jax":
        return sys.modules["jax"].numpy.array(value)
    torch = sys.modules["torch"]
    tensor = torch.tensor(value)
    return tensor.float() if kind.endswith("float32") and value.dtype.kind == "f" else tensor


def usable(kind: str) -> bool:
    """Whether arrays of a kind can be made: a function that wants them has imported the library."""
    return kind == "numpy" or kind.split()[0] in sys.modules
