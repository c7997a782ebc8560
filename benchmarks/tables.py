"""Held-out accuracy on small tables: `backhand train` with its defaults against scikit-learn.

    python benchmarks/tables.py FOLDER

FOLDER contains the CSV files named below. scikit-learn's pipeline is StandardScaler (missing
numbers imputed with the mean), OneHotEncoder (missing as a value of its own) and MLPClassifier with
its defaults, on columns read by the csv module; both use the same training and held-out rows.
Prints a Markdown table of means over five seeds.
"""

from __future__ import annotations

import csv
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from backhand.table_settings import Settings
from backhand.tables.reading.reader import read_table
from backhand.tabular.training import fit_table, prepare_table

TABLES = {
    "BreastCancer": "Class",
    "HouseVotes84": "Class",
    "LetterRecognition": "lettr",
    "PimaIndiansDiabetes2": "diabetes",
    "Soybean": "Class",
    "Vowel": "Class",
    "penguins": "species",
}
SEEDS = range(5)
MISSING = ("", "NA")


def is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def read_columns(path: Path, target: str) -> tuple[np.ndarray, np.ndarray, list[int], list[int]]:
    """Return X (N, columns) of objects, y, and the positions of number and text columns."""
    rows = list(csv.reader(path.open(newline="")))
    at = rows[0].index(target)
    body = [row for row in rows[1:] if row[at] not in MISSING]
    y = np.array([row.pop(at) for row in body])
    numeric = [
        i for i in range(len(body[0])) if all(is_number(r[i]) or r[i] in MISSING for r in body)
    ]
    X: np.ndarray = np.array(body, dtype=object)
    for i in numeric:
        X[:, i] = [float("nan") if v in MISSING else float(v) for v in X[:, i]]
    return X, y, numeric, [i for i in range(X.shape[1]) if i not in numeric]


def scikit_learn(path: Path, target: str, test: np.ndarray, seed: int) -> float:
    X, y, numbers, texts = read_columns(path, target)
    columns: list[Any] = [
        (make_pipeline(SimpleImputer(), StandardScaler()), numbers),
        (OneHotEncoder(handle_unknown="ignore"), texts),
    ]
    encode = ColumnTransformer([(str(i), *part) for i, part in enumerate(columns)])
    model = make_pipeline(encode, MLPClassifier(random_state=seed)).fit(X[~test], y[~test])
    return float(model.score(X[test], y[test]))


def main() -> None:
    folder = Path(sys.argv[1])
    warnings.simplefilter("ignore")
    print("| table | training rows | classes | Backhand | scikit-learn | difference |")
    print("|---|---:|---:|---:|---:|---:|")
    for name, target in TABLES.items():
        path = folder / f"{name}.csv"
        ours, theirs = [], []
        for seed in SEEDS:
            settings = Settings(seed=seed)
            prepared = prepare_table(read_table(path), target, settings)
            _, evaluation = fit_table(prepared, settings)
            assert evaluation is not None
            ours.append(evaluation.accuracy)
            theirs.append(scikit_learn(path, target, prepared.is_held_out, seed))
        a, b = 100 * np.mean(ours), 100 * np.mean(theirs)
        rows, K = int((~prepared.is_held_out).sum()), len(prepared.target.classes)
        print(f"| {name} | {rows:,} | {K} | {a:.2f} | {b:.2f} | {a - b:+.2f} |", flush=True)


if __name__ == "__main__":
    main()
