"""The panel of one row's softmax, in a real browser: its numbers are Python's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from backhand.explanation.examples import EXAMPLES
from backhand.explanation.page.contents import page_contents
from backhand.explanation.problem import Problem
from helpers.web_page import WebPage, needs_browser, open_page
from helpers.web_tables import FOUR_DIGITS, numbers, rows, values_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.slow, needs_browser]


@pytest.fixture(params=list(EXAMPLES))
def opened(request: pytest.FixtureRequest, browser: Browser) -> Iterator[tuple[WebPage, Problem]]:
    problem = EXAMPLES[request.param]()
    with open_page(page_contents(problem), browser=browser) as shown:
        shown.page.set_default_timeout(5000)
        yield shown, problem
        assert not shown.complaints and not shown.requests


def table(shown: WebPage, caption: str, part: str = "tbody") -> list[list[str]]:
    return rows(shown.page.locator(".softmax table").filter(has_text=caption), part)


def choose_row(shown: WebPage, n: int) -> None:
    shown.page.get_by_label("Row", exact=True).select_option(str(n))
    shown.settle()


def test_scores_probabilities_and_loss_of_a_row_are_pythons(
    opened: tuple[WebPage, Problem],
) -> None:
    shown, problem = opened
    expected, n = values_of(problem), len(problem.X) - 1
    choose_row(shown, n)
    classes = table(shown, "the loss of the row")
    S = expected["S"][n]
    for column, values in {
        1: S, 2: S - S.max(), 3: np.exp(S - S.max()), 4: expected["P"][n], 5: problem.Y[n],
        6: -problem.Y[n] * np.log(expected["P"][n]),
    }.items():  # fmt: skip
        assert numbers(classes, column) == pytest.approx(values, rel=FOUR_DIGITS)
    sums = table(shown, "the loss of the row", "tfoot")
    assert numbers(sums, 4)[0] == 1
    assert numbers(sums, 6)[0] == pytest.approx(expected["losses"][n], rel=FOUR_DIGITS)


def test_the_jacobian_times_the_gradient_of_the_loss_is_p_minus_y(
    opened: tuple[WebPage, Problem],
) -> None:
    shown, problem = opened
    p, y = values_of(problem)["P"][1], problem.Y[1]
    choose_row(shown, 1)
    jacobian = table(shown, "and the product")
    assert numbers(jacobian, 1) == pytest.approx(-y / p, rel=FOUR_DIGITS)
    expected = np.diag(p) - np.outer(p, p)
    for k in range(len(p)):
        assert numbers(jacobian, 2 + k) == pytest.approx(expected[:, k], rel=FOUR_DIGITS)
        feet = table(shown, "and the product", "tfoot")
        assert numbers(feet, 2 + k) == pytest.approx([p[k] - y[k]] * 2, rel=FOUR_DIGITS)


def test_the_sum_of_a_chosen_class_is_spelt_out(opened: tuple[WebPage, Problem]) -> None:
    shown, problem = opened
    names = problem.classes
    choose_row(shown, 0)
    true = int(problem.Y[0].argmax())
    other = (true + 1) % len(names)
    heads = shown.page.locator(".softmax thead")
    heads.get_by_role("button", name=names[other], exact=True).click()
    words = shown.page.locator(".column-sum").inner_text()
    assert f"∂ℓ/∂S[0,{other}] = " in words and "diagonal of the Jacobian alone" in words
    assert f"({names[true]}, the true class) is left" in words
    heads.get_by_role("button", name=names[true], exact=True).click()
    assert f"= P[{true}] − 1" in shown.page.locator(".column-sum").inner_text()


def test_a_sample_weight_changes_the_factor_of_its_row(opened: tuple[WebPage, Problem]) -> None:
    shown, problem = opened
    choose_row(shown, 2)
    assert f"1/N = 1/{len(problem.X)}" in shown.page.locator(".softmax").inner_text()
    shown.page.get_by_label("Sample weight of this row").fill("3")
    shown.settle()
    weights = np.ones(len(problem.X))
    weights[2] = 3
    expected = values_of(replace(problem, sample_weight=weights))
    np.testing.assert_allclose(shown.value("dS"), expected["dS"], rtol=1e-12)
    share = table(shown, "times the row's share")
    assert numbers(share, 2) == pytest.approx([3 / weights.sum()] * len(share), rel=FOUR_DIGITS)
    assert numbers(share, 3) == pytest.approx(expected["dS"][2], rel=FOUR_DIGITS)
    shown.page.get_by_role("button", name="Equal weights").click()
    shown.settle()
    np.testing.assert_allclose(shown.value("dS"), values_of(problem)["dS"], rtol=1e-12)


def test_the_row_of_the_pinned_entry_is_shown(opened: tuple[WebPage, Problem]) -> None:
    shown, _ = opened
    shown.run('() => document.getElementById("backhand").store.select({name: "Z1", index: [3, 1]})')
    shown.settle()
    assert shown.page.get_by_label("Row", exact=True).input_value() == "3"


def test_a_number_pins_its_entry(opened: tuple[WebPage, Problem]) -> None:
    shown, _ = opened
    choose_row(shown, 1)
    shown.page.locator(".softmax").get_by_role("button", name="dS[1,0]").first.click()
    found = shown.run('() => document.getElementById("backhand").store.selected')
    assert found == {"name": "dS", "index": [1, 0]}


def test_many_classes_are_shown_in_part_with_the_true_one(browser: Browser) -> None:
    rng = np.random.default_rng(0)
    problem = EXAMPLES["xor"]()
    params = problem.params._replace(W2=rng.standard_normal((4, 40)), b2=np.zeros(40))
    many = replace(problem, params=params, Y=np.eye(40)[[39, 0, 1, 2]], classes=())
    with open_page(page_contents(many), browser=browser) as shown:
        choose_row(shown, 0)
        classes = table(shown, "the loss of the row")
        assert len(classes) == 12 and classes[-1][0] == "class 39"
        assert (
            "28 classes with small P are not shown" in shown.page.locator(".softmax").inner_text()
        )
        assert not shown.complaints


def test_a_probability_of_0_is_explained(browser: Browser) -> None:
    problem = EXAMPLES["penguins"]()
    params = problem.params._replace(b2=np.array([0.0, 2000.0, 0.0]))
    n = int(np.flatnonzero(problem.Y[:, 0])[0])
    contents = page_contents(replace(problem, params=params))
    with open_page(contents, browser=browser) as shown:
        choose_row(shown, n)
        words = shown.page.locator(".column-sum").inner_text()
        assert "It never divides by P." in words and not shown.complaints
