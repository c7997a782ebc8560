"""Output of `backhand check`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from backhand.cli.reports.output import grid, print_json
from backhand.support.visible_text import printable

if TYPE_CHECKING:
    from backhand.doctor import Report
    from backhand.selftest import Checked


def show_report(report: Report, named: str, *, as_json: bool) -> None:
    """Print the report on the function that the user named."""
    if as_json:
        print_json("report", {"file": named.rpartition(":")[0], **report.to_json()})
        return
    out = Console(highlight=False)
    if out.is_terminal:
        out.print(report)
    else:
        print("\n".join(map(printable, str(report).splitlines())))


def show_installation(checks: Iterable[Checked], *, as_json: bool) -> bool:
    """Print a line per engine and dtype; return whether all that could be checked are correct."""
    from backhand.selftest import LIMITS  # which imports the engines

    found = []
    table = grid("engine", "dtype", "gradients", "update", "autograd", "")
    for one in checks:
        found.append(one)
        if as_json:
            print_json("engine", one._asdict())
        elif one.failure:
            table.add_row(one.engine, one.dtype, "", "", "", "not tested")
        else:
            figures = ("·" if e is None else f"{e:.1e}"
                       for e in (one.gradients, one.update, one.autograd))  # fmt: skip
            table.add_row(one.engine, one.dtype, *figures, "correct" if one.ok else "WRONG")
    right = all(one.ok or one.failure for one in found) and any(one.ok for one in found)
    if not as_json:
        out = Console(highlight=False, soft_wrap=True)
        out.print("Largest relative errors\n")
        out.print(table)
        if any(one.dtype == "bf16" for one in found):
            out.print(
                "\nIn bf16 the factors of products have 8 bits: errors of up to "
                f"{LIMITS['bf16']:g} are rounding."
            )
        for one in found:
            if one.failure:
                out.print(f"\nThe {one.engine} engine was not tested: {escape(one.failure)}")
        out.print(f"\n{_conclusion(found, right=right)}")
    return right


def _conclusion(found: list[Checked], *, right: bool) -> str:
    engines = {one.engine for one in found}
    tested = engines - {one.engine for one in found if one.failure}
    if not right:
        return "At least one engine is wrong, or none could be tested; do not use it."
    if tested == engines:
        return "All engines agree with the reference on this machine."
    return f"{len(tested)} of {len(engines)} engines tested: correct."
