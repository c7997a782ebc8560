"""A sweep over text embeddings: 20 learning rates and 5 penalties, beside LogisticRegressionCV.

    python benchmarks/probe.py EMBEDDINGS.npz --threads 2 --json build/probe.json

EMBEDDINGS.npz has X (N, d) float32, such as sentence embeddings, and y (N,) of 0..K-1. Three fifths
of the rows are for training, one for validation and one for the test. Backhand trains 100 networks
of 64 hidden units in one call of `train_many`, each stopped by its validation loss, and takes the
one with the least. scikit-learn's LogisticRegressionCV compares 20 penalties on the same validation
rows by the same loss. MLPClassifierCV chooses by itself, on folds of training and validation rows.
Prints seconds, and accuracy and log loss on the test rows. Takes about a minute.
"""

from __future__ import annotations

import json
import time
import warnings
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any

from output import markdown, output_file, write_json

from backhand.benchmark.process import confine

RATES, PENALTIES, HIDDEN, EPOCHS, PATIENCE = 20, 5, 64, 50, 5


def sweep(X: Any, y: Any, rows: list[Any], threads: int) -> tuple[Any, dict[str, Any]]:
    """Return P of the test rows, and what was chosen."""
    import numpy as np

    import backhand

    train, valid, test = rows
    members = [
        backhand.Member(
            hidden=HIDDEN, learning_rate=rate, l2=l2, epochs=EPOCHS, batch_size=256,
            optimizer="adam", rows=train, validation=valid,
            early_stopping=backhand.EarlyStopping(PATIENCE),
        )
        for rate in np.geomspace(1e-4, 3e-2, RATES)
        for l2 in np.geomspace(1e-6, 1e-2, PENALTIES)
    ]  # fmt: skip
    results = backhand.train_many(members, X, y, threads=threads)
    losses = [np.nanmin(result.history.validation_loss, initial=np.inf) for result in results]
    best = int(np.argmin(losses))
    P = backhand.make_engine().predict_proba(results[best].params, X[test])
    epochs = sum(len(result.history) for result in results)
    return P, {"rate": members[best].learning_rate, "l2": members[best].l2, "epochs": epochs}


def logistic_regression(X: Any, y: Any, rows: list[Any], threads: int) -> Any:
    """Return P of the test rows, and what was chosen."""
    import numpy as np
    from sklearn.linear_model import LogisticRegressionCV

    train, valid, test = rows
    both = np.concatenate([train, valid])
    split = np.arange(len(train)), np.arange(len(train), len(both))
    clf = LogisticRegressionCV(
        Cs=20, cv=[split], scoring="neg_log_loss", max_iter=1000, n_jobs=threads,
        use_legacy_attributes=False, l1_ratios=(0,),
    ).fit(X[both], y[both])  # fmt: skip
    return clf.predict_proba(X[test]), {"C": float(np.ravel(clf.C_)[0])}


def by_itself(X: Any, y: Any, rows: list[Any], threads: int) -> Any:
    """Return P of the test rows, and what was chosen."""
    import numpy as np

    from backhand import MLPClassifierCV

    both = np.concatenate(rows[:2])
    clf = MLPClassifierCV(hidden=HIDDEN, threads=threads, random_state=0).fit(X[both], y[both])
    return clf.predict_proba(X[rows[2]]), {"l2": clf.penalty_, "temperature": clf.temperature_}


CONTENDERS: dict[str, Callable[..., Any]] = {
    "train_many, 100 networks": sweep,
    "MLPClassifierCV": by_itself,
    "LogisticRegressionCV, 20 penalties": logistic_regression,
}


def measured(name: str, X: Any, y: Any, threads: int) -> dict[str, Any]:
    """Return the seconds, and the figures of the test rows."""
    import numpy as np

    order = np.random.default_rng(0).permutation(len(y))
    rows = np.split(order, [len(y) * 3 // 5, len(y) * 4 // 5])
    began = time.perf_counter()
    P, chosen = CONTENDERS[name](X, y, rows, threads)
    seconds, truth = time.perf_counter() - began, y[rows[2]]
    loss = -np.log(np.maximum(P[np.arange(len(truth)), truth], 1e-15)).mean()
    return {"contender": name, "threads": threads, "seconds": seconds, "loss": float(loss),
            "accuracy": float((P.argmax(axis=1) == truth).mean()), "chosen": chosen}  # fmt: skip


def main() -> None:
    parser = ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("embeddings", metavar="EMBEDDINGS.npz", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", metavar="FILE", type=output_file)
    arguments = parser.parse_args()
    confine(arguments.threads)
    warnings.simplefilter("ignore")
    import numpy as np

    import backhand

    with np.load(arguments.embeddings) as found:
        X, y = np.ascontiguousarray(found["X"], np.float32), found["y"].astype(np.int64)
    backhand.train_many([backhand.Member(epochs=1)], X[:200], y[:200])  # compiles
    results = [measured(name, X, y, arguments.threads) for name in CONTENDERS]
    markdown(["", "threads", "seconds", "accuracy, %", "log loss"], [
        [r["contender"], str(r["threads"]), f"{r['seconds']:.1f}", f"{100 * r['accuracy']:.2f}",
         f"{r['loss']:.4f}"] for r in results
    ])  # fmt: skip
    write_json(arguments.json, {"rows": list(X.shape), "results": results})
    print(json.dumps([r["chosen"] for r in results]))


if __name__ == "__main__":
    main()
