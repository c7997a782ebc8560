"""The effect of each setting, alone and whatever the others are, from what `run` wrote.

    python -m benchmarks.tricks.effects OUT [--measure loss_T]

"alone" is the recipe that differs from the base recipe in this setting only. "among all" is its
coefficient in a linear regression over all recipes of the table's difference to the base recipe,
one regression for each table; the mean is over tables, and so is the standard error. Settings that
fewer than five recipes have are in the regression, but not printed: it says no more than "alone".
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from .recipes import ALONE, BASE, Recipe, all_recipes
from .summary import PENALTIES, Key, Record, choose, read

SETTINGS = (
    "smoothing", "beta_2", "schedule", "learning_rate", "most_epochs", "updates", "patience",
    "monitor", "class_bias", "data_bias", "penalty", "dropout", "encoding", "batch", "hidden",
    "scale", "average", "folds",
)  # fmt: skip
Jobs = dict[Key, Record]


def settings_of(recipe: Recipe) -> set[tuple[str, object]]:
    """What is different from the base recipe."""
    return {
        (name, getattr(recipe, name))
        for name in SETTINGS
        if getattr(recipe, name) != getattr(BASE, name)
    }


def differences(own: Jobs, base: Jobs, keys: list[Key], measure: str) -> np.ndarray:
    """Difference of loss, ratio of loss and ratio of cost (3, tables); ratios as logarithms."""
    tables = sorted({table for table, _ in keys})
    found = []
    for table in tables:
        at = [key for key in keys if key[0] == table]
        loss, other = (np.mean([jobs[k][measure] for k in at]) for jobs in (own, base))
        cost = np.mean([own[k]["updates"] / base[k]["updates"] for k in at])
        found.append([loss - other, np.log(loss / other), np.log(cost)])
    return np.array(found).T


def regression(
    chosen: dict[str, Jobs], recipes: dict[str, Recipe], keys: list[Key], measure: str
) -> dict[tuple[str, object], tuple[int, np.ndarray]]:
    """By setting: how many recipes have it, and its coefficients (3, tables)."""
    names = [name for name in chosen if name != "base"]
    kept = [settings_of(recipes[name]) for name in names]
    settings = sorted(set().union(*kept), key=str)
    A = np.array([[setting in own for setting in settings] for own in kept], float)
    Y = np.array([differences(chosen[name], chosen["base"], keys, measure) for name in names])
    coefficients = np.linalg.lstsq(A, Y.reshape(len(names), -1), rcond=None)[0]
    return {
        setting: (int(A[:, i].sum()), coefficients[i].reshape(Y.shape[1:]))
        for i, setting in enumerate(settings)
    }


def cells(values: np.ndarray) -> str:
    """Difference and ratio, each with its standard error, and the cost."""
    mean, error = values.mean(1), values.std(1, ddof=1) / np.sqrt(values.shape[1])
    ratio, cost = np.exp(mean[1]), np.exp(mean[2])
    return (
        f"{1e3 * mean[0]:+.1f} ± {1e3 * error[0]:.1f} | {ratio:.3f} ± {ratio * error[1]:.3f} | "
        f"{cost:.2f}"
    )


def print_effects(chosen: dict[str, Jobs], keys: list[Key], measure: str) -> None:
    recipes = {recipe.name: recipe for recipe in all_recipes(30)}
    found = regression(chosen, recipes, keys, measure)
    print("| setting | alone (·1000) | ratio | cost | recipes | among all (·1000) | ratio | cost |")
    print(f"|---|{'---:|' * 7}")
    alone = {name: recipes[name] for name in ALONE if name in chosen}
    for name, recipe in alone.items():
        own = settings_of(recipe)
        among = "| | | |"
        if len(own) == 1:
            count, values = found[own.pop()]
            among = f"{count} | {cells(values)} |" if count >= 5 else among
        print(f"| {name} | {cells(differences(chosen[name], chosen['base'], keys, measure))} "
              f"| {among}")  # fmt: skip
    for setting, (count, values) in found.items():
        if count >= 5 and not any(settings_of(recipe) == {setting} for recipe in alone.values()):
            print(f"| {setting[0]} {setting[1]} | | | | {count} | {cells(values)} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--measure", default="loss_T")
    args = parser.parse_args()
    found = read(args.folder)
    counts = {key: sum(key in jobs for jobs in found.values()) for key in found["base"]}
    keys = sorted(key for key, count in counts.items() if count == len(found))
    print(f"{len(keys)} pairs of table and seed that all {len(found)} recipes have\n")
    chosen = {
        name: {key: choose(jobs[key], PENALTIES if name == "base" else None) for key in keys}
        for name, jobs in found.items()
    }
    print_effects(chosen, keys, args.measure)


if __name__ == "__main__":
    main()
