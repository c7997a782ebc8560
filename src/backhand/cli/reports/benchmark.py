"""The report of `backhand bench`: a table per shape, printed as it is measured."""

from __future__ import annotations

from dataclasses import asdict

from rich.markup import escape

from backhand.benchmark.machine import Machine
from backhand.benchmark.results import ShapeResult, figure, percent, ratio
from backhand.cli.reports.output import console, grid, print_json, section
from backhand.support.visible_text import printable


class BenchmarkReport:
    """Print to standard output, as text or as JSON lines."""

    def __init__(self, *, as_json: bool) -> None:
        self._json = as_json
        self._console = console()
        self._peak = "peak"

    def machine(self, machine: Machine, threads: int, precision: str, products: str | None) -> None:
        """Print the machine, the versions, and what is measured.

        `products` is how bf16 is multiplied, where the engine says so.
        """
        if self._json:
            print_json("machine", asdict(machine) | {
                "threads": threads, "precision": precision, "bf16_products": products,
            })  # fmt: skip
            return
        kind = "float32" if precision == "auto" else precision
        self._peak = f"peak in {kind}, multiply-adds in registers"
        if precision == "bf16":
            kind = f"bf16{f' ({products})' if products else ''}, and Backhand's in float32"
        versions = ", ".join(f"{name} {version}" for name, version in machine.versions.items())
        caches = ", ".join(f"{level} {n // 1024:,} KB" for level, n in machine.caches.items() if n)
        section(self._console, "Machine", machine.cpu, [
            ("threads", f"{threads} of {machine.cores}"),
            ("data caches", caches),
            ("versions", f"Python {machine.python}, {versions}"),
            ("measured", f"full-batch SGD steps in {kind}: forward, loss, backward, update"),
        ])  # fmt: skip

    def result(self, result: ShapeResult) -> None:
        """Print one shape: a line per contender."""
        if self._json:
            print_json("shape", result.to_json())
            return
        out = self._console
        N, d, H, K = result.shape
        out.print(f"[bold]N {N:,}, d {d:,}, H {H:,}, K {K:,}[/bold]")
        table = grid("", "µs per step", "GFLOP/s", "of peak", "Backhand's time / its time")
        for timing in result.timings:
            table.add_row(
                timing.contender, figure(timing.microseconds), figure(timing.gflops),
                percent(timing.share_of_peak), ratio(timing.ratio),
            )  # fmt: skip
        out.print(table)
        if result.peak_gflops is not None:
            out.print(f"{self._peak}: {figure(result.peak_gflops)} GFLOP/s")
        for name, why in result.left_out.items():
            out.print(escape(f"{name}: not measured, {printable(why)}"))
        out.print()
