"""One training on MNIST by one contender, in this process; called by jobs.py.

    python benchmarks/mnist.py FOLDER CONTENDER [--threads N] [--epochs E]

FOLDER holds mnist_train.parquet and mnist_test.parquet: `label`, and `p0` to `p783` as bytes. The
network is 784-256-10. Prints JSON: seconds of the training alone, without imports, and accuracy on
the test set.
"""

from __future__ import annotations

import json
import os
import time
import warnings
from argparse import ArgumentParser
from importlib import import_module
from pathlib import Path
from typing import Any

from backhand.benchmark.process import confine

HIDDEN = 256


def load(path: Path) -> tuple[Any, Any]:
    """X (N, 784) float32 in 0..1, y (N,) int64."""
    import duckdb
    import numpy as np

    with duckdb.connect() as connection:
        columns = connection.execute("SELECT * FROM read_parquet(?)", [str(path)]).fetchnumpy()
    X = np.column_stack([columns[f"p{i}"] for i in range(784)])
    return X.astype(np.float32) / 255, columns["label"].astype(np.int64)


def job(folder: Path, name: str, threads: int, epochs: int) -> dict[str, Any]:
    import numpy as np
    from mnist_contenders import TRAIN

    from backhand.benchmark.contenders import CONTENDERS
    from backhand.engines import make_engine
    from backhand.equations import accuracy, forward, init

    # The contender's library is imported before its time is taken, and Backhand's engine too.
    module = next(contender.module for contender in CONTENDERS if contender.name == name)
    import_module(f"backhand.benchmark.contenders.{module}")
    make_engine()
    if name == "torch autograd":
        import_module("torch._dynamo")  # which torch.optim imports at its first step
    X, y = load(folder / "mnist_train.parquet")
    start = init(784, HIDDEN, 10)
    began = time.perf_counter()
    params = TRAIN[name](start, X, y, epochs, threads)
    seconds = time.perf_counter() - began
    X, y = load(folder / "mnist_test.parquet")
    assert all(value.dtype == np.float32 for value in params)
    return {"contender": name, "threads": threads, "epochs": epochs, "seconds": seconds,
            "accuracy": float(accuracy(forward(params, X).S, y))}  # fmt: skip


def main() -> None:
    parser = ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("contender")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=10)
    arguments = parser.parse_args()
    confine(arguments.threads)
    os.environ["TORCHINDUCTOR_COMPILE_THREADS"] = "1"
    warnings.simplefilter("ignore")  # scikit-learn warns that it has not converged
    result = job(arguments.folder, arguments.contender, arguments.threads, arguments.epochs)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
