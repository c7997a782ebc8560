"""The other oracles: autograd, and central finite differences of the function's own loss."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from backhand.doctor.frame.network import REFERENCE
from backhand.doctor.probe.evidence import Evidence, alike
from backhand.doctor.probe.function import CheckedFunction
from backhand.doctor.probe.problems import Problem
from backhand.doctor.probe.refusal import Refusal
from backhand.equations import Parameters
from backhand.errors import MissingDependencyError
from backhand.formulas import GRADIENTS, compiled

STEP = 1e-5
SECONDS = 0.3
"""For all differences together; slow functions get fewer entries."""

FORWARD_READS = frozenset({"X", "Y", "W1", "b1", "W2", "b2", "N", "K", "l2"})

AGREE = 1e-5
"""Largest difference to a central one, relative to the largest of them."""


def by_autograd(problem: Problem, l2: float) -> dict[str, NDArray[np.float64]] | None:
    """All gradients of the reference network by `nn.Sequential`; None without torch."""
    from backhand.engines import Data

    try:
        from backhand.torch_twin import loss_and_gradients
    except MissingDependencyError:
        return None
    _, gradients = loss_and_gradients(problem.params, Data(problem.X, problem.y), l2)
    return gradients._asdict()


def by_autograd_of(problem: Problem, evidence: Evidence) -> dict[str, NDArray[np.float64]] | None:
    """All gradients of the evidence's network by autograd; None without torch.

    Another network than the reference is computed by autograd on its lines of the forward pass.
    """
    if evidence.network == REFERENCE:
        return by_autograd(problem, evidence.given["l2"])
    try:
        need_autograd()
    except MissingDependencyError:
        return None
    return _of_lines(evidence)


def _of_lines(evidence: Evidence) -> dict[str, NDArray[np.float64]]:
    """Autograd on the lines of the forward pass of a network."""
    import torch

    functions = {
        "maximum": lambda x, most: torch.clamp(x, min=most),
        "minimum": lambda x, most: torch.clamp(x, max=most),
        "where": torch.where, "exp": torch.exp, "log": torch.log, "tanh": torch.tanh,
        "sigmoid": torch.sigmoid, "softmax": lambda x: torch.softmax(x, dim=1),
        "gelu": torch.nn.functional.gelu,
        "gelu_tanh": lambda x: torch.nn.functional.gelu(x, approximate="tanh"),
    }  # fmt: skip
    values = {name: torch.tensor(value, dtype=torch.float64) if hasattr(value, "shape") else value
              for name, value in evidence.given.items() if name in FORWARD_READS}  # fmt: skip
    for W in GRADIENTS.values():
        values[W].requires_grad_()
    for name in ("Z1", "H1", "S", "P", "L"):
        code = evidence.lines[name].code(penalty=evidence.penalty)
        values[name] = eval(compiled(code), functions, values)
    values["L"].backward()
    found = {name: values[W].grad for name, W in GRADIENTS.items()}
    return {name: grad.numpy() for name, grad in found.items() if grad is not None}


def need_autograd() -> None:
    """Raise MissingDependencyError unless torch is installed."""
    import backhand.torch_twin  # noqa: F401


def torch_is_loaded() -> bool:
    """Whether torch has been imported already."""
    return "torch" in sys.modules


def by_differences(function: CheckedFunction, problem: Problem) -> dict[str, bool] | None:
    """Whether each gradient agrees with finite differences of the loss that the function returns.

    None if it returns no loss, or one too coarse.
    """
    if function.kind and function.kind.endswith("float32"):
        return None
    try:
        called = function.call(problem)
    except Refusal:
        return None
    values = called.outputs.values
    if "L" not in values or values["L"].size != 1 or values["L"].dtype != np.float64:
        return None
    rng = np.random.default_rng(0)
    most = int(SECONDS / 2 / max(called.seconds, 2e-5) / len(GRADIENTS))
    agreed: dict[str, bool] = {}
    began = time.perf_counter()
    for name, W in GRADIENTS.items():
        theta = getattr(problem.params, W)
        gradient = values.get(name)
        if gradient is None or gradient.shape != theta.shape:
            continue
        if gradient.dtype != np.float64 or time.perf_counter() - began > 2 * SECONDS:
            return None
        places = rng.permutation(theta.size)[: max(3, min(most, 24))]
        slopes = []
        for place in places:
            losses = _losses(function, problem, W, int(place))
            if losses is None:
                return None
            slopes.append((losses[0] - losses[1]) / (2 * STEP))
        seen = gradient.reshape(-1)[places]
        scale = max(np.abs(slopes).max(), np.abs(seen).max(), 1e-12)
        agreed[name] = bool(np.abs(np.asarray(slopes) - seen).max() <= AGREE * scale)
    return agreed or None


def _losses(function: CheckedFunction, problem: Problem, W: str, place: int) -> list[float] | None:
    losses = []
    for sign in (1, -1):
        theta = getattr(problem.params, W).copy()
        theta.reshape(-1)[place] += sign * STEP
        moved = Parameters(**{**problem.params._asdict(), W: theta})
        try:
            loss = function.loss(problem._replace(params=moved))
        except Refusal:
            return None
        if loss is None:
            return None
        losses.append(loss)
    return losses


def agreeing(
    autograd: Mapping[str, NDArray[np.float64]] | None,
    observed: Mapping[str, NDArray[np.float64]],
    allowed: Mapping[str, float],
) -> dict[str, bool]:
    """Whether each returned value agrees with autograd."""
    if autograd is None:
        return {}
    return {name: alike(np.asarray(autograd[name]), value, max(allowed[name], 1e-9))
            for name, value in observed.items() if name in autograd}  # fmt: skip
