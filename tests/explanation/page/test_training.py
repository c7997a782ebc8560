"""Training on the page: one step and its prediction, a hundred steps, the learning rate."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from backhand.explanation.page.contents import page_contents
from backhand.explanation.problem import Problem
from helpers.page_problems import (
    after_steps,
    gradients_of,
    loss_of,
    predicted_classes,
    problem_of,
    three_problems,
)
from helpers.web_page import STORE, WebPage, needs_browser, open_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.slow, needs_browser]

PARAMETERS = ("W1", "b1", "W2", "b2")


@pytest.fixture
def shown(browser: Browser) -> Iterator[WebPage]:
    with open_page(page_contents(problem_of(8, 4, 8, 3)), browser=browser) as opened:
        yield opened
        assert not opened.complaints and not opened.requests


def press(shown: WebPage, name: str) -> None:
    shown.page.locator(".panel.training").get_by_role("button", name=name).click()
    shown.settle()


def numbers(text: str) -> list[float]:
    """The numbers in a text of the page, which has a minus sign instead of a hyphen."""
    return [float(one) for one in re.findall(r"-?\d+(?:\.\d+)?(?:e-?\d+)?", text.replace("−", "-"))]


def cell(shown: WebPage, head: str) -> float:
    """A number of the table of the next step."""
    rows = shown.page.locator(".panel.training tr").filter(
        has=shown.page.get_by_role("rowheader", name=re.compile(f"^{head}"))
    )
    return numbers(rows.first.locator("td").inner_text())[0]


def report(shown: WebPage) -> str:
    return shown.page.locator(".panel.training output").inner_text()


@pytest.mark.parametrize("name", three_problems())
def test_a_step_is_pythons_and_its_prediction_is_minus_eta_times_the_squared_gradient(
    browser: Browser, name: str
) -> None:
    problem = three_problems()[name]
    with open_page(page_contents(problem), browser=browser) as shown:
        squared = sum(float((g**2).sum()) for g in parameter_gradients(problem))
        before, after = loss_of(problem), loss_of(problem, after_steps(problem, 1))
        assert cell(shown, "L now") == pytest.approx(before, rel=1e-4)
        assert cell(shown, "squared gradient") == pytest.approx(squared, rel=1e-4)
        assert cell(shown, "predicted change") == pytest.approx(-0.1 * squared, rel=1e-4)
        assert cell(shown, "change") == pytest.approx(after - before, rel=1e-4)
        press(shown, "Take a step")
        for parameter, expected in after_steps(problem, 1)._asdict().items():
            np.testing.assert_allclose(shown.value(parameter), expected, rtol=1e-12, atol=1e-14)
        assert numbers(report(shown)) == pytest.approx([1, before, after], rel=1e-5)
        assert "fell" in report(shown)


def test_rows_are_predicted_without_dropout(browser: Browser) -> None:
    problem = replace(problem_of(6, 3, 5, 2, seed=2), mask=np.zeros((6, 5)))
    true = problem.Y.argmax(axis=1)
    right = int((predicted_classes(problem.params, problem.X) == true).sum())
    assert right != int((problem.params.b2.argmax() == true).sum())
    with open_page(page_contents(problem), browser=browser) as shown:
        assert f"{right} of 6 rows right" in shown.page.locator(".panel.training").inner_text()


def parameter_gradients(problem: Problem) -> list[np.ndarray]:
    gradients = gradients_of(problem)
    return [getattr(gradients, f"d{name}") for name in PARAMETERS]


def test_a_hundred_steps_are_pythons_and_the_curve_has_all_losses(shown: WebPage) -> None:
    problem = problem_of(8, 4, 8, 3)
    press(shown, "Train for 100 steps")
    shown.page.get_by_text("Step 100:").wait_for()
    assert shown.run(f"() => {STORE}.updates") == 100
    np.testing.assert_allclose(shown.value("W1"), after_steps(problem, 100).W1, rtol=1e-10)
    shown.page.locator(".panel.training").scroll_into_view_if_needed()
    shown.settle()
    path = shown.page.locator(".panel.training .curve.loss").last.get_attribute("d")
    assert path is not None and len(re.findall("[ML]", path)) == 101


def test_a_run_can_be_stopped_and_the_page_reset(shown: WebPage) -> None:
    press(shown, "Train for 100 steps")
    assert shown.page.locator(".training").get_by_role("button", name="Take a step").is_disabled()
    press(shown, "Stop")
    taken = shown.run(f"() => {STORE}.updates")
    shown.settle()
    assert 0 < taken < 100 and shown.run(f"() => {STORE}.updates") == taken
    press(shown, "Original numbers")
    problem = problem_of(8, 4, 8, 3)
    assert np.array_equal(shown.value("W1"), problem.params.W1)
    assert shown.run(f"() => {STORE}.losses.length") == 0


def test_reduced_motion_takes_the_same_steps(browser: Browser) -> None:
    problem = problem_of(8, 4, 8, 3)
    with open_page(page_contents(problem), browser=browser, reduced_motion=True) as shown:
        press(shown, "Train for 100 steps")
        shown.page.get_by_text("Step 100:").wait_for()
        np.testing.assert_allclose(shown.value("W1"), after_steps(problem, 100).W1, rtol=1e-10)


def test_a_step_that_is_too_long_is_announced_as_a_rise(browser: Browser) -> None:
    problem = replace(problem_of(8, 4, 8, 3), learning_rate=20.0)
    assert loss_of(problem, after_steps(problem, 1)) > loss_of(problem)
    with open_page(page_contents(problem), browser=browser) as shown:
        assert "L rises" in shown.page.locator(".training .verdict").inner_text()
        press(shown, "Take a step")
        assert "rose" in report(shown)


def test_the_learning_rate_is_typed_or_moved_by_keys_and_never_negative(shown: WebPage) -> None:
    panel = shown.page.locator(".panel.training")
    box = panel.get_by_role("spinbutton", name="Learning rate")
    rate = f"() => {STORE}.given.learning_rate"
    box.fill("0.25")
    assert shown.run(rate) == 0.25
    box.fill("-1")
    box.fill("")
    assert shown.run(rate) == 0.25
    slider = panel.get_by_role("slider", name="Learning rate")
    slider.press("ArrowRight")
    shown.settle()
    moved = shown.run(rate)
    assert 0.25 < moved < 0.3
    assert float(box.input_value()) == moved
    assert slider.get_attribute("aria-valuetext")


def test_a_loss_that_is_not_finite_ends_the_run(shown: WebPage) -> None:
    shown.run(f"() => {STORE}.setGiven({{ learning_rate: 1e200 }})")
    press(shown, "Train for 100 steps")
    shown.page.locator(".training").get_by_role("button", name="Train for").wait_for()
    assert shown.run(f"() => {STORE}.updates") < 100
    assert "no longer a finite number" in shown.page.locator(".training .verdict").inner_text()


def test_a_large_model_takes_pythons_step_and_shows_all_panels(browser: Browser) -> None:
    problem = problem_of(4, 784, 256, 10)
    with open_page(page_contents(problem), browser=browser) as shown:
        for panel in ("training", "slope", "plane"):
            shown.page.locator(f".panel.{panel}").scroll_into_view_if_needed()
            shown.page.wait_for_selector(f".panel.{panel}:not([aria-busy])")
        press(shown, "Take a step")
        np.testing.assert_allclose(
            shown.value("W2"), after_steps(problem, 1).W2, rtol=1e-10, atol=1e-14
        )
        for panel in ("slope", "plane"):
            shown.page.locator(f".panel.{panel} svg[role=img]").first.scroll_into_view_if_needed()
        shown.page.locator(".plane .region:visible").first.wait_for()
        assert not shown.complaints
