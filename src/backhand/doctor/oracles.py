"""The other oracles: autograd, and central finite differences of the function's own loss."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.doctor.probe.evidence import alike
from backhand.doctor.probe.function import CheckedFunction
from backhand.doctor.probe.problems import Problem
from backhand.doctor.probe.refusal import Refusal
from backhand.formulas import GRADIENTS, Line

STEP = 1e-5
SECONDS = 0.3
"""For all differences together; slow functions get fewer entries."""

AGREE = 1e-5
"""Largest difference to a central one, relative to the largest of them."""


def by_autograd(
    given: Mapping[str, Any], lines: Mapping[str, Line]
) -> dict[str, NDArray[np.float64]] | None:
    """The gradients of the loss that some lines compute, by torch's autograd; None without torch.

    Only the lines of the forward pass and of the loss are computed.
    """
    try:
        import torch
    except ImportError:
        return None
    values = {name: torch.as_tensor(value) if isinstance(value, np.ndarray) else value
              for name, value in given.items()}  # fmt: skip
    for W in GRADIENTS.values():
        values[W].requires_grad_()
    for name, line in lines.items():
        values[name] = line.evaluated(values, penalty=bool(given["l2"]), functions=_of_torch())
        if name == "L":
            break
        values[name].retain_grad()
    values["L"].backward()
    wanted = {"dS": "S", "dH1": "H1", "dZ1": "Z1", **GRADIENTS}
    return {name: values[of].grad.numpy() for name, of in wanted.items()
            if values[of].grad is not None}  # fmt: skip


@cache
def _of_torch() -> dict[str, Any]:
    """The functions that lines of networks use, of torch's own operations."""
    import torch
    from torch.nn import functional

    def tensor(x: Any) -> Any:
        return torch.as_tensor(x, dtype=torch.float64)

    return {
        **{name: getattr(torch, name)
           for name in ("exp", "log", "log2", "log10", "log1p", "sqrt", "abs", "sign", "tanh",
                        "sigmoid", "where", "clip", "norm")},
        "maximum": lambda a, b: torch.where(a > b, a, tensor(b)),
        "minimum": lambda a, b: torch.where(a < b, a, tensor(b)),
        "softmax": lambda S, axis=1: functional.softmax(S, axis),
        "gelu": functional.gelu,
        "gelu_tanh": lambda x: functional.gelu(x, approximate="tanh"),
    }  # fmt: skip


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
    began = time.process_time()
    for name, W in GRADIENTS.items():
        theta = getattr(problem.params, W)
        gradient = values.get(name)
        if gradient is None or gradient.shape != theta.shape:
            continue
        if gradient.dtype != np.float64 or time.process_time() - began > 2 * SECONDS:
            return None
        places = rng.permutation(theta.size)[: max(3, min(most, 24))]
        losses = function.losses(_moved(problem, W, places))
        if losses is None:
            return None
        ahead, behind = np.reshape(losses, (-1, 2)).T
        slopes = (ahead - behind) / (2 * STEP)
        seen = gradient.reshape(-1)[places]
        scale = max(np.abs(slopes).max(), np.abs(seen).max(), 1e-12)
        agreed[name] = bool(np.abs(slopes - seen).max() <= AGREE * scale)
    return agreed or None


def _moved(problem: Problem, W: str, places: Iterable[int]) -> Iterator[Problem]:
    """The problem with each of some entries of a parameter larger, and smaller, by a step."""
    for place in places:
        for sign in (1, -1):
            theta = getattr(problem.params, W).copy()
            theta.reshape(-1)[place] += sign * STEP
            yield problem._replace(params=problem.params._replace(**{W: theta}))


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
