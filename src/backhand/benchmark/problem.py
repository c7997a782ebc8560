"""What all contenders do: a shape, data of that shape, and the weights to start from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from backhand.errors import InputError

if TYPE_CHECKING:  # a shape can be read before NumPy is loaded
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
        """Of one step: 4NdH for Z1 and dW1, 6NHK for S, dW2 and dH1; the rest is not counted."""
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
"""From a toy to a large batch of MNIST's."""

FEW_SHAPES = SHAPES[:3]
"""What is measured when nobody names a shape: about a minute."""


def parse_shape(text: str) -> Shape:
    """`128,20,64,5` as a shape.

    Raises
    ------
    InputError
        If it is anything else, or a size is too small.
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
    """X (N, d) float32, y (N,) int64 with every class in it where N allows, and θ to start from."""

    shape: Shape
    X: NDArray[Any]
    y: NDArray[Any]
    params: Parameters
    learning_rate: float = LEARNING_RATE


def make_problem(shape: Shape, seed: int = 0) -> Problem:
    """Normal random rows with random classes: the work does not depend on what is learnt."""
    import numpy as np

    from backhand.equations import init

    rng = np.random.default_rng([seed, *shape])
    X = rng.standard_normal((shape.N, shape.d), np.float32)
    y = rng.permutation(np.arange(shape.N) % shape.K)
    return Problem(shape, X, y, init(shape.d, shape.H, shape.K, seed))
