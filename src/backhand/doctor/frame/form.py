"""The form of a function: the shapes and containers of what it takes and returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Layout = Literal["rows", "linear", "columns"]
Biases = Literal["flat", "row", "column", "none"]
Labels = Literal["one_hot", "indices", "column", "flat"]
Outputs = Literal["K", "one"]
Container = Literal["named", "dict", "vector"]


@dataclass(frozen=True)
class Form:
    """How a function is called.

    Attributes
    ----------
    layout : {"rows", "linear", "columns"}
        As in the equations; weights as in `nn.Linear`; or all transposed, with examples as columns.
    biases : {"flat", "row", "column", "none"}
        (H,), (1, H), (H, 1), or none.
    labels : {"one_hot", "indices", "column", "flat"}
        (N, K), or (N,) class indices; for one output, (N, 1) or (N,), each 0 or 1.
    outputs : {"K", "one"}
        Number of outputs: one per class, or one for two classes.
    container : {"named", "dict", "vector"}
        All parameters as one argument: a named tuple with keys, a dict, or one flat vector with
        W1, b1, W2 and b2 in turn, each row by row.
    """

    layout: Layout = "rows"
    biases: Biases = "flat"
    labels: Labels = "one_hot"
    outputs: Outputs = "K"
    container: Container = "named"


REFERENCE_FORM = Form()
"""The form of `backhand.backward`."""
