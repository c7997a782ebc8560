"""The panel in which a gradient's entry stands beside its finite difference."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from backhand.explanation.page.contents import page_contents
from backhand.explanation.problem import Problem
from helpers.page_problems import gradients_of, loss_of, problem_of, three_problems
from helpers.web_page import STORE, WebPage, needs_browser, open_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.slow, needs_browser]


@pytest.fixture
def shown(browser: Browser) -> Iterator[WebPage]:
    with open_page(page_contents(problem_of(8, 4, 8, 3)), browser=browser) as opened:
        yield opened
        assert not opened.complaints and not opened.requests


def pin(shown: WebPage, name: str, *index: int) -> None:
    shown.run(f"cell => {STORE}.select(cell)", {"name": name, "index": list(index)})
    shown.settle()


def table(shown: WebPage) -> list[float]:
    """Gradient, central difference, relative difference, slopes on the left and on the right."""
    texts = shown.page.locator(".panel.slope td").all_inner_texts()
    return [float(text.replace("−", "-")) for text in texts]


def verdict(shown: WebPage) -> str:
    return shown.page.locator(".panel.slope .verdict").inner_text()


def type_number(shown: WebPage, label: str, number: str) -> None:
    shown.page.locator(".panel.slope").get_by_role("spinbutton", name=label, exact=True).fill(
        number
    )
    shown.settle()


def moved(problem: Problem, name: str, index: tuple[int, ...], by: float) -> Problem:
    array = (problem.X if name == "X" else getattr(problem.params, name)).copy()
    array[index] += by
    if name == "X":
        return replace(problem, X=array)
    return replace(problem, params=problem.params._replace(**{name: array}))


@pytest.mark.parametrize("name", three_problems())
def test_gradients_and_differences_of_every_array_are_pythons(browser: Browser, name: str) -> None:
    problem = three_problems()[name]
    gradients = gradients_of(problem)._asdict()
    expected = {"X": gradients["dZ1"] @ problem.params.W1.T,
                **{one: gradients[f"d{one}"] for one in ("W1", "b1", "W2", "b2")}}  # fmt: skip
    with open_page(page_contents(problem), browser=browser) as shown:
        for array, gradient in expected.items():
            index = np.unravel_index(int(np.argmax(np.abs(gradient))), gradient.shape)
            place = tuple(int(at) for at in index)
            pin(shown, array if array == "X" else f"d{array}", *place)
            found, central, difference, left, right = table(shown)
            up, down = (loss_of(moved(problem, array, place, by)) for by in (1e-5, -1e-5))
            assert found == pytest.approx(gradient[place], rel=1e-7)
            assert central == pytest.approx((up - down) / 2e-5, rel=1e-6)
            assert difference < 1e-7 and "agree" in verdict(shown)
            assert left == pytest.approx(found, rel=1e-3) == right


@pytest.mark.parametrize("name", three_problems())
def test_gradients_on_the_way_are_slopes_along_what_is_computed(
    browser: Browser, name: str
) -> None:
    problem = three_problems()[name]
    gradients = gradients_of(problem)._asdict()
    with open_page(page_contents(problem), browser=browser) as shown:
        for array in ("dS", "dH1", "dZ1"):
            index = np.unravel_index(
                int(np.argmax(np.abs(gradients[array]))), gradients[array].shape
            )
            place = tuple(int(at) for at in index)
            pin(shown, array, *place)
            found, _, difference, *_ = table(shown)
            assert found == pytest.approx(gradients[array][place], rel=1e-7)
            assert difference < 1e-7 and "agree" in verdict(shown)
            value = shown.page.locator(".panel.slope").get_by_role("slider", name="Value θ")
            assert value.is_disabled()


def test_the_pinned_entry_comes_before_the_hovered_one(shown: WebPage) -> None:
    name = shown.page.locator(".panel.slope .entry-name")
    pin(shown, "dW1", 1, 2)
    shown.run(f"() => {STORE}.hover({{ name: 'W2', index: [0, 1] }})")
    shown.settle()
    assert "W1[1,2]" in name.inner_text()
    pin(shown, "P", 0, 1)  # L is not measured along what is computed
    shown.settle()
    assert "W2[0,1]" in name.inner_text()


def test_a_tiny_epsilon_shows_rounding_and_a_large_one_curvature(shown: WebPage) -> None:
    pin(shown, "dW2", 0, 0)
    type_number(shown, "ε", "1e-13")
    assert "too small" in verdict(shown)
    type_number(shown, "ε", "0.5")
    assert "too large" in verdict(shown)
    type_number(shown, "ε", "1e-5")
    assert "agree" in verdict(shown)


def test_at_a_kink_both_slopes_are_shown_and_the_difference_is_their_mean(shown: WebPage) -> None:
    shown.page.locator(".panel.slope").get_by_role("button", name="nearest kink").click()
    shown.settle()
    assert (shown.value("Z1") == 0).sum() == 1
    gradient, central, _, left, right = table(shown)
    assert "no derivative" in verdict(shown)
    assert abs(left - right) > 1e-3
    assert central == pytest.approx((left + right) / 2, rel=1e-4)
    assert (
        min(abs(gradient - left), abs(gradient - right))
        < 1e-4
        < max(abs(gradient - left), abs(gradient - right))
    )


def test_the_slopes_at_a_kink_are_those_of_the_equations_for_every_epsilon(
    shown: WebPage,
) -> None:
    shown.page.locator(".panel.slope").get_by_role("button", name="nearest kink").click()
    shown.settle()
    gradient, *_, left, right = table(shown)  # ε is 1e-5
    expected = verdict(shown)
    start = expected.split("The slope of L is ")[1].split(". There")[0].replace("−", "-")
    on_the_left, on_the_right = (float(side.split()[0]) for side in start.split(" and "))
    assert on_the_left == pytest.approx(left, rel=1e-3)
    assert on_the_right == pytest.approx(right, rel=1e-3)
    assert gradient == pytest.approx(on_the_left, rel=1e-3) or (
        gradient == pytest.approx(on_the_right, rel=1e-3)
    )
    for epsilon in ("0.1", "1e-13"):  # curvature and rounding
        type_number(shown, "ε", epsilon)
        assert verdict(shown) == expected


def test_a_difference_across_a_kink_is_explained_and_a_smaller_epsilon_agrees(
    shown: WebPage,
) -> None:
    shown.page.locator(".panel.slope").get_by_role("button", name="nearest kink").click()
    shown.settle()
    move = "([n, i]) => STORE.setNumber('W1', [n, i], STORE.given.W1.data[n * 8 + i] + 3e-6)"
    name = shown.page.locator(".panel.slope .entry-name").inner_text()
    row, column = (int(one) for one in name.split("[")[1].split("]")[0].split(","))
    shown.run(move.replace("STORE", STORE), [row, column])
    shown.settle()
    assert "steps over a kink" in verdict(shown)
    type_number(shown, "ε", "1e-6")
    assert "agree" in verdict(shown)


def test_a_wrong_gradient_is_called_wrong(shown: WebPage) -> None:
    shown.run(f"""() => {{
      const right = {STORE}.values.dW2;
      const twice = {{ shape: right.shape, data: right.data.map((g) => 2 * g) }};
      Object.defineProperty({STORE}.values, "dW2", {{ value: twice }});
    }}""")
    pin(shown, "dW2", 1, 1)
    assert table(shown)[2] == pytest.approx(0.5, abs=1e-6)
    assert "the gradient is wrong" in verdict(shown)


def test_the_value_is_moved_by_keys_and_everything_follows(shown: WebPage) -> None:
    pin(shown, "W2", 2, 1)
    before = shown.value("W2")[2, 1]
    slider = shown.page.locator(".panel.slope").get_by_role("slider", name="Value θ")
    slider.press("ArrowRight")
    shown.settle()
    after = shown.value("W2")[2, 1]
    assert after == pytest.approx(before + 0.01, abs=1e-3)
    problem = moved(problem_of(8, 4, 8, 3), "W2", (2, 1), after - before)
    assert float(shown.value("L")) == pytest.approx(loss_of(problem), rel=1e-12)


def test_the_value_is_dragged_in_the_chart(shown: WebPage) -> None:
    pin(shown, "b2", 1)
    chart = shown.page.locator(".panel.slope .chart .frame").first
    chart.scroll_into_view_if_needed()
    shown.settle()
    box = chart.bounding_box()
    assert box is not None
    before = shown.value("b2")
    shown.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 50)
    shown.page.mouse.down()
    shown.page.mouse.move(box["x"] + 0.75 * box["width"], box["y"] + 50, steps=3)
    shown.page.mouse.up()
    shown.settle()
    change = shown.value("b2") - before
    assert change[1] == pytest.approx(0.5, abs=0.01) and change[0] == change[2] == 0


def test_a_dead_unit_has_slope_zero(shown: WebPage) -> None:
    shown.run(f"() => {STORE}.setNumber('b1', [3], -100)")
    pin(shown, "dW1", 0, 3)
    assert table(shown)[:3] == [0, 0, 0]
    assert "exactly 0" in verdict(shown)
