"""The time of an update with rows shared out over machines, beside one process.

    sudo python benchmarks/many_machines.py --hosts 3 [--delay-ms 1] [--mbit 100] [--json FILE]
    python benchmarks/many_machines.py --nodes 3 [--json FILE]

With --hosts, each machine is a host of network.py, with a link of the given delay and rate; with
--nodes, all are nodes of Ray on this machine's loopback. Every node has one worker with one thread;
the driver is on the first one. Shapes are N,d,H,K with random rows in float32, which the workers
make for themselves; plain SGD. Batches are 128 and 4,096 rows in a random order, and all rows.

Machines here share the cores of this one, so more workers than cores compute no faster; what an
update takes on machines of their own is estimated as that of one process divided by the workers,
plus "exchange": the time of an update whose batch has as many rows as there are parts. "Wire" is
what the driver's host sent and received per update.
"""

from __future__ import annotations

import json
import sys
import time
from argparse import ArgumentTypeError, Namespace
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from output import arguments_of, markdown, write_json

from backhand.benchmark.machine import this_machine
from backhand.benchmark.problem import Shape, parse_shape
from backhand.benchmark.process import confine
from backhand.benchmark.results import figure
from backhand.errors import InputError

SHAPES = "65536,20,64,5 65536,100,256,10 65536,784,256,10"
BATCHES = (128, 4096, None)
SECONDS = 1.0
"""For which each figure is measured, and for at least three updates."""

WIRED = 3
"""Updates whose bytes are counted."""

Found = dict[str, Any]


def make_rows(memory: dict[Any, Any], d: int, y: Any) -> None:
    """Rows of a part, made by the worker that holds it; more than one machine could send."""
    import numpy as np

    from backhand.engines import Data

    rng = np.random.default_rng(len(y))
    memory["training"] = Data(rng.standard_normal((len(y), d), np.float32), y)


def parted_rows(
    transport: Any, shape: Shape, batch: int | None, y: Any, count: int | None = None
) -> Any:
    import numpy as np

    from backhand.cluster.parted_data import PartedData
    from backhand.cluster.parts import Parts, part_count

    parts = Parts(transport, count or part_count(shape.N, batch or shape.N))
    pieces = np.array_split(y, parts.count)
    parts.keep(make_rows, shape.d, of_part=[(piece,) for piece in pieces])
    return PartedData(parts, "training", [len(p) for p in pieces], shape.d, np.float32, y)


class Updates:
    """A session, and the time of its updates."""

    def __init__(self, engine: Any, data: Any, shape: Shape) -> None:
        from backhand.engines import OptimizerState
        from backhand.equations import init
        from backhand.optimizers import SGD

        params = init(shape.d, shape.H, shape.K, seed=0)
        self.N = shape.N
        engine.prepare(params.W1.dtype, lambda _: None)
        self.session = engine.start(OptimizerState.initial(params, SGD()), data, SGD())

    def do(self, count: int, batch: int | None) -> None:
        import numpy as np

        from backhand.engines import Block

        size = batch or self.N
        order = None
        if batch is not None:
            order = np.random.default_rng(0).integers(0, self.N, (1, count * size))
            steps = np.full((1, count), 0.01)
        else:
            steps = np.full((count, 1), 0.01)
        self.session.advance(Block(size, steps, 0 * steps, order))

    def seconds(self, batch: int | None) -> float:
        """Seconds per update."""
        self.do(2, batch)
        count = 3
        while True:
            began = time.perf_counter()
            self.do(count, batch)
            elapsed = time.perf_counter() - began
            if elapsed > SECONDS / 2 or count >= 100_000:
                return elapsed / count
            count = int(count * min(20, max(2, SECONDS / elapsed)))


def wire_bytes() -> int:
    """What this host has received and sent, without its loopback."""
    lines = Path("/proc/self/net/dev").read_text().splitlines()[2:]
    fields = [line.replace(":", " ").split() for line in lines]
    return sum(int(f[1]) + int(f[9]) for f in fields if f[0] != "lo")


def alone(shape: Shape, y: Any) -> dict[str, float]:
    """Seconds per update of one process, with the engine that training uses."""
    from backhand.engines import make_engine

    rows: dict[Any, Any] = {}
    make_rows(rows, shape.d, y)
    updates = Updates(make_engine(threads=1), rows["training"], shape)
    return {str(batch): updates.seconds(batch) for batch in BATCHES}


def together(shape: Shape, y: Any, workers: int, address: str) -> dict[str, Found]:
    """The same over workers, with what an update sends."""
    from backhand.cluster.connect import connect
    from backhand.cluster.parted_engine import PartedEngine

    found = {}
    with connect(workers, address) as transport:
        for batch in BATCHES:
            rows = parted_rows(transport, shape, batch, y)
            updates = Updates(PartedEngine(rows.parts), rows, shape)
            exchange = updates.seconds(rows.parts.count)
            before = wire_bytes()
            updates.do(WIRED, batch)
            found[str(batch)] = {
                "parts": rows.parts.count, "wire": (wire_bytes() - before) / WIRED,
                "exchange": exchange, "seconds": updates.seconds(batch),
            }  # fmt: skip
            rows.parts.release()
    return found


def bits(shape: Shape, y: Any, workers: int, address: str | None) -> str:
    """A digest of the parameters after three updates over workers; no address: of this process."""
    from hashlib import sha256

    from backhand.cluster.connect import connect
    from backhand.cluster.parted_engine import PartedEngine

    with connect(workers, address) as transport:
        rows = parted_rows(transport, shape, BATCHES[0], y)
        updates = Updates(PartedEngine(rows.parts), rows, shape)
        updates.do(3, BATCHES[0])
        params = updates.session.parameters()
        return sha256(b"".join(value.tobytes() for value in params)).hexdigest()


def measure(options: Namespace) -> list[Found]:
    """All figures, on this host."""
    import numpy as np

    found = []
    for shape in options.shapes:
        y = np.random.default_rng(0).integers(0, shape.K, shape.N)
        expected = bits(shape, y, 1, None)
        found.append({
            "shape": str(shape), "alone": alone(shape, y),
            "together": {str(workers): together(shape, y, workers, options.measure)
                         for workers in options.workers},
            "same_bits": [bits(shape, y, workers, options.measure) == expected
                          for workers in options.workers],
        })  # fmt: skip
    return found


def show(results: list[Found]) -> None:
    rows = []
    for result in results:
        N = int(result["shape"].split(",")[0])
        for workers, by_batch in result["together"].items():
            for batch, found in by_batch.items():
                one, here = result["alone"][batch], found["seconds"]
                estimated = one / int(workers) + found["exchange"]
                rows.append([
                    result["shape"], f"{N if batch == 'None' else int(batch):,}", workers,
                    f"{found['parts']:,}", milliseconds(one), milliseconds(here),
                    f"{one / here:.2f}", milliseconds(found["exchange"]),
                    f"{one / estimated:.2f}", f"{found['wire'] / 1e6:.2f}",
                ])  # fmt: skip
    markdown(["N,d,H,K", "batch", "workers", "parts", "one process, ms", "workers, ms", "speed-up",
              "exchange, ms", "speed-up on own machines", "wire, MB"], rows)  # fmt: skip
    markdown(["N,d,H,K", "workers", "one process, µs per row", "exchange, ms",
              "rows of a batch from which workers are faster"],
             [crossover(result, workers, by_batch) for result in results
              for workers, by_batch in result["together"].items()])  # fmt: skip
    same = [each for result in results for each in result["same_bits"]]
    print(f"Parameters after three updates have the bits of one process in {sum(same)} of "
          f"{len(same)} cases.")  # fmt: skip


def crossover(result: Found, workers: str, by_batch: dict[str, Found]) -> list[str]:
    """The batch whose computation is as much longer on one machine as the exchange takes."""
    tau = result["alone"]["None"] / int(result["shape"].split(",")[0])
    exchange, W = by_batch["None"]["exchange"], int(workers)
    rows = "never" if W == 1 else f"{exchange / (tau * (1 - 1 / W)):,.0f}"
    return [result["shape"], workers, figure(tau * 1e6), milliseconds(exchange), rows]


def milliseconds(seconds: float) -> str:
    return figure(seconds * 1e3)


@contextmanager
def nodes_here(count: int) -> Iterator[str]:
    """A cluster of nodes on this machine; yields its address."""
    import shutil
    import tempfile

    from ray.cluster_utils import Cluster

    folder = tempfile.mkdtemp(prefix="bhnodes", dir="/tmp")
    cluster = Cluster()
    try:
        cluster.add_node(**_node(temp_dir=folder))
        for _ in range(count - 1):
            cluster.add_node(**_node())
        yield cluster.address
    finally:
        cluster.shutdown()
        _kill_all(folder)
        shutil.rmtree(folder, ignore_errors=True)


def _kill_all(folder: str) -> None:
    """Kill the processes of this cluster that a failed start has left."""
    import psutil

    for process in psutil.process_iter(["cmdline"]):
        if any(folder in argument for argument in process.info["cmdline"] or ()):
            with suppress(psutil.NoSuchProcess):
                process.kill()


def _node(**more: Any) -> dict[str, Any]:
    return {"num_cpus": 1, "include_dashboard": False, "object_store_memory": 100_000_000, **more}


def on_hosts(options: Namespace) -> list[Found]:
    """Run this script on the first of the hosts."""
    from network import Network
    from ray_hosts import ray_over

    network = Network(options.hosts, options.delay_ms / 1e3, options.mbit * 1e6)
    script = [sys.executable, __file__, "--workers", *options.workers, "--shapes", *options.shapes]
    with network, ray_over(network) as hosts:
        printed = hosts.run([*script, "--measure", hosts.address], seconds=900)
    found: list[Found] = json.loads(printed.splitlines()[-1])
    return found


def shape_of(text: str) -> Shape:
    try:
        return parse_shape(text)
    except InputError as error:
        raise ArgumentTypeError(str(error)) from None


def parsed() -> Namespace:
    parser = arguments_of(__doc__)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--hosts", type=int)
    where.add_argument("--nodes", type=int)
    where.add_argument("--measure", metavar="ADDRESS", help="in a cluster that there is, as JSON")
    parser.add_argument("--delay-ms", type=float, default=1.0)
    parser.add_argument("--mbit", type=float, default=100.0)
    parser.add_argument("--workers", type=int, nargs="+", default=[2, 3])
    parser.add_argument("--shapes", type=shape_of, nargs="+", default=SHAPES.split())
    options = parser.parse_args()
    options.shapes = [shape_of(str(shape)) for shape in options.shapes]
    return options


def main() -> None:
    options = parsed()
    if options.hosts:
        results = on_hosts(options)
        print(
            f"{options.hosts} hosts, {options.delay_ms:g} ms and {options.mbit:g} Mbit/s, ", end=""
        )
    else:
        confine(1, cores=len_cores())
        if options.measure:
            print(json.dumps(measure(options)))
            return
        with nodes_here(options.nodes) as options.measure:
            results = measure(options)
        print(f"{options.nodes} nodes on one machine, ", end="")
    machine = this_machine()
    print(f"{machine.cpu}, {len_cores()} cores\n")
    show(results)
    write_json(options.json, {"machine": asdict(machine), "results": results})


def len_cores() -> int:
    from backhand.benchmark.machine import allowed_cores

    return len(allowed_cores())


if __name__ == "__main__":
    main()
