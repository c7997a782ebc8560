"""Checking a function: call it, find its frame, diagnose what it returned, write the report."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from backhand.constraints import Number
from backhand.constraints import check as check_setting
from backhand.doctor import oracles
from backhand.doctor.frame.form import Biases, Labels, Layout
from backhand.doctor.frame.frame import Frame
from backhand.doctor.frame.network import Activation, Loss, Network, Output, Reduction
from backhand.doctor.judging import Judged, judged_in_the_best_network, places_of
from backhand.doctor.probe.adapters import adapted
from backhand.doctor.probe.evidence import Evidence, alike
from backhand.doctor.probe.function import Called
from backhand.doctor.probe.one_example import is_of_one_example, of_each_example
from backhand.doctor.probe.problems import ETA, SMOOTH, Problem
from backhand.doctor.probe.process_state import kept
from backhand.doctor.probe.refusal import Reason, Refusal
from backhand.doctor.probe.run import (
    Calls,
    corrected,
    finite_differences,
    overflows,
    settled,
)
from backhand.doctor.probe.signature import no_function
from backhand.doctor.probe.source import is_empty
from backhand.doctor.recognise.networks import Declared
from backhand.doctor.recognise.search import Recognised, declared_in, recognise
from backhand.doctor.report.report import Report, Verdict
from backhand.doctor.report.wording import (
    ONE_EXAMPLE,
    OVERFLOWS,
    CallFinding,
    Wording,
    another_network,
    refused,
)
from backhand.doctor.verdicts import verdicts
from backhand.errors import InputError, did_you_mean
from backhand.formulas import GRADIENTS, derive

CHOICES: Mapping[str, tuple[str, ...]] = {
    "activation": get_args(Activation), "output": get_args(Output), "loss": get_args(Loss),
    "reduction": get_args(Reduction), "layout": get_args(Layout), "biases": get_args(Biases),
    "labels": get_args(Labels),
}  # fmt: skip
"""What can be declared."""


class Examined(NamedTuple):
    """A report, and the evidence and diagnosis behind it; None if no call gave gradients."""

    report: Report
    judged: Judged | None


def check(
    f: Callable[..., Any],
    *,
    activation: str | None = None,
    output: str | None = None,
    loss: str | None = None,
    reduction: str | None = None,
    layout: str | None = None,
    biases: str | None = None,
    labels: str | None = None,
    forward: bool = False,
    autograd: bool | None = None,
    seconds: float = 10.0,
) -> Report:
    """Find which equations of a hand-written backward pass are wrong, and how.

    The function is called on small random problems. First its frame is found: which two-layer
    network it computes, in which layout. Then what it returns is compared with the equations of
    this network, and with every fault of a dictionary in their place, alone and in pairs. A frame
    is never a fault; but if a choice is declared, another one is.

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
    activation : {"relu", "leaky_relu", "tanh", "sigmoid", "softplus", "elu", "gelu", "gelu_tanh"}
        Of the hidden units. This and the following are found unless they are given. If the
        docstring of `f` names an activation, or softmax, that counts as given.
    output : {"softmax", "sigmoid", "linear"}, optional
    loss : {"cross_entropy", "binary_cross_entropy", "squared_error", "half_squared_error"}
        Cross-entropy is that of a softmax, binary cross-entropy that of sigmoid outputs.
    reduction : {"mean", "sum", "elements"}, optional
        Of the loss: over the N rows, or over all N·K entries.
    layout : {"rows", "linear", "columns"}, optional
        "linear": weights as in `nn.Linear`, (H, d) and (K, H). "columns": everything transposed, X
        (d, N), with biases (H, 1) and (K, 1).
    biases : {"flat", "row", "column", "none"}, optional
        (H,), (1, H), (H, 1) or none.
    labels : {"one_hot", "indices", "column", "flat"}, optional
        (N, K) or (N,) class indices; for one output, (N, 1) or (N,).
    forward : bool, default False
        Check the forward pass alone: Z1, H1, S, P and the loss, under these names, or P or the loss
        without a name. Without it, such a function is recognised if its values have names.
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
    declared = {
        "activation": activation, "output": output, "loss": loss, "reduction": reduction,
        "layout": layout, "biases": biases, "labels": labels,
    }  # fmt: skip
    _check_declared(f, declared)
    check_setting("seconds", seconds, Number(0.001))
    with kept():
        return _checked(f, declared, autograd, seconds, forward=forward).report


def examine(f: Callable[..., Any], *, seconds: float = 10.0) -> Examined:
    """Check a function without declarations, and return the evidence too."""
    declared = dict.fromkeys(CHOICES)
    _check_declared(f, declared)
    with kept():
        return _checked(f, declared, None, seconds, forward=False)


def _check_declared(f: Any, declared: Mapping[str, str | None]) -> None:
    if not callable(f):
        raise no_function(f)
    for name, choice in declared.items():
        if choice is not None and choice not in CHOICES[name]:
            hint = did_you_mean(choice, CHOICES[name])
            raise InputError(f"{name} is '{choice}', which does not exist. {hint}")


def _checked(
    f: Callable[..., Any], declared: Mapping[str, str | None], autograd: bool | None,
    seconds: float, *, forward: bool,
) -> Examined:  # fmt: skip
    began = time.perf_counter()
    name = _name_of(f)
    names = ("layout", "biases", "labels")
    form = {name: choice for name in names if (choice := declared[name])}
    network = _declared_network(f, declared)
    one_example = False
    try:
        found = recognise(adapted(f), form, network, seconds, forward=forward)
        if is_of_one_example(found.function.f, found.calls):
            one_example = True
            columns = {**form, "layout": "columns"}
            found = recognise(of_each_example(f), columns, network, seconds, forward=forward)
    except Refusal as refusal:
        return Examined(refused(name, refusal, time.perf_counter() - began), None)
    if autograd:
        oracles.need_autograd()
    if not found.matches:
        why = found.calls.refusals[0]
        if is_empty(f):
            why = Refusal(Reason.NOT_WRITTEN, "it is not written yet: its body is empty")
        report = refused(name, why, time.perf_counter() - began, found.function.form)
        return Examined(report, None)
    by_autograd = oracles.torch_is_loaded() if autograd is None else autograd
    report, judged = _report(name, found, network, autograd=by_autograd)
    if one_example:
        report = replace(report, remarks=[*report.remarks, ONE_EXAMPLE])
    report = replace(report, function=name, arrays=found.function.kind or "",
                     seconds=time.perf_counter() - began)  # fmt: skip
    return Examined(report, judged)


def _name_of(f: Any) -> str:
    """What a callable is called, whose class may run any code when it is asked."""
    try:
        name = getattr(f, "__qualname__", None)
    except Exception:
        name = None
    return name if type(name) is str else type(f).__qualname__


def _declared_network(f: Any, declared: Mapping[str, str | None]) -> Declared:
    """What is declared of the network, by the caller or else by the docstring."""
    text = getattr(f, "__doc__", None) if hasattr(f, "__code__") else None
    said = declared_in(text if isinstance(text, str) else None)
    given: dict[str, Any] = {key: declared[key] for key in ("activation", "output", "loss",
                                                            "reduction")}  # fmt: skip
    if given["output"] or given["loss"]:
        said = replace(said, output=None, loss=None)
    return replace(said, **{key: choice for key, choice in given.items() if choice})


def assert_gradients(f: Callable[..., Any], *, hints: int = 2, **options: Any) -> None:
    """Raise unless `check` finds that everything is correct; for use in a test suite.

    Parameters
    ----------
    f : callable
        As for `check`.
    hints : {0, 1, 2}, default 2
        How much the message says: which equation is wrong; also the question to ask oneself; the
        line and the fix.
    **options
        As for `check`.

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
        raise AssertionError(f"the gradients {says}\n\n{report.hinted(hints)}")


def _report(name: str, found: Recognised, declared: Declared, *, autograd: bool) -> Examined:
    """Diagnose what the calls returned, in the frame that was found."""
    function = found.function
    best = found.matches[0].network
    refusal = finite_differences(function, found.calls, best)
    if refusal:
        return Examined(refused(name, refusal, 0.0), None)
    calls, corrections = corrected(settled(function, found.calls, best))
    recognised = replace(found, calls=calls)
    with np.errstate(all="ignore"):
        judged = judged_in_the_best_network(recognised, declared)
        network, evidence, diagnosis = judged.network, judged.evidence, judged.found
        values = verdicts(function, calls, evidence, diagnosis, autograd=autograd)
        of_calls = _call_finding(calls, corrections, l2=function.l2)
        places = places_of(recognised, judged)
    absent = dict.fromkeys(name for _, called in calls.returned for name in called.outputs.absent
                           if name in network.lines)  # fmt: skip
    words = Wording(function, network, places, calls.problems)
    report = words.report(diagnosis, tuple(absent), of_calls, values)
    report = replace(report, frame=_frame(recognised, network, declared))
    if report.outcome == "wrong" and declared == Declared() and _is_another(values, evidence):
        return Examined(another_network(report), judged)
    if report.ok and (how := overflows(function)):
        report = replace(report, remarks=[*report.remarks, OVERFLOWS[how]])
    return Examined(report, judged)


def _is_another(values: Sequence[Verdict], evidence: Sequence[Evidence]) -> bool:
    """Whether all gradients are those of the loss that is returned, and that is another one.

    The slopes are those on a smooth problem: a fault that does not act there shows nothing.
    """
    network = evidence[0].network
    gradients = [value for value in values if value.name in GRADIENTS]
    smooth = next((one for one in evidence if one.problem == SMOOTH), evidence[0])
    return (
        len(gradients) == len(GRADIENTS.keys() & network.lines.keys())
        and all(value.differences for value in gradients)
        and not all(smooth.like(name, smooth.right[name]) for name in GRADIENTS
                    if name in smooth.observed)
    )  # fmt: skip


def _call_finding(calls: Calls, corrections: list[Reason], *, l2: float) -> CallFinding:
    """What was seen in the calls, beside the numbers."""
    problem, first = calls.returned[0]
    return CallFinding(
        corrections=corrections,
        changed=tuple(dict.fromkeys(n for _, c in calls.returned for n in c.changed)),
        step=_step_in_place(problem, first, l2=l2),
        refusal=calls.refusals[0] if calls.refusals else None,
        equal=problem.equal,
        forward_only=first.outputs.forward_only,
        rate=first.outputs.rate,
    )


def _frame(found: Recognised, network: Network, declared: Declared) -> Frame:
    """The frame, and how it is known."""
    match = next((one for one in found.matches if one.network == network), found.matches[0])
    source = "found" if match.seen or match.agreed else "assumed"
    if declared.activation and declared.loss:
        source = "declared"
    penalised = found.function.takes_l2 or bool(network.strength)
    form = found.function.form
    if found.calls.biases:
        form = replace(form, biases=found.calls.biases)
    agreed = tuple(dict.fromkeys((*match.seen, *match.agreed)))
    return Frame(network, form, source, agreed, penalised)  # type: ignore[arg-type]


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
