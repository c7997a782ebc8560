"""What the driver of a training on many machines does for each update, and what follows for more.

    python benchmarks/driver.py [--json FILE]

Measures the CPU time of the driver's process per call of a worker and per megabyte of sums (workers
are processes of Ray on this machine), per row that is found in its part, and per block of rows
whose order is drawn. The last table is computed from these: the time of an update with 2 to 1,000
workers, if each of them sends one sum to the driver.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from many_machines import Updates, parted_rows
from output import arguments_of, markdown, write_json

from backhand.benchmark.machine import this_machine
from backhand.benchmark.problem import Shape
from backhand.benchmark.results import figure
from backhand.cluster.connect import connect
from backhand.cluster.parted_data import PartedData
from backhand.cluster.parted_engine import PartedEngine
from backhand.cluster.parts import Parts, part_count
from backhand.cluster.transport import Transport
from backhand.engines import Data, make_engine
from backhand.training.samplers import SeededSampler

SMALL, LARGE = Shape(8192, 20, 64, 5), Shape(8192, 784, 256, 10)
FEW, MANY = 2, 6
"""Workers."""

UPDATES, REPEATS = 25, 4
"""Updates whose CPU time is taken together, and how often: the least counts."""

SHAPE_NAME = f"{LARGE.d}-{LARGE.H}-{LARGE.K}"


@dataclass(frozen=True)
class Costs:
    """CPU seconds of the driver; `row` and `block` are also wall-clock, on one core."""

    update: float
    call: float
    megabyte: float
    row: float
    block: float


def parameters(shape: Shape) -> int:
    return (shape.d + 1) * shape.H + (shape.H + 1) * shape.K


def cpu_of_update(transport: Transport, shape: Shape, workers: int) -> float:
    """CPU seconds of this process per update, over some of the workers: one part for each."""
    y = np.random.default_rng(0).integers(0, shape.K, shape.N)
    rows = parted_rows(transport, shape, shape.N, y, workers)
    updates, batch = Updates(PartedEngine(rows.parts), rows, shape), 32 * workers
    times = []
    for _ in range(REPEATS):
        began = time.process_time()
        updates.do(UPDATES, batch)
        times.append(time.process_time() - began)
    rows.parts.release()
    return min(times) / UPDATES


def seconds_per(count: int, action: Callable[[], Any]) -> float:
    """Seconds of the fastest of three calls, divided by a count."""
    times = []
    for _ in range(3):
        began = time.perf_counter()
        action()
        times.append(time.perf_counter() - began)
    return min(times) / count


def row_cost() -> float:
    """Find the rows of a large batch, a part of a selection, in 1,024 parts."""
    N, B = 4_000_000, 1_000_000
    with connect(1) as transport:
        parts = Parts(transport, part_count(N, None))
        lengths = [len(piece) for piece in np.array_split(np.empty(N, np.int8), parts.count)]
        data = PartedData(parts, "training", lengths, 100, np.float32, np.zeros(N, np.uint8))
        some = data.select(np.arange(0, N, 2))
        rows = np.random.default_rng(0).integers(0, some.rows, B)
        return seconds_per(B, lambda: some.pieces(rows))


def block_cost() -> float:
    """Draw the order of one window of so many rows that there are a million blocks."""
    row_bytes = 400
    blocks = 1_000_000
    sampler = SeededSampler(blocks * (2**18 // row_bytes), 0, row_bytes, 65_536)
    return seconds_per(blocks, lambda: sampler.of_part(0, sampler.parts // 2))


def costs() -> Costs:
    with connect(MANY, "local", threads=1) as transport:
        small = {W: cpu_of_update(transport, SMALL, W) for W in (FEW, MANY)}
        large = {W: cpu_of_update(transport, LARGE, W) for W in (FEW, MANY)}
    call = (small[MANY] - small[FEW]) / (MANY - FEW)
    more = (large[MANY] - large[FEW]) / (MANY - FEW) - call
    megabytes = 4 * (parameters(LARGE) - parameters(SMALL)) / 1e6
    return Costs(small[FEW] - FEW * call, call, more / megabytes, row_cost(), block_cost())


def row_seconds(shape: Shape) -> float:
    """Seconds of one row of a training on one core."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((shape.N, shape.d), np.float32)
    data = Data(X, rng.integers(0, shape.K, shape.N))
    return Updates(make_engine(threads=1), data, shape).seconds(None) / shape.N


@dataclass(frozen=True)
class Link:
    """Of each machine: Mbit/s in each direction, and ms from one to another."""

    mbit: float
    delay_ms: float

    def seconds(self, megabytes: float) -> float:
        return megabytes * 8 / self.mbit + self.delay_ms / 1e3


def exchange(costs: Costs, workers: int, megabytes: float, link: Link) -> float:
    """Seconds of an update without the rows: parameters go out and sums come back.

    One of the workers is on the driver's machine.
    """
    sent = 2 * link.seconds((workers - 1) * megabytes)
    return sent + costs.update + workers * (costs.call + megabytes * costs.megabyte)


def on_paper(found: Costs, tau: float, shape: Shape) -> list[list[str]]:
    """For some links and numbers of workers: when an update is faster, and when twice that."""
    rows, megabytes = [], 4 * parameters(shape) / 1e6
    for link in (Link(100, 1.0), Link(1_000, 0.2), Link(10_000, 0.1)):
        for W in (2, 10, 100, 1000):
            c = exchange(found, W, megabytes, link)
            crossover = c / (tau * (1 - 1 / W))
            busy = c * W / tau
            rows.append([f"{link.mbit:,g} Mbit/s, {link.delay_ms:g} ms", f"{W:,}",
                         f"{2 * (W - 1) * megabytes:,.1f}", figure(c * 1e3), f"{crossover:,.0f}",
                         f"{busy:,.0f}"])  # fmt: skip
    return rows


def main() -> None:
    options = arguments_of(__doc__).parse_args()
    found, tau = costs(), row_seconds(LARGE)
    print(f"{this_machine().cpu}, Ray on this machine, {FEW} and {MANY} workers\n")
    markdown(["driver, CPU time", ""], [
        ["per update, ms", figure(found.update * 1e3)],
        ["per call of a worker, ms", figure(found.call * 1e3)],
        ["per MB of sums of a worker, ms", figure(found.megabyte * 1e3)],
        ["per row found in its part, ns", figure(found.row * 1e9)],
        ["per block of rows, each time a window is drawn, ns", figure(found.block * 1e9)],
        [f"for comparison: per row of {SHAPE_NAME}, one core, ns", figure(tau * 1e9)],
    ])  # fmt: skip
    markdown(["link of each machine", "workers", "MB over the driver's link", "exchange, ms",
              "rows of a batch from which it is faster", "rows from which half the time is work"],
             on_paper(found, tau, LARGE))  # fmt: skip
    write_json(
        options.json, {"machine": asdict(this_machine()), "costs": asdict(found), "row": tau}
    )


if __name__ == "__main__":
    main()
