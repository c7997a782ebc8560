"""L-BFGS: SciPy's minimiser, with the loss and gradients of a session.

It uses all rows for each step, so it has no batches, no learning rate and no order.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.engines import OptimizerState, Session
from backhand.equations import Parameters


@dataclass(frozen=True)
class Minimum:
    """Where L-BFGS ended.

    Attributes
    ----------
    params : Parameters
        In the dtype of the starting parameters.
    loss : float
        The loss at these parameters, penalty included.
    iterations : int
    result : scipy.optimize.OptimizeResult
        SciPy's own.
    """

    params: Parameters
    loss: float
    iterations: int
    result: Any


def minimise(
    session: Session,
    params: Parameters,
    *,
    iterations: int = 200,
    evaluations: int = 15000,
    gtol: float = 1e-4,
    after_each: Callable[[Parameters, float], None] | None = None,
) -> Minimum:
    """Minimise the session's objective on its rows from `params` on, by L-BFGS.

    Parameters
    ----------
    session : Session
        Only its gradient is used; it needs no optimizer.
    params : Parameters
        Where to start, float32 or float64.
    iterations, evaluations : int
        Maximum number of steps, and of points at which loss and gradient are computed.
    gtol : float
        It ends where no entry of the gradient is larger.
    after_each : callable, optional
        Called with parameters and loss after each step; may raise StopIteration to end.
    """
    from scipy.optimize import minimize

    kind = params.W1.dtype

    def loss_and_gradient(x: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        session.restore(OptimizerState(_unpack(x, params, kind), (), 0))
        loss, dtheta = session.gradient()
        # At infinity SciPy's line search steps back; at nan its arithmetic would break down.
        return (loss if math.isfinite(loss) else math.inf), _pack(dtheta)

    def after(intermediate_result: Any) -> None:
        if after_each is not None:
            found = intermediate_result
            after_each(_unpack(found.x, params, kind), float(found.fun))

    result = minimize(
        loss_and_gradient, _pack(params), method="L-BFGS-B", jac=True, callback=after,
        options={"maxiter": iterations, "maxfun": evaluations, "gtol": gtol},
    )  # fmt: skip
    return Minimum(_unpack(result.x, params, kind), float(result.fun), int(result.nit), result)


def _pack(params: Parameters) -> NDArray[np.float64]:
    """All numbers in one row: W1, W2, b1, b2, as scikit-learn orders them."""
    W1, b1, W2, b2 = params
    return np.concatenate([value.ravel() for value in (W1, W2, b1, b2)]).astype(np.float64)


def _unpack(x: NDArray[np.float64], like: Parameters, kind: Any) -> Parameters:
    W1, b1, W2, b2 = like
    ends = np.cumsum([W1.size, W2.size, b1.size])
    parts = np.split(x.astype(kind), ends)
    shapes = (W1.shape, W2.shape, b1.shape, b2.shape)
    W1, W2, b1, b2 = (part.reshape(shape) for part, shape in zip(parts, shapes, strict=True))
    return Parameters(W1, b1, W2, b2)
