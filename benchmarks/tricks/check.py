"""Compare the batched trainer with single trainings by `backhand.equations`, in float64.

Run it as `python -m benchmarks.tricks.check cpu|cuda FILE.npz …`.

On CUDA the kernel of Adam reads the constants 0.1 and 1e-8 as float32, whose relative error is up
to 6e-8: the losses differ by about that (plain torch with such constants: 2.1e-08 on wine, seed 3).
In the study everything is float32, and the constants are exact to its precision.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from backhand.equations import Parameters, backward, cross_entropy, forward, init
from backhand.optimizers import Adam

from .encodings import load
from .fleet import Fleet, Member, Unit, rates_of
from .recipes import BASE, Recipe
from .study import Rows

RECIPES = [
    BASE,
    replace(BASE, name="fast", beta_2=0.95, patience=5, learning_rate=0.01),
    replace(BASE, name="constant", schedule="constant", warmup=0.0, smoothing=0.1),
    replace(BASE, name="joint", monitor="joint", patience=3),
]
L2 = (0.0002, 0.02)
TOLERANCE = {"cpu": 1e-9, "cuda": 1e-6}


def alone(rows: Rows, unit: Unit, recipe: Recipe, l2: float, orders: list[np.ndarray],
          ) -> tuple[float, int, int]:  # fmt: skip
    """Return lowest validation loss, best epoch and epochs of one training by the equations."""
    X, y, K = rows.X.astype(float), rows.y, rows.problem.K
    params = init(X.shape[1], recipe.hidden, K, unit.seed, np.float64)
    rule, n = Adam(beta_2=recipe.beta_2), len(unit.train)
    slots = tuple(Parameters(*map(np.zeros_like, params)) for _ in range(2))
    epochs, steps = recipe.epochs_for(n), -(-n // recipe.batch)
    eta, t = rates_of(recipe, epochs, steps), 0
    lowest, best_epoch, bad = np.inf, 0, 0
    for epoch in range(epochs):
        for s in range(steps):
            at = orders[epoch][:n][s * recipe.batch : (s + 1) * recipe.batch]
            Y = np.eye(K)[y[at]] * (1 - recipe.smoothing) + recipe.smoothing / K
            grads = backward(params, X[at], Y, forward(params, X[at]), l2=l2)
            params, slots = rule.update(params, grads, slots, float(eta[t]), t + 1)
            t += 1
        S = forward(params, X[unit.validation]).S
        loss = float(cross_entropy(S, y[unit.validation]))
        bad = 0 if loss < lowest else bad + 1
        if loss < lowest:
            lowest, best_epoch = loss, epoch + 1
        if bad >= recipe.patience:
            break
    return lowest, best_epoch, epoch + 1


def main() -> None:
    device = sys.argv[1]
    for path in map(Path, sys.argv[2:]):
        rows = Rows(load(path), ["standard"])
        units = rows.units("standard", "5")
        members = [
            Member(recipe, l2, u, 10 * i + j)
            for i, recipe in enumerate(RECIPES) for j, l2 in enumerate(L2) for u in range(5)
        ]  # fmt: skip
        fleet = Fleet(rows.X, rows.y, rows.problem.K, units, members, device, torch.float64)
        drawn: list[torch.Tensor] = []
        draw = fleet.orders

        def kept(epoch: int, draw=draw, drawn=drawn) -> torch.Tensor:  # type: ignore[no-untyped-def]
            while len(drawn) <= epoch:
                drawn.append(draw(len(drawn)))
            return drawn[epoch]

        fleet.orders = kept
        found = fleet.train()
        kept(int(fleet.epochs.max()) - 1)
        worst, compared = 0.0, 0
        for i, member in enumerate(members):
            if member.recipe.monitor == "joint" or member.unit not in (0, 3):
                continue
            orders = [order[member.unit].cpu().numpy() for order in drawn]
            loss, best, ended = alone(
                rows, units[member.unit], member.recipe, member.penalty, orders
            )
            assert (best, ended) == (found.best_epoch[i], found.epochs[i]), (member, best, ended)
            worst, compared = max(worst, abs(loss / found.losses[i] - 1)), compared + 1
        print(f"{path.stem}: {compared} members, same epochs, relative difference {worst:.1e}")
        assert worst < TOLERANCE[device]


if __name__ == "__main__":
    main()
