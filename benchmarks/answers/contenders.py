"""The classifiers that are compared, each with its defaults.

A contender is a function without arguments that imports what it needs and returns a `Fit`. That
trains on the training rows of a problem, which is timed, and returns what predicts the test rows.
Numbers are imputed and standardised and texts one-hot encoded for those that need it, within the
time that is taken.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from problems import Problem

import backhand


class Answers(NamedTuple):
    """P (N, K) of the test rows; column k belongs to classes[k]."""

    P: NDArray[np.floating[Any]]
    classes: list[str]


Fit = Callable[[Problem, int], Callable[[], Answers]]
"""Of a problem and a number of threads."""


def backhand_on_file(**settings: Any) -> Fit:
    from backhand.engines import make_engine

    for dtype in (np.float32, np.float64):
        make_engine("auto").prepare(dtype, lambda _: None)  # compiled once on a machine

    def fit(problem: Problem, threads: int) -> Callable[[], Answers]:
        model = backhand.fit(
            problem.path, problem.target, seed=problem.seed, threads=threads, **settings
        )

        def predict() -> Answers:
            P = model.predict_proba(problem.path)[problem.is_test]
            return Answers(P, [str(name) for name in model.classes])

        return predict

    return fit


def scikit_learn(make: Callable[..., Any], *, is_tree: bool = False) -> Fit:
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
    from threadpoolctl import threadpool_limits

    def encode(problem: Problem) -> Any:
        if is_tree:
            codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
            numbers: Any = "passthrough"
        else:
            codes = OneHotEncoder(handle_unknown="ignore")
            numbers = make_pipeline(SimpleImputer(), StandardScaler())
        columns = problem.columns
        return ColumnTransformer(
            [("numbers", numbers, columns.numbers), ("texts", codes, columns.texts)]
        )

    def fit(problem: Problem, threads: int) -> Callable[[], Answers]:
        model = make_pipeline(encode(problem), make(problem))
        with threadpool_limits(threads):
            model.fit(*problem.training)
        return lambda: Answers(model.predict_proba(problem.test[0]), list(model.classes_))

    return fit


def logistic_regression() -> Fit:
    from sklearn.linear_model import LogisticRegression

    # Its default of 100 iterations ends before convergence on some tables.
    return scikit_learn(lambda _: LogisticRegression(max_iter=1000))


def mlp(**settings: Any) -> Fit:
    from sklearn.neural_network import MLPClassifier

    return scikit_learn(lambda problem: MLPClassifier(random_state=problem.seed, **settings))


def gradient_boosting() -> Fit:
    from sklearn.ensemble import HistGradientBoostingClassifier

    def make(problem: Problem) -> Any:
        numbers, texts = len(problem.columns.numbers), len(problem.columns.texts)
        return HistGradientBoostingClassifier(
            categorical_features=[False] * numbers + [True] * texts, random_state=problem.seed
        )

    return scikit_learn(make, is_tree=True)


def pytabkit(name: str, **settings: Any) -> Fit:
    import pandas as pd
    import pytabkit
    import torch

    def frame(problem: Problem, X: NDArray[np.object_]) -> pd.DataFrame:
        """Numbers imputed with the mean; texts as categories, missing if not in training."""
        trained, columns = problem.training[0], {}
        for i in problem.columns.numbers:
            known, cells = trained[:, i].astype(float), X[:, i].astype(float)
            columns[str(i)] = np.where(np.isnan(cells), np.nanmean(known), cells)
        for i in problem.columns.texts:
            names = sorted({*trained[:, i], ""})
            cells = [cell if cell in set(names) else "" for cell in X[:, i]]
            columns[str(i)] = pd.Categorical(cells, categories=names)
        return pd.DataFrame(columns)

    def fit(problem: Problem, threads: int) -> Callable[[], Answers]:
        torch.set_num_threads(threads)
        model = getattr(pytabkit, name)(
            device="cpu", random_state=problem.seed, n_threads=threads, **settings
        )
        X, y = problem.training
        model.fit(frame(problem, X), y)
        return lambda: Answers(
            model.predict_proba(frame(problem, problem.test[0])), list(model.classes_)
        )

    return fit


BY_LOSS = {"val_metric_name": "cross_entropy", "use_ls": False}
"""What pytabkit's documentation recommends to a user who wants probabilities."""

CONTENDERS: dict[str, Callable[[], Fit]] = {
    "Backhand": backhand_on_file,
    "Backhand, standard": lambda: backhand_on_file(number_encoding="standard"),
    "Backhand, quick": lambda: backhand_on_file(quick=True),
    "Backhand, bf16": lambda: backhand_on_file(precision="bf16"),
    "LogisticRegression": logistic_regression,
    "MLPClassifier": mlp,
    "MLPClassifier, early": lambda: mlp(early_stopping=True),
    "HistGradientBoosting": gradient_boosting,
    "RealMLP-TD-S": lambda: pytabkit("RealMLP_TD_S_Classifier"),
    "RealMLP-TD": lambda: pytabkit("RealMLP_TD_Classifier"),
    "RealMLP-TD, by loss": lambda: pytabkit("RealMLP_TD_Classifier", **BY_LOSS),
    "TabM-D": lambda: pytabkit("TabM_D_Classifier"),
}
