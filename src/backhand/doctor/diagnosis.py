"""Checking a function: calls of it, what they say, and the report."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.doctor import oracles
from backhand.doctor.localise.diagnose import diagnose
from backhand.doctor.probe.evidence import alike
from backhand.doctor.probe.function import Called, CheckedFunction
from backhand.doctor.probe.problems import ETA, Problem
from backhand.doctor.probe.process_state import kept
from backhand.doctor.probe.refusal import Refusal
from backhand.doctor.probe.run import (
    Calls,
    call_on_problems,
    corrected,
    evidence_of,
    with_other_arguments,
)
from backhand.doctor.probe.source import lines_of
from backhand.doctor.report.report import Report
from backhand.doctor.report.wording import CallFinding, Wording, refused
from backhand.doctor.verdicts import verdicts
from backhand.formulas import derive


def check(
    f: Callable[..., Any],
    *,
    layout: str = "rows",
    autograd: bool | None = None,
    seconds: float = 10.0,
) -> Report:
    """Say which equations of a hand-written backward pass are wrong, and what was written instead.

    Parameters
    ----------
    f : callable
        Takes X (N, d), Y (N, K) one-hot or y (N,) class indices, W1 (d, H), b1 (H,), W2 (H, K) and
        b2 (K,), or some of them, found by the names of its parameters; or `params`, which has the
        four as attributes and keys. It may take `l2` (or `reg`, `weight_decay`), λ of the penalty
        λ/2 (‖W1‖² + ‖W2‖²), and `learning_rate` (or `lr`, `eta`).

        It returns the gradients: a dict (`dW1`, `W1_grad`, `W1`, …), a tuple dW1, db1, dW2, db2, an
        object with such attributes, or a pair of the loss and these. What it returns of dS, dH1,
        dZ1, Z1, H1, S, P and the loss is judged too, each by what it was made of. With a learning
        rate it may return new parameters instead.

        It is called with NumPy arrays in float64; with torch's or JAX's if it refuses these.
    layout : {"rows", "linear", "columns"}
        "linear": weights as `nn.Linear` has them, (H, d) and (K, H). "columns": everything
        transposed, X (d, N), with biases (H, 1) and (K, 1). A function that runs in one of these
        only is taken to be written for it, and the report says so.
    autograd : bool, optional
        Whether to ask autograd as well, which needs torch; by default, if torch is loaded already.
    seconds : float
        How long one call may take.

    Returns
    -------
    Report
        `report.ok`, `report.findings`; it prints itself.

    Raises
    ------
    MissingDependencyError
        If autograd is to be asked, and torch is not installed.
    InputError
        If `f` is no function, or an argument is not what it should be. What is wrong with the
        function itself is a finding, never an exception.
    """
    with kept():
        return _checked(f, layout, autograd, seconds)


def _checked(f: Callable[..., Any], layout: str, autograd: bool | None, seconds: float) -> Report:
    began = time.perf_counter()
    name = getattr(f, "__qualname__", type(f).__qualname__)
    try:
        function = CheckedFunction(f, layout, seconds)
    except Refusal as refusal:
        return refused(name, refusal, time.perf_counter() - began)
    if autograd:
        oracles.need_autograd()
    calls = call_on_problems(function)
    if layout == "rows" and calls.refusals:
        function, calls = with_other_arguments(function, calls)
    if not calls.returned:
        return refused(name, calls.refusals[0], time.perf_counter() - began)
    by_autograd = oracles.torch_is_loaded() if autograd is None else autograd
    report = _report(function, calls, autograd=by_autograd, declared=layout)
    return replace(report, function=name, arrays=function.kind or "",
                   seconds=time.perf_counter() - began)  # fmt: skip


def assert_gradients(f: Callable[..., Any], **options: Any) -> None:
    """Check as `check` does, and fail with the diagnosis as the message.

    Raises
    ------
    AssertionError
        Unless all is right.
    """
    __tracebackhide__ = True
    report = check(f, **options)
    if not report.ok:
        raise AssertionError(f"the gradients are wrong\n\n{report}")


def _report(
    function: CheckedFunction, calls: Calls, *, autograd: bool, declared: str
) -> Report:  # fmt: skip
    """What is right and wrong in these calls; `declared`: the layout that `check` was given."""
    calls, corrections = corrected(calls)
    evidence = evidence_of(function, calls)
    with np.errstate(all="ignore"):
        found = diagnose(evidence, penalty=function.takes_l2, by_library=function.kind != "numpy")
        values = verdicts(function, calls, evidence, autograd=autograd, excused=found.excused)
        of_calls = CallFinding(
            corrections=corrections,
            changed=tuple(dict.fromkeys(n for _, c in calls.returned for n in c.changed)),
            step=_step_in_place(*calls.returned[0], l2=function.l2),
            refusal=calls.refusals[0] if calls.refusals else None,
            equal=calls.returned[0][0].equal,
        )
    absent = dict.fromkeys(name for _, called in calls.returned for name in called.outputs.absent)
    words = Wording(function, declared, lines_of(function.f), calls.problems)
    return words.report(found, tuple(absent), of_calls, values)


def _step_in_place(problem: Problem, called: Called, *, l2: float) -> str:
    """How a parameter was changed, if it was by a step along its gradient."""
    right = derive(problem.values(l2, ETA), {}, {})[0]
    for W in ("W2", "W1", "b2", "b1"):
        if W in called.changed and called.changed[W].shape == right[f"d{W}"].shape:
            moved = called.changed[W] - getattr(problem.params, W)
            gradient: NDArray[Any] = {**right, **called.outputs.values}[f"d{W}"]
            size = float(np.sum(gradient * gradient))
            if gradient.shape == moved.shape and size:
                c = -float(np.sum(moved * gradient)) / size
                if alike(-c * gradient, moved, 1e-6):
                    return f"{W} - {c:.4g} * d{W}"
    return ""
