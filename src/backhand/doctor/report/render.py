"""Rendering a report: for a terminal, as plain text, for a notebook, as a picture."""

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
"""Red, green, yellow and grey that are readable on light and dark pages of a notebook."""

COLOURS = {"correct": "green", "wrong": "red", "not judged": "yellow"}


def rendered(report: Contents) -> Group:
    """The whole report."""
    parts: list[RenderableType] = [_headline(report)]
    if report.verdicts:
        parts += ["", _table(report.verdicts)]
        if any(verdict.inherited for verdict in report.verdicts):
            parts.append(Text("inherited: correct given its inputs, which are wrong", "dim"))
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
    """The report as a picture of a terminal, in the reader's own monospaced font."""
    console = _console(width=width)
    console.print(rendered(report))
    picture = console.export_svg(title=title, unique_id="backhand")
    return re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL)


class _Recording(Console):
    """A console that records what is printed, and exports it."""

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
        force_jupyter=False,  # else it displays in the notebook whatever it prints
    )  # fmt: skip


def _headline(report: Contents) -> Text:
    on = f"{report.problems} problems" if report.problems != 1 else "1 problem"
    arrays = {"numpy": "NumPy arrays", "torch": "torch tensors", "jax": "JAX arrays",
              "torch float32": "torch tensors in float32"}.get(report.arrays, "arrays")  # fmt: skip
    how = f"{report.seconds:.2f} s" if not report.problems else (
        f"on {on}, with {arrays}, in {report.seconds:.2f} s"
    )  # fmt: skip
    verdict = Text(report.outcome, f"bold {COLOURS[report.outcome]}")
    if not report.ok and report.verdicts and all(one.ok for one in report.verdicts):
        verdict = Text("every returned value is correct; the function has a problem", "bold red")
    return Text.assemble((report.function or "function", "bold"), "  ", verdict,
                         "  ", (f"({how})", "dim"))  # fmt: skip


def _table(verdicts: Iterable[Verdict]) -> Table:
    verdicts = list(verdicts)
    autograd = any(verdict.autograd is not None for verdict in verdicts)
    slopes = any(verdict.differences is not None for verdict in verdicts)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("", no_wrap=True)
    table.add_column("equations", no_wrap=True)
    for heading in (("autograd",) if autograd else ()) + (
        ("finite differences",) if slopes else ()
    ):
        table.add_column(heading, no_wrap=True)
    table.add_column("error", justify="right", no_wrap=True)
    table.add_column("worst entry: expected, got", no_wrap=True)
    for verdict in verdicts:
        cells = [Text(verdict.name, "bold"), _compared(verdict)]
        cells += [_oracle(verdict.autograd)] if autograd else []
        cells += [_oracle(verdict.differences)] if slopes else []
        table.add_row(*cells, Text(_size(verdict.error)), _worst(verdict))
    return table


def _compared(verdict: Verdict) -> Text:
    if verdict.ok:
        return Text("correct", "green")
    if verdict.inherited:
        return Text("inherited", "yellow")
    return Text("wrong", "red")


def _oracle(agrees: bool | None) -> Text:
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
        lines.add_row("expected", Text(finding.right, "green"))
    if finding.written:
        lines.add_row("your code does", Text(finding.written, "red"))
    for number, place in enumerate(finding.where):
        lines.add_row("" if number else "in your code", Text(place))
    if finding.suggestion:
        asks = finding.suggestion.endswith("?")
        lines.add_row("ask yourself" if asks else "what to do", Text(finding.suggestion))
    lines.add_row("confidence", Text(_certainty(finding)))
    if finding.others:
        lines.add_row("same numbers from", Text("; ".join(finding.others)))
    return Group(title, Padding(lines, (0, 0, 0, 3)))


def _certainty(finding: Finding) -> str:
    if not finding.certain:
        return "uncertain: the first equation that the evidence points to"
    if finding.equation == "call":
        return "observed when called"
    on = f"{finding.problems} problems" if finding.problems != 1 else "1 problem"
    if finding.written:
        return f"certain: gives the same numbers, up to rounding error, on {on}"
    return f"certain: observed on {on}"


def _listed(word: str, sentences: Iterable[str]) -> list[RenderableType]:
    lines = [Text.assemble((f"{word}: ", "dim"), sentence) for sentence in sentences]
    return ["", *lines] if lines else []
