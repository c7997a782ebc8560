"""The reference run on the page: recorded by hand and by autograd, and computed there."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import backhand
from backhand.equations import Parameters
from backhand.explanation.page.contents import page_contents
from backhand.explanation.problem import Problem
from backhand.explanation.reference_run import reference_run
from helpers.web_page import WebPage, needs_browser, open_page

pytestmark = [pytest.mark.slow, needs_browser]

RUN = reference_run()


@pytest.fixture(scope="module")
def page() -> Iterator[WebPage]:
    params = backhand.init(d=2, H=3, K=2, dtype=np.float64)
    with open_page(page_contents(Problem(params, np.eye(2), np.eye(2)))) as shown:
        yield shown
        assert not shown.complaints and not shown.requests


def cells(page: WebPage, row: int) -> list[str]:
    found = page.page.locator("section.autograd tbody tr").nth(row)
    return found.locator("th, td").all_inner_texts()


@pytest.mark.parametrize(("choice", "start"), [("times 0.02", 0), ("PyTorch", 1)])
def test_the_page_computes_the_run_in_doubles(page: WebPage, choice: str, start: int) -> None:
    panel = page.page.locator("section.autograd")
    panel.get_by_role("radio", name=choice).check()
    assert cells(page, 5)[3] == "–"
    panel.get_by_role("button", name="Compute it here").click()
    panel.get_by_text("200 steps computed.").wait_for()
    one = RUN.starts[start]
    params = Parameters(*(value.astype(np.float64) for value in one.params))
    history = backhand.train(
        params,
        RUN.X.astype(np.float64),
        RUN.y,
        epochs=200,
        learning_rate=RUN.learning_rate,
        engine="reference",
    ).history
    for row, step in enumerate((1, 50, 100, 150, 200), 1):
        expected = (one.autograd.loss, one.by_hand.loss, history.loss)
        assert cells(page, row)[:4] == [str(step), *(f"{loss[step - 1]:.8f}" for loss in expected)]


def test_each_step_can_be_chosen_by_keyboard(page: WebPage) -> None:
    panel = page.page.locator("section.autograd")
    panel.get_by_role("radio", name="times 0.02").check()
    slider = panel.get_by_role("slider")
    slider.focus()
    slider.press("Home")
    slider.press("ArrowRight")
    page.settle()
    autograd, by_hand = RUN.starts[0].autograd, RUN.starts[0].by_hand
    assert by_hand.accuracy[1] == autograd.accuracy[1]
    losses = [f"{autograd.loss[1]:.8f}", f"{by_hand.loss[1]:.8f}", "–"]
    assert cells(page, 0) == ["2", *losses, f"{by_hand.accuracy[1]:.3f}"]
    assert slider.get_attribute("aria-valuetext") == "step 2"
