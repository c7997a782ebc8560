"""`backhand.MLPClassifier` instead of scikit-learn's: accuracy and time, one thread.

    python benchmarks/estimators.py FOLDER [--raw] [--folds 5] [--seeds 1] [--json FILE]

Both classes with their defaults, five-fold cross-validation in the same folds, on the CSV files of
FOLDER that are named below and on the classification sets that ship with scikit-learn. Numbers
are imputed and standardised, texts one-hot encoded, in a pipeline whose time counts for both; with
--raw the sets of scikit-learn are used unchanged. Prints a Markdown table; a seed is a random_state
of the classifier and of the folds.
"""

from __future__ import annotations

import sys
import time
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import sklearn.datasets
import sklearn.neural_network
from answers.problems import read_columns
from output import arguments_of, markdown, write_json
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from threadpoolctl import threadpool_limits

import backhand

TABLES = {
    "BreastCancer": "Class",
    "HouseVotes84": "Class",
    "LetterRecognition": "lettr",
    "PimaIndiansDiabetes2": "diabetes",
    "Soybean": "Class",
    "Vowel": "Class",
    "penguins": "species",
}
SETS = ("iris", "wine", "digits", "breast_cancer")
HEADINGS = ("set", "Backhand, %", "scikit-learn, %", "difference", "Backhand, s",
            "scikit-learn, s", "ratio")  # fmt: skip
CLASSES = {"Backhand": backhand.MLPClassifier, "scikit-learn": sklearn.neural_network.MLPClassifier}


class Problem(NamedTuple):
    """A classification set, and the step that converts it to numbers."""

    name: str
    X: Any
    y: Any
    encode: Any


def problems(folder: Path, *, raw: bool) -> list[Problem]:
    found = []
    for name, target in TABLES.items():
        columns = read_columns(folder / f"{name}.csv", target)
        encode = ColumnTransformer([
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), columns.numbers),
            ("texts", OneHotEncoder(handle_unknown="ignore", sparse_output=False), columns.texts),
        ])  # fmt: skip
        found.append(Problem(name, columns.X, columns.y, encode))
    for name in SETS:
        X, y = getattr(sklearn.datasets, f"load_{name}")(return_X_y=True)
        found.append(Problem(name, X, y, FunctionTransformer() if raw else StandardScaler()))
    return found


def cross_validate(problem: Problem, kind: Any, folds: int, seed: int) -> tuple[float, float]:
    """Return the mean accuracy over the folds, and the total seconds."""
    extra = {"threads": 1} if kind is backhand.MLPClassifier else {}
    scores, began = [], time.perf_counter()
    cut = StratifiedKFold(folds, shuffle=True, random_state=seed)
    for train, test in cut.split(problem.X, problem.y):
        pipeline = make_pipeline(problem.encode, kind(random_state=seed, **extra))
        pipeline.fit(problem.X[train], problem.y[train])
        scores.append(pipeline.score(problem.X[test], problem.y[test]))
    return float(np.mean(scores)), time.perf_counter() - began


def main() -> None:
    parser = arguments_of(__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--raw", action="store_true")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=1)
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")
    backhand.MLPClassifier(max_iter=1).fit([[0.0], [1.0]], [0, 1])  # compiled before it is timed
    results: dict[str, dict[str, tuple[float, float]]] = {}
    with threadpool_limits(1):
        for problem in problems(chosen.folder, raw=chosen.raw):
            print(problem.name, file=sys.stderr)
            results[problem.name] = {
                name: of_seeds(problem, kind, chosen.folds, chosen.seeds)
                for name, kind in CLASSES.items()
            }
    show(results)
    write_json(chosen.json, results)


def of_seeds(problem: Problem, kind: Any, folds: int, seeds: int) -> tuple[float, float]:
    """Return the mean accuracy, and the total seconds."""
    runs = [cross_validate(problem, kind, folds, seed) for seed in range(seeds)]
    accuracies, seconds = zip(*runs, strict=True)
    return float(np.mean(accuracies)), float(np.sum(seconds))


def show(results: dict[str, dict[str, tuple[float, float]]]) -> None:
    accuracies = np.array([[r[name][0] for name in CLASSES] for r in results.values()])
    seconds = np.array([[r[name][1] for name in CLASSES] for r in results.values()])
    rows = [
        (name, *cells(a, t))
        for name, a, t in zip(results, accuracies, seconds, strict=True)
    ]  # fmt: skip
    rows.append(("mean accuracy, all time", *cells(accuracies.mean(axis=0), seconds.sum(axis=0))))
    markdown(HEADINGS, rows)


def cells(accuracy: Any, seconds: Any) -> tuple[str, ...]:
    (a, b), (s, t) = 100 * accuracy, seconds
    return f"{a:.2f}", f"{b:.2f}", f"{a - b:+.2f}", f"{s:.2f}", f"{t:.2f}", f"{s / t:.2f}"


if __name__ == "__main__":
    main()
