"""Ways to make a table's columns the features of a network; each is fitted on training rows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

MOST_BINS = 8


@dataclass(frozen=True)
class Problem:
    """A table's training and held-out rows for one seed."""

    name: str
    seed: int
    X: np.ndarray
    """Features as `backhand train` encodes them: training rows, then held-out rows."""
    y: np.ndarray
    training: int
    """Number of training rows."""
    raw: np.ndarray
    """The columns of numbers as they are in the table; missing is the mean."""
    numbers_at: np.ndarray
    """Where these are in X, standardised."""
    K: int

    @property
    def y_train(self) -> np.ndarray:
        return self.y[: self.training]

    @property
    def y_test(self) -> np.ndarray:
        return self.y[self.training :]


def load(path: Path) -> Problem:
    name, seed = path.stem.rsplit("_", 1)
    with np.load(path) as file:
        both = {
            key: np.concatenate([file[key], file[f"{key}_held_out"]]) for key in ("X", "y", "raw")
        }
        return Problem(
            name, int(seed), both["X"].astype(np.float32), both["y"].astype(np.int64),
            len(file["y"]), both["raw"].astype(float), file["numbers_at"], len(file["classes"]),
        )  # fmt: skip


def encode(problem: Problem, encoding: str) -> np.ndarray:
    """Features (N, d) of all rows, fitted on the training rows."""
    X = problem.X.copy()
    if encoding in ("standard", "numbers"):
        return X
    n, y = problem.training, problem.y_train
    if encoding in ("quantile", "tree", "both"):
        others = X if encoding == "both" else np.delete(X, problem.numbers_at, 1)
        bins = [piecewise(x, edges(x[:n], y, encoding)) for x in problem.raw.T]
        return np.concatenate([*bins, others], 1).astype(np.float32)
    for at, x in zip(problem.numbers_at, problem.raw.T, strict=True):
        X[:, at] = moved(x, x[:n], encoding)
    return X


def moved(x: np.ndarray, known: np.ndarray, encoding: str) -> np.ndarray:
    """One feature by median and quartiles, or standardised; both smoothly clipped."""
    if encoding == "robust":
        low, middle, high = np.quantile(known, (0.25, 0.5, 0.75))
        spread = high - low if high > low else (known.max() - known.min()) / 2
        z = (x - middle) / spread
    else:
        z = (x - known.mean()) / known.std()
    return z / np.sqrt(1 + (z / 3) ** 2)


def edges(x: np.ndarray, y: np.ndarray, encoding: str) -> np.ndarray:
    """Edges of the bins: quantiles, or the cuts of a decision tree on this column alone."""
    if encoding == "quantile":
        return np.unique(np.quantile(x, np.linspace(0, 1, MOST_BINS + 1)))
    from sklearn.tree import DecisionTreeClassifier

    leaf = max(10, len(x) // 100)
    tree = DecisionTreeClassifier(
        max_leaf_nodes=MOST_BINS, min_samples_leaf=leaf, min_impurity_decrease=1e-4, random_state=0
    )
    cuts = tree.fit(x[:, None], y).tree_
    inner = cuts.threshold[cuts.children_left >= 0]
    return np.unique(np.concatenate([[x.min()], inner, [x.max()]]))


def piecewise(x: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Piecewise-linear encoding (arXiv 2203.05556): the place of x in each bin, 0 to 1."""
    z = (x[:, None] - at[None, :-1]) / np.diff(at)[None]
    low, high = np.zeros(len(at) - 1), np.ones(len(at) - 1)
    low[0], high[-1] = -1.0, 2.0
    return np.clip(z, low, high)


def folds_of(y: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Fold (N,) of each row: each class is dealt out in turn, after a shuffle."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(y))
    order = order[np.argsort(y[order], kind="stable")]
    fold = np.empty(len(y), np.int64)
    fold[order] = np.arange(len(y)) % count
    return fold
