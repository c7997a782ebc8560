"""A training step on six shapes: Backhand and other libraries, on one thread and on all.

    python benchmarks/steps.py --json build/steps.json
    python benchmarks/steps.py --threads 1 --precision bf16

Takes about five minutes per number of threads. Prints Markdown tables of the median time per
step, and of its share of the machine's peak rate of multiply-adds, of float32 or of bf16.
"""

from __future__ import annotations

from dataclasses import asdict

from output import arguments_of, markdown, write_json

from backhand.benchmark.contenders import CONTENDERS_IN
from backhand.benchmark.machine import allowed_cores, this_machine
from backhand.benchmark.measure import EFFORTS
from backhand.benchmark.problem import SHAPES
from backhand.benchmark.process import benchmark
from backhand.benchmark.results import ShapeResult, figure, percent


def show(results: list[ShapeResult]) -> None:
    names = list(dict.fromkeys(t.contender for result in results for t in result.timings))
    times, shares = [], []
    for result in results:
        found = {timing.contender: timing for timing in result.timings}
        present = [found.get(name) for name in names]
        times.append([str(result.shape), *("–" if t is None else figure(t.microseconds)
                                           for t in present)])  # fmt: skip
        fastest = min((t for t in result.timings[1:]), key=lambda t: t.microseconds)
        ours = result.timings[0]
        shares.append([
            str(result.shape), figure(ours.gflops), percent(ours.share_of_peak),
            fastest.contender, percent(fastest.share_of_peak), f"{fastest.ratio:.2f}",
        ])  # fmt: skip
    markdown(["µs per step: N,d,H,K", *names], times)
    markdown(["N,d,H,K", "GFLOP/s", "of peak", "fastest other", "its share of peak",
              "Backhand ÷ fastest other"], shares)  # fmt: skip
    for result in results:
        for name, why in result.left_out.items():
            print(f"{result.shape}: {name} left out, {why}")


def main() -> None:
    parser = arguments_of(__doc__)
    parser.add_argument("--precision", choices=CONTENDERS_IN, default="auto")
    parser.add_argument("--threads", type=int, nargs="+", metavar="NUMBER",
                        help="one and all cores without it")  # fmt: skip
    parser.add_argument("--effort", choices=EFFORTS, default="thorough")
    arguments = parser.parse_args()
    machine = this_machine()
    found = []
    for threads in arguments.threads or sorted({1, len(allowed_cores())}):
        print(f"## {machine.cpu}, threads: {threads}\n")
        results = list(benchmark(SHAPES, threads, arguments.effort, arguments.precision))
        show(results)
        found += [result.to_json() for result in results]
    write_json(arguments.json, {
        "machine": asdict(machine), "precision": arguments.precision, "results": found,
    })  # fmt: skip


if __name__ == "__main__":
    main()
