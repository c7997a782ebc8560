"""The reference run as it was recorded: data, both starts, 200 losses by hand and by autograd.

`benchmarks/reference_run.py` records it, and needs torch; reading it needs NumPy only.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.equations import Parameters

FILE = Path(__file__).with_suffix(".json")


@dataclass(frozen=True, eq=False)
class Curve:
    """One way of training: loss and accuracy before each update.

    Attributes
    ----------
    loss : float64 ndarray of shape (epochs,)
    accuracy : float64 ndarray of shape (epochs,)
    """

    loss: NDArray[np.float64]
    accuracy: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Start:
    """One initialisation, and both ways of training from it.

    Attributes
    ----------
    name : str
        Where the parameters come from.
    params : Parameters
        float32: W1 (20, 64), b1 (64,), W2 (64, 5), b2 (5,).
    by_hand : Curve
        By the equations, on the reference engine.
    autograd : Curve
        By `loss.backward()` and `torch.optim.SGD`.
    """

    name: str
    params: Parameters
    by_hand: Curve
    autograd: Curve


@dataclass(frozen=True, eq=False)
class ReferenceRun:
    """N, d, H, K = 128, 20, 64, 5, full-batch SGD, float32.

    Attributes
    ----------
    X : float32 ndarray of shape (128, 20)
    y : int64 ndarray of shape (128,)
    learning_rate : float
    starts : tuple of Start
        The one of the run by hand, and PyTorch's own, of the run by autograd.
    versions : str
        Of what recorded it.
    """

    X: NDArray[np.float32]
    y: NDArray[np.int64]
    learning_rate: float
    starts: tuple[Start, Start]
    versions: str


def reference_run() -> ReferenceRun:
    """Return the recorded run.

    Examples
    --------
    >>> run = reference_run()
    >>> by_hand, torchs = run.starts
    >>> [f"{loss:.4f}" for loss in by_hand.by_hand.loss[49::50]]
    ['0.9842', '0.3256', '0.1020', '0.0477']
    >>> [f"{loss:.4f}" for loss in torchs.autograd.loss[49::50]]
    ['0.4812', '0.1280', '0.0550', '0.0318']
    """
    recorded = recorded_run()
    first, second = map(_start, recorded["starts"])
    return ReferenceRun(
        _array(recorded["X"]),
        np.array(recorded["y"], np.int64),
        recorded["learning_rate"],
        (first, second),
        recorded["versions"],
    )


@cache
def recorded_run() -> dict[str, Any]:
    """Return the JSON values of the file, which the page has as they are."""
    values: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return values


def packed(array: Any) -> dict[str, Any]:
    """Return an array of float32 or float64 as JSON: shape, and the bytes in base64."""
    array = np.ascontiguousarray(array)
    little = array.astype(array.dtype.newbyteorder("<"))
    return {"shape": list(array.shape),
            array.dtype.name: base64.b64encode(little.tobytes()).decode("ascii")}  # fmt: skip


def _array(found: dict[str, Any]) -> NDArray[Any]:
    """What `packed` was given."""
    (dtype,) = found.keys() - {"shape"}
    data = np.frombuffer(base64.b64decode(found[dtype]), np.dtype(dtype).newbyteorder("<"))
    return data.reshape(found["shape"]).astype(dtype)


def _start(found: dict[str, Any]) -> Start:
    params = Parameters(*(_array(found["params"][name]) for name in Parameters._fields))
    return Start(found["name"], params, _curve(found["by_hand"]), _curve(found["autograd"]))


def _curve(found: dict[str, Any]) -> Curve:
    return Curve(_array(found["loss"]), _array(found["accuracy"]).astype(np.float64))
