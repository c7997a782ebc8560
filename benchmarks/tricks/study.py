"""One table, one seed: each recipe trained on inner folds, folded, measured on held-out rows."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch

from . import scoring
from .encodings import Problem, encode, folds_of
from .fleet import MOST_NUMBERS, Fleet, Member, Trained, Unit
from .recipes import Recipe

PARTITIONS = {"5": [(5, 0)], "10": [(10, 2)], "5x2": [(5, 0), (5, 1)],
              "5x4": [(5, 0), (5, 1), (5, 3), (5, 4)]}  # fmt: skip
"""How many folds, and the seed of the partition."""

MOST_LOGITS = 60_000_000
ALL = -1.0
"""Stands where λ does, for the mean of the nets of all penalties."""


class Rows:
    """The rows of a problem in the encodings of one group, one after the other."""

    def __init__(self, problem: Problem, encodings: list[str]) -> None:
        self.seed, self.encodings, self.K = problem.seed, encodings, problem.K
        self.y_train, self.y_test, self.n = problem.y_train, problem.y_test, problem.training
        encoded = [encode(problem, name) for name in encodings]
        self.columns = [X.shape[1] for X in encoded]
        d = max(self.columns)
        encoded = [np.pad(X, ((0, 0), (0, d - X.shape[1]))) for X in encoded]
        self.X = np.concatenate([X[: self.n] for X in encoded])
        self.X_test = np.concatenate([X[self.n :] for X in encoded])
        self.y = np.tile(self.y_train, len(encodings))

    def units(self, encoding: str, partition: str) -> list[Unit]:
        place = self.encodings.index(encoding)
        first, d = place * self.n, self.columns[place]
        found = []
        for count, salt in PARTITIONS[partition]:
            fold = folds_of(self.y_train, count, 100 * self.seed + salt)
            for i in range(count):
                seed = 10_000 * self.seed + 100 * salt + i
                found.append(Unit(first + np.flatnonzero(fold != i),
                                  first + np.flatnonzero(fold == i), seed, d))  # fmt: skip
        return found


class Group:
    """Recipes that are trained in one batch."""

    def __init__(self, rows: Rows, recipes: list[Recipe], device: str) -> None:
        self.rows, self.recipes, self.device = rows, recipes, device
        self.configs = [(recipe, l2) for recipe in recipes for l2 in recipe.penalties]
        self.units: list[Unit] = []
        self.members: list[Member] = []
        self.owner: list[int] = []
        known: dict[tuple[str, str], list[int]] = {}
        for i, (recipe, l2) in enumerate(self.configs):
            key = recipe.encoding, recipe.folds
            if key not in known:
                new = rows.units(*key)
                known[key] = list(range(len(self.units), len(self.units) + len(new)))
                self.units += new
            for unit in known[key]:
                self.members.append(Member(recipe, l2, unit, i))
                self.owner.append(i)

    def run(self) -> dict[str, Any]:
        begun = time.perf_counter()
        fleet = Fleet(self.rows.X, self.rows.y, self.rows.K, self.units, self.members, self.device)
        trained = fleet.train()
        trained_in = time.perf_counter() - begun
        figures = self.figures(fleet, trained)
        columns = ["recipe", "penalty", *figures[0][2]]
        return {
            "rows": [[name, l2, *(_short(v) for v in f.values())] for name, l2, f in figures],
            "columns": columns, "train_s": round(trained_in, 3),
            "score_s": round(time.perf_counter() - begun - trained_in, 3),
            "d": self.rows.X.shape[1], "members": len(self.members),
        }  # fmt: skip

    def figures(self, fleet: Fleet, trained: Trained) -> list[tuple[str, float, dict[str, float]]]:
        oof, test, alone, right = self.logits(fleet, trained)
        y = torch.as_tensor(self.rows.y_train, device=self.device)
        y_test = torch.as_tensor(self.rows.y_test, device=self.device)
        owner = np.array(self.owner)
        own = {
            "best_epoch": trained.best_epoch, "epochs": trained.epochs,
            "updates": trained.updates, "loss_alone": alone, "accuracy_alone": right,
        }  # fmt: skip
        labels = [(recipe.name, l2, owner == i) for i, (recipe, l2) in enumerate(self.configs)]
        oof_all, test_all = [], []
        for recipe in self.recipes:
            at = [i for i, (other, _) in enumerate(self.configs) if other is recipe]
            labels.append((recipe.name, ALL, np.isin(owner, at)))
            oof_all.append(oof[at].mean(0, keepdim=True))
            test_all.append(test[at].mean(0, keepdim=True))
        oof, test = torch.cat([oof, *oof_all]), torch.cat([test, *test_all])
        size = max(1, MOST_LOGITS // (max(oof.shape[1], test.shape[1]) * self.rows.K))
        found = []
        for part in range(0, len(labels), size):
            some = slice(part, part + size)
            measured = scoring.figures(oof[some], y, test[some], y_test)
            values = {name: v.cpu().numpy() for name, v in measured.items()}
            for i, (name, l2, mine) in enumerate(labels[some]):
                of_members = {key: float(v[mine].mean()) for key, v in own.items()}
                found.append((name, l2, of_members | {k: float(v[i]) for k, v in values.items()}))
        return found

    def logits(self, fleet: Fleet, trained: Trained) -> tuple[torch.Tensor, torch.Tensor, Any, Any]:
        """Logits (C, n, K) of out-of-fold and held-out rows; loss and accuracy of members."""
        rows, K, C = self.rows, self.rows.K, len(self.configs)
        oof = torch.zeros(C, rows.n, K, device=self.device)
        seen = torch.zeros(C, rows.n, 1, device=self.device)
        test = torch.zeros(C, len(rows.y_test), K, device=self.device)
        y_test = torch.as_tensor(rows.y_test, device=self.device)
        ones = np.ones((len(rows.X_test), 1), np.float32)
        X_test = fleet.tensor(np.concatenate([rows.X_test, ones], 1))
        counts = np.bincount(self.owner, minlength=C)
        alone, right = np.zeros(len(self.members)), np.zeros(len(self.members))
        for u, unit in enumerate(self.units):
            mine = np.array([i for i, member in enumerate(self.members) if member.unit == u])
            size = max(
                1, MOST_NUMBERS // (max(len(unit.validation), len(rows.y_test)) * fleet.sizes.H)
            )
            place = unit.validation[0] // rows.n
            at_test = slice(place * len(rows.y_test), (place + 1) * len(rows.y_test))
            at_oof = torch.as_tensor(unit.validation - place * rows.n, device=self.device)
            for part in range(0, len(mine), size):
                some = mine[part : part + size]
                theta = trained.theta[torch.as_tensor(some, device=self.device)]
                owner = torch.as_tensor([self.owner[i] for i in some], device=self.device)
                share = fleet.tensor(1 / counts[owner.cpu().numpy()])[:, None, None]
                S = fleet.sizes.logits(theta, fleet.X[torch.as_tensor(unit.validation)])
                oof[owner[:, None], at_oof[None]] += S
                seen[owner[:, None], at_oof[None]] += 1
                S = fleet.sizes.logits(theta, X_test[at_test])
                test.index_add_(0, owner, S * share)
                alone[some] = scoring.log_loss(S, y_test).cpu().numpy()
                right[some] = scoring.accuracy(S, y_test).cpu().numpy()
        return oof / seen, test, alone, right


def groups_of(recipes: list[Recipe]) -> list[list[Recipe]]:
    """The recipes that are trained together."""
    groups: dict[tuple[Any, ...], list[Recipe]] = {}
    for recipe in recipes:
        groups.setdefault(recipe.group, []).append(recipe)
    return list(groups.values())


def study(problem: Problem, recipes: list[Recipe], device: str) -> dict[str, Any]:
    """The record of one group of recipes."""
    y, y_test = problem.y_train, problem.y_test
    shares = (np.bincount(y, minlength=problem.K) + 1e-9) / len(y)
    head = {
        "table": problem.name, "seed": problem.seed,
        "n": len(y), "n_test": len(y_test), "K": problem.K,
        "base_loss": float(-np.log(shares[y_test]).mean()),
        "majority": float((y_test == shares.argmax()).mean()),
    }  # fmt: skip
    group = Group(Rows(problem, sorted({recipe.encoding for recipe in recipes})), recipes, device)
    record = head | {"group": list(recipes[0].group)} | group.run()
    if device == "cuda":
        torch.cuda.empty_cache()
    return record


def _short(value: float) -> float:
    return float(f"{value:.6g}")
