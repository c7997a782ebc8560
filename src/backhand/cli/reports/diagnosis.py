"""What `backhand check` prints."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.markup import escape

from backhand.cli.reports.output import grid, print_json
from backhand.cli.terminal_text import printable
from backhand.doctor import Report
from backhand.selftest import Checked


def show_report(report: Report, *, as_json: bool) -> None:
    """The diagnosis."""
    if as_json:
        print_json("report", report.to_json())
        return
    out = Console(highlight=False)
    if out.is_terminal:
        out.print(report)
    else:
        print("\n".join(map(printable, str(report).splitlines())))


def show_installation(checks: Iterable[Checked], *, as_json: bool) -> bool:
    """A line for each engine and dtype; whether all that could be checked is right."""
    found = []
    table = grid("engine", "dtype", "gradients", "update", "autograd", "")
    for one in checks:
        found.append(one)
        if as_json:
            print_json("engine", one._asdict())
        elif one.failure:
            table.add_row(one.engine, one.dtype, "", "", "", "not checked")
        else:
            figures = ("·" if e is None else f"{e:.1e}"
                       for e in (one.gradients, one.update, one.autograd))  # fmt: skip
            table.add_row(one.engine, one.dtype, *figures, "right" if one.ok else "WRONG")
    right = all(one.ok or one.failure for one in found) and any(one.ok for one in found)
    if not as_json:
        out = Console(highlight=False, soft_wrap=True)
        out.print("Largest errors, relative to the right values' norm\n")
        out.print(table)
        for one in found:
            if one.failure:
                out.print(f"\nThe {one.engine} engine was not checked: {escape(one.failure)}")
        out.print(f"\n{'Every engine computes right here.' if right else 'Do not trust it.'}")
    return right
