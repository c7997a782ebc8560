"""Draw the graphs of docs/performance.md from the figures in docs/performance/figures.

    PYTHONPATH=src python docs/performance/draw.py [FOLDER [ENDING]]

Writes time.svg, peak.svg and predictions.svg beside this file, or into FOLDER and with another
ending, such as png. They have no background, and colours of middle lightness, so that they can be
read on light and on dark. Needs matplotlib.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fill
import matplotlib as mpl
from matplotlib import pyplot
from matplotlib.ticker import FuncFormatter
from page_tables import OURS, steps_of

INK = "#7d7d7d"
COLOURS = {
    "Backhand": "#3f7fbf", "Backhand, bf16": "#17a2a2", "jax": "#c8641b", "scikit-learn": "#3f8f4f",
    "numpy by hand": "#a07a00", "torch autograd": "#b0508a", "onnxruntime": "#c8641b",
    "torch": "#b0508a", "MLPClassifier": "#3f7fbf", "Model": "#17a2a2",
}  # fmt: skip
"""At least 3 : 1 on white and on black."""
MARKS = dict(zip(COLOURS, "oDs^vPsPoD", strict=True))
STYLE = {
    "svg.hashsalt": "performance", "svg.fonttype": "none", "text.color": INK,
    "axes.labelcolor": INK, "axes.edgecolor": INK, "xtick.color": INK, "ytick.color": INK,
    "axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False,
    "font.family": "sans-serif", "font.sans-serif": ["Helvetica", "Arial", "DejaVu Sans"],
    "font.size": 10,
}  # fmt: skip
Figures = dict[str, Any]


def draw_time(figures: Figures) -> Any:
    """µs per step while d = H grows, and each library's time divided by Backhand's."""
    found = steps_of({"results": figures["scaling"]["beside others"]})
    sizes = [int(shape.split(",")[1]) for shape in found]
    picture, (times, quotients) = pyplot.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
    for name in next(iter(found.values())):
        if (shown := "Backhand" if name == OURS else name) not in COLOURS:
            continue
        us = [timings[name]["microseconds"] for timings in found.values()]
        plot(times, sizes, us, shown)
        if name != OURS:
            ours = [timings[OURS]["microseconds"] for timings in found.values()]
            plot(quotients, sizes, [a / b for a, b in zip(us, ours, strict=True)], shown)
    quotients.axhline(1, color=COLOURS["Backhand"], lw=1.5)
    for axes, label in ((times, "µs per step"), (quotients, "times as long as Backhand")):
        axes.set(xscale="log", yscale="log", ylabel=label, xlabel="d = H  (N 128, K 10)")
        axes.set_xticks(sizes[::2], [str(size) for size in sizes[::2]])
        axes.minorticks_off()
        axes.yaxis.set_major_formatter(FuncFormatter(plain))
    times.legend()
    return picture


def draw_peak(figures: Figures) -> Any:
    """The share of the peak of each shape, in float32 of several libraries, and ours in bf16."""
    found = steps_of(figures["steps"])
    names = {"Backhand": OURS, "jax": "jax", "numpy by hand": "numpy by hand",
             "torch autograd": "torch autograd", "scikit-learn": "scikit-learn"}  # fmt: skip
    shares = {shown: [timings[name]["share_of_peak"] for timings in found.values()]
              for shown, name in names.items()}  # fmt: skip
    if "steps-bf16" in figures:
        of = steps_of(figures["steps-bf16"])
        shares["Backhand, bf16"] = [of[shape]["backhand bf16"]["share_of_peak"] for shape in found]
    picture, axes = pyplot.subplots(figsize=(10, 4), layout="constrained")
    width = 0.8 / len(shares)
    for n, (name, values) in enumerate(shares.items()):
        at = [place + (n - (len(shares) - 1) / 2) * width for place in range(len(found))]
        label = "Backhand in bf16, of bf16's peak" if name == "Backhand, bf16" else name
        axes.bar(at, [100 * value for value in values], 0.9 * width, color=COLOURS[name],
                 label=label)  # fmt: skip
    axes.set(ylabel="% of the peak, one thread", xlabel="N,d,H,K")
    axes.set_xticks(range(len(found)), list(found))
    axes.legend(ncols=3, loc="upper left")
    axes.set_ylim(0, 118)  # room for the legend
    axes.set_yticks(range(0, 101, 20))
    return picture


def draw_predictions(figures: Figures) -> Any:
    """µs of a prediction by the number of rows, float32, of two networks."""
    cases = [case for case in figures["predictions"]["predictions"]
             if case["kind"] == "dense" and case["dtype"] == "float32"]  # fmt: skip
    picture, both = pyplot.subplots(1, len(cases), figsize=(10, 4.2), layout="constrained")
    for axes, case in zip(both, cases, strict=True):
        rows = [int(count) for count in case["µs"]]
        for name in ("scikit-learn", "torch", "onnxruntime", "MLPClassifier", "Model"):
            shown = f"Backhand, {name}" if name in ("MLPClassifier", "Model") else name
            plot(axes, rows, [us[name] for us in case["µs"].values()], name, label=shown)
        axes.set(xscale="log", yscale="log", xlabel="rows", ylabel="µs per call",
                 title=f"{'-'.join(map(str, case['sizes']))}, float32")  # fmt: skip
        axes.set_xticks(rows, [f"{count:,}" for count in rows])
        axes.minorticks_off()
        axes.yaxis.set_major_formatter(FuncFormatter(plain))
    both[0].legend(loc="upper left")
    return picture


def plain(value: float, _: Any) -> str:
    """A number without powers of ten."""
    return f"{value:g}" if value < 1000 else f"{value:,.0f}"


def plot(axes: Any, x: list[int], y: list[float], name: str, label: str = "") -> None:
    """A line, in the colour and with the marks of a contender."""
    axes.plot(x, y, MARKS[name] + "-", color=COLOURS[name], lw=1.5, ms=4.5, label=label or name)


PICTURES: dict[str, Callable[[Figures], Any]] = {
    "time": draw_time, "peak": draw_peak, "predictions": draw_predictions,
}  # fmt: skip


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else fill.HERE
    ending = sys.argv[2] if len(sys.argv) > 2 else "svg"
    pyplot.switch_backend("Agg")
    mpl.rcParams.update(STYLE)
    figures = fill.read_figures()
    for name, draw in PICTURES.items():
        try:
            picture = draw(figures)
        except KeyError as error:
            print(f"not drawn: {name}, no {error}")
            continue
        metadata = {"Date": None} if ending == "svg" else None
        picture.savefig(folder / f"{name}.{ending}", transparent=True, metadata=metadata, dpi=90)


if __name__ == "__main__":
    main()
