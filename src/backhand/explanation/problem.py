"""A problem to explain: parameters, a few rows with their classes, and the names of things."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.equations import Parameters
from backhand.explanation.origins import Origin

MOST_WRITTEN_OUT = 2000
"""Numbers of an array up to which JSON has them as numbers; longer ones are base64 of float64."""


@dataclass(frozen=True, eq=False)
class Problem:
    """What a forward and a backward pass start from, all in float64.

    Attributes
    ----------
    params : Parameters
        W1 (d, H), b1 (H,), W2 (H, K), b2 (K,).
    X : ndarray of shape (N, d)
    Y : ndarray of shape (N, K)
        One-hot, or any rows that sum to 1.
    sample_weight : ndarray of shape (N,), optional
    mask : ndarray of shape (N, H), optional
        M of dropout: 0 or 1/(1-p).
    l2 : float
        λ of the penalty.
    learning_rate : float
        η of the update.
    rows, features, classes : tuple of str
        Names, as many as there are.
    title : str
        What it is about, in a few words.
    origins : tuple of Origin
        Where each column of X comes from, if it is encoded from a table.
    trained_l2 : float
        λ that the model was trained with; 0 for none, or if it is unknown.
    """

    params: Parameters
    X: NDArray[np.float64]
    Y: NDArray[np.float64]
    sample_weight: NDArray[np.float64] | None = None
    mask: NDArray[np.float64] | None = None
    l2: float = 0.0
    learning_rate: float = 0.1
    rows: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    title: str = ""
    origins: tuple[Origin, ...] = ()
    trained_l2: float = 0.0

    @property
    def about_penalty(self) -> str:
        """A sentence that says so if the model was trained with another λ; "" if it was not."""
        if self.trained_l2 in (0, self.l2):
            return ""
        trained = f"{self.trained_l2:g}"
        here = f"here λ is {self.l2:g}" if self.l2 else f"l2={trained} (--l2 {trained}) adds it"
        return f"Trained with the penalty λ {trained}; {here}."

    def to_json(self) -> dict[str, Any]:
        """Return what JSON can hold; arrays as `array_to_json` writes them, absent ones as null."""
        arrays: Mapping[str, Any] = {
            **self.params._asdict(), "X": self.X, "Y": self.Y,
            "sample_weight": self.sample_weight, "mask": self.mask,
        }  # fmt: skip
        return {
            **{name: None if a is None else array_to_json(a) for name, a in arrays.items()},
            "l2": self.l2, "learning_rate": self.learning_rate, "rows": list(self.rows),
            "features": list(self.features), "classes": list(self.classes), "title": self.title,
        }  # fmt: skip


def array_to_json(array: NDArray[Any]) -> dict[str, Any]:
    """Return the shape of an array, and its numbers row by row: exactly those, whichever way."""
    array = np.asarray(array, np.float64)
    if array.size <= MOST_WRITTEN_OUT and np.isfinite(array).all():  # JSON has no NaN and no ∞
        return {"shape": list(array.shape), "numbers": array.ravel().tolist()}
    data = array.astype("<f8").tobytes()
    return {"shape": list(array.shape), "float64": base64.b64encode(data).decode("ascii")}
