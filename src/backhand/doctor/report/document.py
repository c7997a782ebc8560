"""A report as a document: its parts in order, each text with what it is. No display adds words."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from enum import StrEnum, auto
from typing import NamedTuple

from backhand.doctor.frame.form import REFERENCE_FORM, Form
from backhand.doctor.report.contents import Contents, Finding, Verdict
from backhand.doctor.report.layout import place_in, shape_in
from backhand.support.visible_text import printable


class Role(StrEnum):
    """What a text is, and so how it is displayed."""

    PLAIN = auto()
    STRONG = auto()
    QUIET = auto()
    CODE = auto()
    CORRECT = auto()
    WRONG = auto()
    DOUBTFUL = auto()


class Span(NamedTuple):
    """A text with a role."""

    text: str
    role: Role = Role.PLAIN


class Table(NamedTuple):
    """The verdicts: a heading for each column, and a row for each value.

    `numbers` are the columns that are aligned to the right.
    """

    headings: Sequence[str]
    rows: Sequence[Sequence[Span]]
    numbers: Sequence[int]
    legend: Sequence[str]


class Section(NamedTuple):
    """A finding: its title, and texts with a label before each."""

    title: Span
    entries: Sequence[tuple[str, Span]]


class Document(NamedTuple):
    """A report in the order in which it is read."""

    headline: Sequence[Span]
    circumstances: str
    table: Table | None
    sections: Sequence[Section]
    notes: Sequence[tuple[str, str]]


OUTCOMES = {"correct": Role.CORRECT, "wrong": Role.WRONG, "not judged": Role.DOUBTFUL}

ARRAYS = {"numpy": "NumPy arrays", "torch": "torch tensors", "jax": "JAX arrays",
          "torch float32": "torch tensors in float32"}  # fmt: skip

LEGEND = {
    "inherited": "inherited: correct given its inputs, which are wrong",
    "by convention": "by convention: correct, though the equations have it in another form",
}


def document(report: Contents) -> Document:
    """The whole report."""
    several = len(report.findings) > 1
    form = report.frame.form if report.frame else REFERENCE_FORM
    return Document(
        list(_headline(report)),
        _circumstances(report),
        _table(report.verdicts, form) if report.verdicts else None,
        [_section(finding, number if several else None)
         for number, finding in enumerate(report.findings, 1)],
        [(label, printable(sentence)) for label, sentence in _notes(report)],
    )  # fmt: skip


def _headline(report: Contents) -> Iterator[Span]:
    """The function, the outcome, and the frame that it was judged in."""
    yield Span(printable(report.function or "function"), Role.STRONG)
    if not report.ok and report.verdicts and all(one.ok for one in report.verdicts):
        yield Span("every returned value is correct; the function has a problem", Role.WRONG)
    else:
        yield Span(report.outcome, OUTCOMES[report.outcome])
    if report.frame:
        yield Span(f"{report.frame.sentence} ({report.frame.certainty})")


def _circumstances(report: Contents) -> str:
    if not report.problems:
        return f"{report.seconds:.2f} s"
    on = _counted(report.problems)
    return f"on {on}, with {ARRAYS.get(report.arrays, 'arrays')}, in {report.seconds:.2f} s"


def _table(verdicts: Sequence[Verdict], form: Form) -> Table:
    oracles = []
    if any(one.autograd is not None for one in verdicts):
        oracles.append(("autograd", [_agreement(one.autograd) for one in verdicts]))
    if any(one.differences is not None for one in verdicts):
        oracles.append(("finite\ndifferences", [_agreement(one.differences) for one in verdicts]))
    columns = [
        ("", [Span(one.name, Role.STRONG) for one in verdicts]),
        ("equations", [_verdict(one) for one in verdicts]),
        *oracles,
        ("error", [Span(_size(one.error)) for one in verdicts]),
        ("worst entry: expected, got", [Span(_worst(one, form)) for one in verdicts]),
    ]
    headings, cells = zip(*columns, strict=True)
    said = {_verdict(one).text for one in verdicts}
    return Table(headings, list(zip(*cells, strict=True)), (len(columns) - 2,),
                 [sentence for word, sentence in LEGEND.items() if word in said])  # fmt: skip


def _verdict(verdict: Verdict) -> Span:
    if verdict.convention:
        return Span("by convention", Role.CORRECT)
    if verdict.ok:
        return Span("correct", Role.CORRECT)
    if verdict.inherited:
        return Span("inherited", Role.DOUBTFUL)
    return Span("wrong", Role.WRONG)


def _agreement(agrees: bool | None) -> Span:
    if agrees is None:
        return Span("·", Role.QUIET)
    return Span("agrees", Role.CORRECT) if agrees else Span("disagrees", Role.WRONG)


def _size(error: float) -> str:
    return "—" if math.isinf(error) else f"{error:.1e}"


def _worst(verdict: Verdict, form: Form) -> str:
    """The entry that differs most, and shapes, in the layout of the code."""
    if verdict.ok:
        return ""
    name = verdict.name
    if verdict.worst is None:
        expected, got = (shape_in(name, shape, form)
                         for shape in (verdict.expected_shape, verdict.shape))  # fmt: skip
        return f"shape {expected}, got {got}"
    indices = place_in(name, verdict.worst, form)
    place = f"[{', '.join(map(str, indices))}] " if indices else ""
    return f"{place}{verdict.expected:.6g}, {verdict.got:.6g}"


def _section(finding: Finding, number: int | None) -> Section:
    title = f"{number}. {finding.mistake}" if number else finding.mistake
    entries = [(label, Span(printable(text), role)) for label, text, role in _entries(finding)]
    return Section(
        Span(printable(title), Role.WRONG if finding.certain else Role.DOUBTFUL), entries
    )


def _entries(finding: Finding) -> Iterator[tuple[str, str, Role]]:
    """What is said about a fault.

    "your code" is only what stands in the function; the line of the dictionary that gives the same
    numbers is said to give them.
    """
    if finding.right:
        yield "expected", finding.right, Role.CODE
    for number, place in enumerate(finding.where):
        yield "" if number else "your code", place, Role.CODE
    coded = {_squeezed(place.partition(": ")[2]) for place in finding.where}
    alike = (line for line in (finding.written, *finding.others)
             if line and _squeezed(line) not in coded)  # fmt: skip
    for number, line in enumerate(alike):
        yield "or as" if number else "same numbers as", line, Role.CODE
    if finding.suggestion:
        asks = finding.suggestion.endswith("?")
        yield "ask yourself" if asks else "what to do", finding.suggestion, Role.PLAIN
    yield "confidence", _confidence(finding), Role.PLAIN


def _squeezed(code: str) -> str:
    return "".join(code.split())


def _confidence(finding: Finding) -> str:
    if not finding.certain:
        return "uncertain: the first equation that the evidence points to"
    if finding.equation == "call":
        return "observed when called"
    on = _counted(finding.problems)
    if finding.written:
        return f"certain: gives the same numbers, up to rounding error, on {on}"
    return f"certain: observed on {on}"


def _notes(report: Contents) -> Iterator[tuple[str, str]]:
    for sentence in report.remarks:
        yield "remark", sentence
    for sentence in () if report.ok else report.ruled_out:
        yield "ruled out", sentence


def _counted(problems: int) -> str:
    return f"{problems} problems" if problems != 1 else "1 problem"
