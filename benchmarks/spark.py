"""Spark's MultilayerPerceptronClassifier and ours: the same rows and layers, time to the same loss.

    python benchmarks/spark.py DATA [--hidden 100] [--iterations 100] [--blas FOLDER]

DATA is LetterRecognition.csv, whose numbers are standardised, or a folder: mnist_train.parquet
and mnist_test.parquet, whose pixels are divided by 255. Spark (pyspark, a JRE) runs as `local[1]`,
with its rows cached and after a short fit, so that its time contains neither reading nor
compilation. Its BLAS is that of Java with vector instructions, or the libblas.so.3 in FOLDER. Its
hidden units are sigmoids, and it computes in double precision; ours are ReLU, in double and single
precision. Nothing is penalised. Losses are means over the training rows, after the last iteration
(L-BFGS) or during the last epoch (Adam). Each contender has a process and one core, also where two
workers share it. The last two columns are those of a fit that ends at the first iteration or epoch
whose loss is not above the last of Spark's L-BFGS.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
import warnings
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from output import arguments_of, in_process, markdown, write_json

from backhand.benchmark.machine import this_machine
from backhand.benchmark.process import confine

SPARK = {"Spark, l-bfgs": "l-bfgs", "Spark, gd": "gd"}
OURS = ("Backhand, L-BFGS, float64", "Backhand, L-BFGS, float32", "Backhand, L-BFGS, 2 workers",
        "Backhand, Adam, float32")  # fmt: skip
EPOCHS = 200
"""Of Adam, at most."""

Found = dict[str, Any]
Rows = tuple[Any, Any, Any, Any]
"""X and y to train on, and X and y of the test rows; X in float64."""


def rows_of(data: Path) -> Rows:
    return _mnist(data) if data.is_dir() else _letters(data)


def _letters(path: Path) -> Rows:
    import duckdb
    import numpy as np

    with duckdb.connect() as connection:
        columns = list(connection.execute("FROM read_csv(?)", [str(path)]).fetchnumpy().values())
    y = np.unique(columns[0], return_inverse=True)[1]
    X = np.column_stack(columns[1:]).astype(float)
    train = np.arange(len(y)) < 0.8 * len(y)  # the customary split: the last 4,000 rows are tested
    X = (X - X[train].mean(0)) / X[train].std(0)
    return X[train], y[train], X[~train], y[~train]


def _mnist(folder: Path) -> Rows:
    from mnist import load

    (X, y), (X_test, y_test) = (
        load(folder / f"mnist_{part}.parquet") for part in ("train", "test")
    )
    return X.astype(float), y, X_test.astype(float), y_test


def spark(solver: str, rows: Rows, options: Namespace) -> Found:
    """Fit twice: once shortly, so that Java compiles, and once for the time."""
    from pyspark.ml.classification import MultilayerPerceptronClassifier

    X, y, X_test, y_test = rows
    with tempfile.TemporaryDirectory() as folder:
        session = _session(options.blas)
        try:
            blas = session._jvm.dev.ludovic.netlib.blas
            kind = (blas.NativeBLAS if options.blas else blas.JavaBLAS).getInstance()
            train = _frame(session, X, y, Path(folder) / "train.parquet")
            test = _frame(session, X_test, y_test, Path(folder) / "test.parquet")
            layers = [X.shape[1], options.hidden, int(y.max()) + 1]
            fit = MultilayerPerceptronClassifier(layers=layers, blockSize=options.block,
                                                 solver=solver, seed=1, tol=0.0)  # fmt: skip
            fit.setMaxIter(5).fit(train)
            model, seconds = _timed(fit.setMaxIter(options.iterations).fit, train)
            correct = model.transform(test).where("prediction = label").count()
            losses = model.summary().objectiveHistory
            return {"blas": kind.getClass().getSimpleName(), "losses": list(losses),
                    "seconds": seconds, "accuracy": correct / len(y_test)}  # fmt: skip
        finally:
            session.stop()


def _session(blas: str | None) -> Any:
    from pyspark.sql import SparkSession

    if blas:
        os.environ["LD_LIBRARY_PATH"] = blas
    settings = {"spark.ui.enabled": "false", "spark.driver.memory": "3g",
                "spark.driver.extraJavaOptions": "--add-modules=jdk.incubator.vector",
                "spark.sql.shuffle.partitions": "1", "spark.log.level": "ERROR"}  # fmt: skip
    return SparkSession.builder.master("local[1]").config(map=settings).getOrCreate()


def _frame(session: Any, X: Any, y: Any, path: Path) -> Any:
    """A cached frame of vectors and labels in one partition, by way of a Parquet file."""
    import pyarrow
    import pyarrow.parquet
    from pyspark.ml.functions import array_to_vector

    vectors = pyarrow.FixedSizeListArray.from_arrays(X.ravel(), X.shape[1])
    table = pyarrow.table({"x": vectors, "label": y.astype(float)})
    pyarrow.parquet.write_table(table, path)
    read = session.read.parquet(str(path))
    frame = read.select(array_to_vector("x").alias("features"), "label").coalesce(1).cache()
    frame.count()
    return frame


def backhand_lbfgs(name: str, rows: Rows, options: Namespace) -> Found:
    """`MLPClassifier(solver="lbfgs")`, with and without workers in this process."""
    dtype = "float32" if name.endswith("float32") else "float64"
    workers = {"num_workers": 2, "address": "threads"} if name.endswith("workers") else {}
    given = {"solver": "lbfgs", "tol": 0.0, "max_fun": 10**6, **workers}
    return _fitted(rows, dtype, options.iterations, options, given)


def backhand_adam(_: str, rows: Rows, options: Namespace) -> Found:
    """`MLPClassifier()`, as it comes but for the penalty."""
    return _fitted(rows, "float32", EPOCHS, options, {})


def _fitted(rows: Rows, dtype: str, most: int, options: Namespace, given: dict[str, Any]) -> Found:
    import backhand

    X, y, X_test, y_test = rows
    X, X_test = X.astype(dtype), X_test.astype(dtype)
    kind = backhand.RayMLPClassifier if "num_workers" in given else backhand.MLPClassifier

    def classifier(iterations: int) -> Any:
        return kind(hidden_layer_sizes=options.hidden, alpha=0.0, random_state=1,
                    max_iter=iterations, **given)  # fmt: skip

    warnings.simplefilter("ignore")  # that it has not converged
    classifier(2).fit(X, y)  # compiles
    fitted, seconds = _timed(classifier(most).fit, X, y)
    losses = list(fitted.loss_curve_)
    found = {"losses": losses, "seconds": seconds, "accuracy": fitted.score(X_test, y_test)}
    reached = next((n for n, loss in enumerate(losses, 1) if loss <= options.loss), None)
    if reached is not None:
        fit = classifier(reached).fit
        found |= {"reached": reached, "seconds_to_loss": _timed(fit, X, y)[1]}
    return found


def _timed(function: Callable[..., Any], *arguments: Any) -> tuple[Any, float]:
    began = time.perf_counter()
    found = function(*arguments)
    return found, time.perf_counter() - began


def run(options: Namespace) -> Found:
    """One contender, in this process."""
    rows, name = rows_of(options.data), options.contender
    if name in SPARK:
        return spark(SPARK[name], rows, options)
    return (backhand_lbfgs if "L-BFGS" in name else backhand_adam)(name, rows, options)


def all_contenders(options: Namespace) -> dict[str, Found]:
    found: dict[str, Found] = {}
    blas = ["--blas", options.blas] if options.blas else []
    given = ["--hidden", options.hidden, "--iterations", options.iterations,
             "--block", options.block, *blas]  # fmt: skip
    for name in (*SPARK, *OURS):
        loss = found["Spark, l-bfgs"]["losses"][-1] if found else 0.0
        found[name] = in_process(
            "spark.py", options.data, "--contender", name, "--loss", loss, *given
        )
    return found


def row(name: str, found: Found) -> list[str]:
    losses, seconds = found["losses"], found["seconds"]
    reached = f"{found['reached']:,}" if "reached" in found else "–"
    to_loss = f"{found['seconds_to_loss']:.2f}" if "reached" in found else "–"
    blas = f" ({found['blas']})" if "blas" in found else ""
    return [f"{name}{blas}", f"{len(losses) - bool(blas):,}", f"{seconds:.2f}", f"{losses[-1]:.4f}",
            f"{found['accuracy']:.4f}", reached, to_loss]  # fmt: skip


def parsed() -> Namespace:
    parser: ArgumentParser = arguments_of(__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--hidden", type=int, default=100)
    parser.add_argument("--iterations", type=int, default=100)
    parser.add_argument("--block", type=int, default=128, help="rows of a block of Spark's")
    parser.add_argument("--blas", metavar="FOLDER", help="with libblas.so.3, for Spark")
    parser.add_argument("--contender", choices=[*SPARK, *OURS], help="only this one, in JSON")
    parser.add_argument("--loss", type=float, default=0.0, help="to be reached")
    return parser.parse_args()


def main() -> None:
    options = parsed()
    if options.contender:
        confine(1)
        print(json.dumps(run(options)))
        return
    found = all_contenders(options)
    print(f"{options.data.stem}, {options.hidden} hidden units, {this_machine().cpu}, one core\n")
    markdown(["", "iterations", "seconds", "training loss", "test accuracy",
              "iterations to Spark's loss", "seconds"],
             [row(name, each) for name, each in found.items()])  # fmt: skip
    write_json(options.json, {"machine": asdict(this_machine()), "results": found})


if __name__ == "__main__":
    main()
