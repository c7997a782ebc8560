"""`backhand bench`: time a training step with Backhand and with other libraries."""

from __future__ import annotations

from typing import Annotated

import typer

from backhand.cli import options


def bench(
    *,
    shape: Annotated[
        list[str] | None,
        typer.Option(metavar="N,d,H,K", show_default="three, small to medium",
                     help="Rows, features, hidden units and classes; may be repeated."),
    ] = None,
    threads: Annotated[int, typer.Option(help="Threads for each library, on as many cores.")] = 1,
    quick: Annotated[
        bool, typer.Option("--quick", help="Finish in seconds, with rough figures.")
    ] = False,
    precision: options.Precision = "auto",
    json: options.Json = False,
) -> None:  # fmt: skip
    """Time a training step. Compares Backhand with the other libraries that are installed."""
    from backhand.benchmark.machine import this_machine
    from backhand.benchmark.problem import FEW_SHAPES, parse_shape
    from backhand.benchmark.process import benchmark
    from backhand.cli.reports.benchmark import BenchmarkReport
    from backhand.engines import make_engine

    shapes = [parse_shape(text) for text in shape] if shape else FEW_SHAPES
    results = benchmark(shapes, threads, "quick" if quick else "normal", precision)
    report = BenchmarkReport(as_json=json)
    products = make_engine(precision=precision).depends_on().get("bf16")
    report.machine(this_machine(), threads, precision, products)
    for result in results:
        report.result(result)
