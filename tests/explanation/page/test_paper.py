"""The page on paper and in narrow windows: nothing is missing, or cut without a sign."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

import backhand
from backhand.explanation.page.contents import page_contents
from backhand.explanation.problem import Problem
from helpers.page_problems import after_steps, problem_of
from helpers.web_page import STORE, needs_browser, open_modules, open_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.slow, needs_browser]

PAGE = 703  # pixels across A4 within its margins

UNDRAWN = """() => [...document.querySelectorAll(".chart")]
  .filter((one) => one.checkVisibility())
  .filter((one) => ![...one.querySelectorAll("path.curve")].some((path) => path.getAttribute("d")))
  .map((one) => one.closest(".panel").className)"""
"""The panels of charts without a curve."""

BEYOND = """(width) => [...document.querySelectorAll(".backhand *")]
  .filter((node) => node.checkVisibility() && !node.matches(".unseen, .unseen *, svg *"))
  .filter((node) => node.getBoundingClientRect().right > width + 1)
  .map((node) => node.outerHTML.slice(0, 120))"""

CUT = """() => [...document.querySelectorAll(".network .cell")]
  .filter((cell) => {
    const text = document.createRange();
    text.selectNodeContents(cell);
    return text.getBoundingClientRect().width > cell.clientWidth;
  })
  .map((cell) => cell.textContent)"""
"""The cells whose number does not fit."""


def trained() -> Problem:
    """Of 15 features, after steps that make most of its gradients small; rows of a table."""
    problem = problem_of(12, 15, 11, 3, learning_rate=0.5)
    names = tuple(f"row {160 + n} of the table" for n in range(12))
    return replace(problem, params=after_steps(problem, 400), rows=names, learning_rate=0.1)


def test_charts_out_of_view_are_drawn_too(browser: Browser) -> None:
    with open_page(backhand.explain().page_contents(), browser=browser) as shown:
        shown.settle()
        shown.page.wait_for_timeout(500)
        assert shown.run(UNDRAWN) == []


def test_on_paper_nothing_is_cut_or_folded_and_colours_are_light(browser: Browser) -> None:
    with open_page(page_contents(trained()), browser=browser, dark=True) as shown:
        shown.run(f'() => {STORE}.select({{ name: "dW1", index: [1, 1] }})')
        shown.settle()
        shown.run("() => dispatchEvent(new Event('beforeprint'))")
        assert shown.page.locator("details:not([open])").count() == 0
        assert shown.page.locator(".questions details p").count() > 10
        shown.page.emulate_media(media="print", color_scheme="dark")
        shown.page.set_viewport_size({"width": PAGE, "height": 900})
        shown.settle()
        assert shown.run(BEYOND, PAGE) == []
        ground = shown.run(
            "() => getComputedStyle(document.querySelector('.backhand')).backgroundColor"
        )
        assert ground == "rgb(255, 255, 255)"
        shown.run("() => dispatchEvent(new Event('afterprint'))")
        assert shown.page.locator("details[open]").count() == 0


@pytest.mark.parametrize("width", [380, 1280])
def test_numbers_fit_their_cells(width: int, browser: Browser) -> None:
    for problem in (backhand.explain().problem, trained()):
        with open_page(page_contents(problem), browser=browser, width=width) as shown:
            shown.settle()
            assert shown.run(CUT) == []


def test_in_a_cell_a_small_number_has_its_power_of_ten(browser: Browser) -> None:
    numbers = [0, 0.0004, -0.0004, 2e-4, -3e-8, 1e-9, -1e-10, 3e-12, 0.0005, -0.25, 12345, -2.5]
    expected = ["0", "4e-4", "−4e-4", "2e-4", "−3e-8", "1e-9", "−0", "+0", ".001", "−.250", "1e4",
                "−2.50"]  # fmt: skip
    with open_modules("numbers", browser=browser) as shown:
        assert shown.run("all => all.map(modules.numbers.brief)", numbers) == expected
        sizes = (10.0 ** np.linspace(-15, 9, 500)).tolist()
        both = [sign * size for size in sizes for sign in (1, -1)]
        texts = shown.run("all => all.map(modules.numbers.brief)", both)
    assert max(map(len, texts)) <= 5


def test_a_drawing_that_goes_on_has_a_shadow_at_that_edge(browser: Browser) -> None:
    edges = """() => ["--left", "--right"].map((edge) =>
      document.querySelector(".scroll-frame").style.getPropertyValue(edge) !== "0px")"""
    with open_page(page_contents(trained()), browser=browser) as shown:
        shown.settle()
        assert shown.run(edges) == [False, True]
        shown.run("() => document.querySelector('.drawing-box').scrollTo(9999, 0)")
        shown.settle()
        assert shown.run(edges) == [True, False]
    with open_page(backhand.explain().page_contents(), browser=browser) as shown:
        shown.settle()
        assert shown.run(edges) == [False, False]


def test_a_row_of_a_table_has_its_number_on_the_page_and_in_the_table(browser: Browser) -> None:
    with open_page(page_contents(trained()), browser=browser) as shown:
        shown.settle()
        ticks = shown.page.locator('[data-name="X"] .ticks.left span').all_inner_texts()
        assert ticks[:2] == ["0 (row 160 of the table)", "1 (row 161 of the table)"]
        chosen = shown.page.locator(".softmax select[aria-label=Row] option").first.inner_text()
        masks = shown.page.locator(".units th[scope=row]").first.inner_text()
        assert chosen == masks == "row 0 (row 160 of the table)"
