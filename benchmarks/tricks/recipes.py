"""The recipes that are compared: each differs from `BASE` in one setting, or in several."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

PENALTIES = (0.0002, 0.002, 0.02)
WIDE = (0.0, 0.0002, 0.0006, 0.002, 0.006, 0.02, 0.05, 0.2)

PLAIN = ("standard", "robust", "smooth")
"""Encodings with the same number of columns; "numbers" is "standard", trained with the bins."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How each member is trained; one λ of `penalties` is chosen by out-of-fold loss."""

    name: str
    penalties: tuple[float, ...] = PENALTIES
    penalty: str = "both"
    """"both" W1 and W2, the "first" layer alone, or "decoupled": θ ← θ - η λ θ."""
    learning_rate: float = 0.004
    schedule: str = "cosine"
    warmup: float = 0.05
    updates: int = 8000
    most_epochs: int = 100
    beta_2: float = 0.999
    smoothing: float = 0.0
    dropout: float = 0.0
    hidden: int = 128
    batch: int = 128
    patience: int = 10
    monitor: str = "loss"
    """The fold's "loss"; "scaled": at its best temperature; "joint": the mean over the folds."""
    class_bias: bool = False
    """Whether b2 begins at the logarithms of the class shares."""
    data_bias: bool = False
    """Whether each unit's kink begins among the rows: b1 = -x W1, x a mean of five rows."""
    scale: bool = False
    """Whether each feature has a factor that is learned, at 6 times the learning rate."""
    average: float = 0.0
    """Epochs over which the weights are averaged, exponentially; 0: not at all."""
    encoding: str = "standard"
    folds: str = "5"
    refit: tuple[float, ...] = ()
    """Nets on all rows, for the mean of the folds' best epochs times each of these numbers."""

    @property
    def group(self) -> tuple[Any, ...]:
        """Recipes with equal groups are trained in one batch.

        What is left out of it costs the others of the batch little: units that are not there have
        weights of zero, and stay so.
        """
        encoding = "plain" if self.encoding in PLAIN else "bins"
        special = self.scale or self.average > 0
        ordinary = encoding == "plain" and self.hidden <= 128 and self.batch == 128
        dropout = ordinary and self.dropout > 0
        return encoding, max(128, self.hidden) > 128, self.batch, dropout, special

    def epochs_for(self, rows: int) -> int:
        """Maximum of epochs, by the rule of `backhand train`."""
        steps = -(-rows // self.batch)
        return max(10, min(round(self.updates / steps), self.most_epochs))


BASE = Recipe(name="base", penalties=WIDE)

ALONE: dict[str, dict[str, Any]] = {
    "smoothing 0.02": {"smoothing": 0.02},
    "smoothing 0.05": {"smoothing": 0.05},
    "smoothing 0.1": {"smoothing": 0.1},
    "β2 0.95": {"beta_2": 0.95},
    "β2 0.99": {"beta_2": 0.99},
    "constant": {"schedule": "constant", "warmup": 0.0},
    "constant η 0.001": {"schedule": "constant", "warmup": 0.0, "learning_rate": 0.001},
    "constant η 0.002": {"schedule": "constant", "warmup": 0.0, "learning_rate": 0.002},
    "coslog": {"schedule": "coslog", "warmup": 0.0},
    "coslog η 0.01": {"schedule": "coslog", "warmup": 0.0, "learning_rate": 0.01},
    "linear": {"schedule": "linear"},
    "η 0.001": {"learning_rate": 0.001},
    "η 0.002": {"learning_rate": 0.002},
    "η 0.01": {"learning_rate": 0.01},
    "η 0.02": {"learning_rate": 0.02},
    "epochs 30": {"most_epochs": 30},
    "epochs 50": {"most_epochs": 50},
    "epochs 200": {"most_epochs": 200},
    "epochs 400": {"most_epochs": 400},
    "updates 4000": {"updates": 4000},
    "patience 5": {"patience": 5},
    "patience 20": {"patience": 20},
    "patience 40": {"patience": 40},
    "patience 100": {"patience": 100},
    "monitor scaled": {"monitor": "scaled"},
    "monitor joint": {"monitor": "joint"},
    "class bias": {"class_bias": True},
    "data bias": {"data_bias": True},
    "both biases": {"class_bias": True, "data_bias": True},
    "penalty on W1": {"penalty": "first"},
    "decoupled": {"penalty": "decoupled", "penalties": (0.02, 0.1, 0.5, 2.0)},
    "10 folds": {"folds": "10"},
    "5 folds twice": {"folds": "5x2"},
    "5 folds four times": {"folds": "5x4"},
    "robust": {"encoding": "robust"},
    "smooth clip": {"encoding": "smooth"},
    "quantile bins": {"encoding": "quantile"},
    "tree bins": {"encoding": "tree"},
    "scale": {"scale": True},
    "dropout 0.1": {"dropout": 0.1},
    "dropout 0.3": {"dropout": 0.3},
    "dropout 0.5": {"dropout": 0.5},
    "H 32": {"hidden": 32},
    "H 64": {"hidden": 64},
    "H 256": {"hidden": 256},
    "H 512": {"hidden": 512},
    "average 1": {"average": 1.0},
    "average 4": {"average": 4.0},
    "batch 32": {"batch": 32},
    "batch 64": {"batch": 64},
    "batch 256": {"batch": 256},
    "batch 32 η 0.001": {"batch": 32, "learning_rate": 0.001},
    "batch 32 η 0.002": {"batch": 32, "learning_rate": 0.002},
    "batch 64 η 0.002": {"batch": 64, "learning_rate": 0.002},
    "batch 256 η 0.01": {"batch": 256, "learning_rate": 0.01},
}
"""Each alone, against `BASE`."""

TOGETHER: dict[str, dict[str, Any]] = {
    "patience 20, η 0.002": {"patience": 20, "learning_rate": 0.002},
    "patience 40, η 0.001": {"patience": 40, "learning_rate": 0.001},
    "epochs 400, patience 20": {"most_epochs": 400, "patience": 20},
    "epochs 400, patience 40, η 0.002": {
        "most_epochs": 400, "patience": 40, "learning_rate": 0.002},
    "constant η 0.002, patience 20": {
        "schedule": "constant", "warmup": 0.0, "learning_rate": 0.002, "patience": 20},
    "batch 32, η 0.002, patience 20": {"batch": 32, "learning_rate": 0.002, "patience": 20},
    "batch 32, η 0.001, joint, class bias": {
        "batch": 32, "learning_rate": 0.001, "monitor": "joint", "class_bias": True},
    "patience 20, joint": {"patience": 20, "monitor": "joint"},
    "patience 20, joint, class bias": {"patience": 20, "monitor": "joint", "class_bias": True},
    "joint, class bias, β2 0.95": {"monitor": "joint", "class_bias": True, "beta_2": 0.95},
    "patience 20, β2 0.95, coslog": {
        "patience": 20, "beta_2": 0.95, "schedule": "coslog", "warmup": 0.0},
    "RealMLP's": {
        "patience": 100, "beta_2": 0.95, "schedule": "coslog", "warmup": 0.0, "smoothing": 0.1,
        "data_bias": True, "encoding": "robust", "dropout": 0.15, "batch": 256,
        "learning_rate": 0.01},
    "dropout 0.3, patience 20": {"dropout": 0.3, "patience": 20},
    "dropout 0.3, joint, class bias": {"dropout": 0.3, "monitor": "joint", "class_bias": True},
    "dropout 0.3, η 0.002": {"dropout": 0.3, "learning_rate": 0.002},
    "dropout 0.3, H 256": {"dropout": 0.3, "hidden": 256},
    "tree bins, dropout 0.3": {"encoding": "tree", "dropout": 0.3},
    "tree bins, η 0.001": {"encoding": "tree", "learning_rate": 0.001},
    "tree bins, joint, class bias": {"encoding": "tree", "monitor": "joint", "class_bias": True},
    "quantile bins, η 0.001": {"encoding": "quantile", "learning_rate": 0.001},
}  # fmt: skip
"""Several together, chosen before anything was measured."""

LEAN: dict[str, Any] = {
    "schedule": "constant", "warmup": 0.0, "beta_2": 0.95, "most_epochs": 400,
    "class_bias": True,
}  # fmt: skip
"""What the first run favoured, of what costs little."""

REFITS = (1.0, 1.25)
WHOLE = (1.0, 1.25, math.inf)
COSINE = {"schedule": "cosine", "warmup": 0.05}

FINALISTS: dict[str, dict[str, Any]] = {
    "base": {"refit": WHOLE},
    "lean": {"refit": REFITS},
    "lean, eight penalties": {"penalties": WIDE},
    "lean, cosine": {**COSINE, "refit": WHOLE},
    "lean, β2 0.99": {"beta_2": 0.99, "refit": REFITS},
    "lean, β2 0.999": {"beta_2": 0.999},
    "lean, η 0.002": {"learning_rate": 0.002},
    "lean, η 0.01": {"learning_rate": 0.01},
    "lean, η 0.01, cosine": {"learning_rate": 0.01, **COSINE},
    "lean, 100 epochs": {"most_epochs": 100},
    "lean, 1000 epochs": {"most_epochs": 1000},
    "lean, 16000 updates": {"updates": 16_000},
    "lean, no class bias": {"class_bias": False},
    "lean, data bias": {"data_bias": True, "refit": REFITS},
    "lean, smoothing 0.02": {"smoothing": 0.02},
    "lean, patience 5": {"patience": 5},
    "lean, patience 20": {"patience": 20, "refit": REFITS},
    "lean, joint": {"monitor": "joint"},
    "lean, 3 folds": {"folds": "3", "refit": REFITS},
    "lean, 10 folds": {"folds": "10"},
    "lean, smooth clip": {"encoding": "smooth"},
    "lean, tree bins": {"encoding": "tree", "refit": REFITS},
    "lean, tree bins, eight penalties": {"encoding": "tree", "penalties": WIDE},
    "lean, quantile bins": {"encoding": "quantile"},
    "lean, numbers": {"encoding": "numbers"},
    "lean, numbers and tree bins": {"encoding": "both", "refit": REFITS},
    "lean, numbers and tree bins, η 0.002": {"encoding": "both", "learning_rate": 0.002},
    "lean, tree bins, data bias, patience 20": {
        "encoding": "tree", "data_bias": True, "patience": 20},
    "lean, average 1": {"average": 1.0, "refit": REFITS},
    "lean, average 4": {"average": 4.0, "refit": REFITS},
    "lean, scale": {"scale": True, "refit": REFITS},
    "lean, average 1, scale, data bias": {"average": 1.0, "scale": True, "data_bias": True},
    "lean, batch 64": {"batch": 64},
    "lean, batch 64, η 0.002": {"batch": 64, "learning_rate": 0.002},
    "lean, H 256": {"hidden": 256},
}  # fmt: skip
"""The second run: around `LEAN`, with refits on all rows."""

MIXTURES = (("lean, numbers", "lean, tree bins"), ("lean, numbers", "lean, quantile bins"))
"""Recipes whose chosen nets are also folded together; both are trained in one batch."""

LEVELS: dict[str, tuple[Any, ...]] = {
    "smoothing": (0.0, 0.0, 0.0, 0.05),
    "beta_2": (0.999, 0.95),
    "learning_rate": (0.001, 0.002, 0.004, 0.01),
    "schedule": ("cosine", "cosine", "constant", "coslog"),
    "patience": (10, 20, 40),
    "most_epochs": (100, 100, 300),
    "monitor": ("loss", "joint", "scaled"),
    "class_bias": (False, True),
    "data_bias": (False, True),
    "penalty": ("both", "both", "first"),
    "dropout": (0.0, 0.0, 0.0, 0.2),
    "encoding": ("standard", "robust", "smooth"),
    "batch": (128, 128, 64, 256),
}
"""What random recipes are drawn from, for the effect of a setting whatever the others are."""


def random_recipes(count: int, seed: int = 17) -> Iterator[Recipe]:
    draw = random.Random(seed)
    for i in range(count):
        chosen = {name: draw.choice(levels) for name, levels in LEVELS.items()}
        warmup = 0.05 if chosen["schedule"] == "cosine" else 0.0
        yield replace(BASE, name=f"random {i}", penalties=PENALTIES, warmup=warmup, **chosen)


def all_recipes(count: int) -> list[Recipe]:
    named = [
        replace(BASE, **{"name": name, "penalties": PENALTIES} | changes)
        for name, changes in (ALONE | TOGETHER).items()
    ]
    return [BASE, *named, *random_recipes(count)]


def finalists() -> list[Recipe]:
    return [
        replace(BASE, **({"penalties": PENALTIES} | (LEAN if name != "base" else {}) | changes),
                name=name)
        for name, changes in FINALISTS.items()
    ]  # fmt: skip
