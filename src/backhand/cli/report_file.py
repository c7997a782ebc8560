"""`--report FILE.html` of the commands: its path, the command that it names, the word about it."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable
from pathlib import Path

from backhand.cli import written_output
from backhand.cli.reports.output import print_json
from backhand.support.visible_text import printable


def report_path(path: Path | None, data: str | None, others: Iterable[str | Path]) -> Path | None:
    """Check, before any work, that the report can be written; `others` must not be replaced."""
    if path is None:
        return None
    from backhand.report_page.write import check_report
    from backhand.tables.reading.reader import expand

    inputs = [*others, *(expand(data) if data is not None else [])]
    checked = check_report(path, inputs)
    written_output.expect_file(checked, f"the report is in {checked}")
    return checked


def command_line() -> str:
    """Return the command as it was typed."""
    return shlex.join(["backhand", *sys.argv[1:]])


def show_report(path: Path, *, as_json: bool) -> None:
    """Print where the report is."""
    if as_json:
        print_json("report", {"path": str(path)})
    else:
        print(f"Report in {printable(str(path))}")
