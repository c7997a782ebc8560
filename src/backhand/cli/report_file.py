"""`--report FILE.html` of the commands: its path, the command that it names, the word about it."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from backhand.cli import written_output
from backhand.cli.reports.output import print_json
from backhand.errors import InputError
from backhand.support.visible_text import printable


def report_path(path: Path | None, inputs: Sequence[str | Path], model: str | Path) -> Path | None:
    """Check, before any work, that the report can be written and replaces none of these."""
    if path is None:
        return None
    from backhand.report_page.write import check_report

    checked = check_report(path, [model, *inputs])
    if checked.resolve() == Path(model).resolve():
        raise InputError(f"the report {path} is also the model file; choose another name.")
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
        print(f"Report in {printable(str(path))}{written_output.replacing_clause(path)}")
