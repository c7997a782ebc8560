"""Report pages in Chromium: nothing is cut, nothing is asked for, nothing complains."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from conftest import PENGUINS
from helpers.browser import CHROMIUM, Page, browser
from helpers.command_line import run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium"),
]

WIDTHS = (380, 1280, 1920)

TOO_WIDE = """
[...document.querySelectorAll("body *")].filter(e =>
  !e.closest(".scroll, .skip, svg") && e.getBoundingClientRect().right > innerWidth + 1
).map(e => e.outerHTML.slice(0, 200))
"""
"""Elements that leave the window; tables scroll in their boxes, and the skip link waits outside."""

HIDDEN = """
[...document.querySelectorAll(".scroll")].filter(e =>
  e.scrollWidth > e.clientWidth + 1 && !e.querySelector(".matrix .hint")
).map(e => e.getAttribute("aria-label"))
"""
"""Tables of which a part is out of sight without a word: only a confusion matrix may scroll."""

OUT_OF_DRAWING = """
[...document.querySelectorAll("svg text")].filter(t => {
  const a = t.getBoundingClientRect(), b = t.closest("svg").getBoundingClientRect();
  return a.left < b.left - 2 || a.right > b.right + 2 || a.top < b.top - 2 ||
    a.bottom > b.bottom + 2;
}).map(t => t.textContent)
"""
"""Texts that a drawing cuts, or that reach out of it."""

CONTRASTS = """
(() => {
  const parse = c => [...c.match(/[\\d.]+/g).map(Number), 1].slice(0, 4);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255).map(v =>
    v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4
  ).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = e => { for (; e; e = e.parentElement) {
    const c = parse(getComputedStyle(e).backgroundColor); if (c[3] === 1) return c;
  } return parse(getComputedStyle(document.documentElement).backgroundColor); };
  const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p);
    return (x + 0.05) / (y + 0.05); };
  const texts = "p, li, td, th, dt, dd, a, summary, code, caption, h1, h2, h3, small";
  return [...document.querySelectorAll(texts)]
    .filter(e => e.textContent.trim() && !e.closest(".matrix"))
    .map(e => [ratio(parse(getComputedStyle(e).color), behind(e)), e.outerHTML.slice(0, 120)])
    .filter(([r]) => r < 4.5);
})()
"""
"""Texts with less contrast than WCAG's level AA asks for."""


@pytest.fixture(scope="module")
def tab():
    with browser() as page:
        yield page


@pytest.fixture(scope="module", params=["penguins", "wide", "long names"])
def report(request, tmp_path_factory) -> Path:
    here = tmp_path_factory.mktemp("report")
    data, target = PENGUINS, "species"
    if request.param != "penguins":
        data, target = here / "t.csv", "y"
        columns = 100 if request.param == "wide" else 4
        long = "" if request.param == "wide" else "a_name_without_any_break_" * 6
        head = [*(f"column {i} {long}" for i in range(columns)), "y"]
        rows = [
            [*(f"{(i * 7919 + j * 104729) % 1000 / 8 - 60}" for j in range(columns)),
             f"class {i % 20} {long}"]
            for i in range(800)
        ]  # fmt: skip
        data.write_text("\n".join(",".join(row) for row in [head, *rows]))
    run("train", data, "-t", target, "-o", here / "m.safetensors", "--epochs", "10",
        "--report", here / "r.html")  # fmt: skip
    return here / "r.html"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_a_page_fits_and_is_quiet(tab: Page, report: Path, width: int, dark: bool) -> None:
    tab.open(report, width, dark=dark)
    assert tab.complaints() == []
    assert tab.requests() == [report.as_uri()]
    assert tab.value("Math.max(document.documentElement.scrollWidth, innerWidth)") == width
    assert tab.value(TOO_WIDE) == []
    tab.value('document.querySelectorAll("details").forEach(d => d.open = true)')
    assert tab.value(TOO_WIDE) == []
    assert tab.value(HIDDEN) == []
    assert tab.value(OUT_OF_DRAWING) == []
    assert tab.value(CONTRASTS) == []
    background = tab.value("getComputedStyle(document.body).backgroundColor")
    assert background == ("rgb(20, 23, 27)" if dark else "rgb(255, 255, 255)")


def test_a_page_can_be_walked_through_by_keys(tab: Page, report: Path) -> None:
    tab.open(report, 1280)
    seen = []
    for _ in range(60):
        for kind in ("keyDown", "keyUp"):
            tab.call("Input.dispatchKeyEvent", type=kind, key="Tab", windowsVirtualKeyCode=9)
        seen.append(tab.value("document.activeElement.outerHTML.slice(0, 60)"))
        outlined = tab.value(
            "document.activeElement === document.body || "
            "getComputedStyle(document.activeElement).outlineStyle !== 'none'"
        )
        assert outlined, seen[-1]
    assert "Skip to the contents" in seen[0]
    for part in ("<a href", '<div class="scroll"', "<summary"):
        assert any(part in one for one in seen), part


def test_a_page_prints_on_white_with_all_that_is_folded(tab: Page, report: Path, tmp_path) -> None:
    tab.open(report, 1280, dark=True, medium="print")
    assert tab.value("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert tab.value("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    assert tab.value(
        "[...document.querySelectorAll('details table')].every(t => t.checkVisibility("
        "{contentVisibilityAuto: true}) && t.getBoundingClientRect().height > 0)"
    )
    tab.paper(tmp_path / "p.pdf")
    pages = len(re.findall(rb"/Type\s*/Page\b", (tmp_path / "p.pdf").read_bytes()))
    assert 3 <= pages <= 40
