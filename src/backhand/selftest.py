"""Self-test of this installation: every engine against the formulas."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backhand.doctor.probe.evidence import relative_error
from backhand.doctor.probe.problems import ETA, L2, Problem, problem, problems
from backhand.engines import Block, Data, Engine, OptimizerState, make_engine
from backhand.equations import Parameters
from backhand.errors import BackhandError, MissingDependencyError
from backhand.formulas import derive
from backhand.optimizers import SGD

LIMITS = {"float64": 1e-10, "float32": 1e-5, "bf16": 0.1}
"""Largest relative errors of a correct engine. In bf16 a hidden unit whose Z1 is nearly 0 may be
active by rounding alone, which shows in a gradient of few rows."""

LARGER = ((70, 33, 40, 7), (257, 20, 64, 5))
"""N, d, H, K of problems that fill an engine's tiles, some of them partially."""


class Checked(NamedTuple):
    """An engine in one dtype, or in bf16: its largest errors, or why it could not be checked.

    `gradients`, `update` and `autograd` are ‖difference‖ / ‖right value‖: of loss and gradients, of
    one step of SGD, and of the gradients against autograd, where torch is installed.
    """

    engine: str
    dtype: str
    ok: bool
    gradients: float | None = None
    update: float | None = None
    autograd: float | None = None
    seconds: float = 0.0
    failure: str = ""


def check_installation(device: str | None = None) -> Iterator[Checked]:
    """Check the reference, fused and torch engines, each in float64, float32 and bf16."""
    for name in ("reference", "fused", "torch"):
        for dtype in LIMITS:
            began = time.perf_counter()
            try:
                rounds = dtype == "bf16"
                engine = make_engine(
                    name,
                    device if name == "torch" else None,
                    precision="bf16" if rounds else "auto",
                )
                errors = _errors(engine, "float32" if rounds else dtype)
            except BackhandError as error:
                yield Checked(name, dtype, ok=False, failure=str(error))
                break
            except Exception as error:  # any compiler error on an unknown CPU
                reason = (str(error).splitlines() or [""])[0]
                yield Checked(name, dtype, ok=False, failure=f"{type(error).__name__}: {reason}")
                break
            known = [error for error in errors if error is not None]
            yield Checked(
                name, dtype, max(known) <= LIMITS[dtype], *errors,
                seconds=time.perf_counter() - began,
            )  # fmt: skip


def _errors(engine: Engine, dtype: str) -> tuple[float, float, float | None]:
    """The largest errors of gradients and update, and against autograd if torch is installed."""
    gradients = update = 0.0
    autograd: float | None = None
    larger = [problem(f"{sizes}", 8 + i, sizes, "large") for i, sizes in enumerate(LARGER)]
    for one in (*problems(), *larger):
        right = derive(one.values(L2, ETA), {}, {})[0]
        theta = Parameters(*(value.astype(dtype) for value in one.params))
        data = Data(one.X.astype(dtype), one.y)
        loss, found = engine.loss_and_gradients(theta, data, L2)
        gradients = max(gradients, _error(right["L"], loss),
                        *(_error(right[name], value)
                          for name, value in found._asdict().items()))  # fmt: skip
        stepped = _step(engine, theta, data)
        update = max(update, *(
            _error(right[f"new {name}"], value) for name, value in stepped._asdict().items()
        ))  # fmt: skip
        expected = _by_autograd(one)
        if expected is not None:
            autograd = max(autograd or 0.0, *(
                _error(expected[name], value) for name, value in found._asdict().items()
            ))  # fmt: skip
    return gradients, update, autograd


def _by_autograd(one: Problem) -> dict[str, NDArray[Any]] | None:
    """All gradients by the autograd twin, or None without torch."""
    try:
        from backhand.torch_twin import loss_and_gradients
    except MissingDependencyError:
        return None
    return loss_and_gradients(one.params, Data(one.X, one.y), L2)[1]._asdict()


def _error(right: Any, found: Any) -> float:
    return relative_error(np.asarray(right), np.asarray(found, np.float64))


def _step(engine: Engine, theta: Parameters, data: Data) -> Parameters:
    """One update with all rows."""
    run = engine.start(OptimizerState.initial(theta, SGD()), data, SGD())
    rate, l2 = np.full((1, 1), ETA), np.full((1, 1), L2)
    run.advance(Block(batch_size=data.rows, learning_rate=rate, l2=l2))
    return run.state().params
