"""Calls so small that what surrounds the arithmetic decides, compared with scikit-learn's; starts.

    python benchmarks/small_calls.py [--repeats 51] [--only calls|starts] [--json FILE]

Calls: both classes with the same settings and one thread, in one process, in turn; medians of the
wall-clock times, and the median of the quotients of each pair. Starts: new processes, also in turn,
with the compiled code and the bytecode of modules in their caches; "first" is the first call in a
process, "second" the same call once more with a new estimator. Prints two Markdown tables; takes a
minute and a half.
"""

from __future__ import annotations

import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import sklearn.datasets
import sklearn.neural_network
from output import arguments_of, markdown, write_json
from sklearn.model_selection import cross_val_score
from threadpoolctl import threadpool_limits

import backhand
from backhand.benchmark.machine import this_machine

THEIRS, OURS = sklearn.neural_network.MLPClassifier, backhand.MLPClassifier
CALLS = ("call", "scikit-learn, ms", "Backhand, ms", "ratio")
STARTS = ("start of a process", "first, ms", "second, ms", "difference, ms")

START = """
import time, warnings
warnings.simplefilter("ignore")
import numpy as np
from {module} import MLPClassifier
X, y = np.random.default_rng(0).standard_normal((30, 20)), np.arange(30) % 3
fitted = MLPClassifier(max_iter=20, random_state=0)
if {predicts}:
    fitted.fit(X, y)
for _ in range(2):
    began = time.perf_counter()
    {call}
    print(1e3 * (time.perf_counter() - began))
"""
"""A process that prints the milliseconds of a call, and of the same call once more."""


class Call(NamedTuple):
    """The same call of each library."""

    name: str
    theirs: Callable[[], Any]
    ours: Callable[[], Any]
    share: float  # of the repeats: some calls take long


def calls() -> Iterator[Call]:
    X, y = problem(30, 20, 3)
    yield of_both("fit, 30 × 20, 20 epochs", lambda kind: lambda: made(kind, max_iter=20).fit(X, y))
    for d, H in ((20, 64), (20, 100), (784, 100), (784, 256)):
        for dtype in (np.float64, np.float32):
            yield of_both(
                f"partial_fit, 32 × {d}, {H} hidden, {np.dtype(dtype)}",
                lambda kind, d=d, H=H, dtype=dtype: next_batch(kind, d, H, dtype),
            )
    X, y = sklearn.datasets.load_iris(return_X_y=True)
    for epochs, share in ((20, 0.25), (200, 0.15)):
        yield of_both(
            f"cross_val_score, iris, {epochs} epochs",
            lambda kind, epochs=epochs: lambda: cross_val_score(made(kind, max_iter=epochs), X, y),
            share,
        )


def of_both(name: str, prepare: Callable[[Any], Callable[[], Any]], share: float = 1) -> Call:
    return Call(name, prepare(THEIRS), prepare(OURS), share)


def problem(N: int, d: int, K: int, dtype: Any = np.float64) -> tuple[Any, Any]:
    return np.random.default_rng(0).standard_normal((N, d)).astype(dtype), np.arange(N) % K


def made(kind: Any, **settings: Any) -> Any:
    return kind(random_state=0, **settings, **({"threads": 1} if kind is OURS else {}))


def next_batch(kind: Any, d: int, H: int, dtype: Any) -> Callable[[], Any]:
    """Return the second and later `partial_fit` of a classifier."""
    X, y = problem(32, d, 5, dtype)
    fitted = made(kind, hidden_layer_sizes=(H,)).partial_fit(X, y, classes=np.arange(5))
    return lambda: fitted.partial_fit(X, y)


def milliseconds(call: Callable[[], Any]) -> float:
    began = time.perf_counter()
    call()
    return 1e3 * (time.perf_counter() - began)


def in_turn(call: Call, repeats: int) -> list[float]:
    """Return the medians of their time, of ours, and of the quotients."""
    call.theirs(), call.ours()
    times = np.array([
        (milliseconds(call.theirs), milliseconds(call.ours))
        for _ in range(max(7, int(call.share * repeats)))
    ])  # fmt: skip
    theirs, ours = times.T
    return [float(np.median(values)) for values in (theirs, ours, ours / theirs)]


def starts(repeats: int) -> Iterator[tuple[str, list[float]]]:
    """Yield each start, and the medians of its first and second call, or of the whole process."""
    executable = str(Path(sys.executable).with_name("backhand"))
    fit, predict = "MLPClassifier(max_iter=20, random_state=0).fit(X, y)", "fitted.predict_proba(X)"
    libraries = {"scikit-learn": "sklearn.neural_network", "Backhand": "backhand"}
    runs: dict[str, Callable[[], list[float]]] = {
        f"{name}: {what}": lambda m=m, call=call, predicts=predicts: printed(
            START.format(module=m, call=call, predicts=predicts)
        )
        for what, call, predicts in (
            ("fit, 30 × 20, 20 epochs", fit, False), ("predict_proba, 30 × 20", predict, True),
        )
        for name, m in libraries.items()
    }  # fmt: skip
    runs["python -c 'import numpy'"] = lambda: whole(sys.executable, "-c", "import numpy")
    runs["python -c 'import backhand'"] = lambda: whole(sys.executable, "-c", "import backhand")
    runs["backhand --help"] = lambda: whole(executable, "--help")
    found: dict[str, list[list[float]]] = {name: [] for name in runs}
    for run in runs.values():
        run()
    for _ in range(repeats):
        for name, run in runs.items():
            found[name].append(run())
    for name, times in found.items():
        yield name, np.median(times, axis=0).tolist()


def printed(program: str) -> list[float]:
    command = [sys.executable, "-c", program]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return [float(line) for line in output.split()]


def whole(*command: str) -> list[float]:
    return [milliseconds(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL))]


def main() -> None:
    parser = arguments_of(__doc__)
    parser.add_argument("--repeats", type=int, default=51)
    parser.add_argument("--only", choices=("calls", "starts"))
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")
    results: dict[str, list[float]] = {}
    begun: dict[str, list[float]] = {}
    if chosen.only != "starts":
        with threadpool_limits(1):
            for call in calls():
                print(call.name, file=sys.stderr)
                results[call.name] = in_turn(call, chosen.repeats)
        markdown(CALLS, [(n, *(f"{v:.2f}" for v in values)) for n, values in results.items()])
    if chosen.only != "calls":
        begun = dict(starts(max(7, chosen.repeats // 5)))
        markdown(STARTS, [(n, *of_start(values)) for n, values in begun.items()])
    write_json(chosen.json, {"machine": asdict(this_machine()), "calls": results, "starts": begun})


def of_start(values: list[float]) -> tuple[str, ...]:
    if len(values) == 1:
        return f"{values[0]:.0f}", "", ""
    first, second = values
    return f"{first:.1f}", f"{second:.1f}", f"{first - second:.1f}"


if __name__ == "__main__":
    main()
