"""HTML is escaped whatever is put in; a drawing becomes a part of a page."""

from __future__ import annotations

import re

import pytest

from backhand.report_page.drawing import INK, SERIES, inline
from backhand.report_page.html import Html, breakable, details, element, joined, table, with_options
from backhand.report_page.wording import brief, day, number, percent, rounded, several

HOSTILE = "<script>alert(\"1\")</script> & 'x' \x1b[31m \u202e"
ESCAPED = ("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#x27;x&#x27; "
           "\\x1b[31m \\u202e")  # fmt: skip


def test_every_text_is_escaped_wherever_it_is_put() -> None:
    assert element("p", HOSTILE) == f"<p>{ESCAPED}</p>"
    assert element("a", "x", href=HOSTILE) == f'<a href="{ESCAPED}">x</a>'
    for shown in (
        table([HOSTILE], [[HOSTILE]], caption=HOSTILE), details(HOSTILE, HOSTILE), joined([HOSTILE])
    ):  # fmt: skip
        assert "<script" not in shown and ESCAPED in shown and "\x1b" not in shown


def test_html_is_written_as_it_is_and_elements_nest() -> None:
    assert element("p", element("b", "<"), Html("&amp;"), class_="a", aria_label=None) == (
        '<p class="a"><b>&lt;</b>&amp;</p>'
    )
    assert element("br") == "<br>"
    assert joined(["a", element("i", "b")]) == "a\n<i>b</i>"


def test_options_are_code_and_the_rest_is_escaped() -> None:
    assert with_options("Try --l2 0.01, <b> or --class-weight balanced.") == (
        "Try <code>--l2 0.01</code>, &lt;b&gt; or <code>--class-weight balanced</code>."
    )
    assert with_options("a -- b") == "a -- b"


def test_a_table_names_its_rows_and_columns_and_can_be_scrolled_by_keys() -> None:
    found = table(["class", "rows"], [["a", "1"]], numbers=[1], caption="Rows")
    for part in ('<th scope="col">class</th>', '<th class="number" scope="col">rows</th>',
                 '<th scope="row">a</th>', '<td class="number">1</td>', "<caption>Rows</caption>",
                 'tabindex="0"', 'role="region"', 'aria-label="Rows"'):  # fmt: skip
        assert part in found, part


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("customer_id", "customer_<wbr>id"), ("Petal.Width", "Petal.<wbr>Width"),
        ("leaf-spot", "leaf-<wbr>spot"), ("3.14 -5 a 2020-01-02", "3.14 -5 a 2020-01-02"),
        ("intercontinental", "intercontinental"), ("x" * 20, "xxxxxxxxxxxx<wbr>xxxxxxxx"),
        ("a_<b>&\x1b", "a_&lt;b&gt;&amp;\\x1b"), ("_<i>_b", "_&lt;i&gt;_<wbr>b"),
        ("5 %", "5&nbsp;%"),
    ],
)  # fmt: skip
def test_names_are_broken_at_their_joints_and_no_number_from_its_percent(text, expected) -> None:
    assert breakable(text) == expected


def test_rows_with_long_texts_name_the_columns_of_their_cells() -> None:
    found = table(["column", "why", "otherwise"], [["a", "b", "c"]], texts=[1], caption="Rows")
    assert '<table class="blocks">' in found and '<td data-heading="otherwise">c</td>' in found
    assert '<td class="text">b</td>' in found


SVG = f"""<?xml version="1.0"?><!DOCTYPE svg>
<svg xmlns:xlink="http://www.w3.org/1999/xlink" width="10pt" height="5pt" viewBox="0 0 10 5">
 <metadata><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/></metadata>
 <defs>
  <style type="text/css">*{{stroke-linejoin: round}}</style>
 </defs>
 <g id="figure_1">
  <defs><path id="m1" d="M 0.123456 1.987654 L 2 3" style="stroke: {SERIES[0]}"/></defs>
  <use xlink:href="#m1" x="1.234567" clip-path="url(#p2)" style="fill: {INK}"/>
  <clipPath id="p2"/>
  <text style="font-size: 10px; font-family: 'DejaVu Sans', sans-serif; text-anchor: end"
   transform="rotate(-0 1 2)">1.23456 &lt;b&gt; #0a0a01</text>
 </g>
</svg>"""


def test_a_drawing_has_the_colours_and_the_ids_of_its_page() -> None:
    found = inline(SVG, "roc", 'A "curve"')
    assert found.startswith('<svg viewBox="0 0 10 5" role="img" aria-label="A &quot;curve&quot;">')
    assert found.endswith("</svg>") and "xlink" not in found and "http" not in found
    assert set(re.findall(r'id="([^"]*)"', found)) == {"roc-m1", "roc-p2"}
    assert 'href="#roc-m1"' in found and "url(#roc-p2)" in found
    assert "stroke: var(--c1)" in found and "fill: var(--ink)" in found
    assert "font-family" not in found and "font-size: 10px" in found and "rotate(-0" not in found
    assert 'd="M 0.12 1.98 L 2 3"' in found and 'x="1.23"' in found
    assert ">1.23456 &lt;b&gt; #0a0a01</text>" in found, "texts are left alone"


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (percent(0.4351), "43.5 %"), (percent(1.0), "100.0 %"), (percent(0.99999), "over 99.95 %"),
        (percent(1e-9), "under 0.05 %"), (percent(0.0), "0.0 %"), (percent(float("nan")), "–"),
        (number(1234567.0), "1,234,567"), (number(0.00001234), "1.234e-05"),
        (number(3.14159265), "3.142"), (number(-12345.6), "-12,346"), (number(float("nan")), "–"),
        (rounded(20000.0), "20k"), (rounded(-1.5e6), "-1.5M"), (rounded(0.25), "0.25"),
        (day(0.5), "12:00"), (day(11323.0), "2001-01-01"), (day(-1.0), "1969-12-31"),
        (day(1e12), "day 1,000,000,000,000"),
        (several(1, "class"), "1 class"), (several(2, "class"), "2 classes"),
        (several(2, "category"), "2 categories"), (several(1000, "row"), "1,000 rows"),
        (brief("a\nb"), "a\\nb"),
    ],
)  # fmt: skip
def test_figures_are_written_for_people(shown: str, expected: str) -> None:
    assert shown == expected
