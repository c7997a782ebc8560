"""The rules of `backhand.optimizers` on flat arrays, in place."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from backhand.engines.fused.buffers import ParameterBuffers
from backhand.engines.fused.llvm.abi import Integer, Real
from backhand.engines.fused.llvm.builder import Code, Value, function

RULES = ("sgd", "momentum", "nesterov", "adam")
"""A rule's number is its index here; any other number leaves the parameters unchanged."""

NO_RULE, GRADIENT = -1, len(RULES)
"""NO_RULE leaves the gradient a sum over rows; GRADIENT turns it into dθ."""


class Step(NamedTuple):
    """One update: a and b are μ, or β₁ and β₂; η has Adam's bias correction in it.

    dθ = scale · gradient + λ θ, with scale = 1 / Σw: the gradient is a sum over rows.
    """

    rule: Integer
    scale: Real
    l2: Real
    eta: Real
    a: Real
    b: Real
    epsilon: Real


def is_update(step: Step) -> Value:
    """Whether the step updates parameters, and does not only measure a gradient."""
    updates: Value = (step.rule >= 0) & (step.rule < len(RULES))
    return updates


@function
def update(code: Code, buffers: ParameterBuffers, begin: Value, end: Value, step: Step) -> None:
    """Update θ[begin:end] and the slots by the gradient; all (size,), whole vectors."""
    theta, first, second, gradient, _ = buffers
    scale, l2, eta, a, b, epsilon = map(code.real_from_double, step[1:])
    epsilon = code.select(
        epsilon > code.smallest_normal(), epsilon, code.smallest_normal()
    )  # 0 / 0 where g is 0
    rest_a, rest_b = (code.real_from_double(1.0 - x) for x in (step.a, step.b))

    def sgd(_: Value, g: Value) -> Value:
        return eta * g

    def momentum(i: Value, g: Value) -> Value:
        v = a * code.load(first, i) - eta * g
        code.store(v, first, i)
        return 0.0 - v

    def nesterov(i: Value, g: Value) -> Value:
        return a * momentum(i, g) + eta * g

    def adam(i: Value, g: Value) -> Value:
        m = a * code.load(first, i) + rest_a * g
        v = b * code.load(second, i) + rest_b * (g * g)
        code.store(m, first, i)
        code.store(v, second, i)
        return eta * m / (code.sqrt(v) + epsilon)

    def each(change: Callable[[Value, Value], Value]) -> None:
        with code.loop(end, start=begin, step=code.lanes) as i:
            old = code.load(theta, i)
            g = scale * code.load(gradient, i) + l2 * old
            code.store(old - change(i, g), theta, i)

    def keep(i: Value, g: Value) -> Value:
        code.store(g, gradient, i)
        return code.splat(0.0)

    changes = (sgd, momentum, nesterov, adam, keep)
    code.switch(step.rule, {n: partial(each, f) for n, f in enumerate(changes)})
