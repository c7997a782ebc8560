"""A value of the passes: an array whose entries know where they come from."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from backhand.constraints import is_integer
from backhand.errors import InputError
from backhand.explanation.trace.entry import Entry
from backhand.explanation.trace.equation import axes_of, formula_of, line_of
from backhand.explanation.trace.passes import Passes
from backhand.support.visible_text import encodable


@dataclass(frozen=True, repr=False, eq=False)
class Value:
    """An array of the passes. An index gives an `Entry`; `numpy.asarray` gives the array.

    Attributes
    ----------
    passes : Passes
        All values of the trace.
    name : str
        As the equations call it: "dW1", "new W1", "losses".
    array : ndarray
        Its numbers, float64, read-only.
    shape : tuple of int
        Its shape; () for the loss.
    equation, formula : str
        The line of code that gives it, and its equation in index notation; "" if it is given.

    Examples
    --------
    >>> import backhand, numpy as np
    >>> dW1 = backhand.explain()["dW1"]
    >>> dW1
    dW1 (4, 8) = X.T @ dZ1
    >>> np.asarray(dW1).dtype, dW1[3, 7].label
    (dtype('float64'), 'dW1[3,7]')
    """

    passes: Passes
    name: str

    @property
    def array(self) -> NDArray[np.float64]:
        """Its numbers, float64, read-only."""
        return self.passes.values[self.name]

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape; () for the loss."""
        return self.array.shape

    @property
    def equation(self) -> str:
        """The line of code that gives it; "" if it is given."""
        return line_of(self.name, self.passes.problem)

    @property
    def formula(self) -> str:
        """Its equation in index notation; "" if it is given."""
        return formula_of(self.name, self.passes.problem)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False and dtype not in (None, self.array.dtype):
            raise ValueError(f"{self.name} is float64; as {dtype} it must be copied.")
        array: NDArray[Any] = np.array(self.array, dtype, copy=bool(copy)) if copy else np.asarray(
            self.array, dtype)  # fmt: skip
        return array

    def __getitem__(self, index: Any) -> Entry:
        places = index if isinstance(index, tuple) else (index,)
        if not all(map(is_integer, places)):
            raise InputError(
                f"{self.name}[{_written(places)}] is not one entry; expected {self._expected}. "
                f"For a part of the array, use numpy.asarray(trace['{self.name}'])."
            )
        if len(places) != len(self.shape):
            raise InputError(
                f"{self.name}[{_written(places)}] has {len(places)} "
                f"{'index' if len(places) == 1 else 'indices'}; expected {self._expected}."
            )
        for axis, (place, size) in enumerate(zip(places, self.shape, strict=True)):
            if not -size <= place < size:
                raise InputError(
                    f"{self.name}[{_written(places)}] does not exist: {self.name} is "
                    f"{self.shape}, so index {axis} must be in 0..{size - 1}."
                )
        found = tuple(int(p) % size for p, size in zip(places, self.shape, strict=True))
        return Entry(self.passes, self.name, found)

    @property
    def _expected(self) -> str:
        if not self.shape:
            return f"trace['{self.name}'][()], a single number"
        count = "one index" if len(self.shape) == 1 else f"{len(self.shape)} indices"
        return f"{count} ({axes_of(self.name)}: {self.shape})"

    def __len__(self) -> int:
        return len(self.array)

    def __iter__(self) -> Iterator[Any]:
        """Iterate as NumPy does: over the numbers of a vector, over the rows of a matrix."""
        return iter(self.array)

    def __contains__(self, number: object) -> bool:
        return number in self.array

    def __float__(self) -> float:
        return float(self.array)

    def __repr__(self) -> str:
        shape = f" {self.shape}" if self.shape else f" {float(self.array):.6g}"
        return f"{self.name}{shape}" + (f" = {self.equation}" if self.equation else "")

    def __str__(self) -> str:
        from backhand.explanation.trace.text import value_text

        text = value_text(self.name, self.array, self.passes.problem)
        return encodable(text, getattr(sys.stdout, "encoding", None) or "utf-8")

    def _repr_html_(self) -> str:
        from backhand.explanation.trace.html import value_html

        return value_html(self)


def _written(places: tuple[Any, ...]) -> str:
    return ", ".join(":" if isinstance(place, slice) else repr(place) for place in places)
