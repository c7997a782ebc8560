"""Random jobs for the fused engine in bf16, and what the equations in bf16 say to them."""

from __future__ import annotations

from typing import Any

import numpy as np

from backhand import bf16, equations
from backhand.engines import Objective, make_engine
from backhand.engines.fused import bf16_buffers, buffers
from backhand.engines.fused.engine import FusedEngine
from backhand.optimizers import SGD, Adam, Momentum, Nesterov
from backhand.support.differences import relative_difference
from helpers.fused_checks import Case, check_bits_of_threads, random_case, trained_by
from helpers.guard_pages import guarded

RULES = (SGD(), Momentum(0.75), Nesterov(0.5), Adam(0.875, 0.99, 1.0))

EXACT, ROUNDED = 1e-5, 3e-3
"""Sums of another order are mostly rounded to the same bf16; sometimes to the one beside it."""


def bf16_case(seed: int) -> Case:
    """A case in float32, with an optimizer whose constants are float."""
    return random_case(seed).in_dtype(np.float32)._replace(optimizer=RULES[seed % len(RULES)])


def check_bf16(seeds: range) -> None:
    """Gradients and ten updates of each case, of which nine in ten have to be exact."""
    errors = [error for seed in seeds for error in _errors(seed)]
    assert max(errors) <= ROUNDED, (seeds, max(errors))
    assert np.quantile(errors, 0.9) <= EXACT, seeds


def _errors(seed: int) -> tuple[float, float]:
    """The largest difference from the equations: of the gradients, and after the updates."""
    case = bf16_case(seed)
    params, (X, y, w, _), *_ = case
    acts = bf16.forward(params, X)
    grads = bf16.backward(params, X, y, acts, w, case.l2)
    loss = equations.cross_entropy(acts.S, y, w) + equations.penalty(params, case.l2)
    fused = FusedEngine(case.threads, precision="bf16")
    ours, found = fused.loss_and_gradients(params, case.data, case.l2)
    gradients = _largest([ours, *found], [loss, *grads])
    objective = Objective(dropout=0.25, dropout_seed=seed) if seed % 3 == 0 else Objective()
    trained = [trained_by(engine, case, objective)
               for engine in (fused, make_engine("reference", precision="bf16"))]  # fmt: skip
    return gradients, _largest(*trained)


def _largest(ours: list[Any], theirs: list[Any]) -> float:
    return max(float(relative_difference(a, b)) for a, b in zip(ours, theirs, strict=True))


def check_bits(seeds: range) -> None:
    """The trainings of the cases have the same bits for any number of threads."""
    for seed in seeds:
        check_bits_of_threads(bf16_case(seed), seed, "bf16")


def share_always() -> None:
    """As many threads as are asked for, however little there is to do."""
    buffers.PART_FLOPS = 1


def guard_buffers() -> None:
    """Let every buffer of the engine end, to a cache line, where reading on is a fault."""
    for module in (buffers, bf16_buffers):
        module.aligned = _guarded  # type: ignore[attr-defined]


def _guarded(count: int, dtype: Any, make: Any = np.zeros) -> Any:
    size = count * np.dtype(dtype).itemsize
    raw = guarded(np.zeros(-(-size // 64) * 64, np.uint8))
    return raw[:size].view(dtype)
