"""Adam for many members at once: one Triton kernel on CUDA, the same in plain torch elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor

try:
    import triton
    import triton.language as tl
except ImportError:  # torch without CUDA has no Triton
    triton = None

EPSILON = 1e-8
BETA_1 = 0.9


@dataclass(frozen=True)
class Bounds:
    """Where the parts of a member's parameters end: W1, b1, W2, b2, and the features' factors."""

    W1: int
    b1: int
    W2: int
    b2: int
    scale: int


@dataclass
class Rates:
    """Numbers of each member, (M,)."""

    beta_2: Tensor
    first: Tensor
    """λ of W1."""
    second: Tensor
    """λ of W2."""
    decay: Tensor
    """Decoupled λ of both."""

    def of(self, chosen: Tensor) -> Rates:
        return Rates(*(getattr(self, f.name)[chosen].contiguous() for f in fields(self)))


FASTER = 6.0
"""How much faster the features' factors learn."""


def update(
    theta: Tensor, grad: Tensor, m: Tensor, v: Tensor, step: Tensor, eta: Tensor, rates: Rates,
    bounds: Bounds,
) -> None:  # fmt: skip
    """Update the parameters (M, P) in place.

    `step` (M,) is ηₜ of Adam; members for which it is 0 stay as they are. `eta` is η.
    """
    rule = _launch if theta.is_cuda and triton is not None else _plain
    rule(theta, grad, m, v, step, eta, rates, bounds)


def _plain(
    theta: Tensor, grad: Tensor, m: Tensor, v: Tensor, step: Tensor, eta: Tensor, rates: Rates,
    at: Bounds,
) -> None:  # fmt: skip
    beta_2, step = rates.beta_2[:, None], step[:, None]
    live = (step > 0).to(theta.dtype)
    first, second = slice(0, at.W1), slice(at.b1, at.W2)
    grad[:, first] += rates.first[:, None] * theta[:, first]
    grad[:, second] += rates.second[:, None] * theta[:, second]
    shrink = 1 - live * (eta * rates.decay)[:, None]
    theta[:, first] *= shrink
    theta[:, second] *= shrink
    m += live * (1 - BETA_1) * (grad - m)
    v += live * (1 - beta_2) * (grad * grad - v)
    change = step * m / (v.sqrt() + EPSILON)
    change[:, at.b2 : at.scale] *= FASTER
    theta -= change


def _launch(
    theta: Tensor, grad: Tensor, m: Tensor, v: Tensor, step: Tensor, eta: Tensor, rates: Rates,
    at: Bounds,
) -> None:  # fmt: skip
    M, P = theta.shape
    block = 1024
    _kernel[(M, triton.cdiv(P, block))](
        theta, grad, m, v, step, eta, rates.beta_2, rates.first, rates.second, rates.decay,
        P, at.W1, at.b1, at.W2, at.b2, at.scale, BLOCK=block,
    )  # fmt: skip


def check_kernel(device: str) -> None:
    """Compare the kernel with the plain rule; where it fails, go on with the plain rule."""
    global triton
    if triton is None:
        return
    generator = torch.Generator(device).manual_seed(0)

    def draw(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator, device=device)

    M, at = 5, Bounds(1000, 1100, 1400, 1404, 1410)
    rates = Rates(draw(M), draw(M), draw(M), draw(M))
    first = [draw(M, 1412) for _ in range(4)]
    second = [values.clone() for values in first]
    args = draw(M) * (draw(M) > 0.3), draw(M), rates, at
    try:
        _plain(*first, *args)
        _launch(*second, *args)
        for i in (0, 2, 3):  # the plain rule adds the penalty to the gradient
            torch.testing.assert_close(first[i], second[i], rtol=1e-5, atol=1e-5)
    except Exception as error:
        print("the Adam kernel failed, and plain torch is used:", error, flush=True)
        triton = None


if triton is not None:

    @triton.jit(do_not_specialize=["P", "end_W1", "end_b1", "end_W2", "end_b2", "end_scale"])
    def _kernel(  # type: ignore[no-untyped-def]  # Triton reads annotations as code
        theta_at, grad_at, m_at, v_at, step_at, eta_at, beta_2_at, first_at, second_at, decay_at,
        P, end_W1, end_b1, end_W2, end_b2, end_scale, BLOCK: tl.constexpr,
    ):  # fmt: skip
        """Update one block of one member's parameters."""
        member = tl.program_id(0).to(tl.int64)
        column = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
        inside = column < P
        at = member * P + column
        theta = tl.load(theta_at + at, inside)
        grad = tl.load(grad_at + at, inside)
        m = tl.load(m_at + at, inside)
        v = tl.load(v_at + at, inside)
        step = tl.load(step_at + member)
        live = tl.where(step > 0, 1.0, 0.0)
        beta_2 = tl.load(beta_2_at + member)
        in_first = column < end_W1
        in_second = (column >= end_b1) & (column < end_W2)
        l2 = tl.where(in_first, tl.load(first_at + member), 0.0)
        l2 = tl.where(in_second, tl.load(second_at + member), l2)
        decay = tl.load(eta_at + member) * tl.load(decay_at + member) * live
        grad += l2 * theta
        theta *= 1 - tl.where(in_first | in_second, decay, 0.0)
        m += live * 0.1 * (grad - m)
        v += live * (1 - beta_2) * (grad * grad - v)
        step = tl.where((column >= end_b2) & (column < end_scale), step * 6.0, step)
        theta -= step * m / (tl.sqrt(v) + 1e-8)
        tl.store(theta_at + at, theta, inside)
        tl.store(m_at + at, m, inside)
        tl.store(v_at + at, v, inside)
