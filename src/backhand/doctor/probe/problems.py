"""The problems that a function is called on: small, random, chosen to distinguish faults."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backhand.doctor.frame.form import Outputs
from backhand.equations import Parameters

L2, ETA = 0.3, 0.25
"""Values of λ and η for functions that take them."""

SMOOTH = "B"
"""The name of the problem on which the loss has a derivative everywhere."""

CORNER = 1e-3
"""No Z1 is nearer to 0, unless it is 0."""

PLAIN = (6, 9, 11, 4)
"""N, d, H, K, all different; and N ≤ d + 1, N ≤ H + 1, so that dS and dZ1 follow from gradients."""

CONFIDENT = {"K": 2842, "one": 340}
"""Seeds of which the first draw is a confident problem; most seeds need thousands."""

OTHER = (8, 10, 13, 5)


class Problem(NamedTuple):
    """X (N, d), y (N,), Y (N, K) and where to differentiate, all float64.

    `kind` is that of `problem`; `equal` says which sizes are equal: "H = K".
    """

    name: str
    X: NDArray[np.float64]
    y: NDArray[np.int64]
    params: Parameters
    kind: str = ""
    equal: str = ""

    @property
    def Y(self) -> NDArray[np.float64]:
        """One-hot; for one output, (N, 1) of 0 and 1."""
        K = len(self.params.b2)
        return np.eye(K)[self.y] if K > 1 else self.y[:, None].astype(float)

    def values(self, l2: float, eta: float) -> dict[str, Any]:
        """All that the lines of the derivation read."""
        W1, b1, W2, b2 = self.params
        N, d, (H, K) = len(self.X), len(W1), W2.shape
        return {"X": self.X, "Y": self.Y, "y": self.y, "W1": W1, "b1": b1, "W2": W2, "b2": b2,
                "N": N, "d": d, "H": H, "K": K, "l2": l2, "eta": eta}  # fmt: skip


def problem(name: str, seed: int, sizes: tuple[int, int, int, int], kind: str) -> Problem:
    """A random problem.

    Its kinds: "corners" has Z1 that are exactly 0, for a whole unit and in a row of zeros, one that
    is exactly 1, and rows of which all logits are negative; "smooth" has none of that; "confident"
    has large X, large gradients, and probabilities from 1e-12 to 1 - 1e-8; "large" is of any size,
    as it comes.

    All numbers are exact in float32.
    """
    rng = np.random.default_rng(seed)
    N, d, H, K = sizes
    while True:
        X = rng.standard_normal((N, d)) * (8 if kind == "confident" else 1)
        W1 = rng.standard_normal((d, H)) * 1.2 / d**0.5 / (8 if kind == "confident" else 1)
        b1, b2 = 0.5 * rng.standard_normal(H), 0.5 * rng.standard_normal(K)
        W2 = rng.standard_normal((H, K)) * 1.5 / H**0.5
        if kind == "confident":  # and small H1, so that dH1 is large
            W1, b1, W2 = W1 / 8, b1 / 8, W2 * 26
        if kind == "corners":
            X[1] = 0
            W1[:, 2] = 0
            b1[[0, 2, 4]] = 0, 0, 1
            b2 -= 1
        X, W1, b1, W2, b2 = (x.astype(np.float32).astype(float) for x in (X, W1, b1, W2, b2))
        found = Problem(name, X, _classes(rng, N, K), Parameters(W1, b1, W2, b2), kind)
        if kind == "large" or _tells_apart(found, kind):
            return found


def _classes(rng: np.random.Generator, N: int, K: int) -> NDArray[np.int64]:
    """Uneven classes; the last is there, and the first twice. One output is of two classes."""
    K = max(K, 2)
    y = np.minimum(rng.integers(0, K, N), rng.integers(0, K, N))
    y[rng.permutation(N)[:3]] = [K - 1, 0, 0]
    return y.astype(np.int64)


def _tells_apart(found: Problem, kind: str) -> bool:
    """No Z1 is so near to 0 that rounding decides, no unit is idle but the planted one, no true
    class has a probability that vanishes, and dS and dZ1 follow from the gradients.
    """
    X, y, (W1, b1, W2, b2) = found.X, found.y, found.params
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    S = H1 @ W2 + b2
    best = S.max(axis=1)
    if S.shape[1] == 1:  # the logits of both classes
        S = np.hstack([np.zeros_like(S), S])
    true = S[np.arange(len(X)), y] - S.max(axis=1)
    if true.min() <= -8 or np.abs(Z1[Z1 != 0]).min() <= CORNER:
        return False
    if (H1.max(axis=0) == 0).sum() > 1:
        return False
    if kind == "corners" and not best.min() < 0 < best.max():
        return False
    if kind == "confident":
        ahead = np.ptp(np.sort(S, axis=1)[:, -2:], axis=1)
        if ahead.max() <= 16 or np.ptp(S, axis=1).max() >= 30:
            return False
    ones = np.ones((len(X), 1))
    return all(np.linalg.matrix_rank(np.hstack([A, ones])) == len(X) for A in (X, H1))


@cache
def problems(outputs: Outputs = "K") -> tuple[Problem, ...]:
    """The problems, in the order in which they are tried; the first comes once more."""
    plain, other = ((*sizes[:3], 1 if outputs == "one" else sizes[3]) for sizes in (PLAIN, OTHER))
    first = problem("A", 1, plain, "corners")
    return (
        first,
        problem("A'", 2, plain, "corners"),
        first,
        problem(SMOOTH, 3, other, "smooth"),
        problem("C", CONFIDENT[outputs], plain, "confident"),
    )


@cache
def square_problems(*, all_sizes: bool) -> tuple[Problem, ...]:
    """For functions that cannot be computed unless H = K, or unless all four are equal."""
    sizes, equal = ((6, 6, 6, 6), "N = d = H = K") if all_sizes else ((5, 8, 6, 6), "H = K")
    first, second, other = (
        problem(name, seed, sizes, kind)._replace(equal=equal)
        for name, seed, kind in (("A", 5, "corners"), ("A'", 6, "corners"), (SMOOTH, 7, "smooth"))
    )
    return (first, second, first, other)
