"""The problem that all contenders solve: a shape, random data of it, and initial weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from backhand.errors import InputError

if TYPE_CHECKING:  # NumPy is not loaded when shapes are parsed
    from numpy.typing import NDArray

    from backhand.equations import Parameters

LEARNING_RATE = 0.01
"""Small enough that no shape diverges, however many steps a repeat needs."""


class Shape(NamedTuple):
    """N rows, d features, H hidden units, K classes."""

    N: int
    d: int
    H: int
    K: int

    @property
    def flops(self) -> int:
        """Operations of a step: 4NdH for Z1 and dW1, 6NHK for S, dW2 and dH1; no others count."""
        return 4 * self.N * self.d * self.H + 6 * self.N * self.H * self.K

    def __str__(self) -> str:
        return ",".join(map(str, self))


SHAPES = tuple(
    Shape(*sizes)
    for sizes in (
        (32, 4, 16, 3), (128, 20, 64, 5), (128, 784, 256, 10), (512, 384, 128, 10),
        (1024, 64, 128, 10), (8192, 784, 256, 10),
    )
)  # fmt: skip
"""The shapes of `make bench`: from a toy to a large batch of MNIST."""

FEW_SHAPES = SHAPES[:3]
"""The shapes of `backhand bench` without --shape, which take about a minute."""


def parse_shape(text: str) -> Shape:
    """Parse a shape such as `128,20,64,5`.

    Raises
    ------
    InputError
        If the text is not four whole numbers, or one of them is too small.
    """
    try:
        shape = Shape(*(int(size) for size in text.split(",")))
    except (TypeError, ValueError):
        raise InputError(
            f"the shape is '{text}'; expected four whole numbers N,d,H,K, such as 128,20,64,5."
        ) from None
    if min(shape[:3]) < 1 or shape.K < 2:
        raise InputError(
            f"the shape is '{text}'; expected N, d and H of 1 or more, and K of 2 or more."
        )
    return shape


@dataclass(frozen=True)
class Problem:
    """X (N, d) float32, y (N,) int64 with every class if N ≥ K, and the initial parameters."""

    shape: Shape
    X: NDArray[Any]
    y: NDArray[Any]
    params: Parameters
    learning_rate: float = LEARNING_RATE


def make_problem(shape: Shape, seed: int = 0) -> Problem:
    """Draw normal rows and random classes: the work does not depend on what can be learned."""
    import numpy as np

    from backhand.equations import init

    rng = np.random.default_rng([seed, *shape])
    X = rng.standard_normal((shape.N, shape.d), np.float32)
    y = rng.permutation(np.arange(shape.N) % shape.K)
    return Problem(shape, X, y, init(shape.d, shape.H, shape.K, seed))
