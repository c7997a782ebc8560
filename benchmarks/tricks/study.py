"""One table, some seeds: each recipe trained on inner folds, folded, measured on held-out rows."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from . import scoring
from .encodings import Problem, encode, folds_of
from .fleet import MOST_NUMBERS, Fleet, Member, Unit
from .recipes import MIXTURES, Recipe

PARTITIONS = {"3": [(3, 6)], "5": [(5, 0)], "10": [(10, 2)], "5x2": [(5, 0), (5, 1)],
              "5x4": [(5, 0), (5, 1), (5, 3), (5, 4)]}  # fmt: skip
"""How many folds, and the seed of the partition."""

MOST_LOGITS = 60_000_000
REFITTED = 5
"""How many nets a refit has."""


class Rows:
    """The rows of a problem in the encodings of one group, one after the other."""

    def __init__(self, problem: Problem, encodings: list[str], first: int = 0) -> None:
        self.problem, self.encodings, self.first = problem, encodings, first
        self.y_train, self.y_test, self.n = problem.y_train, problem.y_test, problem.training
        encoded = [encode(problem, name) for name in encodings]
        self.columns = [X.shape[1] for X in encoded]
        d = max(self.columns)
        encoded = [widened(X, d) for X in encoded]
        self.X = np.concatenate([X[: self.n] for X in encoded])
        self.X_test = np.concatenate([X[self.n :] for X in encoded])
        self.y = np.tile(self.y_train, len(encodings))

    def units(self, encoding: str, partition: str) -> list[Unit]:
        """The folds of a partition."""
        found = []
        for count, salt in PARTITIONS[partition]:
            fold = folds_of(self.y_train, count, 100 * self.problem.seed + salt)
            for i in range(count):
                seed = 10_000 * self.problem.seed + 100 * salt + i
                found.append(self.unit(encoding, fold != i, fold == i, seed))
        return found

    def whole(self, encoding: str) -> list[Unit]:
        """All rows, with the seeds of as many nets as a refit has."""
        every, one = np.ones(self.n, bool), np.arange(self.n) == 0  # nothing is validated
        return [
            self.unit(encoding, every, one, 10_000 * self.problem.seed + 9000 + i)
            for i in range(REFITTED)
        ]

    def unit(self, encoding: str, train: np.ndarray, validation: np.ndarray, seed: int) -> Unit:
        place = self.encodings.index(encoding)
        first = self.first + place * self.n
        return Unit(first + np.flatnonzero(train), first + np.flatnonzero(validation), seed,
                    self.columns[place])  # fmt: skip

    def at_test(self, unit: Unit) -> slice:
        """Where the held-out rows are in the encoding of a unit."""
        place, m = (unit.train[0] - self.first) // self.n, len(self.y_test)
        return slice(place * m, (place + 1) * m)

    def at_oof(self, unit: Unit) -> np.ndarray:
        return (unit.validation - self.first) % self.n


def widened(X: np.ndarray, d: int) -> np.ndarray:
    return np.pad(X, ((0, 0), (0, d - X.shape[1])))


@dataclass
class Config:
    """The members that are folded into one net."""

    rows: Rows
    name: str
    recipe: Recipe
    penalty: float
    members: list[int]


class Batch:
    """Configs that are trained together, each with members of its own."""

    def __init__(self, rows: list[Rows], device: str) -> None:
        self.rows, self.device = rows, device
        self.d = max(each.X.shape[1] for each in rows)
        self.units: list[Unit] = []
        self.members: list[Member] = []
        self.configs: list[Config] = []

    def place(self, units: list[Unit]) -> list[int]:
        self.units += units
        return list(range(len(self.units) - len(units), len(self.units)))

    def add(self, rows: Rows, name: str, recipe: Recipe, l2: float, units: list[int],
            epochs: int = 0) -> None:  # fmt: skip
        first = len(self.members)
        self.members += [Member(recipe, l2, u, len(self.configs), epochs) for u in units]
        members = list(range(first, len(self.members)))
        self.configs.append(Config(rows, name, recipe, l2, members))

    def train(self) -> None:
        X = np.concatenate([widened(each.X, self.d) for each in self.rows])
        y = np.concatenate([each.y for each in self.rows])
        K = self.rows[0].problem.K
        self.fleet = Fleet(X, y, K, self.units, self.members, self.device)
        self.trained = self.fleet.train()

    def costs(self, config: Config) -> dict[str, float]:
        trained, mine = self.trained, config.members
        return {
            "best_epoch": float(trained.best_epoch[mine].mean()),
            "epochs": float(trained.epochs[mine].mean()),
            "updates": float(trained.updates[mine].mean()),
        }

    def logits(self, rows: Rows, seen_alone: Callable[[int, Tensor, Tensor], None]) -> None:
        """Call `seen_alone` for each member on these rows: out-of-fold and held-out logits."""
        ones = np.ones((len(rows.X_test), 1), np.float32)
        X_test = self.fleet.tensor(np.concatenate([widened(rows.X_test, self.d), ones], 1))
        by_unit: dict[int, list[int]] = {}
        for config in self.configs:
            if config.rows is rows:
                for i in config.members:
                    by_unit.setdefault(self.members[i].unit, []).append(i)
        for u, mine in by_unit.items():
            unit = self.units[u]
            longest = max(len(unit.validation), len(rows.y_test))
            size = max(1, MOST_NUMBERS // (longest * self.fleet.sizes.H))
            X_oof = self.fleet.X[torch.as_tensor(unit.validation, device=self.device)]
            for part in range(0, len(mine), size):
                some = mine[part : part + size]
                theta = self.trained.theta[torch.as_tensor(some, device=self.device)]
                oof = self.fleet.sizes.logits(theta, X_oof)
                test = self.fleet.sizes.logits(theta, X_test[rows.at_test(unit)])
                for i, a, b in zip(some, oof, test, strict=True):
                    seen_alone(i, a, b)


@dataclass
class Answers:
    """Logits of out-of-fold rows (C, n, K) and held-out rows (C, m, K), and members alone."""

    oof: Tensor
    test: Tensor
    loss_alone: np.ndarray
    accuracy_alone: np.ndarray


def answers(batch: Batch, rows: Rows) -> Answers:
    own = [config for config in batch.configs if config.rows is rows]
    K, device = rows.problem.K, batch.device
    owner = {i: c for c, config in enumerate(own) for i in config.members}
    oof = torch.zeros(len(own), rows.n, K, device=device)
    seen = torch.zeros(len(own), rows.n, 1, device=device)
    test = torch.zeros(len(own), len(rows.y_test), K, device=device)
    y_test = torch.as_tensor(rows.y_test, device=device)
    losses, right, kept = [], [], []

    def add(i: int, of_fold: Tensor, of_test: Tensor) -> None:
        c = owner[i]
        at = torch.as_tensor(rows.at_oof(batch.units[batch.members[i].unit]), device=device)
        oof[c, at] += of_fold
        seen[c, at] += 1
        test[c] += of_test / len(own[c].members)
        losses.append(scoring.log_loss(of_test[None], y_test))
        right.append(scoring.accuracy(of_test[None], y_test))
        kept.append(c)

    batch.logits(rows, add)
    count = np.bincount(kept)
    means = [
        np.bincount(kept, torch.cat(values).cpu().numpy()) / count for values in (losses, right)
    ]
    return Answers(oof / seen, test, *means)


def scored(rows: Rows, oof: Tensor, test: Tensor, device: str) -> list[dict[str, float]]:
    """Figures of each of the logits (C, n, K) and (C, m, K)."""
    y = torch.as_tensor(rows.y_train, device=device)
    y_test = torch.as_tensor(rows.y_test, device=device)
    size = max(1, MOST_LOGITS // (max(oof.shape[1], test.shape[1]) * rows.problem.K))
    found = []
    for part in range(0, len(oof), size):
        some = slice(part, part + size)
        measured = scoring.figures(oof[some], y, test[some], y_test)
        values = {name: v.cpu().numpy() for name, v in measured.items()}
        found += [{name: float(v[i]) for name, v in values.items()} for i in range(len(oof[some]))]
    return found


@dataclass
class Measured:
    """Figures of a config, with its logits of out-of-fold rows (n, K) and held-out rows (m, K)."""

    name: str
    penalty: float
    figures: dict[str, float]
    oof: Tensor
    test: Tensor


def best_of(measured: list[Measured], name: str) -> Measured:
    """The config of the λ with the lowest out-of-fold loss."""
    return min((m for m in measured if m.name == name), key=lambda m: m.figures["oof_T"])


def mixtures(rows: Rows, measured: list[Measured], device: str) -> list[Measured]:
    """Recipes whose nets are folded into one net."""
    found = []
    for first, second in MIXTURES:
        if {first, second} <= {m.name for m in measured}:
            a, b = best_of(measured, first), best_of(measured, second)
            oof, test = (a.oof + b.oof) / 2, (a.test + b.test) / 2
            costs = {key: (a.figures[key] + b.figures[key]) / 2 for key in a.figures}
            costs["updates"] *= 2
            (figures,) = scored(rows, oof[None], test[None], device)
            found.append(Measured(f"{first} + {second}", a.penalty, costs | figures, oof, test))
    return found


class Group:
    """Recipes that are trained in one batch, on the problems of one table."""

    def __init__(self, rows: list[Rows], recipes: list[Recipe], device: str) -> None:
        self.rows, self.recipes, self.device = rows, recipes, device
        self.search, self.refits = Batch(rows, device), Batch(rows, device)
        known: dict[tuple[int, str, str], list[int]] = {}
        for each in rows:
            for recipe in recipes:
                key = id(each), recipe.encoding, recipe.folds
                if key not in known:
                    known[key] = self.search.place(each.units(recipe.encoding, recipe.folds))
                for l2 in recipe.penalties:
                    self.search.add(each, recipe.name, recipe, l2, known[key])

    def run(self) -> list[dict[str, Any]]:
        """A record for each problem."""
        begun = time.perf_counter()
        self.search.train()
        trained_in = time.perf_counter() - begun
        found: list[list[Measured]] = []
        chosen: list[Tensor] = []
        for each in self.rows:
            measured = self.measured(each)
            found.append(measured + mixtures(each, measured, self.device))
            chosen += self.prepare_refits(each, measured)
        if chosen:
            self.refits.train()
            for each, rows in zip(self.rows, found, strict=True):
                rows += self.refitted(each, chosen)
        seconds = {"train_s": round(trained_in, 3),
                   "all_s": round(time.perf_counter() - begun, 3)}  # fmt: skip
        return [
            {
                "rows": [[m.name, m.penalty, *map(_short, m.figures.values())] for m in rows],
                "columns": ["recipe", "penalty", *rows[0].figures],
                "d": each.X.shape[1], "members": len(self.search.members), **seconds,
            }
            for each, rows in zip(self.rows, found, strict=True)
        ]  # fmt: skip

    def measured(self, rows: Rows) -> list[Measured]:
        """Each config of a problem."""
        of = answers(self.search, rows)
        own = [config for config in self.search.configs if config.rows is rows]
        figures = scored(rows, of.oof, of.test, self.device)
        found = []
        for i, config in enumerate(own):
            alone = {
                "loss_alone": float(of.loss_alone[i]),
                "accuracy_alone": float(of.accuracy_alone[i]),
            }
            both = self.search.costs(config) | alone | figures[i]
            found.append(Measured(config.name, config.penalty, both, of.oof[i], of.test[i]))
        return found

    def prepare_refits(self, rows: Rows, measured: list[Measured]) -> list[Tensor]:
        """Add a refit per recipe and factor; return the out-of-fold logits of its λ."""
        found = []
        known: dict[str, list[int]] = {}
        for recipe in self.recipes:
            if not recipe.refit:
                continue
            best = best_of(measured, recipe.name)
            if recipe.encoding not in known:
                known[recipe.encoding] = self.refits.place(rows.whole(recipe.encoding))
            most = recipe.epochs_for(rows.n)
            for factor in recipe.refit:
                epochs = round(min(most, max(1, factor * best.figures["best_epoch"])))
                name = f"{recipe.name}, refit × {factor:g}"
                self.refits.add(rows, name, recipe, best.penalty, known[recipe.encoding], epochs)
                found.append(best.oof)
        return found

    def refitted(self, rows: Rows, chosen: list[Tensor]) -> list[Measured]:
        """Figures of the refits of a problem: of one net, on average, and of all folded."""
        own = [c for c in self.refits.configs if c.rows is rows]
        at = {i: (c, j) for c, config in enumerate(own) for j, i in enumerate(config.members)}
        shape = len(own), REFITTED, len(rows.y_test), rows.problem.K
        test = torch.zeros(shape, device=self.device)

        def add(i: int, _: Tensor, of_test: Tensor) -> None:
            test[at[i]] = of_test

        self.refits.logits(rows, add)
        first = self.refits.configs.index(own[0])
        oof = torch.stack(chosen[first : first + len(own)])
        folded = scored(rows, oof, test.mean(1), self.device)
        alone = scored(rows, oof.repeat_interleave(REFITTED, 0), test.flatten(0, 1), self.device)
        found = []
        for c, config in enumerate(own):
            of_nets = alone[c * REFITTED : (c + 1) * REFITTED]
            mean = {key: float(np.mean([f[key] for f in of_nets])) for key in of_nets[0]}
            costs = self.refits.costs(config) | {
                "loss_alone": mean["loss_plain"], "accuracy_alone": mean["accuracy"]}  # fmt: skip
            for name, figures in (("1 net", mean), (f"{REFITTED} nets", folded[c])):
                found.append(Measured(f"{config.name}, {name}", config.penalty, costs | figures,
                                      oof[c], test[c].mean(0)))  # fmt: skip
        return found


def groups_of(recipes: list[Recipe]) -> list[list[Recipe]]:
    """The recipes that are trained together."""
    groups: dict[tuple[Any, ...], list[Recipe]] = {}
    for recipe in recipes:
        groups.setdefault(recipe.group, []).append(recipe)
    return list(groups.values())


def study(problems: list[Problem], recipes: list[Recipe], device: str) -> list[dict[str, Any]]:
    """The records of one group of recipes, one for each problem; all are of one table."""
    encodings = sorted({recipe.encoding for recipe in recipes})
    rows: list[Rows] = []
    for problem in problems:
        first = sum(len(each.X) for each in rows)
        rows.append(Rows(problem, encodings, first))
    found = Group(rows, recipes, device).run()
    if device == "cuda":
        torch.cuda.empty_cache()
    return [
        head_of(problem) | {"group": list(recipes[0].group)} | record
        for problem, record in zip(problems, found, strict=True)
    ]


def head_of(problem: Problem) -> dict[str, Any]:
    y, y_test = problem.y_train, problem.y_test
    shares = (np.bincount(y, minlength=problem.K) + 1e-9) / len(y)
    return {
        "table": problem.name, "seed": problem.seed,
        "n": len(y), "n_test": len(y_test), "K": problem.K,
        "base_loss": float(-np.log(shares[y_test]).mean()),
        "majority": float((y_test == shares.argmax()).mean()),
    }  # fmt: skip


def _short(value: float) -> float:
    return float(f"{value:.6g}")
