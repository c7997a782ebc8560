"""What was asked of the speed, beside what was measured."""

from __future__ import annotations

from collections.abc import Iterator

from page_tables import OURS, Figures, mean, percent, ratio, runs_of, steps_of, table

SHAPES = ("128,20,64,5", "128,784,256,10", "512,384,128,10", "1024,64,128,10", "8192,784,256,10")
SHARES = dict(zip(SHAPES, (0.60, 0.75, 0.75, 0.72, 0.75), strict=True))
"""Least share of the peak, one thread and float32."""
RATIOS = {
    "jax": (0.79, 0.60, 0.42, 0.70), "torch autograd": (0.53, 0.50, 0.25, 0.72),
    "scikit-learn": (0.38, 0.42, 0.165, 0.54),
}  # fmt: skip
"""Most of another's time, on all shapes but the first."""
SPEEDS = {"1024,64,128,10": 1.65, "8192,784,256,10": 1.85}
"""Two threads, times as fast as one."""


def steps(figures: Figures) -> str:
    """Shares of the peak and ratios, each with its goal; what was missed is bold."""
    found = steps_of(figures["steps"])
    rows = [["share of the peak",
             *(against(found[shape][OURS]["share_of_peak"], asked, least=True, share=True)
               for shape, asked in SHARES.items())]]  # fmt: skip
    for name, most in RATIOS.items():
        asked_of = dict(zip(SHAPES[1:], most, strict=True))
        rows.append([f"÷ {name}", *(
            against(found[shape][name]["ratio"], asked_of[shape]) if shape in asked_of else ""
            for shape in SHAPES
        )])  # fmt: skip
    speeds = {",".join(map(str, row["shape"])): row["one"] / row["two"]
              for row in figures["scaling"]["shapes"]}  # fmt: skip
    rows.append(["two threads, times as fast", *(
        against(speeds[shape], SPEEDS.get(shape, 1), least=True) for shape in SHAPES
    )])  # fmt: skip
    return table(["measured (asked)", *SHAPES], rows)


def against(value: float, asked: float, *, least: bool = False, share: bool = False) -> str:
    """What was measured, and in brackets what was asked of it at least, or at most."""
    seen = round(value, 2)  # as it is printed
    met = seen >= asked if least else seen <= asked
    said = percent(value) if share else ratio(value)
    goal = f"{'≥' if least else '≤'} {percent(asked) if share else f'{asked:g}'}"
    return f"{said if met else f'**{said}**'} ({goal})"


def others(figures: Figures) -> str:
    """Goals that are one number; the worst case is compared."""
    rows = [*bf16(figures), *predictions(figures), *small_calls(figures)]
    return table(["goal", "measured (asked)"], rows)


def bf16(figures: Figures) -> Iterator[list[str]]:
    ratios = []
    for timings in steps_of(figures["steps-bf16"]).values():
        ours, *theirs = timings.values()
        fastest = min(t["microseconds"] for t in theirs if t["contender"] != OURS)
        ratios.append(ours["microseconds"] / fastest)
    yield ["bf16 ÷ the fastest other library's bf16, each shape", against(max(ratios), 1)]
    us = figures["bf16"]["steps"]
    if figures["bf16"]["products"] == "amx-bf16":
        for shape in ("8192,784,256,10", "512,384,128,10"):
            times = us[shape]["float32"] / us[shape]["bf16"]
            yield [f"bf16 on AMX, times float32's speed, {shape}", against(times, 2.5, least=True)]
    else:
        yield ["bf16 on AMX, times float32's speed", "not measured (≥ 2.5)"]
    exact, rounded = (mean(run["accuracy"] for run in some) for some in runs_of(figures).values())
    points = 100 * abs(rounded - exact)
    yield ["MNIST, bf16's accuracy from float32's, points", against(points, 0.1)]


def predictions(figures: Figures) -> Iterator[list[str]]:
    dense: list[dict[str, float]] = []
    sparse: list[dict[str, float]] = []
    for case in figures["predictions"]["predictions"]:
        (sparse if case["kind"] == "sparse" else dense).extend(case["µs"].values())
        if case["sizes"] == [20, 64, 5] and case["dtype"] == "float32":
            one = case["µs"]["1"]["Model"]
            yield ["`Model.predict_proba`, one row of 20-64-5, µs", against(one, 10)]
    yield ["`MLPClassifier.predict_proba` ÷ scikit-learn's, dense, each",
           against(max(us["MLPClassifier"] / us["scikit-learn"] for us in dense), 0.8)]  # fmt: skip
    for dtype in ("float32", "float64"):
        most = max(us["Model"] / us["onnxruntime"]
                   for case in figures["predictions"]["predictions"]
                   if case["kind"] == "dense" and case["dtype"] == dtype
                   for us in case["µs"].values())  # fmt: skip
        yield [f"`Model.predict_proba` in {dtype} ÷ onnxruntime in float32, each", against(most, 1)]
    doubles = (us["Model"] / us["onnxruntime, double"] for us in dense
               if "onnxruntime, double" in us)  # fmt: skip
    yield ["`Model.predict_proba` in float64 ÷ onnxruntime in double, each",
           f"{ratio(max(doubles))} (not asked)"]  # fmt: skip
    yield ["`MLPClassifier.predict_proba` ÷ scikit-learn's, sparse, each",
           against(max(us["MLPClassifier"] / us["scikit-learn"] for us in sparse), 1)]  # fmt: skip


def small_calls(figures: Figures) -> Iterator[list[str]]:
    found = figures["small_calls"]
    for what, asked in (("fit, 30 × 20", 0.25), ("partial_fit, 32 × 20,", 0.4),
                        ("partial_fit, 32 × 784,", 0.7)):  # fmt: skip
        cases = {name: of[2] for name, of in found["calls"].items() if name.startswith(what)}
        worst = max(cases, key=lambda name: cases[name])
        yield [f"{worst}, ÷ scikit-learn's", against(cases[worst], asked)]
    first, second = found["starts"]["Backhand: fit, 30 × 20, 20 epochs"]
    yield ["first `fit` of a process less the second, ms", against(first - second, 30)]


TABLES = {"goals of a step": steps, "other goals": others}
