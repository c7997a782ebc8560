"""Temperature and bias on out-of-fold logits, and the figures of held-out rows, for many recipes.

Logits are (C, n, K): of C recipes, n rows and K classes.
"""

from __future__ import annotations

import torch
from torch import Tensor

BINS = 15
COLDEST, HOTTEST = 0.2, 20.0
FEW = 100
"""At this many rows the logarithm of a shrunk temperature is half of that of least log loss."""


def log_loss(S: Tensor, y: Tensor) -> Tensor:
    """Mean log loss of each (C,)."""
    return -S.log_softmax(2).gather(2, y.expand(len(S), -1)[:, :, None]).double().mean((1, 2))


def accuracy(S: Tensor, y: Tensor) -> Tensor:
    return (S.argmax(2) == y).double().mean(1)


def calibration_error(S: Tensor, y: Tensor) -> Tensor:
    """Expected calibration error (C,) of the most probable class, in bins of equal width."""
    confidence, answer = S.softmax(2).max(2)
    correct = (answer == y).double()
    gap = correct - confidence.double()
    bin_of = (confidence * BINS).long().clamp(max=BINS - 1)
    sums = torch.zeros(len(S), BINS, dtype=torch.double, device=S.device)
    return sums.scatter_add_(1, bin_of, gap).abs().sum(1) / S.shape[1]


def temperature(S: Tensor, y: Tensor, prior: Tensor | None = None) -> Tensor:
    """The temperature (C,) of least log loss; with a prior, S/T + (1 - 1/T) log prior."""
    low = torch.full((len(S),), COLDEST, device=S.device, dtype=S.dtype).log()
    high = torch.full_like(low, HOTTEST).log()
    for _ in range(6):  # each narrows the interval to a quarter: the loss is unimodal in 1/T
        places = torch.linspace(0, 1, 9, device=S.device, dtype=S.dtype)
        grid = low + (high - low) * places[:, None]
        losses = torch.stack([log_loss(scaled(S, at.exp(), prior), y) for at in grid])
        best = losses.argmin(0)
        every = torch.arange(len(S), device=S.device)
        low, high = grid[(best - 1).clamp(min=0), every], grid[(best + 1).clamp(max=8), every]
    return ((low + high) / 2).exp()


def scaled(S: Tensor, T: Tensor, prior: Tensor | None = None) -> Tensor:
    T = T.to(S.dtype)[:, None, None]
    return S / T if prior is None else S / T + (1 - 1 / T) * prior


def bias(S: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Inverse temperature (C,) and bias (C, K) of least log loss, by Newton's method."""
    C, n, K = S.shape
    theta = torch.zeros(C, K + 1, dtype=torch.double, device=S.device)
    theta[:, 0] = 1
    loss = log_loss(S, y)
    for _ in range(12):
        P = (S * theta[:, :1, None].to(S.dtype) + theta[:, None, 1:].to(S.dtype)).softmax(2)
        gap = P.clone()
        gap.scatter_add_(2, y.expand(C, -1)[:, :, None], -torch.ones_like(gap[:, :, :1]))
        slope = (gap * S).sum(2).double().mean(1)
        gradient = torch.cat([slope[:, None], gap.double().mean(1)], 1)
        mean_S = (P * S).sum(2, keepdim=True)
        centred = P * (S - mean_S)
        hessian = torch.zeros(C, K + 1, K + 1, dtype=torch.double, device=S.device)
        hessian[:, 0, 0] = (centred * S).sum(2).double().mean(1)
        hessian[:, 0, 1:] = hessian[:, 1:, 0] = centred.double().mean(1)
        hessian[:, 1:, 1:] = torch.diag_embed(P.double().mean(1)) - (
            P.transpose(1, 2) @ P).double() / n  # fmt: skip
        ridge = 1e-4 * torch.eye(K + 1, dtype=torch.double, device=S.device)
        change = torch.linalg.solve(hessian + ridge, gradient)
        step = torch.ones_like(loss)
        for _ in range(6):
            candidate = theta - step[:, None] * change
            new = log_loss(with_bias(S, candidate), y)
            step = torch.where(new > loss, step / 2, step)
        better = new <= loss
        theta = torch.where(better[:, None], candidate, theta)
        loss = torch.where(better, new, loss)
    return theta[:, 0], theta[:, 1:]


def with_bias(S: Tensor, theta: Tensor) -> Tensor:
    return S * theta[:, :1, None].to(S.dtype) + theta[:, None, 1:].to(S.dtype)


def figures(oof: Tensor, y: Tensor, test: Tensor, y_test: Tensor) -> dict[str, Tensor]:
    """Figures (C,) of out-of-fold logits, and of held-out logits after each correction."""
    shares = torch.bincount(y, minlength=oof.shape[2]).to(oof.dtype) + 1
    prior = (shares / shares.sum()).log()
    T, T_prior = temperature(oof, y), temperature(oof, y, prior)
    inverse, b = bias(oof, y)
    T_best = temperature(test, y_test)
    theta = torch.cat([inverse[:, None], b], 1)
    trust = len(y) / (len(y) + FEW)
    found = {
        "oof": log_loss(oof, y), "oof_T": log_loss(scaled(oof, T), y),
        "oof_accuracy": accuracy(oof, y), "T": T, "T_prior": T_prior, "T_best": T_best,
        "accuracy": accuracy(test, y_test),
        "best": log_loss(scaled(test, T_best), y_test),
        "oof_bias": log_loss(with_bias(oof, theta), y),
        "bias_accuracy": accuracy(with_bias(test, theta), y_test),
    }  # fmt: skip
    corrected = {
        "plain": test, "T": scaled(test, T), "root": scaled(test, T.sqrt()),
        "at_least_1": scaled(test, T.clamp(min=1)), "prior": scaled(test, T_prior, prior),
        "bias": with_bias(test, theta), "shrunk": scaled(test, T**trust),
        "prior_shrunk": scaled(test, T_prior**trust, prior),
    }  # fmt: skip
    for name, S in corrected.items():
        found[f"loss_{name}"] = log_loss(S, y_test)
        found[f"ece_{name}"] = calibration_error(S, y_test)
    return found
