"""One grid search over 24 settings on scikit-learn's digits, in this process; called by jobs.py.

    python benchmarks/grid.py backhand|scikit-learn [--n-jobs N]

Both estimators get the same settings and keep their other defaults, which are the same too. Prints
JSON: seconds of the search, and its best score.
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
    from sklearn.model_selection import GridSearchCV

    X, y = load_digits(return_X_y=True)
    began = time.perf_counter()
    # Three folds; the best setting is not trained again.
    found = GridSearchCV(estimator(library), GRID, cv=3, n_jobs=n_jobs, refit=False).fit(X / 16, y)
    return {"contender": library, "n_jobs": n_jobs, "seconds": time.perf_counter() - began,
            "score": float(found.best_score_), "best": found.best_params_}  # fmt: skip


def estimator(library: str) -> Any:
    if library == "scikit-learn":
        from sklearn.neural_network import MLPClassifier as Theirs

        return Theirs(max_iter=MAX_ITER, random_state=0)
    from backhand import MLPClassifier

    # One thread a job for both: scikit-learn's BLAS has it from the environment.
    return MLPClassifier(max_iter=MAX_ITER, random_state=0, threads=1)


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
