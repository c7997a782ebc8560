"""Checking a function: call it, diagnose what it returned, write the report."""

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
from backhand.doctor.probe.forms import forms_of
from backhand.doctor.probe.function import Called, CheckedFunction
from backhand.doctor.probe.problems import ETA, Problem
from backhand.doctor.probe.process_state import kept
from backhand.doctor.probe.refusal import Reason, Refusal
from backhand.doctor.probe.run import (
    Calls,
    call_on_problems,
    corrected,
    evidence_of,
    finite_differences,
    in_another_form,
    on_equal_sizes,
    settled,
)
from backhand.doctor.probe.signature import arguments_of
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
    """Find which equations of a hand-written backward pass are wrong, and how.

    The function is called on small random problems. What it returns is compared with the equations,
    and with every fault of a dictionary in their place, alone and in pairs.

    Parameters
    ----------
    f : callable
        Takes X (N, d), Y (N, K) one-hot or y (N,) class indices, W1 (d, H), b1 (H,), W2 (H, K) and
        b2 (K,), or some of them, matched by the names of its parameters; or `params`, which has the
        four as attributes and keys. It may take `l2` (or `reg`, `weight_decay`), λ of the penalty
        λ/2 (‖W1‖² + ‖W2‖²), and `learning_rate` (or `lr`, `eta`).

        It returns the gradients: a dict (`dW1`, `W1_grad`, `W1`, …), a tuple dW1, db1, dW2, db2, an
        object with such attributes, or a pair of the loss and these. What it returns of dS, dH1,
        dZ1, Z1, H1, S, P and the loss is compared too, each given its own inputs. If it takes a
        learning rate, it may return new parameters instead.

        It is called with NumPy arrays in float64, or with those of torch or JAX if it raises on
        these.
    layout : {"rows", "linear", "columns"}, default "rows"
        "linear": weights as in `nn.Linear`, (H, d) and (K, H). "columns": everything transposed, X
        (d, N), with biases (H, 1) and (K, 1). If a function runs in one of these only, that one is
        used, and the report says so.
    autograd : bool, optional
        Whether to compare with autograd as well, which needs torch; by default, if torch has been
        imported already.
    seconds : float, default 10.0
        Time limit for one call, in seconds.

    Returns
    -------
    Report
        `report.outcome` ("correct", "wrong" or "not judged"), and `report.findings` with `id`,
        `equation`, `mistake`, `certain` and `suggestion`. `print(report)` shows all of it.

    Raises
    ------
    MissingDependencyError
        If `autograd` is True and torch is not installed.
    InputError
        If `f` is not callable, or an argument is out of range. Whatever is wrong with the function
        itself is a finding, never an exception.

    See Also
    --------
    assert_gradients : The same in a test suite.

    Examples
    --------
    >>> import numpy as np
    >>> import backhand
    >>> def backward(X, Y, W1, b1, W2, b2):
    ...     Z1 = X @ W1 + b1
    ...     H1 = np.maximum(Z1, 0)
    ...     E = np.exp(H1 @ W2 + b2)
    ...     dS = (E / E.sum(axis=1, keepdims=True) - Y) / len(X)
    ...     dZ1 = dS @ W2.T
    ...     return X.T @ dZ1, dZ1.sum(axis=0), H1.T @ dS, dS.sum(axis=0)
    >>> report = backhand.check(backward)
    >>> report.ok
    False
    >>> [finding.id for finding in report.findings]
    ['dZ1.mask.missing']
    """
    with kept():
        return _checked(f, layout, autograd, seconds)


def _checked(f: Callable[..., Any], layout: str, autograd: bool | None, seconds: float) -> Report:
    began = time.perf_counter()
    name = getattr(f, "__qualname__", type(f).__qualname__)
    try:
        forms = forms_of(arguments_of(f), {} if layout == "rows" else {"layout": layout})
        function = CheckedFunction(f, forms[0], seconds)
    except Refusal as refusal:
        return refused(name, refusal, time.perf_counter() - began)
    if autograd:
        oracles.need_autograd()
    calls = call_on_problems(function)
    if calls.refusals:
        function, calls = in_another_form(function, forms, calls)
    if not calls.returned and calls.refusals[0].reason is Reason.RAISES:
        function, calls = on_equal_sizes(function, forms, calls)
    if not calls.returned:
        return refused(name, calls.refusals[0], time.perf_counter() - began)
    numeric = finite_differences(function, calls)
    if numeric:
        return refused(name, numeric, time.perf_counter() - began)
    by_autograd = oracles.torch_is_loaded() if autograd is None else autograd
    report = _report(function, calls, autograd=by_autograd, declared=layout)
    return replace(report, function=name, arrays=function.kind or "",
                   seconds=time.perf_counter() - began)  # fmt: skip


def assert_gradients(f: Callable[..., Any], **options: Any) -> None:
    """Raise unless `check` finds that everything is correct; for use in a test suite.

    Parameters
    ----------
    f : callable
        As for `check`.
    **options
        `layout`, `autograd` and `seconds`, as for `check`.

    Raises
    ------
    AssertionError
        If anything is wrong; the message is the report.
    MissingDependencyError, InputError
        As `check` does.

    See Also
    --------
    check : Returns the report.

    Examples
    --------
    >>> import backhand
    >>> def backward(X, y, W1, b1, W2, b2):
    ...     params = backhand.Parameters(W1, b1, W2, b2)
    ...     gradients = backhand.backward(params, X, y, backhand.forward(params, X))
    ...     return gradients._asdict()
    >>> backhand.assert_gradients(backward)
    """
    __tracebackhide__ = True
    report = check(f, **options)
    if not report.ok:
        says = "are wrong" if report.outcome == "wrong" else "could not be judged"
        raise AssertionError(f"the gradients {says}\n\n{report}")


def _report(
    function: CheckedFunction, calls: Calls, *, autograd: bool, declared: str
) -> Report:  # fmt: skip
    """Diagnose what the calls returned; `declared` is the layout that `check` was given."""
    calls, corrections = corrected(settled(function, calls))
    evidence = evidence_of(function, calls)
    with np.errstate(all="ignore"):
        found = diagnose(evidence, by_library=function.kind != "numpy")
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
    """The update of a parameter in place, if it was a step along its gradient; else ''."""
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
