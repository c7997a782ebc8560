"""How a report is displayed: in a terminal, in a pipe of any encoding, in a notebook, as a page."""

from __future__ import annotations

import html
import re
import sys
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

import backhand
from backhand.doctor import oracles
from backhand.doctor.faults import Kind, dictionary
from backhand.doctor.frame.form import Form
from backhand.doctor.frame.frame import Frame
from backhand.doctor.frame.network import Network
from backhand.doctor.report import render
from backhand.doctor.report.contents import Finding, Verdict
from backhand.doctor.report.document import Role, Span, document
from backhand.doctor.report.hints import OF_BOTH, OF_EQUATION, OF_KIND
from backhand.doctor.report.page import STYLE
from backhand.doctor.report.report import Report
from backhand.formulas import LINES, equation_of

NETWORKS = (Network(), Network("tanh", output="sigmoid", loss="squared_error"))

FRAME = Frame(
    Network("tanh", output="sigmoid", loss="binary_cross_entropy"),
    Form("columns", "column", outputs="one"), "found", ("Z1", "H1", "P"),
)  # fmt: skip

HOSTILE = "<script>alert(1)</script> & [bold]x[/bold] \x1b[31m\u202e ‖λ‖²"


def verdict(name: str, **given: Any) -> Verdict:
    values = {"ok": False, "error": 0.5, "inherited": False, "expected_shape": (4, 3),
              "shape": (4, 3), "worst": (1, 2), "expected": 0.25, "got": 1.0}  # fmt: skip
    return Verdict(name, **{**values, **given})


REPORT = Report(
    "wrong",
    [
        Finding("dZ1", HOSTILE, certain=True, suggestion=HOSTILE, id="dZ1.mask.missing",
                written=HOSTILE, right="dZ1 = dH1 * (Z1 > 0)", problems=4,
                where=(f"12: {HOSTILE}",), others=("dW1 = 2 * x",)),
        Finding("dW1", "dW1 is missing.", certain=False, suggestion="Write `dW1 = X.T @ (a < b)`."),
    ],
    [
        verdict("L", ok=True, error=1e-16, convention=True),
        verdict("dW2", ok=True, error=1e-16, autograd=True, differences=True),
        verdict("dW1", inherited=True, autograd=False, differences=True),
        verdict("db1", error=float("inf"), worst=None, shape=(3,)),
        verdict("dZ1"),
    ],
    [HOSTILE], ["every fault of the dictionary."],
    function=f"f{HOSTILE}", arrays="numpy", problems=4, seconds=0.01, frame=FRAME,
)  # fmt: skip


def texts(report: Report) -> list[str]:
    """Every text of a report."""
    parts = document(report)
    spans = [*parts.headline, *(cell for row in parts.table.rows for cell in row)]  # type: ignore[union-attr]
    found = [span.text for span in spans] + [parts.circumstances, *parts.table.legend]  # type: ignore[union-attr]
    for section in parts.sections:
        found += [section.title.text]
        found += [text for label, span in section.entries for text in (label, span.text)]
    return [*found, *(text for note in parts.notes for text in note)]


class Read(HTMLParser):
    """The text of a page, and its elements."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.text, self.elements = "", []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.elements.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def squeezed(text: str) -> str:
    return "".join(text.replace("`", "").split())


@pytest.mark.parametrize("display", ["text", "fragment", "page", "svg"])
def test_every_text_is_displayed_and_none_acts(display: str) -> None:
    if display == "svg":
        root = ElementTree.fromstring(REPORT.svg())
        shown = "".join("".join(root.itertext()).split("\xa0"))
    elif display == "text":
        shown = str(REPORT)
    else:
        page = REPORT.html() if display == "page" else REPORT._repr_html_()
        read = Read(page)
        shown = read.text
        assert "script" not in read.elements and "<script" not in page
        assert "Write <code>dW1 = X.T @ (a &lt; b)</code>." in page
        assert not re.search(r"https?://|url\(|@import", page)
    assert not set("\x1b\u202e") & set(shown)
    for text in texts(REPORT) if display != "svg" else ["dH1*(Z1>0)", "byconvention"]:
        assert squeezed(text) in squeezed(shown), text


def test_rendering_displays_nothing_itself(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    assert not render._console(80).is_jupyter
    assert str(REPORT) and REPORT.svg() and REPORT._repr_html_()
    assert capsys.readouterr() == ("", "")


def test_a_page_is_light_or_dark_as_the_system_is() -> None:
    page = REPORT.html()
    assert page.count("<html") == page.count("<style>") == 1
    assert "prefers-color-scheme: dark" in page
    assert f"<title>backhand.check({html.escape(document(REPORT).headline[0].text)})<" in page


def luminance(colour: str) -> float:
    parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_colours_are_readable_in_light_and_dark_notebooks_and_pages() -> None:
    for colour in re.findall(r"--\w+: (#\w+)", STYLE):
        assert min(contrast(colour, page) for page in ("#ffffff", "#1e1e1e")) >= 3.9, colour
    light, dark = REPORT.html().split("</style>")[0].split("@media (prefers-color-scheme: dark)")
    for part in (light.split(STYLE)[1], dark):
        (page,) = re.findall(r"background: (#\w+)", part)
        colours = re.findall(r"(?:--\w+|[{;] color): (#\w+)", part)
        assert len(colours) == 5
        for colour in colours:
            assert contrast(colour, page) >= 4.5, (colour, page)


def test_the_first_line_says_the_outcome_and_the_frame() -> None:
    report = replace(REPORT, function="backward")
    lines = " ".join(str(report).split("on 4 problems")[0].split())
    assert lines == f"backward wrong {FRAME.sentence} ({FRAME.certainty})"
    assert max(map(len, str(report).splitlines())) <= 80


def test_roles_tell_a_convention_from_an_error() -> None:
    rows = {row[0].text: row for row in document(REPORT).table.rows}  # type: ignore[union-attr]
    assert rows["L"][1] == Span("by convention", Role.CORRECT)
    assert rows["dW1"][1] == Span("inherited", Role.DOUBTFUL)
    assert rows["dZ1"][1] == Span("wrong", Role.WRONG)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp437", "utf-8"])
def test_printed_text_can_be_encoded(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stream:
        pass

    stream = Stream()
    stream.encoding = encoding  # type: ignore[attr-defined]
    monkeypatch.setattr(sys, "stdout", stream)
    text = str(REPORT)
    text.encode(encoding)
    assert ("lambda" in text) is (encoding in {"ascii", "cp1252", "cp437"})


def test_a_report_survives_json() -> None:
    report = replace(REPORT, verdicts=REPORT.verdicts[:3])
    assert Report.from_json(report.to_json()) == report


def test_a_value_by_convention_has_the_error_that_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oracles, "SECONDS", 60)

    def f(X, y, W1, b1, W2, b2, reg):
        acts = backhand.forward(backhand.Parameters(W1, b1, W2, b2), X)
        N, dS = len(X), acts.P - np.eye(len(b2))[y]
        dZ1 = dS @ W2.T * (acts.Z1 > 0)
        loss = -np.log(acts.P[range(N), y]).mean() + reg * ((W1**2).sum() + (W2**2).sum())
        return loss, {
            "dS": dS, "dW1": X.T @ dZ1 / N + 2 * reg * W1, "db1": dZ1.sum(0) / N,
            "dW2": acts.H1.T @ dS / N + 2 * reg * W2, "db2": dS.sum(0) / N,
        }  # fmt: skip

    report = backhand.check(f, autograd=True)
    found = {one.name: one for one in report.verdicts}
    assert report.ok and all(one.error < 1e-9 for one in report.verdicts)
    assert [name for name, one in found.items() if one.convention] == ["dS"]
    assert found["dS"].autograd is None
    for name in ("dW1", "db1", "dW2", "db2"):
        assert found[name].autograd and found[name].differences


def test_a_value_computed_from_a_wrong_one_is_inherited() -> None:
    def f(X, Y, W1, b1, W2, b2):
        acts = backhand.forward(backhand.Parameters(W1, b1, W2, b2), X)
        dS = acts.P - Y
        dZ1 = dS @ W2.T * (acts.Z1 > 0)
        return X.T @ dZ1, dZ1.mean(0), acts.H1.T @ dS, dS.sum(0)

    report = backhand.check(f, autograd=False)
    assert {one.id for one in report.findings} == {"dS.scale.no_mean", "db1.reduction.mean"}
    inherited = {one.name: one.inherited for one in report.verdicts}
    assert inherited == {"dW1": True, "db1": False, "dW2": True, "db2": True}


def test_there_is_a_question_for_every_kind_and_equation() -> None:
    assert {str(kind) for kind in Kind} == OF_KIND.keys()
    assert set(map(equation_of, LINES)) == OF_EQUATION.keys()
    known = {(fault.equation, str(fault.kind)) for network in NETWORKS
             for fault in dictionary(network)}  # fmt: skip
    assert OF_BOTH.keys() <= known
    for text in (*OF_BOTH.values(), *OF_KIND.values(), *OF_EQUATION.values()):
        assert text.endswith("?") and "=" not in text.replace("H1 = f(Z1)", "")  # not the answer
