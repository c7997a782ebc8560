"""How Backhand's time grows with each size, and what a second thread brings.

    python benchmarks/scaling.py --json build/scaling.json

One of N, d, H and K grows over three decades while the others are fixed; prints the time per step
on one thread, and per floating-point operation. Then d = H grows, and the libraries that compile
for no seconds are timed beside Backhand, in a process with one thread. Then compares one thread
with two: over hidden widths, closely around 45, and over the six shapes of steps.py. Takes about
four minutes.
"""

from __future__ import annotations

import json
from argparse import SUPPRESS
from dataclasses import asdict
from statistics import median
from typing import Any

from output import arguments_of, in_process, markdown, write_json

from backhand.benchmark.machine import allowed_cores, this_machine
from backhand.benchmark.problem import SHAPES, Shape
from backhand.benchmark.process import confine
from backhand.benchmark.results import figure

FIXED = Shape(N=256, d=64, H=64, K=8)
GROWING = {
    "N": (16, 64, 256, 1024, 4096, 16384),
    "d": (4, 16, 64, 256, 1024, 4096),
    "H": (4, 16, 64, 256, 1024, 4096),
    "K": (2, 8, 32, 128, 512, 2048),
}
SQUARES = (4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048)
"""d = H of the comparison with others, of 128 rows and 10 classes."""
WIDTHS = (16, 32, 40, 44, 45, 46, 47, 48, 64, 96, 128, 256)
THREADED = Shape(N=128, d=20, H=64, K=5)


def typical_seconds(cases: dict[str, tuple[Shape, int]]) -> dict[str, float]:
    """Return the median time per step of each case (a shape and a number of threads), in turn."""
    from backhand.benchmark.contenders import CONTENDERS
    from backhand.benchmark.measure import EFFORTS, in_turn, steps_for
    from backhand.benchmark.problem import make_problem

    effort = EFFORTS["thorough"]
    runs = {name: CONTENDERS[0].start(make_problem(shape), t) for name, (shape, t) in cases.items()}
    steps = {name: steps_for(run, effort) for name, run in runs.items()}
    seconds = in_turn(runs, steps, effort.repeats)
    return {name: median(measured) for name, measured in seconds.items()}


def growth(size: str) -> list[dict[str, Any]]:
    shapes = [FIXED._replace(**{size: value}) for value in GROWING[size]]
    seconds = typical_seconds({str(shape): (shape, 1) for shape in shapes})
    found = [
        {"shape": list(shape), "seconds": seconds[str(shape)],
         "picoseconds_a_flop": seconds[str(shape)] / shape.flops * 1e12} for shape in shapes
    ]  # fmt: skip
    markdown([f"{size} grows: N,d,H,K", "µs per step", "ps per operation"], [
        [str(shape), figure(1e6 * row["seconds"]), figure(row["picoseconds_a_flop"])]
        for shape, row in zip(shapes, found, strict=True)
    ])  # fmt: skip
    return found


def beside_others() -> list[dict[str, Any]]:
    """Return the results of `measure_squares`, from a process of its own."""
    found: list[dict[str, Any]] = in_process("scaling.py", "--measure-squares")["results"]
    names = [timing["contender"] for timing in found[0]["timings"]]
    markdown(["µs per step: N,d,H,K", *names], [
        [",".join(map(str, result["shape"])),
         *(figure(timing["microseconds"]) for timing in result["timings"])]
        for result in found
    ])  # fmt: skip
    return found


def measure_squares() -> None:
    """Print what each contender takes on each of `SQUARES`, as JSON."""
    confine(1)
    from backhand.benchmark.measure import Effort, measure

    effort = Effort(repeats=7, seconds=0.05, least_steps=1, slow_starts=False)
    shapes = [Shape(128, size, size, 10) for size in SQUARES]
    print(json.dumps({"results": [measure(shape, 1, effort).to_json() for shape in shapes]}))


def second_thread(shapes: list[Shape]) -> list[dict[str, Any]]:
    found = []
    for shape in shapes:
        seconds = typical_seconds({"one": (shape, 1), "two": (shape, 2)})
        found.append({"shape": list(shape), **seconds})
    markdown(["N,d,H,K", "µs, one thread", "µs, two threads", "two ÷ one"], [
        [str(shape), figure(1e6 * row["one"]), figure(1e6 * row["two"]),
         f"{row['two'] / row['one']:.2f}"]
        for shape, row in zip(shapes, found, strict=True)
    ])  # fmt: skip
    return found


def main() -> None:
    parser = arguments_of(__doc__)
    parser.add_argument("--measure-squares", action="store_true", help=SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure_squares:
        measure_squares()
        return
    machine = this_machine()
    two = len(allowed_cores()) > 1
    confine(2 if two else 1)
    print(f"## {machine.cpu}\n")
    found: dict[str, Any] = {"machine": asdict(machine)}
    found["growth"] = {size: growth(size) for size in GROWING}
    found["beside others"] = beside_others()
    if two:
        found["widths"] = second_thread([THREADED._replace(H=H) for H in WIDTHS])
        found["shapes"] = second_thread(list(SHAPES))
    else:
        print("One thread and two: omitted, since this process may use 1 core only.")
    write_json(arguments.json, found)


if __name__ == "__main__":
    main()
