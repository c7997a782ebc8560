"""Figures of each recipe against the base recipe, from what `run` wrote.

    python -m benchmarks.tricks.summary OUT [--choose oof_T] [--measure loss_T] [--against base]

λ is chosen for each table and seed by `--choose`. Differences are means over tables of the mean
over seeds, with the standard error over tables; "ratio" is the geometric mean over tables of log
loss relative to the base recipe's. Tables and seeds that a recipe lacks are left out on both sides.
"""

from __future__ import annotations

import argparse
import json
import math
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

Key = tuple[str, int]
Record = dict[str, Any]
PENALTIES = (0.0002, 0.002, 0.02)
CHOICES = (
    ("base", "tree bins"), ("base", "quantile bins"), ("base", "smooth clip"),
    ("lean", "lean, tree bins"), ("lean", "lean, quantile bins"),
    ("lean", "lean, numbers and tree bins"), ("lean", "lean, scale", "lean, tree bins"),
    ("lean, numbers", "lean, tree bins", "lean, numbers + lean, tree bins"),
)  # fmt: skip
"""Recipes of which the out-of-fold loss chooses one for each table."""


def read(folder: Path) -> dict[str, dict[Key, list[Record]]]:
    """Records by recipe, then by table and seed: one for each λ."""
    found: dict[str, dict[Key, list[Record]]] = defaultdict(lambda: defaultdict(list))
    for path in sorted(folder.glob("tricks-*.jsonl")):
        for line in path.read_text().splitlines():
            entry = json.loads(line)
            head = {k: v for k, v in entry.items() if k not in ("rows", "columns")}
            for row in entry["rows"]:
                record = head | dict(zip(entry["columns"], row, strict=True))
                found[record["recipe"]][entry["table"], entry["seed"]].append(record)
    return found


def choose(
    records: Iterable[Record], penalties: Iterable[float] | None = None, by: str = "oof_T"
) -> Record:
    """The record of the λ that the out-of-fold figure favours."""
    penalties = None if penalties is None else set(penalties)
    allowed = [
        record for record in records
        if record["penalty"] >= 0 and (penalties is None or record["penalty"] in penalties)
    ]  # fmt: skip
    return min(allowed, key=lambda record: record[by] if record[by] == record[by] else math.inf)


def by_table(values: dict[Key, float]) -> np.ndarray:
    """Mean over the seeds of each table."""
    tables: dict[str, list[float]] = defaultdict(list)
    for (table, _), value in sorted(values.items()):
        tables[table].append(value)
    return np.array([np.mean(v) for v in tables.values()])


def mean_and_error(values: np.ndarray) -> tuple[float, float]:
    return float(values.mean()), float(values.std(ddof=1) / math.sqrt(len(values)))


def compare(own: dict[Key, Record], base: dict[Key, Record], measure: str) -> Record:
    """Figures of one recipe against another on the tables and seeds that both have."""
    keys = sorted(own.keys() & base.keys())
    loss = by_table({k: own[k][measure] for k in keys})
    other = by_table({k: base[k][measure] for k in keys})
    excess = by_table({k: own[k][measure] - own[k]["base_loss"] for k in keys})
    kind = "bias_accuracy" if measure == "loss_bias" else "accuracy"
    right = by_table({k: own[k][kind] - base[k]["accuracy"] for k in keys})
    ece = {k: own[k][measure.replace("loss", "ece")] for k in keys if own[k]["n_test"] >= 1000}
    ratio, ratio_error = mean_and_error(np.log(loss / other))
    difference, difference_error = mean_and_error(loss - other)
    accuracy, accuracy_error = mean_and_error(right)
    return {
        "jobs": len(keys), "loss": loss.mean(), "difference": difference,
        "difference_error": difference_error, "ratio": math.exp(ratio), "ratio_error": ratio_error,
        "wins": int((loss < other).sum()), "losses": int((loss > other).sum()),
        "accuracy": accuracy, "accuracy_error": accuracy_error, "worst_excess": excess.max(),
        "ece": float(by_table(ece).mean()) if ece else math.nan,
        "epochs": np.mean([own[k]["epochs"] for k in keys]),
        "cost": np.mean([own[k]["updates"] / base[k]["updates"] for k in keys]),
    }  # fmt: skip


COLUMNS = (
    "recipe", "jobs", "log loss", "difference (·1000)", "ratio", "±", "wins:losses",
    "accuracy (points)", "worst excess", "ECE", "epochs", "updates",
)  # fmt: skip
HEADER = f"| {' | '.join(COLUMNS)} |\n|---|{'---:|' * (len(COLUMNS) - 1)}"


def line(name: str, f: Record) -> str:
    return (
        f"| {name} | {f['jobs']} | {f['loss']:.4f} | "
        f"{1e3 * f['difference']:+.2f} ± {1e3 * f['difference_error']:.2f} | "
        f"{f['ratio']:.4f} | {f['ratio_error']:.4f} | {f['wins']}:{f['losses']} | "
        f"{100 * f['accuracy']:+.2f} ± {100 * f['accuracy_error']:.2f} | "
        f"{f['worst_excess']:+.3f} | {f['ece']:.4f} | {f['epochs']:.0f} | {f['cost']:.2f} |"
    )


def print_recipes(
    found: dict[str, dict[Key, list[Record]]], by: str, measure: str, against: str
) -> None:
    base = {key: choose(records, PENALTIES, by) for key, records in found["base"].items()}
    chosen = {
        name: {key: choose(records, None, by) for key, records in jobs.items()}
        for name, jobs in found.items()
    }
    chosen = {"base": base, "base, eight penalties": chosen.pop("base"), **chosen}
    for names in CHOICES:
        if chosen.keys() >= set(names):
            keys = set.intersection(*(set(chosen[name]) for name in names))
            chosen[" or ".join(names)] = {
                key: min((chosen[name][key] for name in names), key=lambda record: record[by])
                for key in keys
            }
    print(f"\nEach recipe against {against}, λ chosen by {by}, measured by {measure}\n\n{HEADER}")
    for name, own in chosen.items():
        print(line(name, compare(own, chosen[against], measure)))


def print_penalties(jobs: dict[Key, list[Record]], name: str, by: str, measure: str) -> None:
    """Print lists of λ of one recipe: those that it was trained with on every table and seed."""
    trained = ({r["penalty"] for r in records if r["penalty"] >= 0} for records in jobs.values())
    every = sorted(set.intersection(*trained))
    if len(every) < 2:
        return
    base = {key: choose(records, PENALTIES, by) for key, records in jobs.items()}
    lists = [
        *((l2,) for l2 in every), (0.0002, 0.002), (0.002, 0.02), (0.0006, 0.006), (0.0002, 0.02),
        (0.0006, 0.006, 0.05), (0.0002, 0.002, 0.02, 0.2), (0.0, 0.0002, 0.002, 0.02),
        (0.0002, 0.002, 0.02, 0.05), (0.0006, 0.002, 0.006, 0.02), tuple(every),
    ]  # fmt: skip
    print(f"\nLists of penalties of {name}, against three\n\n{HEADER}")
    for penalties in lists:
        if not set(penalties) <= set(every):
            continue
        own = {key: choose(records, penalties, by) for key, records in jobs.items()}
        print(line(", ".join(f"{l2:g}" for l2 in penalties), compare(own, base, measure)))
    best = {
        key: min((r for r in records if r["penalty"] >= 0), key=lambda r: r[measure])
        for key, records in jobs.items()
    }
    print(line("best on the held-out rows (oracle)", compare(best, base, measure)))


def print_corrections(jobs: dict[Key, list[Record]], name: str) -> None:
    base = {key: choose(records, PENALTIES) for key, records in jobs.items()}
    measures = [name for name in next(iter(base.values())) if name.startswith("loss_")]
    measures.remove("loss_alone")
    print("\nMeasured on the folded net unless it says alone; best: T of the held-out rows")
    print(f"\nTemperature and bias of {name}, against T\n\n{HEADER}")
    for measure in (*measures, "loss_alone", "best"):
        own = {key: record | {"loss_T": record[measure]} for key, record in base.items()}
        for record in own.values():
            record["ece_T"] = record.get(measure.replace("loss", "ece"), math.nan)
            if measure == "loss_bias":
                record["accuracy"] = record["bias_accuracy"]
            if measure == "loss_alone":
                record["accuracy"] = record["accuracy_alone"]
        print(line(measure, compare(own, base, "loss_T")))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--choose", default="oof_T")
    parser.add_argument("--measure", default="loss_T")
    parser.add_argument("--against", default="base")
    args = parser.parse_args()
    found = read(args.folder)
    print_recipes(found, args.choose, args.measure, args.against)
    wide = f"{args.against}, eight penalties"
    name = wide if wide in found else args.against
    print_penalties(found[name], name, args.choose, args.measure)
    print_corrections(found[args.against], args.against)


if __name__ == "__main__":
    main()
