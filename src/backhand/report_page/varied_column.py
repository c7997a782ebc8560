"""A network on a sample of rows, in which one column of the table is given other values."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backhand.equations import Activations, Parameters, forward
from backhand.tables.schema.columns import Column
from backhand.tables.schema.schema import Schema


class Place(NamedTuple):
    """A column of the table, and its columns of the matrix."""

    column: Column
    features: slice


def places(schema: Schema) -> list[Place]:
    """Return where each column of the table is in the matrix."""
    found, start = [], 0
    for column in schema.columns:
        found.append(Place(column, slice(start, start + column.width)))
        start += column.width
    return found


class Sample:
    """Rows on which a model is examined, with what the network computes for them.

    Parameters
    ----------
    params : Parameters
    X : ndarray of shape (n, d)
        Encoded rows.
    y : ndarray of shape (n,)
        Their classes.
    """

    def __init__(self, params: Parameters, X: NDArray[Any], y: NDArray[np.int64]) -> None:
        self.params = Parameters(*(np.asarray(value, np.float64) for value in params))
        self.X, self.y = np.asarray(X), y
        self.computed = forward(self.params, self.X.astype(np.float64))

    @property
    def rows(self) -> int:
        """The number of rows, n."""
        return len(self.X)

    def block(self, features: slice) -> NDArray[np.float64]:
        """Return the matrix columns (n, width) of one column of the table."""
        return self.X[:, features].astype(np.float64)

    def without(self, features: slice) -> NDArray[np.float64]:
        """Return Z1 (n, H) of all other columns."""
        rest: NDArray[np.float64] = (
            self.computed.Z1 - self.block(features) @ self.params.W1[features]
        )
        return rest

    def varied(
        self, features: slice, rest: NDArray[np.float64], given: NDArray[np.float64]
    ) -> Activations:
        """Return the activations where the column's features are `given`, (n, width) or (1, width).

        To a network in which one column varies, the other columns, `without(features)`, are a bias.
        """
        _, _, W2, b2 = self.params
        return forward(Parameters(self.params.W1[features], rest, W2, b2), given)
