"""Questions on the page: those of docs/questions.md, with the page's numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from backhand import equations
from backhand.explanation.examples import EXAMPLES
from backhand.explanation.page.bundle import WEB
from backhand.explanation.page.contents import page_contents
from helpers.web_page import WebPage, needs_browser, open_page
from helpers.web_tables import FOUR_DIGITS, number, values_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator

DOCUMENT = Path(__file__).parents[3] / "docs" / "questions.md"

ANSWER = re.compile(r'number: (\d+),\n    title: "(.*)",')


def answered() -> dict[int, str]:
    """The titles in the modules of answers, by number."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(WEB.rglob("answers_*.js"))]
    return {int(at): title for text in texts for at, title in ANSWER.findall(text)}


def test_titles_are_those_of_the_document() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    headings = {
        int(at): title for at, title in re.findall(r"^## (\d+)\. (.+)$", text, re.MULTILINE)
    }
    plain = {
        at: re.sub(r'"(.*)"', r"“\1”", title.replace("`", "")) for at, title in headings.items()
    }
    assert len(answered()) == len(headings) == 20
    for at, title in answered().items():
        assert title == plain[at]


@pytest.fixture(params=list(EXAMPLES))
def opened(request: pytest.FixtureRequest, browser: Browser) -> Iterator[tuple[WebPage, str]]:
    with open_page(page_contents(EXAMPLES[request.param]()), browser=browser) as shown:
        shown.page.set_default_timeout(5000)
        yield shown, request.param
        assert not shown.complaints and not shown.requests


def open_question(shown: WebPage, at: int) -> Locator:
    details = shown.page.locator(f'.questions details[data-question="{at}"]')
    if details.get_attribute("open") is None:
        details.locator("summary").click()
        shown.settle()
    return details


@pytest.mark.slow
@needs_browser
def test_every_answer_opens_and_its_links_pin_what_they_name(opened: tuple[WebPage, str]) -> None:
    shown, _ = opened
    for at in answered():
        question = open_question(shown, at)
        text = question.inner_text()
        assert not re.search(r"undefined|NaN|not a number(?!, and)|\[object", text), text
        for link in question.locator("button.cell-link").all():
            name = link.inner_text()
            link.click()
            cell = shown.run('() => document.getElementById("backhand").store.selected')
            index = ",".join(map(str, cell["index"]))
            assert name == (f"{cell['name']}[{index}]" if index else cell["name"])


@pytest.mark.slow
@needs_browser
def test_numbers_in_the_answers_are_pythons(opened: tuple[WebPage, str]) -> None:
    shown, name = opened
    problem = EXAMPLES[name]()
    expected = values_of(problem)
    L = float(equations.cross_entropy(expected["S"], problem.Y))

    def after(at: int, words: str) -> float:
        text = open_question(shown, at).inner_text().replace("\n", " ")
        found = re.search(re.escape(words) + r" ?(−?[\d.]+(?:e−?\d+)?)", text)
        assert found, (words, text)
        return number(found[1].rstrip("."))

    assert after(1, "Here ‖dW2‖ =") == pytest.approx(
        np.linalg.norm(expected["dW2"]), rel=FOUR_DIGITS)  # fmt: skip
    assert after(1, ") =") == 0.3333
    n, h = np.unravel_index(np.abs(expected["dH1"]).argmax(), expected["dH1"].shape)
    with_dW2 = expected["dS"][n] @ expected["dW2"][h]
    assert after(6, "it would be") == pytest.approx(with_dW2, rel=FOUR_DIGITS, abs=1e-12)
    largest_class = int(problem.Y.sum(0).argmax())
    over_rows = np.exp(expected["S"]) / np.exp(expected["S"]).sum(0)  # the fault of question 11
    db2 = (over_rows - problem.Y).mean(0)[largest_class]
    assert after(11, f"db2[{largest_class}] =") == pytest.approx(db2, rel=FOUR_DIGITS)
    dead = int((expected["Z1"] <= 0).all(0).sum())
    assert after(12, "Dead here:") == dead
    zeros = int((expected["dW1"] == 0).sum())
    explained = zeros > 0 and zeros == dead * len(expected["dW1"])
    words = open_question(shown, 20).inner_text()
    assert f"{zeros or 'no'} " in words.split("After it, ")[1].split("of dW1")[0] + " "
    assert ("of the dead unit" in words) == explained
    assert after(12, "L is") == pytest.approx(L, rel=FOUR_DIGITS)
    largest = expected["S"].max()
    assert after(13, f"S[{','.join(map(str, np.argwhere(expected['S'] == largest)[0]))}] =") == (
        pytest.approx(largest, rel=FOUR_DIGITS)
    )
    nearest = np.abs(expected["Z1"]).min()
    if nearest > 0:
        assert after(16, "if ε is above") == pytest.approx(nearest, rel=FOUR_DIGITS)
    else:
        assert "there is no derivative" in open_question(shown, 16).inner_text()


@pytest.mark.slow
@needs_browser
def test_how_close_is_as_in_the_panel_of_the_slope(opened: tuple[WebPage, str]) -> None:
    shown, _ = opened
    panel = shown.page.locator(".panel.slope")  # at first along the largest entry of dW1, too
    for epsilon, row in (("1e-5", 4), ("1e-2", 1)):
        panel.get_by_role("spinbutton", name="ε", exact=True).fill(epsilon)
        shown.settle()
        difference = panel.locator("td").nth(2).inner_text()
        cells = open_question(shown, 15).locator("tbody tr").nth(row).locator("th, td")
        head, _, found = cells.all_inner_texts()
        assert number(head) == float(epsilon)
        assert number(found) == pytest.approx(number(difference), rel=0.05)


@pytest.mark.slow
@needs_browser
def test_the_order_of_a_sum_is_shown_with_all_digits(opened: tuple[WebPage, str]) -> None:
    shown, name = opened
    text = open_question(shown, 17).inner_text()
    assert "-" not in text.replace("one-sided", "")
    assert ("the same here" in text) == (name == "xor") == ("a difference of" not in text)


@pytest.mark.slow
@needs_browser
def test_answers_for_weights_dropout_and_a_penalty(browser: Browser) -> None:
    problem = EXAMPLES["penguins"]()
    rng = np.random.default_rng(0)
    problem = replace(problem, sample_weight=np.arange(8.0), l2=0.01,
                      mask=2.0 * rng.integers(0, 2, (8, 8)))  # fmt: skip
    expected = values_of(problem)
    with open_page(page_contents(problem), browser=browser) as shown:
        shown.page.set_default_timeout(5000)
        for at in answered():
            text = open_question(shown, at).inner_text()
            assert not re.search(r"undefined|NaN|not a number(?!, and)|\[object", text), text
        assert "each row has a factor of its own" in open_question(shown, 8).inner_text()
        i, h = np.unravel_index(np.abs(expected["dW1"]).argmax(), expected["dW1"].shape)
        entry = f"dW1[{i},{h}] ="
        text = open_question(shown, 18).inner_text()
        assert entry in text and "+ λ W1 =" in text
        total = text.split(" = ")[-1].split(". ")[0]
        assert number(total) == pytest.approx(expected["dW1"][i, h], rel=FOUR_DIGITS)
        assert not shown.complaints and not shown.requests


@pytest.mark.slow
@needs_browser
def test_an_open_answer_follows_the_numbers(browser: Browser) -> None:
    with open_page(page_contents(EXAMPLES["penguins"]()), browser=browser) as shown:
        before = open_question(shown, 12).inner_text()
        shown.run('() => document.getElementById("backhand").store.step(20)')
        shown.settle()
        L = float(shown.value("L"))
        found = re.search(r"L is ([\d.]+) now", open_question(shown, 12).inner_text())
        assert found and number(found[1]) == pytest.approx(L, rel=FOUR_DIGITS)
        assert before != open_question(shown, 12).inner_text()
