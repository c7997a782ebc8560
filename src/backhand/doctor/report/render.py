"""The report as people read it: in a terminal, as plain text, in a notebook, as a picture."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterable

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from backhand.doctor.report.contents import Contents, Finding, Verdict

WIDTH = 100

READABLE = TerminalTheme(
    (255, 255, 255), (0, 0, 0),
    [(0, 0, 0), (224, 60, 49), (31, 138, 59), (154, 117, 0), *[(127, 127, 127)] * 4],
)  # fmt: skip
"""Red, green and yellow that a notebook's page of either colour leaves readable, and grey."""


def rendered(report: Contents) -> Group:
    """The whole report."""
    parts: list[RenderableType] = [_headline(report)]
    if report.verdicts:
        parts += ["", _table(report.verdicts)]
    for number, finding in enumerate(report.findings, 1):
        parts += ["", _finding(finding, number if len(report.findings) > 1 else None)]
    parts += _listed("remark", report.remarks)
    if not report.ok:
        parts += _listed("ruled out", report.ruled_out)
    return Group(*parts)


def as_text(report: Contents) -> str:
    """The report without colours, to the width of a page."""
    return _console(width=WIDTH).export_text_of(report)


def as_html(report: Contents) -> str:
    """The report for a notebook."""
    body = _console(width=WIDTH).export_html_of(report)
    style = "font-family:monospace;line-height:1.3;overflow-x:auto"
    return f'<pre style="{style}">{body}</pre>'


def as_svg(report: Contents, title: str, width: int = 92) -> str:
    """The report as a picture of a terminal, in the reader's own font of one width."""
    console = _console(width=width)
    console.print(rendered(report))
    picture = console.export_svg(title=title, unique_id="backhand")
    return re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL)


class _Recording(Console):
    """A terminal that nobody sees, and whose content can be had."""

    def export_text_of(self, report: Contents) -> str:
        self.print(rendered(report))
        lines = self.export_text().splitlines()
        return "\n".join(line.rstrip() for line in lines)

    def export_html_of(self, report: Contents) -> str:
        self.print(rendered(report))
        return self.export_html(theme=READABLE, code_format="{code}", inline_styles=True)


def _console(width: int) -> _Recording:
    return _Recording(
        record=True, width=width, file=io.StringIO(), force_terminal=True, highlight=False,
        color_system="truecolor", legacy_windows=False,
        force_jupyter=False,  # else it shows what it prints in the notebook by itself
    )  # fmt: skip


def _headline(report: Contents) -> Text:
    on = f"{report.problems} problems" if report.problems != 1 else "1 problem"
    arrays = {"numpy": "NumPy arrays", "torch": "torch tensors", "jax": "JAX arrays",
              "torch float32": "torch tensors in float32"}.get(report.arrays, "arrays")  # fmt: skip
    how = f"{report.seconds:.2f} s" if not report.problems else (
        f"on {on}, with {arrays}, in {report.seconds:.2f} s"
    )  # fmt: skip
    verdict = Text("all right", "bold green") if report.ok else Text("wrong", "bold red")
    if not report.ok and report.verdicts and all(one.ok for one in report.verdicts):
        verdict = Text("the call is wrong, the numbers are right", "bold red")
    return Text.assemble((report.function or "function", "bold"), "  ", verdict,
                         "  ", (f"({how})", "dim"))  # fmt: skip


def _table(verdicts: Iterable[Verdict]) -> Table:
    verdicts = list(verdicts)
    asked = any(verdict.autograd is not None for verdict in verdicts)
    slopes = any(verdict.differences is not None for verdict in verdicts)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("", no_wrap=True)
    table.add_column("equations", no_wrap=True)
    for heading in (("autograd",) if asked else ()) + (("slope of its loss",) if slopes else ()):
        table.add_column(heading, no_wrap=True)
    table.add_column("error", justify="right", no_wrap=True)
    table.add_column("worst entry: expected, got", no_wrap=True)
    for verdict in verdicts:
        cells = [Text(verdict.name, "bold"), _judged(verdict)]
        cells += [_witness(verdict.autograd)] if asked else []
        cells += [_witness(verdict.differences)] if slopes else []
        table.add_row(*cells, Text(_size(verdict.error)), _worst(verdict))
    return table


def _judged(verdict: Verdict) -> Text:
    if verdict.ok:
        return Text("right", "green")
    if verdict.inherited:
        return Text("as it was fed", "yellow")
    return Text("wrong", "red")


def _witness(agrees: bool | None) -> Text:
    if agrees is None:
        return Text("·", "dim")
    return Text("agrees", "green") if agrees else Text("disagrees", "red")


def _size(error: float) -> str:
    return "—" if math.isinf(error) else f"{error:.1e}"


def _worst(verdict: Verdict) -> Text:
    if verdict.ok:
        return Text("")
    if verdict.worst is None:
        return Text(f"shape {verdict.expected_shape}, got {verdict.shape}")
    place = f"[{', '.join(map(str, verdict.worst))}] " if verdict.worst else ""
    return Text(f"{place}{verdict.expected:.6g}, {verdict.got:.6g}")


def _finding(finding: Finding, number: int | None) -> Group:
    title = Text(f"{number}. " if number else "", "bold")
    title.append(finding.mistake, "bold red" if finding.certain else "bold yellow")
    lines = Table.grid(padding=(0, 2, 0, 0))
    lines.add_column(style="dim", no_wrap=True)
    lines.add_column(overflow="fold")
    if finding.right:
        lines.add_row("as it should be", Text(finding.right, "green"))
    if finding.written:
        lines.add_row("as it was coded", Text(finding.written, "red"))
    for number, place in enumerate(finding.where):
        lines.add_row("" if number else "in your code", Text(place))
    lines.add_row("what to do", Text(finding.suggestion))
    lines.add_row("how sure", Text(_certainty(finding)))
    if finding.others:
        lines.add_row("or, with the same numbers", Text("; ".join(finding.others)))
    return Group(title, Padding(lines, (0, 0, 0, 3)))


def _certainty(finding: Finding) -> str:
    if not finding.certain:
        return "not certain: it is where the evidence points first"
    if finding.equation == "call":
        return "seen when it was called"
    on = f"{finding.problems} problems" if finding.problems != 1 else "1 problem"
    if finding.written:
        return f"certain: it gives the same numbers, to rounding, on {on}"
    return f"certain: seen on {on}"


def _listed(word: str, sentences: Iterable[str]) -> list[RenderableType]:
    lines = [Text.assemble((f"{word}: ", "dim"), sentence) for sentence in sentences]
    return ["", *lines] if lines else []
