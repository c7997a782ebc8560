"""The report of `backhand bench`: a table per shape, printed as it is measured."""

from __future__ import annotations

from dataclasses import asdict

from rich.markup import escape

from backhand.benchmark.machine import Machine
from backhand.benchmark.results import ShapeResult, figure, percent
from backhand.cli.reports.output import console, grid, print_json, section
from backhand.support.visible_text import printable


class BenchmarkReport:
    """Print to standard output, as text or as JSON lines."""

    def __init__(self, *, as_json: bool) -> None:
        self._json = as_json
        self._console = console()

    def machine(self, machine: Machine, threads: int, precision: str) -> None:
        """Print the machine, the versions, and what is measured."""
        if self._json:
            print_json("machine", asdict(machine) | {"threads": threads, "precision": precision})
            return
        kind = "float32" if precision == "auto" else precision
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
                percent(timing.share_of_peak), f"{timing.ratio:.2f}",
            )  # fmt: skip
        out.print(table)
        for name, why in result.left_out.items():
            out.print(escape(f"{name}: not measured, {printable(why)}"))
        out.print()
