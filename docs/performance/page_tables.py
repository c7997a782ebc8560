"""The tables of docs/performance.md, each made of figures that `fill.py` has read.

Figures are the JSON of the benchmarks, by the name of their file: `steps` is steps.json. A table is
a function of them, which raises `KeyError` if a file is not there. A shape is written N,d,H,K.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from statistics import mean, median
from typing import Any

from backhand.benchmark.results import figure

Figures = dict[str, Any]
OURS = "backhand"
KB = 1024


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; the first column is left-aligned, the others right-aligned."""
    rule = "|---" + "|---:" * (len(headings) - 1) + "|"
    return "\n".join([line(headings), rule, *map(line, rows)])


def line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def shape_of(result: dict[str, Any]) -> str:
    return ",".join(map(str, result["shape"]))


def percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def ratio(value: float) -> str:
    return f"{value:.2f}" if value >= 0.095 else f"{value:.3f}"


def steps_of(measured: dict[str, Any], threads: int = 1) -> dict[str, dict[str, dict[str, Any]]]:
    """The timings with a number of threads, by shape and by contender."""
    return {
        shape_of(result): {timing["contender"]: timing for timing in result["timings"]}
        for result in measured["results"]
        if result["threads"] == threads
    }


def machine(figures: Figures) -> str:
    """The machine and the versions."""
    found = figures["steps"]["machine"]
    caches = [f"{name} {size // KB:,} KB" for name, size in found["caches"].items()]
    versions = found["versions"]
    libraries = [f"{name} {number}" for name, number in versions.items() if name != "backhand"]
    peaks = [result["peak_gflops"] for result in figures["steps"]["results"]]
    return (
        f"{found['cpu']} ({', '.join(caches)}), {found['system']}, Python {found['python']}; "
        f"{', '.join(libraries)}.\nA core's peak of multiply-adds in registers, in float32: "
        f"{median(peaks):.1f} GFLOP/s, the median of those measured between the contenders."
    )


def steps(figures: Figures) -> str:
    """Two tables: µs per step, and Backhand's share of the peak and ratios beside AVX2's."""
    shown = "![Share of the peak of each library on six shapes](performance/peak.svg)"
    return f"{times(figures, 1)}\n\n{ratios(figures)}\n\n{shown}"


def times(figures: Figures, threads: int) -> str:
    found = steps_of(figures["steps" if threads == 1 else "steps-two"], threads)
    before = figures["avx2"]["steps"][str(threads)]
    names = list(next(iter(found.values())))
    rows = [
        [shape, *(figure(timings[name]["microseconds"]) if name in timings else "–"
                  for name in names), figure(before[shape][OURS])]
        for shape, timings in found.items()
    ]  # fmt: skip
    return table(["µs: N,d,H,K", "Backhand", *names[1:], "Backhand, AVX2"], rows)


def ratios(figures: Figures) -> str:
    before, shares = figures["avx2"]["steps"]["1"], figures["avx2"]["share of peak"]
    headings, rows = ["N,d,H,K", "of the peak", "AVX2"], []
    others = {"jax": "JAX", "torch autograd": "torch autograd", "scikit-learn": "scikit-learn"}
    for name in others.values():
        headings += [f"÷ {name}", "AVX2"]
    for shape, timings in steps_of(figures["steps"]).items():
        cells = [percent(timings[OURS]["share_of_peak"]), percent(shares[shape])]
        for name in others:
            cells += [ratio(timings[name]["ratio"]),
                      ratio(before[shape][OURS] / before[shape][name])]  # fmt: skip
        rows.append([shape, *cells])
    return table(headings, rows)


def two_threads(figures: Figures) -> str:
    """Two tables: µs per step with two threads each, and how often one thread's speed that is."""
    before = figures["avx2"]["two ÷ one"]
    rows = [
        [shape_of(row), figure(1e6 * row["one"]), figure(1e6 * row["two"]),
         f"{row['one'] / row['two']:.2f}", f"{before[shape_of(row)]:.2f}"
         if shape_of(row) in before else "–"]
        for row in figures["scaling"]["shapes"]
    ]  # fmt: skip
    speed = table(["Backhand: N,d,H,K", "µs, one thread", "µs, two", "times as fast", "AVX2"], rows)
    return f"{times(figures, 2)}\n\n{speed}"


def steps_bf16(figures: Figures) -> str:
    """µs per step in bf16 beside other libraries."""
    rows = []
    for shape, timings in steps_of(figures["steps-bf16"]).items():
        ours, *others = timings.values()
        fastest = min(t["microseconds"] for t in others if t["contender"] != OURS)
        times = (figure(timing["microseconds"]) for timing in timings.values())
        quotient = ratio(ours["microseconds"] / fastest)
        rows.append([shape, *times, quotient, percent(ours["share_of_peak"])])
    names = [name.replace(OURS, "Backhand") for name in timings]
    names[1] += " float32"
    return table(["µs: N,d,H,K", *names, "÷ fastest other", "of bf16's peak"], rows)


def bf16(figures: Figures) -> str:
    """µs per step in float32, in bf16, and in bf16 by conversion."""
    found, threads = figures["bf16"], figures["bf16"]["threads"]
    rows = []
    for shape, us in found["steps"].items():
        N, d, H, K = map(int, shape.split(","))
        gflops = (4 * N * d * H + 6 * N * H * K) / us["bf16"] / 1e3
        rows.append([shape, *map(figure, us.values()), f"{us['float32'] / us['bf16']:.2f}",
                     percent(gflops / found["bf16_peak"] / threads)])  # fmt: skip
    peaks = (f"Peak of a core: {found['peak']:.1f} GFLOP/s in float32, {found['bf16_peak']:.1f} in "
             f"bf16 (`{found['products']}`).")  # fmt: skip
    headings = ["µs: N,d,H,K", *us, "float32 ÷ bf16", "of bf16's peak"]
    return f"{peaks}\n\n{table(headings, rows)}"


def parts(figures: Figures) -> str:
    """µs of the parts of a step in float32, and the share of the peak on AVX2."""
    before = {key.replace(" ", ""): of["fraction"] for key, of in figures["avx2"]["parts"].items()}
    return parts_table(figures["parts"], "AVX2, sum", before)


def parts_bf16(figures: Figures) -> str:
    """µs of the parts of a step in bf16."""
    return parts_table(figures["parts-bf16"])


def parts_table(measured: dict[str, Any], *columns: Any) -> str:
    heading, before = columns or (None, {})
    rows = []
    for shape, found in measured["parts"].items():
        cells = [figure(us) + ("" if share is None else f" ({percent(share)})")
                 for us, share in found.values()]  # fmt: skip
        rows.append([shape, *cells, *([before[shape.partition(",")[2]]] if heading else [])])
    return table(["µs: N,d,H,K", *found, *([heading] if heading else [])], rows)


def predictions(figures: Figures) -> str:
    """µs of a prediction, of each contender, and ratios."""
    names = ("scikit-learn", "MLPClassifier", "Model", "onnxruntime", "onnxruntime, double",
             "torch")  # fmt: skip
    pairs = (("MLPClassifier", "scikit-learn"), ("Model", "onnxruntime"),
             ("Model", "onnxruntime, double"))  # fmt: skip
    rows = []
    for case in figures["predictions"]["predictions"]:
        kind = "sparse " if case["kind"] == "sparse" else ""
        name = f"{kind}{'-'.join(map(str, case['sizes']))}, {case['dtype']}"
        for count, us in case["µs"].items():
            quotients = [f"{us[a] / us[b]:.2f}" if b in us else "" for a, b in pairs]
            times = [figure(us[name]) if name in us else "" for name in names]
            rows.append([name, f"{int(count):,}", *times, *quotients])
            name = ""
    shown = "![Time of a prediction by the number of rows](performance/predictions.svg)"
    headings = ["µs: d-H-K, dtype", "rows", *names, *(f"{a} ÷ {b}" for a, b in pairs)]
    return f"{table(headings, rows)}\n\n{shown}"


def small_calls(figures: Figures) -> str:
    """Milliseconds of small calls, and of the first and second call in a process."""
    found = figures["small_calls"]
    calls = table(["call", "scikit-learn, ms", "Backhand, ms", "ratio"],
                  [[name, *map(figure, values[:2]), f"{values[2]:.2f}"]
                   for name, values in found["calls"].items()])  # fmt: skip
    starts = []
    for name, values in found["starts"].items():
        difference = [figure(values[0] - values[1])] if len(values) > 1 else ["", ""]
        starts.append([name, *map(figure, values), *difference])
    headings = ["start of a process", "first, ms", "second, ms", "difference, ms"]
    return f"{calls}\n\n{table(headings, starts)}"


def predict_command(figures: Figures) -> str:
    """Seconds of whole processes, DuckDB's and ours."""
    found, rows = figures["predict_command"], []
    for case, repeats in found["seconds"].items():
        theirs, ours = (median(times) for times in zip(*repeats, strict=True))
        rows.append([case, f"{theirs:.2f}", f"{ours:.2f}", f"{ours / theirs:.2f}",
                     f"{found['rows'] / ours:,.0f}"])  # fmt: skip
    said = f"{found['rows']:,} rows; cores: {found['threads']}."
    return f"{said}\n\n" + table(
        ["read, done", "DuckDB, s", "Backhand, s", "ratio", "rows/s"], rows
    )


def mnist(figures: Figures) -> str:
    """Training seconds and accuracy on MNIST."""
    before = figures["avx2"]["mnist seconds"]
    return jobs_table(figures["jobs"]["mnist"], "threads", "accuracy", before)


def grid(figures: Figures) -> str:
    """Seconds of a grid search."""
    return jobs_table(figures["jobs"]["grid"], "n_jobs", "score", {})


def jobs_table(
    found: list[dict[str, Any]], by: str, quality: str, before: dict[str, dict[str, float]]
) -> str:
    """Medians of seconds by contender, Backhand's time ÷ them, and how good the result is."""
    counts = sorted({job[by] for job in found})
    names = list(dict.fromkeys(job["contender"] for job in found))

    def middle(name: str, count: int, what: str) -> float:
        some = [job[what] for job in found if (job["contender"], job[by]) == (name, count)]
        return median(some) if some else float("nan")

    headings, rows = [""], []
    for count in counts:
        headings += [f"{by} {count}: seconds", "÷", *([f"AVX2, {count}"] if before else [])]
    for name in names:
        cells = [name.replace(OURS, "Backhand")]
        for count in counts:
            seconds = middle(name, count, "seconds")
            cells += [f"{seconds:.2f}", f"{middle(OURS, count, 'seconds') / seconds:.2f}"]
            cells += [f"{before[name][str(count)]:.1f}"] if before else []
        rows.append([*cells, f"{middle(name, counts[0], quality):.4f}"])
    return table([*headings, quality], rows)


def growth(figures: Figures) -> str:
    """µs and ps per operation while one size grows."""
    before, rows = figures["avx2"]["growth"], []
    for size, found in figures["scaling"]["growth"].items():
        at = "NdHK".index(size)
        rows.append([size, ", ".join(str(row["shape"][at]) for row in found),
                     ", ".join(figure(1e6 * row["seconds"]) for row in found),
                     ", ".join(f"{row['picoseconds_a_flop']:.0f}" for row in found),
                     ", ".join(f"{ps:.0f}" for ps in before[size]["ps"])])  # fmt: skip
    return table(["size", "values", "µs per step", "ps per operation", "AVX2"], rows)


def squares(figures: Figures) -> str:
    """µs while d = H grows, and the sizes at which another library is as fast."""
    found = steps_of({"results": figures["scaling"]["beside others"]})
    names = list(next(iter(found.values())))
    rows = [
        [shape, *(figure(timing["microseconds"]) for timing in timings.values()),
         percent(timings[OURS]["share_of_peak"])] for shape, timings in found.items()
    ]  # fmt: skip
    faster = [f"{t['contender']} on {shape}" for shape, timings in found.items()
              for t in timings.values() if t["ratio"] > 1]  # fmt: skip
    said = f"Faster than Backhand: {', '.join(faster)}." if faster else (
        "No other library is as fast on any of these shapes.")  # fmt: skip
    shown = "![Time of a step by its size, and other libraries' ÷ Backhand's](performance/time.svg)"
    found_times = table(["µs: N,d,H,K", "Backhand", *names[1:], "of the peak"], rows)
    return f"{found_times}\n\n{said}\n\n{shown}"


def widths(figures: Figures) -> str:
    """One thread and two around the width at which the second thread starts to work."""
    found = figures["scaling"]["widths"]
    rows = [
        [f"µs, {name} thread{'s' * (name == 'two')}", *(figure(1e6 * row[name]) for row in found)]
        for name in ("one", "two")
    ]
    return table(["H", *(str(row["shape"][2]) for row in found)], rows)


def precision_mnist(figures: Figures) -> str:
    """Seconds and accuracy on MNIST in float32 and in bf16."""
    rows = []
    for name, some in runs_of(figures).items():
        rows.append([
            name, f"{median(run['seconds'] for run in some):.2f}",
            f"{100 * mean(run['accuracy'] for run in some):.2f}",
            ", ".join(f"{100 * run['accuracy']:.2f}" for run in some),
            f"{mean(run['loss'] for run in some):.4f}",
        ])  # fmt: skip
    return table(
        ["", "seconds, median", "test accuracy, mean, %", "of each seed, %", "test log loss, mean"],
        rows,
    )


def precision_differences(figures: Figures) -> str:
    """How far the accuracies of two seeds are apart, and those of two precisions."""
    exact, rounded = ([100 * run["accuracy"] for run in some] for some in runs_of(figures).values())
    apart = [b - a for a, b in zip(exact, rounded, strict=True)]
    return (
        f"Two seeds of float32 differ by up to {max(exact) - min(exact):.2f} points, and the "
        f"precisions by up to {max(map(abs, apart)):.2f}\nwith one seed, by {abs(mean(apart)):.2f} "
        "in the mean."
    )


def runs_of(figures: Figures) -> dict[str, list[dict[str, Any]]]:
    """The trainings of benchmarks/precision.py by precision, in the order of their seeds."""
    runs = figures["precision"]["runs"]
    return {name: [run for run in runs if run["precision"] == name] for name in ("float32", "bf16")}


def readme_steps(figures: Figures) -> str:
    """The short table of README."""
    others = {"jax": "JAX, jit + scan", "numpy by hand": "NumPy by hand",
              "torch autograd": "torch autograd", "scikit-learn": "scikit-learn"}  # fmt: skip
    rows = [
        [shape.replace(",", ", "), *(figure(timings[n]["microseconds"]) for n in (OURS, *others))]
        for shape, timings in steps_of(figures["steps"]).items()
    ]
    cpu = figures["steps"]["machine"]["cpu"]
    headings = ["N rows, d features, H hidden, K classes", "Backhand", *others.values()]
    return (f"On one core of a shared virtual {cpu}, float32, µs for one full training step with "
            f"loss and accuracy,\nmedians:\n\n{table(headings, rows)}")  # fmt: skip


def readme_mnist(figures: Figures) -> str:
    """A sentence about MNIST in README."""
    jobs = figures["jobs"]["mnist"]
    seconds: dict[tuple[str, int], list[float]] = {}
    for job in jobs:
        seconds.setdefault((job["contender"], job["threads"]), []).append(job["seconds"])
    accuracies = [job["accuracy"] for job in jobs]

    def took(name: str) -> str:
        return " and ".join(f"{median(seconds[name, threads]):.1f} s" for threads in (1, 2))

    names = {"torch autograd": "torch autograd", "scikit-learn": "scikit-learn", "jax": "JAX"}
    others = ", ".join(f"{shown} {took(name)}" for name, shown in names.items())
    return (
        f"Ten epochs of MNIST (784-256-10, batches of 128, Adam) take {took(OURS)} on one core and "
        f"on two;\n{others} "
        f"(test accuracy {min(accuracies):.3f} to {max(accuracies):.3f})."
    )


PRECISION_TABLES: dict[str, Callable[[Figures], str]] = {
    "mnist": precision_mnist, "differences": precision_differences,
}  # fmt: skip
README_TABLES: dict[str, Callable[[Figures], str]] = {"speed": readme_steps, "mnist": readme_mnist}


def gpu_steps(figures: Figures) -> str:
    """µs per step on a GPU; the least of each shape is bold."""
    found = figures["gpu"]["steps"]
    rows = []
    for shape, us in found.items():
        least = min(us.values())
        rows.append(
            [shape, *(f"**{figure(n)}**" if n == least else figure(n) for n in us.values())]
        )
    return table(
        [f"µs per step, {figures['gpu']['machine']['card']}", *next(iter(found.values()))], rows
    )


def gpu_fleet(figures: Figures) -> str:
    """What a member takes on a GPU, and a mini-batch."""
    found = figures["gpu"]
    rows = [[way, figure(us["update"]), figure(us["all"]), figure(found["mini-batches"][way])]
            for way, us in found["fleet"].items()]  # fmt: skip
    return table(["way", "µs per member and update", "`train_many`, s", "a mini-batch, µs"], rows)


TABLES: dict[str, Callable[[Figures], str]] = {
    "machine": machine, "steps": steps, "two threads": two_threads, "steps in bf16": steps_bf16,
    "bf16": bf16, "predictions": predictions, "small calls": small_calls,
    "predict command": predict_command, "mnist": mnist, "grid": grid, "growth": growth,
    "squares": squares, "widths": widths, "parts": parts, "parts in bf16": parts_bf16,
    "gpu steps": gpu_steps, "gpu fleet": gpu_fleet,
}  # fmt: skip
"""By the name between the markers of docs/performance.md, and above those of the others."""
