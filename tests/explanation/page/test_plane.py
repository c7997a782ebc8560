"""The plane of two features: regions, hinges, rows; by mouse and by keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pytest

from backhand.explanation.examples import EXAMPLES
from backhand.explanation.page.contents import page_contents
from helpers.page_problems import predicted_classes, problem_of
from helpers.web_page import STORE, WebPage, needs_browser, open_modules, open_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.slow, needs_browser]

GIVEN = """const given = Object.fromEntries(
  ["X", "W1", "b1", "W2", "b2"].map(name => [name, modules.matrix.fromJson(problem[name])]));"""


@pytest.fixture
def plane(browser: Browser) -> Iterator[WebPage]:
    """The page of a problem of two features, at its plane."""
    with open_page(page_contents(problem_of(24, 2, 6, 3, seed=1)), browser=browser) as opened:
        opened.page.locator(".panel.plane canvas").scroll_into_view_if_needed()
        opened.settle()
        yield opened
        assert not opened.complaints and not opened.requests


@pytest.mark.parametrize(("d", "pair", "row"), [(2, [0, 1], 0), (4, [2, 0], 5)])
def test_regions_are_the_classes_that_python_predicts(
    browser: Browser, d: int, pair: list[int], row: int
) -> None:
    problem = problem_of(8, d, 8, 3)
    window = {"x": {"low": -2, "high": 3}, "y": {"low": -1, "high": 2}}
    with open_modules("matrix", "two_features", browser=browser) as modules:
        found = modules.run(f"""([problem, pair, row, window]) => {{ {GIVEN}
          const network = modules.two_features.inPlane(given, pair, row);
          return [...modules.two_features.regions(network, window, 30, 20)];
        }}""", [problem.to_json(), pair, row, window])  # fmt: skip
    across = -2 + 5 * (np.arange(30) + 0.5) / 30
    up = 2 - 3 * (np.arange(20) + 0.5) / 20
    X = np.repeat(problem.X[[row]], 600, axis=0)
    X[:, pair[0]], X[:, pair[1]] = np.tile(across, 20), np.repeat(up, 30)
    expected = predicted_classes(problem.params, X)
    assert len(set(expected)) > 1 and found == expected.tolist()


def test_a_hinge_is_where_z1_is_0_and_its_unit_is_inactive_on_the_shaded_side(
    browser: Browser,
) -> None:
    problem = problem_of(24, 2, 6, 3, seed=1)
    W1, b1 = problem.params.W1, problem.params.b1
    window = {"x": {"low": -3, "high": 3}, "y": {"low": -3, "high": 3}}
    with open_modules("matrix", "two_features", browser=browser) as modules:
        found = modules.run(f"""([problem, window]) => {{ {GIVEN}
          const {{ inPlane, unitLine, hinge, inactivePart }} = modules.two_features;
          const network = inPlane(given, [0, 1], 0);
          const lines = given.b1.data.length;
          return Array.from({{ length: lines }}, (_, h) => unitLine(network, h))
            .map(line => [hinge(line, window), inactivePart(line, window)]);
        }}""", [problem.to_json(), window])  # fmt: skip
    seen = 0
    for h, (ends, corners) in enumerate(found):
        z = np.array(corners).reshape(-1, 2) @ W1[:, h] + b1[h]
        assert (z <= 1e-12).all()
        if ends:
            seen += 1
            np.testing.assert_allclose(np.array(ends) @ W1[:, h] + b1[h], 0, atol=1e-12)
            assert np.abs(np.array(ends)).max(axis=1) == pytest.approx([3, 3])
    assert seen >= 4


def test_a_unit_that_is_chosen_has_its_hinge_emphasised_and_said_in_words(plane: WebPage) -> None:
    panel = plane.page.locator(".panel.plane")
    panel.get_by_label("Hidden unit").select_option("unit 2")
    plane.settle()
    assert plane.run(f"() => {STORE}.selected") == {"name": "b1", "index": [2]}
    assert panel.locator(".hinge.emphasised text").text_content() == "unit 2"
    active = int((plane.value("Z1")[:, 2] > 0).sum())
    assert f"active in {active} of 24 rows" in panel.locator(".unit-words").inner_text()


def test_a_unit_of_more_features_says_with_what_its_line_and_its_count_are(
    browser: Browser,
) -> None:
    with open_page(page_contents(EXAMPLES["penguins"]()), browser=browser) as shown:
        panel = shown.page.locator(".panel.plane")
        panel.scroll_into_view_if_needed()
        panel.get_by_label("Hidden unit").select_option("unit 7")
        shown.settle()
        active = int((shown.value("Z1")[:, 7] > 0).sum())
        words = panel.locator(".unit-words").inner_text()
        assert "> 0, with the other features of " in words and " is b1[7] plus their part." in words
        assert f"With each row's own features, it is active in {active} of 8 rows." in words


def test_hovering_a_hinge_hovers_the_units_bias_and_the_other_way_round(plane: WebPage) -> None:
    hinge = plane.page.locator(".panel.plane .hinge", has_text="unit 0")
    hinge.dispatch_event("pointerenter")
    plane.settle()
    assert plane.run(f"() => {STORE}.hovered") == {"name": "b1", "index": [0]}
    plane.run(f"() => {STORE}.hover({{ name: 'dW1', index: [1, 4] }})")
    plane.settle()
    assert plane.page.locator(".panel.plane .hinge.emphasised text").text_content() == "unit 4"


def test_dragging_a_row_changes_its_two_features_and_nothing_else(plane: WebPage) -> None:
    before = plane.value("X")
    mark = plane.page.locator(".panel.plane .row-mark").nth(7)
    mark.scroll_into_view_if_needed()
    box = mark.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    plane.page.mouse.move(x, y)
    plane.page.mouse.down()
    plane.page.mouse.move(x + 30, y - 20, steps=4)
    plane.page.mouse.up()
    plane.settle()
    change = plane.value("X") - before
    assert change[7, 0] > 0.1 and change[7, 1] > 0.1
    assert not np.delete(change, 7, axis=0).any()
    assert plane.run(f"() => {STORE}.selected") is None


def test_a_click_pins_the_row(plane: WebPage) -> None:
    plane.page.locator(".panel.plane .row-mark").nth(3).click()
    plane.settle()
    assert plane.run(f"() => {STORE}.selected") == {"name": "X", "index": [3, 0]}


def test_training_moves_hinges_and_regions(plane: WebPage) -> None:
    panel = plane.page.locator(".panel.plane")
    lines = "() => [...document.querySelectorAll('.plane .hinge .line')].map(l => l.outerHTML)"
    before = plane.run(lines)
    panel.get_by_role("button", name="Train for 100 steps").click()
    plane.page.get_by_text("Step 100:").wait_for()
    assert all(one != other for one, other in zip(before, plane.run(lines), strict=True))
    right = int((np.argmax(plane.value("S"), 1) == np.argmax(plane.value("Y"), 1)).sum())
    label = plane.page.locator(".panel.plane svg[role=img]").first.get_attribute("aria-label")
    assert label is not None and f"{right} of 24 rows are predicted right" in label


def test_of_more_features_two_are_chosen_and_the_others_are_those_of_the_pinned_row(
    browser: Browser,
) -> None:
    with open_page(page_contents(problem_of(8, 4, 8, 3)), browser=browser) as shown:
        panel = shown.page.locator(".panel.plane")
        panel.get_by_label("Across").select_option("feature 3")
        panel.get_by_label("Up").select_option("feature 1")
        shown.run(f"() => {STORE}.select({{ name: 'Z1', index: [5, 2] }})")
        shown.settle()
        assert panel.get_by_label("Other features as in").input_value() == "5"
        words = panel.locator(".unit-words").inner_text().replace("−", "-")
        W1, b1, X = shown.value("W1")[:, 2], shown.value("b1")[2], shown.value("X")[5]
        constant = b1 + X[0] * W1[0] + X[2] * W1[2]
        assert f"{W1[3]:.4g} · feature 3" in words and f"{abs(constant):.4g} > 0" in words


def test_another_feature_may_be_chosen_while_the_plane_waits_to_be_painted(
    browser: Browser,
) -> None:
    with open_page(page_contents(problem_of(8, 4, 8, 3)), browser=browser) as shown:
        shown.page.locator(".panel.plane").scroll_into_view_if_needed()
        shown.settle()
        shown.run(
            f"""async () => {{
              const waits = (time) => new Promise((done) => setTimeout(done, time));
              {STORE}.step();
              await waits(50);
              scrollTo(0, 0);
              await waits(60);
              const across = document.querySelector(".panel.plane select");
              across.selectedIndex = 3;
              across.dispatchEvent(new Event("change"));
              await waits(300);
            }}"""
        )
        assert shown.complaints == []


def test_no_feature_is_along_both_axes(browser: Browser) -> None:
    with open_page(page_contents(problem_of(8, 4, 8, 3)), browser=browser) as shown:
        panel = shown.page.locator(".panel.plane")
        panel.get_by_label("Across").select_option("feature 3")
        shown.settle()
        for label, other in (("Across", "feature 1"), ("Up", "feature 3")):
            options = panel.get_by_label(label).locator("option:disabled")
            assert options.all_inner_texts() == [other]


def test_rows_that_are_predicted_otherwise_than_their_place_are_named(browser: Browser) -> None:
    problem = problem_of(8, 4, 8, 3)
    with open_page(page_contents(problem), browser=browser) as shown:
        panel = shown.page.locator(".panel.plane")
        places = np.repeat(problem.X[[0]], 8, axis=0)
        places[:, :2] = problem.X[:, :2]
        there, own = (predicted_classes(problem.params, X) for X in (places, problem.X))
        named = ", ".join(f"row {n}" for n in np.flatnonzero(there != own))
        assert named and f"in which they are drawn: {named}." in panel.inner_text()


@pytest.mark.parametrize("width", [1280, 380])
def test_labels_do_not_lie_on_each_other(browser: Browser, width: int) -> None:
    problem = EXAMPLES["penguins"]()
    with open_page(page_contents(problem), browser=browser, width=width) as shown:
        shown.page.locator(".panel.plane canvas").scroll_into_view_if_needed()
        shown.page.wait_for_timeout(500)  # names of regions are there once the plane is quiet
        shown.page.locator(".panel.plane .region").filter(visible=True).first.wait_for()
        boxes = shown.run("""() => [...document.querySelectorAll(
          '.plane .hinge text, .plane .region')].map(text => text.getBoundingClientRect())
          .filter(({ width }) => width).map(({ x, y, right, bottom }) => [x, y, right, bottom])""")
        assert len(boxes) > 8
        for at, (x, y, right, bottom) in enumerate(boxes):
            for other in boxes[:at]:
                apart = other[2] <= x or right <= other[0] or other[3] <= y or bottom <= other[1]
                assert apart, (boxes[at], other)


def test_one_feature_has_no_plane(browser: Browser) -> None:
    with open_page(page_contents(problem_of(4, 1, 3, 2)), browser=browser) as shown:
        assert shown.page.locator(".panel.plane").count() == 0
