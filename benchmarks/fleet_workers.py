"""A fleet over workers: what a member costs the driver, beside what it costs without workers.

    python benchmarks/fleet_workers.py [--workers 1 2] [--scale 1] [--json FILE]

The kinds of members are N,d,H,K, batch size and epochs, with Adam in float32: one update of a tiny
network, which is nothing but the cost of a member; a small training; and one whose state, 2.4 MB,
is sent back after each block. Every worker has one thread, and so has the fleet without workers.
Workers are threads of this process, or processes of a Ray cluster that is started here before the
time is taken. The driver's time is the CPU time of this process; with Ray, that is what limits how
many workers it keeps busy. A first fleet is not measured: it sends X and compiles.
"""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np
from output import arguments_of, markdown, write_json

import backhand
from backhand.benchmark.machine import this_machine
from backhand.cluster.connect import connect
from backhand.cluster.remote_engine import RemoteEngine


class Kind(NamedTuple):
    """Equal members, but for their seeds."""

    count: int
    N: int
    d: int
    H: int
    K: int
    batch: int | None
    epochs: int

    @property
    def name(self) -> str:
        batch = "full batch" if self.batch is None else f"batch {self.batch}"
        plural = "s" * (self.epochs > 1)
        return f"{self.N},{self.d},{self.H},{self.K}, {batch}, {self.epochs} epoch{plural}"

    def members(self, count: int) -> list[backhand.Member]:
        return [
            backhand.Member(hidden=self.H, epochs=self.epochs, batch_size=self.batch, seed=seed,
                            optimizer="adam", learning_rate=0.01)
            for seed in range(count)
        ]  # fmt: skip

    def rows(self) -> tuple[Any, Any]:
        rng = np.random.default_rng(0)
        return rng.standard_normal((self.N, self.d), np.float32), rng.integers(0, self.K, self.N)


KINDS = (
    Kind(2000, 90, 6, 4, 3, None, 1),
    Kind(400, 128, 20, 64, 5, None, 200),
    Kind(8, 4096, 784, 256, 10, 128, 10),
)


class Cost(NamedTuple):
    """Seconds of a member: of wall time, and of this process's CPUs."""

    wall: float
    driver: float


def cost(kind: Kind, engine: Any, count: int) -> Cost:
    X, y = kind.rows()
    backhand.train_many(kind.members(min(20, count)), X, y, engine=engine)
    wall, driver = time.perf_counter(), time.process_time()
    backhand.train_many(kind.members(count), X, y, engine=engine)
    wall, driver = time.perf_counter() - wall, time.process_time() - driver
    return Cost(wall / count, driver / count)


def costs(workers: int | None, ray: str | None, scale: float) -> dict[str, Cost]:
    """Return the cost of a member of each kind, by the kind's name."""
    engine: Any = backhand.make_engine("fused", threads=1)
    kinds = {kind.name: (kind, max(1, round(kind.count * scale))) for kind in KINDS}
    if workers is None:
        return {name: cost(kind, engine, count) for name, (kind, count) in kinds.items()}
    with connect(workers, ray) as transport:
        remote: Any = RemoteEngine(engine, transport)
        return {name: cost(kind, remote, count) for name, (kind, count) in kinds.items()}


def main() -> None:
    parser = arguments_of(__doc__)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--scale", type=float, default=1.0, help="how many members")
    arguments = parser.parse_args()
    print(f"## {this_machine().cpu}\n")
    found = {"no workers": costs(None, None, arguments.scale)}
    for workers in arguments.workers:
        for ray in (None, "local"):
            name = f"{workers} of Ray" if ray else f"{workers} here"
            found[name] = costs(workers, ray, arguments.scale)
    for kind in KINDS:
        markdown(
            [kind.name, "ms per member", "driver's CPU, µs per member", "members/s of a driver"],
            [[name, f"{1e3 * of[kind.name].wall:.2f}", f"{1e6 * of[kind.name].driver:.0f}",
              f"{1 / of[kind.name].driver:.0f}"] for name, of in found.items()],
        )  # fmt: skip
    write_json(arguments.json, {
        "machine": asdict(this_machine()),
        "seconds": {name: {kind: one._asdict() for kind, one in of.items()}
                    for name, of in found.items()},
    })  # fmt: skip


if __name__ == "__main__":
    main()
