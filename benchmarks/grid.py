"""One grid search over 24 settings on scikit-learn's digits, in this process; called by jobs.py.

    python benchmarks/grid.py backhand|scikit-learn [--n-jobs N]

Each library's GridSearchCV searches its own MLPClassifier. Both get the same settings and keep
their other defaults, which are the same too. Prints JSON: seconds of the search, its best score and
its best setting.
"""

from __future__ import annotations

import json
import os
import time
import warnings
from argparse import ArgumentParser
from typing import Any

from backhand.benchmark.process import confine

GRID = {
    "hidden_layer_sizes": [(32,), (64,), (128,)],
    "learning_rate_init": [0.001, 0.01],
    "alpha": [1e-5, 1e-4, 1e-3, 1e-2],
}
MAX_ITER = 50


def search(library: str, n_jobs: int) -> dict[str, Any]:
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    Search, MLPClassifier = classes(library)
    clf = MLPClassifier(max_iter=MAX_ITER, random_state=0)
    if library == "backhand":  # one thread per job for both: BLAS has it from the environment
        clf.set_params(threads=1)
    began = time.perf_counter()
    # Three folds; the best setting is not trained again.
    found = Search(clf, GRID, cv=3, n_jobs=n_jobs, refit=False).fit(X / 16, y)
    return {"contender": library, "n_jobs": n_jobs, "seconds": time.perf_counter() - began,
            "score": float(found.best_score_), "best": found.best_params_}  # fmt: skip


def classes(library: str) -> tuple[Any, Any]:
    if library == "scikit-learn":
        from sklearn.model_selection import GridSearchCV as Theirs
        from sklearn.neural_network import MLPClassifier as TheirClassifier

        return Theirs, TheirClassifier
    from backhand import GridSearchCV, MLPClassifier

    return GridSearchCV, MLPClassifier


def main() -> None:
    parser = ArgumentParser()
    parser.add_argument("library", choices=["backhand", "scikit-learn"])
    parser.add_argument("--n-jobs", type=int, default=1)
    arguments = parser.parse_args()
    confine(1, cores=arguments.n_jobs)
    # Warnings that 50 epochs are too few are expected; worker processes read the environment.
    os.environ["PYTHONWARNINGS"] = "ignore"
    warnings.simplefilter("ignore")
    print(json.dumps(search(arguments.library, arguments.n_jobs)))


if __name__ == "__main__":
    main()
