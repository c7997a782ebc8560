"""`predict_proba` compared with scikit-learn's, onnxruntime's and torch's: the time of a call.

    python benchmarks/predictions.py [--only dense|sparse] [--rows 1 10 …] [--repeats 7]
                                     [--threads 1] [--json FILE]

All with the same weights, as their users call them, P as a NumPy array: `MLPClassifier` of both
libraries with their validation; a `Model`; onnxruntime on a file of plain Gemm, Relu, Gemm and
Softmax in float32, and for float64 rows in double too; torch eager, in inference mode. The
contenders are called in turn, each long enough to be measured, and medians are compared. A float64
Model is compared with onnxruntime in float32, which has half the work, and in double. Dense X is
random normal; sparse rows have 60 numbers each. Prints Markdown tables; takes two to three minutes,
most of it for the 100,000 rows.
"""

from __future__ import annotations

import tempfile
import time
import warnings
from argparse import Namespace
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
import onnxruntime
import scipy.sparse
import sklearn
import sklearn.neural_network
import torch
from onnx import helper, numpy_helper
from output import arguments_of, markdown, write_json
from threadpoolctl import threadpool_limits

import backhand
from backhand.benchmark.machine import this_machine
from backhand.equations import Parameters

DENSE = ((20, 64, 5), (784, 256, 10))
SPARSE = ((2**18, 100, 5),)
NUMBERS = 60
ROWS = (1, 10, 100, 2000, 100_000)
SPARSE_ROWS = 2000
"""Maximum number of sparse rows."""
SHORTEST = 2e-4
"""Seconds that a measurement takes at least: shorter calls are repeated within it."""

Call = Callable[[], Any]


class Case(NamedTuple):
    """Rows of one kind, and what predicts them: a function of rows, by the contender's name."""

    kind: str
    sizes: tuple[int, int, int]
    X: Any
    contenders: dict[str, Callable[[Any], Any]]


def cases(only: str | None, most: int, threads: int) -> Iterator[Case]:
    for kind, shapes in (("dense", DENSE), ("sparse", SPARSE)):
        for sizes in shapes if only in (None, kind) else ():
            for dtype in (np.float32, np.float64):
                yield make_case(kind, sizes, np.dtype(dtype), most, threads)


def make_case(
    kind: str, sizes: tuple[int, int, int], dtype: np.dtype[Any], most: int, threads: int
) -> Case:
    d, H, K = sizes
    if kind == "dense":
        X: Any = np.random.default_rng(0).standard_normal((max(most, 4 * K), d), dtype.type)
    else:
        X = scipy.sparse.random_array((min(most, SPARSE_ROWS), d), density=NUMBERS / d,
                                      format="csr", rng=0).astype(dtype)  # fmt: skip
    some, y = X[: 4 * K], np.arange(4 * K) % K
    theirs = sklearn.neural_network.MLPClassifier((H,), max_iter=1).fit(some, y)
    ours = backhand.MLPClassifier((H,), max_iter=1, threads=threads).fit(some, y)
    ours.coefs_, ours.intercepts_ = theirs.coefs_, theirs.intercepts_
    model = ours.to_model()
    contenders = {
        "scikit-learn": theirs.predict_proba,
        "MLPClassifier": ours.predict_proba,
        "Model": model.predict_proba,
    }
    if kind == "dense":
        for name, of in (("onnxruntime", np.float32), ("onnxruntime, double", np.float64)):
            if of == np.float32 or dtype == of:
                contenders[name] = by_onnxruntime(model.params, np.dtype(of), threads)
        contenders["torch"] = by_torch(model.params)
    return Case(kind, sizes, X, contenders)


def by_onnxruntime(params: Parameters, dtype: np.dtype[Any], threads: int) -> Callable[[Any], Any]:
    """A session of onnxruntime; its rows are converted to `dtype` before they are timed."""
    element = onnx.TensorProto.FLOAT if dtype == np.float32 else onnx.TensorProto.DOUBLE
    d, K = params.W1.shape[0], params.b2.shape[0]
    nodes = [
        helper.make_node("Gemm", ["X", "W1", "b1"], ["Z1"]),
        helper.make_node("Relu", ["Z1"], ["H1"]),
        helper.make_node("Gemm", ["H1", "W2", "b2"], ["S"]),
        helper.make_node("Softmax", ["S"], ["P"], axis=1),
    ]
    weights = [numpy_helper.from_array(np.ascontiguousarray(value, dtype), name)
               for name, value in params._asdict().items()]  # fmt: skip
    X, P = (
        helper.make_tensor_value_info(n, element, [None, size]) for n, size in (("X", d), ("P", K))
    )
    graph = helper.make_graph(nodes, "network", [X], [P], weights)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        onnx.save(made, path)
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def predict(rows: Any) -> Any:
        return session.run(["P"], {"X": rows})[0]

    predict.dtype = dtype  # type: ignore[attr-defined]
    return predict


def by_torch(params: Parameters) -> Callable[[Any], Any]:
    W1, b1, W2, b2 = (torch.from_numpy(value.copy()) for value in params)

    def predict(rows: Any) -> Any:
        with torch.inference_mode():
            H1 = torch.addmm(b1, torch.from_numpy(rows), W1).relu_()
            return torch.addmm(b2, H1, W2).softmax(1).numpy()

    return predict


def microseconds(calls: list[Call], repeats: int) -> list[float]:
    """Call each in turn, and return the medians of the times of a call."""
    counts = []
    for call in calls:
        call()
        began = time.perf_counter()
        call()
        counts.append(max(1, round(SHORTEST / (time.perf_counter() - began))))
    found: list[list[float]] = [[] for _ in calls]
    for _ in range(repeats):
        for call, count, times in zip(calls, counts, found, strict=True):
            began = time.perf_counter()
            for _ in range(count):
                call()
            times.append(1e6 * (time.perf_counter() - began) / count)
    return [float(np.median(times)) for times in found]


def measured(case: Case, rows: int, repeats: int) -> dict[str, float]:
    """The µs of each contender, on so many rows."""
    X = case.X[:rows]
    calls: list[Call] = []
    for predict in case.contenders.values():
        given = X.astype(getattr(predict, "dtype", X.dtype), copy=False)
        calls.append(partial(predict, given))
    # Few rows take little time and vary most.
    return dict(zip(case.contenders, microseconds(calls, repeats if rows > 2000 else 3 * repeats),
                    strict=True))  # fmt: skip


def table(case: Case, found: dict[int, dict[str, float]]) -> None:
    """Print the times of a case, and what is promised of them."""
    names = list(case.contenders)
    headings = ["rows", *(f"{name}, µs" for name in names), "MLPClassifier ÷ scikit-learn"]
    headings += [f"Model ÷ {name}" for name in names if name.startswith("onnx")]
    lines = []
    for rows, times in found.items():
        ratios = [times["MLPClassifier"] / times["scikit-learn"]]
        ratios += [times["Model"] / times[name] for name in names if name.startswith("onnx")]
        shown = [f"{time:,.1f}" if time < 100 else f"{time:,.0f}" for time in times.values()]
        lines.append([f"{rows:,}", *shown, *(f"{ratio:.2f}" for ratio in ratios)])
    print(f"{case.kind}, {'-'.join(map(str, case.sizes))}, {case.X.dtype}:\n")
    markdown(headings, lines)


def arguments() -> Namespace:
    parser = arguments_of(__doc__)
    parser.add_argument("--only", choices=("dense", "sparse"))
    parser.add_argument("--rows", type=int, nargs="+", default=ROWS)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


def main() -> None:
    chosen = arguments()
    warnings.simplefilter("ignore")
    torch.set_num_threads(chosen.threads)
    print(f"scikit-learn {sklearn.__version__}, onnxruntime {onnxruntime.__version__}, "
          f"torch {torch.__version__}; {chosen.threads} thread(s), medians\n")  # fmt: skip
    results = []
    with threadpool_limits(chosen.threads):
        for case in cases(chosen.only, max(chosen.rows), chosen.threads):
            some = sorted({min(rows, case.X.shape[0]) for rows in chosen.rows})
            found = {rows: measured(case, rows, chosen.repeats) for rows in some}
            table(case, found)
            results.append({"kind": case.kind, "sizes": case.sizes, "dtype": str(case.X.dtype),
                            "µs": found})  # fmt: skip
    write_json(chosen.json, {
        "machine": asdict(this_machine()), "threads": chosen.threads, "predictions": results,
    })  # fmt: skip


if __name__ == "__main__":
    main()
