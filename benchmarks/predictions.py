"""`predict_proba` compared with scikit-learn's, on dense and on sparse rows: time and extra memory.

    python benchmarks/predictions.py [--repeats 15] [--only dense|sparse] [--json FILE]

Both with the same weights and one thread; calls in turn, medians of CPU time, which other programs
affect least. Sparse rows have 60 numbers each. The extra memory is the peak that is
allocated during a call, not counting P (tracemalloc, which counts NumPy's arrays). Prints a
Markdown table; takes a few minutes.
"""

from __future__ import annotations

import time
import tracemalloc
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse
import sklearn.neural_network
from output import arguments_of, markdown, write_json
from threadpoolctl import threadpool_limits

import backhand

DENSE = ((10, 100, 3), (784, 100, 10), (784, 256, 10), (4096, 512, 5), (20_000, 100, 5))
SPARSE = ((20_000, 100, 5), (65_536, 100, 5), (2**18, 100, 5))
NUMBERS = 60
ROWS = (1, 16, 100, 1000)
HEADINGS = ("X", "d-H-K", "dtype", "rows", "scikit-learn, ms", "Backhand, ms", "ratio",
            "extra, MB", "scikit-learn's")  # fmt: skip


class Case(NamedTuple):
    """Return a model of each library, and rows for it."""

    kind: str
    sizes: tuple[int, int, int]
    X: Any
    theirs: Any
    ours: Any


def cases(kinds: list[str]) -> Iterator[Case]:
    for kind in kinds:
        for sizes in DENSE if kind == "dense" else SPARSE:
            for dtype in (np.float64, np.float32):
                yield make_case(kind, sizes, dtype)


def make_case(kind: str, sizes: tuple[int, int, int], dtype: Any) -> Case:
    (d, H, K), rng = sizes, np.random.default_rng(0)
    if kind == "dense":
        X: Any = rng.standard_normal((max(ROWS), d), np.float32).astype(dtype)
    else:
        X = scipy.sparse.random_array((max(ROWS), d), density=NUMBERS / d, format="csr", rng=0)
        X = X.astype(dtype)
    some, y = X[: 4 * K], np.arange(4 * K) % K
    theirs = sklearn.neural_network.MLPClassifier((H,), max_iter=1).fit(some, y)
    ours = backhand.MLPClassifier((H,), max_iter=1, threads=1).fit(some, y)
    ours.coefs_, ours.intercepts_ = theirs.coefs_, theirs.intercepts_
    return Case(kind, sizes, X, theirs, ours)


def milliseconds(calls: list[Callable[[], Any]], repeats: int) -> list[float]:
    """Call each in turn, and return the medians of the CPU times."""
    found: list[list[float]] = [[] for _ in calls]
    for _ in range(repeats + 1):
        for call, times in zip(calls, found, strict=True):
            began = time.process_time()
            call()
            times.append(1e3 * (time.process_time() - began))
    return [float(np.median(times[1:])) for times in found]


def megabytes(call: Callable[[], Any]) -> float:
    """Return the peak allocation during a call, without its result."""
    tracemalloc.start()
    result = call()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return max(0.0, (peak - result.nbytes) / 1e6)


def main() -> None:
    parser = arguments_of(__doc__)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--only", choices=("dense", "sparse"))
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")
    results = []
    with threadpool_limits(1):
        for case in cases([chosen.only] if chosen.only else ["dense", "sparse"]):
            for rows in ROWS:
                part = case.X[:rows]
                calls = [lambda m=m, X=part: m.predict_proba(X) for m in (case.theirs, case.ours)]
                theirs, ours = milliseconds(calls, chosen.repeats)
                their_memory, our_memory = map(megabytes, calls)
                results.append([
                    case.kind, "-".join(map(str, case.sizes)), str(part.dtype), f"{rows:,}",
                    f"{theirs:.2f}", f"{ours:.2f}", f"{ours / theirs:.2f}",
                    f"{our_memory:.1f}", f"{their_memory:.1f}",
                ])  # fmt: skip
    markdown(HEADINGS, results)
    write_json(chosen.json, results)


if __name__ == "__main__":
    main()
