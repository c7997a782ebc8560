"""Gradients that are finite differences of a loss are recognised; a softmax that overflows too."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import backhand
from backhand.doctor import check
from backhand.doctor.probe.differences import step_of
from backhand.doctor.probe.problems import problems

SMOOTH = next(one for one in problems() if one.kind == "smooth")
NAMES = ("W1", "b1", "W2", "b2")


def loss(X, Y, W1, b1, W2, b2):
    P = backhand.forward(backhand.Parameters(W1, b1, W2, b2), X).P
    return -(Y * np.log(P)).sum() / len(X)


def differences(step: float, *, both: bool = True) -> dict[str, Any]:
    found = {}
    here = loss(SMOOTH.X, SMOOTH.Y, *SMOOTH.params)
    for name in NAMES:
        theta = {n: getattr(SMOOTH.params, n).copy() for n in NAMES}
        found[f"d{name}"] = np.zeros_like(theta[name])
        for place in list(np.ndindex(theta[name].shape))[:12]:
            was = theta[name][place]
            theta[name][place] = was + step
            above = loss(SMOOTH.X, SMOOTH.Y, **theta)
            theta[name][place] = was - step
            below = loss(SMOOTH.X, SMOOTH.Y, **theta) if both else here
            theta[name][place] = was
            found[f"d{name}"][place] = (above - below) / (2 * step if both else step)
    return found


def correct() -> dict[str, Any]:
    acts = backhand.forward(SMOOTH.params, SMOOTH.X)
    return backhand.backward(SMOOTH.params, SMOOTH.X, SMOOTH.Y, acts)._asdict()


@pytest.mark.parametrize("both", [True, False])
@pytest.mark.parametrize("step", [1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8])
def test_the_step_is_found(step: float, *, both: bool) -> None:
    assert step_of(differences(step, both=both), loss(SMOOTH.X, SMOOTH.Y, *SMOOTH.params)) == step


@pytest.mark.parametrize("of", [
    lambda x: x,
    lambda x: x * 1.0001,
    lambda x: np.round(x, 6),
    lambda x: x.astype(np.float32),
    lambda x: x.astype(np.float32).astype(np.float64),
    np.zeros_like,
    np.ones_like,
])  # fmt: skip
def test_nothing_else_is_taken_for_differences(of: Any) -> None:
    values = {name: of(value) for name, value in correct().items()}
    assert step_of(values, loss(SMOOTH.X, SMOOTH.Y, *SMOOTH.params)) is None


@pytest.mark.slow
def test_differences_are_not_judged() -> None:
    def numeric(X, Y, W1, b1, W2, b2):
        theta = dict(zip(NAMES, (W1, b1, W2, b2), strict=True))
        found = []
        for array in theta.values():
            slopes = np.zeros_like(array)
            for place in np.ndindex(array.shape):
                was = array[place]
                array[place] = was + 1e-6
                above = loss(X, Y, **theta)
                array[place] = was - 1e-6
                slopes[place] = (above - loss(X, Y, **theta)) / 2e-6
                array[place] = was
            found.append(slopes)
        return tuple(found)

    report = check(numeric)
    assert report.outcome == "not judged"
    assert [one.id for one in report.findings] == ["call.finite_differences"]


def with_softmax(S_to_P: Any) -> Any:
    def backward(X, Y, W1, b1, W2, b2):
        Z1 = X @ W1 + b1
        H1 = np.maximum(Z1, 0)
        dS = (S_to_P(H1 @ W2 + b2) - Y) / len(X)
        dZ1 = dS @ W2.T * (Z1 > 0)
        return X.T @ dZ1, dZ1.sum(0), H1.T @ dS, dS.sum(0)

    return backward


def naive(S):
    return np.exp(S) / np.exp(S).sum(axis=1, keepdims=True)


def stable(S):
    return naive(S - S.max(axis=1, keepdims=True))


@pytest.mark.parametrize(("S_to_P", "overflows"), [(naive, True), (stable, False)])
def test_a_softmax_that_overflows_is_a_remark(S_to_P: Any, *, overflows: bool) -> None:
    report = check(with_softmax(S_to_P))
    assert report.ok and any("overflow" in remark for remark in report.remarks) == overflows
