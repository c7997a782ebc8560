"""The engine whose rows are shared out over workers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from backhand.choices import PrecisionName
from backhand.cluster.driver_engine import DriverEngine
from backhand.cluster.other_machines import warn_of_others
from backhand.cluster.part_sums import EngineChoice, Model
from backhand.cluster.parted_data import PartedData
from backhand.cluster.parted_session import PartedSession, evaluated
from backhand.cluster.parts import Parts
from backhand.cluster.transport import Memory, Transport
from backhand.engines import (
    CROSS_ENTROPY,
    Block,
    BlockMetrics,
    Data,
    Engine,
    Objective,
    OptimizerState,
    Session,
    make_engine,
)
from backhand.engines.argument_checks import check_group
from backhand.engines.contract import advance_each
from backhand.equations import Parameters
from backhand.optimizers import Optimizer


class PartedEngine(DriverEngine):
    """Trains on rows that are shared out over workers; see `contract.Engine`.

    Each worker has an engine of its own, of the same name. Predictions, and whatever is computed of
    plain `Data`, are computed by the driver's.

    Parameters
    ----------
    parts : Parts
        Those of the rows.
    name, device, precision
        As for `make_engine`.
    threads : int, optional
        Maximum number of threads of the driver's engine, and of that of each worker. None: each
        worker uses the `threads` of the transport. Engines other than the fused one, whose bits
        depend on the number of threads, then use one.

    Examples
    --------
    >>> import backhand, numpy as np
    >>> from backhand.cluster.in_process import InProcess
    >>> from backhand.cluster.parted_data import parted
    >>> X, y = np.random.default_rng(0).standard_normal((64, 5)), np.arange(64) % 3
    >>> workers = InProcess(2)
    >>> data = parted(workers, Data(X, y), batch_size=16)
    >>> engine = PartedEngine(data.parts)
    >>> params = backhand.init(5, 8, 3, dtype=np.float64)
    >>> session = engine.start(OptimizerState.initial(params, None), data, None)
    >>> loss, gradient = session.gradient()
    >>> one, _ = engine.start(OptimizerState.initial(params, None), Data(X, y), None).gradient()
    >>> bool(abs(loss - one) < 1e-12)
    True
    >>> workers.close()
    """

    group = 1
    overhead = 0.0

    def __init__(
        self,
        parts: Parts,
        name: str = "auto",
        device: str | None = None,
        threads: int | None = None,
        precision: PrecisionName = "auto",
    ) -> None:
        super().__init__(make_engine(name, device, threads, precision))
        self._parts = parts
        chosen = self.name if name == "auto" else name  # the same on every worker
        if threads is None:
            threads = _threads_of_worker(self.name, parts.transport)
        self._choice = EngineChoice(chosen, device, threads, precision)

    @property
    def choice(self) -> EngineChoice:
        """The engine that each worker makes for itself."""
        return self._choice

    def divided(self, parts: int) -> list[Engine]:  # noqa: ARG002
        """Return this engine alone: its workers are busy with one session after the other."""
        return [self]

    def advance_all(
        self, sessions: Sequence[Session], blocks: Sequence[Block]
    ) -> list[BlockMetrics]:
        check_group(sessions, blocks)
        return advance_each(sessions, blocks)

    def prepare(self, dtype: Any, notify: Callable[[str], None]) -> None:
        """Prepare the driver's engine, and then those of the workers, without a notice."""
        self._engine.prepare(dtype, notify)
        self._parts.by_worker(_prepare, self._choice, dtype)

    def depends_on(self) -> dict[str, str]:
        """As of the driver's engine, with the number of parts.

        Fused engines of workers that depend on something else, such as another CPU, are warned of;
        others differ from the driver's in their number of threads anyway.
        """
        found = self._engine.depends_on()
        if self.name == "fused":
            places, holders = self._parts.transport.places, self._parts.holders
            workers = self._parts.by_worker(_depends_on, self._choice)
            warn_of_others(found, [(places[holders[part]], there) for part, there in workers])
        return {**found, "parts": str(self._parts.count)}

    def start(
        self,
        state: OptimizerState,
        data: PartedData | Data,
        optimizer: Optimizer | None,
        objective: Objective = CROSS_ENTROPY,
        validation: Any = None,
    ) -> Session:
        if isinstance(data, PartedData):
            return PartedSession(
                self._engine, self._choice, state, data, optimizer, objective, validation
            )
        return self._engine.start(state, data, optimizer, objective, validation)

    def evaluate(self, params: Parameters, data: PartedData | Data) -> tuple[float, float]:
        if isinstance(data, PartedData):
            return evaluated(self._choice, Model(params, 0, CROSS_ENTROPY), data)
        return self._engine.evaluate(params, data)


def _threads_of_worker(name: str, transport: Transport) -> int:
    """The threads of each worker, where the user did not say."""
    return transport.threads if name == "fused" else 1


def _prepare(_: dict[int, Memory], choice: EngineChoice, dtype: Any, _given: Any) -> None:
    choice.make().prepare(dtype, lambda _: None)


def _depends_on(
    memories: dict[int, Memory], choice: EngineChoice, _given: Any
) -> tuple[int, dict[str, str]]:
    """Return one of the worker's parts, and what the bits depend on there."""
    return next(iter(memories)), choice.make().depends_on()
