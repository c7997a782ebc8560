"""Loops of one-epoch fits learn as one long fit does, over several seeds: about half a minute."""

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_iris
from sklearn.model_selection import train_test_split

from backhand import MLPClassifier

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]


@pytest.mark.parametrize("generator", [int, np.random.RandomState], ids=["seed", "generator"])
@pytest.mark.parametrize("case", ["digits, early_stopping", "iris, X_val"])
def test_150_fits_of_an_epoch_are_within_a_point_of_one_fit_of_150(case: str, generator) -> None:
    long, loop = [], []
    for seed in range(5):
        X, y = (load_digits if "digits" in case else load_iris)(return_X_y=True)
        X, X_test, y, y_test = train_test_split(X, y, random_state=seed, stratify=y)
        settings, validation = {"early_stopping": True, "n_iter_no_change": np.inf}, {}
        if "X_val" in case:
            X, X_val, y, y_val = train_test_split(X, y, random_state=seed, stratify=y)
            settings, validation = {"learning_rate_init": 0.01}, {"X_val": X_val, "y_val": y_val}
        clf = MLPClassifier((20,), max_iter=150, random_state=generator(seed), **settings)
        long.append(clf.fit(X, y, **validation).score(X_test, y_test))
        clf = MLPClassifier((20,), max_iter=1, warm_start=True, random_state=generator(seed),
                            **settings)  # fmt: skip
        for _ in range(150):
            clf.fit(X, y, **validation)
        loop.append(clf.score(X_test, y_test))
    print(f"{case}: one fit {np.round(long, 4)}, loops {np.round(loop, 4)}")
    assert abs(np.mean(loop) - np.mean(long)) < 0.01
