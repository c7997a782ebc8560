"""What the files of each version were made from: rows, a table, and trainings that are resumed.

Nothing here may change once a version is released with it: a checkpoint is resumed only with the
rows and the settings that it was made with. Numbers are made of whole ones, so that they have the
same bits on every machine; every setting on which a checkpoint depends is given, so that another
default of a later version changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

import backhand

N, D, H, K = 48, 4, 5, 3


def numbers(*shape: int, scale: float = 1.0) -> NDArray[np.float32]:
    """Numbers between -scale and scale."""
    places = np.arange(1, 1 + int(np.prod(shape)), dtype=np.int64)
    whole = (places * places * 7919 + places * 104_729) % 1000
    return ((whole - 499.5) / 500 * scale).astype(np.float32).reshape(shape)


X = numbers(N, D)
Y = (X[:, 0] > 0).astype(np.int64) + (X[:, 1] > 0.2)


def start(dtype: Any = np.float32, hidden: int = H) -> backhand.Parameters:
    """Initial parameters that depend on no random numbers."""
    zeros = np.zeros(hidden, dtype), np.zeros(K, dtype)
    W1, W2 = numbers(D, hidden, scale=0.7).astype(dtype), numbers(hidden, K, scale=0.6)
    return backhand.Parameters(W1, zeros[0], W2.astype(dtype), zeros[1])


def table() -> dict[str, list[Any]]:
    """Columns of every kind, as texts: numbers, dates, categories, with and without gaps."""
    rows = range(96)
    area = [f"{(i * 37 % 91) * 1.25 + 3:.2f}" for i in rows]
    return {
        "area": area,
        "price": [f"{i * 53 % 89 + 10},{i % 10}" for i in rows],
        "floor": ["" if i % 11 == 0 else str(i * 7 % 5) for i in rows],
        "town": [("Ulm", "Kiel", "Jena")[i % 3] if i % 16 else "" for i in rows],
        "agent": ["rare" + str(i) if i % 24 == 5 else ("Ada", "Bo")[i % 2] for i in rows],
        "day": [f"2024-{i % 12 + 1:02}-{i % 27 + 1:02}" for i in rows],
        "seen": [f"{i % 27 + 1:02}.{i % 12 + 1:02}.{2019 + i % 5}" if i % 9 else "" for i in rows],
        "hour": [f"2024-03-{i % 27 + 1:02} {i * 5 % 24:02}:30:00" for i in rows],
        "sold": ["yes" if (float(area[i]) > 55) != (i % 13 == 0) else "no" for i in rows],
    }


TABLE: dict[str, Any] = {
    "hidden": 4, "epochs": 12, "batch_size": 16, "learning_rate": 0.02, "optimizer": "adam",
    "test_size": 0.25, "seed": 3, "engine": "reference", "number_encoding": "standard",
    "schedule": "cosine", "warmup": 0.05, "beta_1": 0.9, "beta_2": 0.95, "epsilon": 1e-8,
    "dropout": 0.0, "threads": 1,
}  # fmt: skip
"""Settings of the trainings on the table."""

ADAM = backhand.optimizers.Adam(beta_1=0.9, beta_2=0.999, epsilon=1e-8)
MOMENTUM = backhand.optimizers.Momentum(momentum=0.9)

Resumable = Callable[[backhand.Checkpoint | None], backhand.Parameters]


def of_train(checkpoint: backhand.Checkpoint | None, **more: Any) -> backhand.Parameters:
    """`train` with mini-batches, Adam, dropout, a schedule, validation and early stopping."""
    rule = backhand.EarlyStopping(patience=6, min_delta=0.0, monitor="validation_loss")
    return backhand.train(
        start(), X[:36], Y[:36], learning_rate=0.03, epochs=12, batch_size=8, optimizer=ADAM,
        l2=1e-3, dropout=0.2, schedule="cosine", warmup=0.1, validation=(X[36:], Y[36:]),
        validation_every=2, early_stopping=rule, seed=5,
        engine="reference", checkpoint=checkpoint, **more,
    ).params  # fmt: skip


def of_adaptive(checkpoint: backhand.Checkpoint | None, **more: Any) -> backhand.Parameters:
    """`train` in float64 on all rows, with momentum and a learning rate that is cut."""
    rule = backhand.EarlyStopping(patience=1, min_delta=0.05, monitor="loss")
    return backhand.train(
        start(np.float64), X.astype(np.float64), Y, learning_rate=0.2, epochs=14,
        optimizer=MOMENTUM,
        schedule="adaptive", early_stopping=rule, seed=5, batch_size=None,
        engine="reference", checkpoint=checkpoint, **more,
    ).params  # fmt: skip


def members() -> list[backhand.Member]:
    """Members that differ in all that members may differ in."""
    fold = np.arange(N) % 3
    return [
        backhand.Member(
            params=start(hidden=H + k), epochs=(2, 150, 200)[k], batch_size=16, seed=k,
            optimizer=(ADAM, "sgd", MOMENTUM)[k], learning_rate=0.01, dropout=0.1,
            schedule=("cosine", "adaptive", "constant")[k], rows=fold != k, validation=fold == k,
            early_stopping=backhand.EarlyStopping(patience=1000, monitor="validation_loss"),
        )
        for k in range(3)
    ]  # fmt: skip


def of_fleet(checkpoint: backhand.Checkpoint | None, **more: Any) -> backhand.Parameters:
    """`train_many`: the members' networks as one."""
    results = backhand.train_many(
        members(), X, Y, engine="reference", threads=1, checkpoint=checkpoint, **more
    )
    return backhand.fold(results)


def of_classifier(checkpoint: backhand.Checkpoint | None, **_: Any) -> backhand.Parameters:
    """`MLPClassifier`, whose checkpoints have conventions of scikit-learn's in their settings."""
    classifier = backhand.MLPClassifier(
        (H,), random_state=1, max_iter=10, batch_size=16, tol=0.0, n_iter_no_change=30, alpha=1e-3,
        early_stopping=True, validation_fraction=0.25, engine="reference",
    )  # fmt: skip
    if checkpoint is not None:
        classifier.set_callbacks(checkpoint)
    return classifier.fit(X, Y).to_model().params


def of_table(checkpoint: backhand.Checkpoint | None, **more: Any) -> backhand.Parameters:
    """`fit` with `quick`."""
    return backhand.fit(
        table(), "sold", quick=True, l2=1e-3, checkpoint=checkpoint, **TABLE, **more
    ).params


def of_search(checkpoint: backhand.Checkpoint | None, **more: Any) -> backhand.Parameters:
    """`fit` with its search."""
    return backhand.fit(table(), "sold", members=2, checkpoint=checkpoint, **TABLE, **more).params


RESUMABLE: dict[str, Resumable] = {
    "train": of_train, "adaptive": of_adaptive, "fleet": of_fleet, "classifier": of_classifier,
    "table": of_table, "search": of_search,
}  # fmt: skip
"""The trainings of which each version keeps a checkpoint, by the name of its folder."""
