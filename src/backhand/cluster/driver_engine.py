"""`DriverEngine`: what engines over workers leave to the engine of the driver."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from backhand.engines import Data, Engine, Predictor
from backhand.equations import Gradients, Parameters


class DriverEngine:
    """The base of engines over workers: gradients of plain rows, and predictions.

    Parameters
    ----------
    engine : Engine
        The engine of this process.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.name, self.precision = engine.name, engine.precision

    def loss_and_gradients(
        self, params: Parameters, data: Data, l2: float = 0.0
    ) -> tuple[float, Gradients]:
        return self._engine.loss_and_gradients(params, data, l2)

    def predictor(self, params: Parameters) -> Predictor:
        return self._engine.predictor(params)

    def predict_proba(self, params: Parameters, X: Any) -> NDArray[Any]:
        return self._engine.predict_proba(params, X)
