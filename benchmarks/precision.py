"""MNIST in float32 and in bf16: seconds, accuracy and loss curves of several seeds.

    python benchmarks/precision.py --data ../shared/data --curves build/curves.csv
        --picture build/curves.svg --json build/precision.json

784-256-10, shuffled batches of 128, Adam with η 0.001, 10 epochs. A seed draws the initial
parameters and the orders of the rows, and each precision trains with it, one after the other,
in one process and with `--threads` threads (1). The time is that of the training alone: the engines
are compiled before. Prints Markdown; takes two minutes. What bf16 costs on tables is printed by

    python benchmarks/answers/compare.py FOLDER --contenders Backhand "Backhand, bf16"
"""

from __future__ import annotations

import csv
import time
from argparse import Namespace
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from statistics import mean, median
from typing import Any, NamedTuple

from output import arguments_of, markdown, write_json

from backhand.benchmark.machine import this_machine
from backhand.benchmark.process import confine

PRECISIONS = {"float32": "auto", "bf16": "bf16"}
COLOURS = {"float32": "#4477aa", "bf16": "#cc6677"}


class Run(NamedTuple):
    """One training: figures of the test rows, and the training loss of each epoch."""

    precision: str
    seed: int
    seconds: float
    accuracy: float
    loss: float
    curve: list[float]


def runs(arguments: Namespace) -> Iterator[Run]:
    """Train with each seed in each precision."""
    import numpy as np
    from mnist import load

    from backhand.engines import make_engine

    training, test = (load(arguments.data / f"mnist_{part}.parquet") for part in ("train", "test"))
    engines = {
        name: make_engine(threads=arguments.threads, precision=precision)
        for name, precision in PRECISIONS.items()
    }
    for engine in engines.values():
        engine.prepare(np.float32, lambda _: None)
    for seed in range(arguments.seeds):
        for name in list(engines)[:: 1 if seed % 2 else -1]:
            yield run(name, engines[name], seed, training, test, arguments.epochs)


def run(name: str, engine: Any, seed: int, training: Any, test: Any, epochs: int) -> Run:
    import numpy as np

    import backhand

    start = backhand.init(784, 256, 10, seed=seed)
    began = time.perf_counter()
    result = backhand.train(
        start, *training, epochs=epochs, batch_size=128, optimizer="adam", learning_rate=0.001,
        seed=seed, engine=engine,
    )  # fmt: skip
    seconds = time.perf_counter() - began
    X, y = test
    P = engine.predict_proba(result.params, X)
    accuracy = float((P.argmax(axis=1) == y).mean())
    loss = float(-np.log(np.clip(P[np.arange(len(y)), y], 1e-15, 1)).mean())
    return Run(name, seed, seconds, accuracy, loss, result.history.loss.tolist())


def show(found: list[Run]) -> None:
    """Print the figures by precision, the differences by seed, and the mean loss by epoch."""
    of = {name: [run for run in found if run.precision == name] for name in PRECISIONS}
    markdown(
        ["MNIST", "seconds, median", "test accuracy, mean", "test log loss, mean"],
        [[name, f"{median(r.seconds for r in some):.2f}", f"{mean(r.accuracy for r in some):.4f}",
          f"{mean(r.loss for r in some):.4f}"] for name, some in of.items()],
    )  # fmt: skip
    pairs = list(zip(*of.values(), strict=True))
    markdown(
        ["bf16 less float32", *(f"seed {one.seed}" for one, _ in pairs), "mean"],
        [["accuracy, points", *_differences((100 * r.accuracy for r in some) for some in pairs)],
         ["log loss", *_differences((r.loss for r in some) for some in pairs)]],
    )  # fmt: skip
    epochs = range(len(found[0].curve))
    markdown(
        ["training loss, epoch", *(str(epoch + 1) for epoch in epochs)],
        [[name, *(f"{mean(r.curve[e] for r in some):.4f}" for e in epochs)]
         for name, some in of.items()],
    )  # fmt: skip


def _differences(pairs: Iterable[Iterable[float]]) -> list[str]:
    found = [rounded - exact for exact, rounded in pairs]
    return [f"{value:+.4f}" for value in [*found, mean(found)]]


def write_curves(path: Path | None, found: list[Run]) -> None:
    """Write precision, seed, epoch and training loss as CSV."""
    if path is None:
        return
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["precision", "seed", "epoch", "loss"])
        for run in found:
            rows.writerows(
                (run.precision, run.seed, e, loss) for e, loss in enumerate(run.curve, 1)
            )


def draw(path: Path | None, found: list[Run]) -> None:
    """Draw the loss curves of all seeds, and what bf16's differ from float32's by."""
    if path is None:
        return
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    mpl.rcParams["svg.hashsalt"] = "precision"  # the same figures, the same file
    figure, (curves, differences) = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
    epochs = range(1, len(found[0].curve) + 1)
    exact = {run.seed: run.curve for run in found if run.precision == "float32"}
    for run in sorted(found, key=lambda run: run.precision, reverse=True):
        dashed = "--" if run.precision == "bf16" else "-"
        label = run.precision if run.seed == 0 else None
        curves.plot(epochs, run.curve, dashed, color=COLOURS[run.precision], lw=1, label=label)
        if run.precision == "bf16":
            relative = [100 * (a / b - 1) for a, b in zip(run.curve, exact[run.seed], strict=True)]
            differences.plot(epochs, relative, color=COLOURS["bf16"], lw=1)
    curves.set(yscale="log", xlabel="epoch", ylabel="training loss")
    curves.set_yticks([0.3, 0.1, 0.03], ["0.3", "0.1", "0.03"])
    curves.minorticks_off()
    curves.legend(frameon=False)
    differences.axhline(0, color="black", lw=0.5)
    differences.set(xlabel="epoch", ylabel="bf16 less float32, % of the loss")
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


def main() -> None:
    parser = arguments_of(__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--curves", type=Path, metavar="FILE.csv")
    parser.add_argument("--picture", type=Path, metavar="FILE.svg")
    arguments = parser.parse_args()
    confine(arguments.threads)
    found = sorted(runs(arguments), key=lambda run: (run.precision != "float32", run.seed))
    machine = this_machine()
    print(f"{machine.cpu}, threads: {arguments.threads}\n")
    show(found)
    write_curves(arguments.curves, found)
    draw(arguments.picture, found)
    write_json(
        arguments.json, {"machine": asdict(machine), "runs": [run._asdict() for run in found]}
    )


if __name__ == "__main__":
    main()
