"""Many small trainings: a fleet, the same one after the other, and JAX's vmap.

    python benchmarks/fleet.py [--members 1000] [--repeats 3] [--torch] [--json FILE]

Equal members: 128 rows, d 20, H 64, K 5, full batch, 200 epochs, float32, each with a learning rate
and a seed of its own. Unequal members: the same with widths of 16 to 256. JAX compiles a scan over
the epochs, vmapped over groups of members, which is measured after it has compiled, with its
initial parameters drawn; Backhand draws them within its time. Unequal members are padded with
hidden units of weight 0 to the widest, or grouped by width. All losses are compared.

Each number of threads has a process of its own, held to as many cores; the contenders run in turn,
and the table shows medians in milliseconds per member. JAX and torch are measured where installed.
"""

from __future__ import annotations

import json
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from importlib.util import find_spec
from statistics import median
from typing import Any

from output import arguments_of, in_process, markdown, write_json

from backhand.benchmark.machine import allowed_cores, this_machine
from backhand.benchmark.process import confine

N, D, K, EPOCHS = 128, 20, 5, 200
EQUAL, WIDTHS = (64,), (16, 32, 64, 96, 128, 192, 256)
GROUPS = (1, 16, 128, 1024)
"""Members in one vmap."""

TOLERANCE = 1e-3
"""Maximum difference of two final losses, which 200 float32 updates may lead apart."""

Losses = Any
Contender = Callable[[], Losses]


class Fleet:
    """The members, as each contender needs them."""

    def __init__(self, count: int, widths: tuple[int, ...]) -> None:
        import numpy as np

        import backhand

        rng = np.random.default_rng(0)
        self.X = rng.standard_normal((N, D)).astype(np.float32)
        self.y = rng.integers(0, K, N)
        self.members = [
            backhand.Member(hidden=widths[n % len(widths)], epochs=EPOCHS, seed=n,
                            learning_rate=0.02 + 0.1 * float(rng.random()))
            for n in range(count)
        ]  # fmt: skip

    def fleet(self, threads: int, engine: str = "auto") -> Losses:
        import backhand

        results = backhand.train_many(self.members, self.X, self.y, threads=threads, engine=engine)
        return [result.history.loss[-1] for result in results]

    def one_by_one(self, threads: int) -> Losses:
        import backhand

        losses = []
        for m in self.members:
            params = backhand.init(D, m.hidden, K, seed=m.seed)
            result = backhand.train(params, self.X, self.y, epochs=EPOCHS, seed=m.seed,
                                    learning_rate=m.learning_rate, threads=threads)  # fmt: skip
            losses.append(result.history.loss[-1])
        return losses

    def vmapped(self, group: int, pad: bool) -> Contender:
        """Return a run of JAX in groups, of one width or of members padded to the widest."""
        import jax
        import numpy as np

        import backhand
        from backhand.benchmark.contenders.jax import loss_and_accuracy

        X, Y = self.X, np.eye(K, dtype=np.float32)[self.y]
        widest = max(m.hidden for m in self.members)

        def update(eta: Any, theta: Any, _: None) -> Any:
            (loss, _), grads = jax.value_and_grad(loss_and_accuracy, has_aux=True)(theta, X, Y)
            return jax.tree.map(lambda value, g: value - eta * g, theta, grads), loss

        def train(theta: Any, eta: Any) -> Any:
            return jax.lax.scan(partial(update, eta), theta, None, length=EPOCHS)

        run = jax.jit(jax.vmap(train))
        groups = []
        for numbers in self._groups(group, by_width=not pad):
            some = [self.members[n] for n in numbers]
            thetas = [backhand.init(D, m.hidden, K, seed=m.seed) for m in some]
            if pad:
                thetas = [_padded(theta, widest - m.hidden)
                          for theta, m in zip(thetas, some, strict=True)]  # fmt: skip
            stacked = tuple(map(np.stack, zip(*thetas, strict=True)))
            etas = np.array([m.learning_rate for m in some], np.float32)
            groups.append((numbers, jax.device_put((stacked, etas))))

        def all_groups() -> Losses:
            losses = np.empty(len(self.members))
            for numbers, (theta, eta) in groups:
                _, found = jax.block_until_ready(run(theta, eta))
                losses[numbers] = np.asarray(found)[:, -1]
            return losses

        return all_groups

    def _groups(self, size: int, *, by_width: bool) -> Iterator[list[int]]:
        """The members' numbers in groups of at most `size`, each of one width if asked for."""
        all_widths = sorted({m.hidden for m in self.members}) if by_width else [None]
        for width in all_widths:
            numbers = [n for n, m in enumerate(self.members) if width in (None, m.hidden)]
            for start in range(0, len(numbers), size):
                yield numbers[start : start + size]


def _padded(theta: Any, units: int) -> Any:
    """The parameters with so many more hidden units, which stay 0: their gradients are 0."""
    import numpy as np

    W1, b1, W2, b2 = theta
    return (np.pad(W1, ((0, 0), (0, units))), np.pad(b1, (0, units)),
            np.pad(W2, ((0, units), (0, 0))), b2)  # fmt: skip


def contenders(fleet: Fleet, threads: int, torch: bool) -> dict[str, Contender]:
    found: dict[str, Contender] = {
        "Backhand, train_many": partial(fleet.fleet, threads),
        "Backhand, train one by one": partial(fleet.one_by_one, threads),
    }
    equal = len({m.hidden for m in fleet.members}) == 1
    if find_spec("jax") is not None:
        for group in GROUPS:
            if group == 1:
                found["JAX, one by one"] = fleet.vmapped(1, pad=False)
                continue
            if group <= 2 * len(fleet.members):
                ways = {"": True} if equal else {", padded": True, ", by width": False}
                found |= {f"JAX, vmap of {group}{name}": fleet.vmapped(group, pad=pad)
                          for name, pad in ways.items()}  # fmt: skip
    if torch and find_spec("torch") is not None:
        found["Backhand, train_many, torch engine"] = partial(fleet.fleet, threads, "torch")
    return found


def measured(arguments: Namespace) -> dict[str, Any]:
    """Return the seconds of each contender's repeats, and the largest difference of its losses."""
    import numpy as np

    fleet = Fleet(arguments.members, EQUAL if arguments.widths == "equal" else WIDTHS)
    runs = contenders(fleet, arguments.threads, arguments.torch)
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    expected = np.array(fleet.one_by_one(1))
    differences = {}
    for repeat in range(arguments.repeats + 1):
        for name, run in runs.items():
            began = time.perf_counter()
            losses = run()
            took = time.perf_counter() - began
            print(f"{name}: {took:.2f} s", file=sys.stderr)
            if repeat:  # the first compiles
                seconds[name].append(took)
            differences[name] = float(np.abs(np.array(losses) - expected).max())
            if differences[name] > TOLERANCE:
                raise SystemExit(f"{name}: losses differ by {differences[name]:g}")
    return {"seconds": seconds, "differences": differences}


def compared(arguments: Namespace) -> None:
    cores = len(allowed_cores())
    print(f"## {this_machine().cpu}\n")
    found: dict[str, Any] = {"machine": asdict(this_machine()), "members": arguments.members}
    for widths in ("equal", "unequal"):
        for threads in sorted({1, min(2, cores)}):
            result = in_process(
                "fleet.py", "--measure", "--members", arguments.members, "--repeats",
                arguments.repeats, "--threads", threads, "--widths", widths,
                *(["--torch"] if arguments.torch else []),
            )  # fmt: skip
            found[f"{widths}, {threads}"] = result
            each = {name: median(took) / arguments.members * 1e3
                    for name, took in result["seconds"].items()}  # fmt: skip
            ours = each["Backhand, train_many"]
            markdown(
                [f"{widths} members, {threads} core{'s' * (threads > 1)}", "ms per member",
                 "its time / Backhand's", "largest difference of losses"],
                [[name, f"{ms:.2f}", f"{ms / ours:.2f}", f"{result['differences'][name]:.0e}"]
                 for name, ms in each.items()],
            )  # fmt: skip
    write_json(arguments.json, found)


def main() -> None:
    parser: ArgumentParser = arguments_of(__doc__)
    parser.add_argument("--members", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--torch", action="store_true", help="also the torch engine")
    parser.add_argument("--measure", action="store_true", help="in this process, and print JSON")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--widths", choices=["equal", "unequal"], default="equal")
    arguments = parser.parse_args()
    if arguments.measure:
        confine(arguments.threads)
        print(json.dumps(measured(arguments)))
    else:
        compared(arguments)


if __name__ == "__main__":
    main()
