"""Trainings over Ray of which a worker, a node or the driver is killed: `PYTHONPATH=tests
python tests/slow/losses.py`.

A cluster of three nodes is started on this machine. Each training runs once without Ray on one
worker, and then over Ray, and something is killed at a random moment of it. Each line of the table
is one kind of training and of loss: how many there were, how many losses came while the training
ran, how many trainings ended, and of how many any bit of parameters, slots or history differs from
the undisturbed run. The script ends with 1 if one did not end, or differs.

    --trainings 200    how many in all
    --seed 0           of the moments and of who is killed
    --only KIND        one kind: see KINDS
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import backhand
from backhand.cluster import ray_connection
from backhand.cluster.connect import connect
from backhand.cluster.remote_engine import RemoteEngine
from backhand.engines import make_engine
from helpers.parted_training import Case, differing
from helpers.ray_clusters import add_node, cluster_of, ray_processes

CASES = [
    Case({"epochs": 25, "dropout": 0.2, "l2": 0.01}, weighted=True),
    Case({"epochs": 25, "optimizer": "momentum", "schedule": "cosine"}, validated=True),
    Case({"epochs": 25, "early_stopping": backhand.EarlyStopping(patience=20)}, validated=True,
         dtype="float64"),
    Case({"epochs": 25, "optimizer": "sgd"}, lengths=(1, 40, 0, 3, 30, 0, 22, 1)),
    Case({"epochs": 150, "batch_size": None}, sparse=True),
]  # fmt: skip


@dataclass
class Tally:
    """What became of the trainings of one kind."""

    trainings: int = 0
    midway: int = 0
    ended: int = 0
    different: int = 0
    seconds: list[float] = field(default_factory=list)


class Losses:
    """The cluster, the random moments, and the results of undisturbed trainings."""

    def __init__(self, cluster: Any, seed: int, folder: Path) -> None:
        self.cluster, self.draw, self.folder = cluster, random.Random(seed), folder
        self._results: dict[Any, Any] = {}

    def undisturbed(self, key: Any, train: Callable[[], Any]) -> Any:
        """The result of a training without Ray, on one worker."""
        if key not in self._results:
            self._results[key] = train()
        return self._results[key]

    def repair(self) -> None:
        """Put nodes in the place of those that were removed."""
        while len(self.cluster.list_all_nodes()) < 3:
            add_node(self.cluster)
        self.cluster.wait_for_nodes()

    @contextmanager
    def killing(self, kill: Callable[[], bool], seconds: float) -> Iterator[list[bool]]:
        """Kill at a random moment within so many seconds; say whether that came in time."""
        done, midway = threading.Event(), []
        moment = self.draw.uniform(0.0, seconds)

        def wait() -> None:
            if not done.wait(moment):
                midway.append(kill())

        thread = threading.Thread(target=wait)
        thread.start()
        try:
            yield midway
        finally:
            done.set()
            thread.join()


def kill_worker(losses: Losses, transport: Any) -> bool:
    """Kill the process of one of a transport's workers."""
    place = losses.draw.choice(list(transport.places))
    with suppress(ProcessLookupError):
        os.kill(int(place.split()[-1]), signal.SIGKILL)
        return True
    return False


def remove_node(losses: Losses) -> bool:
    """Take one of the nodes away, with all of its processes."""
    nodes = sorted(losses.cluster.worker_nodes, key=lambda node: node.unique_id)
    losses.cluster.remove_node(losses.draw.choice(nodes), allow_graceful=False)
    return True


def rows_shared(losses: Losses, tally: Tally, trainings: int) -> None:
    """Rows shared out over three workers, of which one is killed."""
    with connect(3, losses.cluster.address) as transport:
        lengths: dict[int, float] = {}
        for number in range(-len(CASES), trainings):  # the first of each shows how long it takes
            which = number % len(CASES)
            case = CASES[which]
            expected = losses.undisturbed(case_key(which), lambda case=case: case.parted(1))
            began = time.monotonic()
            if number < 0:
                case.parted(3, lambda _: nullcontext(transport))
                lengths[which] = time.monotonic() - began
                continue
            with losses.killing(lambda: kill_worker(losses, transport), lengths[which]) as midway:
                result = case.parted(3, lambda _: nullcontext(transport))
            record(tally, began, midway, differing(result, expected))


def nodes_lost(losses: Losses, tally: Tally, trainings: int) -> None:
    """The same, and a node is removed."""
    for number in range(trainings):
        losses.repair()
        which = number % len(CASES)
        case = CASES[which]
        expected = losses.undisturbed(case_key(which), lambda case=case: case.parted(1))
        with connect(3, losses.cluster.address) as transport:
            began = time.monotonic()
            with losses.killing(lambda: remove_node(losses), 2.0) as midway:
                result = case.parted(3, lambda _, t=transport: nullcontext(t))
            record(tally, began, midway, differing(result, expected))
    losses.repair()


def case_key(which: int) -> tuple[str, int]:
    """The name of an undisturbed result."""
    return "case", which


def networks_shared(losses: Losses, tally: Tally, trainings: int) -> None:
    """Networks shared out over three workers, of which one is killed."""
    rng = np.random.default_rng(3)
    X = rng.standard_normal((4000, 8)).astype(np.float32)
    y = (X[:, 0] * X[:, 1] > 0).astype(np.int64)
    members = [
        backhand.Member(hidden=8 + n, seed=n, epochs=12, batch_size=64, learning_rate=0.01,
                        optimizer="adam", dropout=0.1 * (n % 2)) for n in range(12)
    ]  # fmt: skip
    expected = losses.undisturbed("fleet", lambda: backhand.train_many(members, X, y, threads=1))

    def train(transport: Any) -> list[Any]:
        return backhand.train_many(members, X, y, engine=RemoteEngine(
            make_engine("fused", threads=1), transport))  # fmt: skip

    with connect(3, losses.cluster.address) as transport:
        train(transport)
        began = time.monotonic()
        train(transport)
        length = time.monotonic() - began
        for _ in range(trainings):
            began = time.monotonic()
            with losses.killing(lambda: kill_worker(losses, transport), length) as midway:
                results = train(transport)
            pairs = zip(results, expected, strict=True)
            record(tally, began, midway, [d for a, b in pairs for d in differing(a, b)])


def tables(losses: Losses) -> str:
    """Write the Parquet files of a table, once; return their pattern."""
    folder = losses.folder / "parts"
    if not folder.exists():
        import pyarrow as pa
        import pyarrow.parquet as pq

        folder.mkdir()
        rng = np.random.default_rng(4)
        for number in range(6):
            X = rng.standard_normal((1500 + 200 * number, 6)).astype(np.float32)
            columns = {f"x{j}": X[:, j] for j in range(6)}
            columns["y"] = (X[:, 0] * X[:, 1] > 0).astype(np.int64) + (X[:, 2] > 1)
            pq.write_table(pa.table(columns), folder / f"{number}.parquet")
    return str(folder / "*.parquet")


def trained(losses: Losses, output: Path, *options: str) -> subprocess.Popen[bytes]:
    """Begin `backhand train` on the table."""
    command = [
        sys.executable, "-m", "backhand", "train", tables(losses), "--target", "y", "--output",
        str(output), "--epochs", "60", "--batch-size", "1024", "--quick", "--share", "rows",
        *options,
    ]  # fmt: skip
    with printed_by(output).open("w") as file:
        return subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT)


def printed_by(output: Path) -> Path:
    """The file with what the command prints that writes a model."""
    return output.with_suffix(".txt")


def finished(process: subprocess.Popen[bytes], output: Path) -> backhand.Model:
    """Wait for a command; return the model that it has written."""
    if process.wait(300):
        printed = printed_by(output).read_text()
        raise RuntimeError(f"backhand train ended with {process.returncode}:\n{printed[-3000:]}")
    return backhand.load(output)


def models_differ(one: backhand.Model, other: backhand.Model) -> list[str]:
    """Names of the parameters of which any bit differs."""
    pairs = zip(one.params._fields, one.params, other.params, strict=True)
    return [name for name, a, b in pairs if a.tobytes() != b.tobytes()]


def commands(losses: Losses, tally: Tally, trainings: int, resumed: bool) -> None:
    """`backhand train` on Parquet files: a worker is killed, or the command, which is resumed."""
    output = losses.folder / "model.safetensors"
    expected = losses.undisturbed(
        "table", lambda: finished(trained(losses, output, "--workers", "1"), output)
    )
    over_ray = ["--workers", "3", "--ray", losses.cluster.address]
    began = time.monotonic()
    finished(trained(losses, output, *over_ray), output)
    length = time.monotonic() - began
    for number in range(trainings):
        began = time.monotonic()
        folder = losses.folder / f"checkpoint {resumed} {number}"
        options = ["--checkpoint", str(folder), "--every", "10epochs"] if resumed else []
        process = trained(losses, output, *over_ray, *options)
        kill = process.kill if resumed else kill_an_actor
        with losses.killing(lambda kill=kill: kill() is not False, length) as midway:
            process.wait(300)
        if resumed and process.returncode:
            others = over_ray if number % 2 else ["--workers", "1"]  # on one machine, too
            process = trained(losses, output, *others, *options, "--resume")
        record(tally, began, midway, models_differ(finished(process, output), expected))
        shutil.rmtree(folder, ignore_errors=True)


def kill_an_actor() -> bool:
    """Kill one of the processes that are workers now."""
    for process in sorted(ray_processes()):
        with suppress(OSError):
            if b"ray::Worker" in Path(f"/proc/{process}/cmdline").read_bytes():
                os.kill(process, signal.SIGKILL)
                return True
    return False


def record(tally: Tally, began: float, midway: list[bool], different: list[str]) -> None:
    """Add a training that has ended."""
    tally.ended += 1
    tally.midway += sum(midway)
    tally.different += bool(different)
    tally.seconds.append(time.monotonic() - began)
    if sys.stderr.isatty() or different:
        what = f"differ: {', '.join(different)}" if different else f"{tally.seconds[-1]:.1f} s"
        print(what, file=sys.stderr, flush=True)


KINDS: dict[str, tuple[str, float, Callable[[Losses, Tally, int], None]]] = {
    "rows": ("rows shared out, a worker killed", 0.45, rows_shared),
    "nodes": ("rows shared out, a node removed", 0.2, nodes_lost),
    "networks": ("networks shared out, a worker killed", 0.15, networks_shared),
    "table": (
        "`backhand train` on Parquet files, a worker killed", 0.1,
        lambda losses, tally, n: commands(losses, tally, n, resumed=False),
    ),
    "driver": (
        "the same command killed, and resumed", 0.1,
        lambda losses, tally, n: commands(losses, tally, n, resumed=True),
    ),
}  # fmt: skip
"""What a line says, its share of all trainings, and what does them."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--trainings", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=KINDS)
    chosen = parser.parse_args()
    os.environ["BACKHAND_TEST"] = str(os.getpid())
    ray_connection.imported()  # as a user's program does that does not use Ray itself
    print("| | trainings | lost midway | ended | different | median s | longest s |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    right = True
    with tempfile.TemporaryDirectory() as folder, cluster_of(3) as cluster:
        losses = Losses(cluster, chosen.seed, Path(folder))
        for kind, (name, share, run) in KINDS.items():
            if chosen.only not in (None, kind):
                continue
            number = chosen.trainings if chosen.only else round(chosen.trainings * share)
            tally = Tally(number)
            try:
                run(losses, tally, number)
            except Exception:
                traceback.print_exc()
            right &= tally.ended == number and not tally.different
            took = sorted(tally.seconds) or [0.0]
            print(f"| {name} | {number} | {tally.midway} | {tally.ended} | {tally.different} "
                  f"| {took[len(took) // 2]:.1f} | {took[-1]:.1f} |", flush=True)  # fmt: skip
    sys.exit(0 if right else 1)


if __name__ == "__main__":
    main()
