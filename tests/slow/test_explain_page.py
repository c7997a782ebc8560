"""The whole page in Chromium: quiet, accessible, within its window, and right after every change.

Pictures of it are written to `build/page/`.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import backhand
from backhand.equations import Gradients, backward, cross_entropy, forward, penalty, sgd
from backhand.explanation.page.bundle import bundle
from backhand.explanation.page.contents import page_contents
from backhand.explanation.page.write import html_page
from backhand.explanation.problem import Problem
from conftest import ROOT
from helpers.web_page import STORE, WebPage, as_array, chromium, needs_browser, open_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.slow, needs_browser]

PICTURES = ROOT / "build" / "page"
WIDTHS = (380, 1280, 1920)
TOLERANCE = 1e-12


def images() -> Problem:
    """A model of images: 784-256-10."""
    rng = np.random.default_rng(0)
    params = backhand.init(d=784, H=256, K=10, dtype=np.float64)
    X, Y = rng.random((16, 784)), np.eye(10)[rng.integers(0, 10, 16)]
    return Problem(params, X, Y, l2=1e-4, title="Random images")


CONTENTS = {
    "penguins": lambda: backhand.explain().page_contents(),
    "plane": lambda: page_contents(backhand.explain(example="two measurements").problem),
    "images": lambda: page_contents(images()),
}
"""Three models: the built-in page, one of two features, a large one."""

TOO_WIDE = """() => [...document.querySelectorAll("body *")].filter((node) => {
  if (!node.checkVisibility() || node.getBoundingClientRect().right <= innerWidth + 1) return false;
  for (let up = node.parentElement; up; up = up.parentElement)
    if (["auto", "scroll", "hidden", "clip"].includes(getComputedStyle(up).overflowX)) return false;
  return true;
}).map((node) => node.outerHTML.slice(0, 150))"""
"""Elements that leave the window, unless they are in a box that scrolls."""


def see_all(shown: WebPage) -> None:
    """Pin an entry, unfold everything, and scroll through the page: charts out of sight wait."""
    shown.run(f'() => {STORE}.select({{ name: "dW1", index: [1, 1] }})')
    for panel in shown.page.locator(".panel").all():
        panel.scroll_into_view_if_needed()
        shown.page.wait_for_function("panel => !panel.ariaBusy", arg=panel.element_handle())
        shown.settle()
    shown.run("() => document.querySelectorAll('details').forEach((one) => (one.open = true))")
    shown.run("() => scrollTo(0, 0)")
    shown.settle()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as one:
        yield one


@pytest.fixture(scope="module", params=CONTENTS)
def named(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    return request.param, CONTENTS[request.param]()


@pytest.fixture
def contents(named: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    return named[1]


def test_the_page_of_the_penguins_weighs_less_than_300_kilobytes() -> None:
    assert len(html_page(CONTENTS["penguins"]()).encode()) < 300_000


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_fits_its_window_loads_nothing_and_has_no_errors(
    browser: Browser, named: tuple[str, dict[str, Any]], width: int, dark: bool
) -> None:
    name, contents = named
    with open_page(contents, browser=browser, width=width, dark=dark) as shown:
        shown.settle()
        assert shown.run(TOO_WIDE) == []
        assert shown.run("() => document.documentElement.scrollWidth") <= width
        see_all(shown)
        assert shown.run(TOO_WIDE) == []
        assert (shown.requests, shown.complaints) == ([], [])
        PICTURES.mkdir(parents=True, exist_ok=True)
        file = PICTURES / f"{name}-{width}-{'dark' if dark else 'light'}.png"
        shown.page.screenshot(path=file, full_page=True)


@pytest.mark.skipif(
    importlib.util.find_spec("axe_playwright_python") is None, reason="needs axe-playwright-python"
)
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_no_serious_fault_of_accessibility(
    browser: Browser, contents: dict[str, Any], dark: bool
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    with open_page(contents, browser=browser, dark=dark) as shown:
        see_all(shown)
        found = Axe().run(shown.page).response["violations"]
    serious = [
        f"{one['id']} ({one['impact']}): {one['help']}\n  "
        + "\n  ".join(node["html"][:150] for node in one["nodes"][:5])
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
    assert serious == [], "\n".join(serious)


def test_every_stop_of_the_tab_key_has_a_visible_focus_and_the_last_panel_is_reached(
    browser: Browser,
) -> None:
    with open_page(CONTENTS["penguins"](), browser=browser) as shown:
        panels = shown.run("() => [...document.querySelectorAll('.panel')].map((p) => p.className)")
        reached = set()
        for _ in range(500):
            shown.page.keyboard.press("Tab")
            stop = shown.run(FOCUS)
            if stop is None:
                break
            assert stop["seen"], stop["html"]
            reached.add(stop["panel"])
        else:
            pytest.fail("500 stops of the Tab key do not go through the page")
        assert set(panels) <= reached


FOCUS = """() => {
  const node = document.activeElement;
  if (!node || node === document.body) return null;
  const style = getComputedStyle(node);
  const seen = (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1) ||
    style.boxShadow !== "none";
  const panel = node.closest(".panel");
  return { seen, html: node.outerHTML.slice(0, 150), panel: panel && panel.className };
}"""


def test_two_pages_in_one_document_have_no_identifier_twice(browser: Browser) -> None:
    with open_page(CONTENTS["penguins"](), browser=browser) as shown:
        shown.run(SECOND)
        shown.settle()
        assert shown.run("() => document.querySelectorAll('.backhand').length") == 2
        assert shown.run(DUPLICATES) == []
        assert shown.complaints == []


SECOND = f"""() => {{
  {bundle("app")}
  const root = document.createElement("div");
  root.className = "backhand";
  document.body.append(root);
  const data = document.getElementById("backhand-contents").textContent;
  $app.mount(root, JSON.parse(data));
}}"""

DUPLICATES = """() => {
  const ids = [...document.querySelectorAll("[id]")].map((node) => node.id);
  return ids.filter((id, at) => ids.indexOf(id) !== at);
}"""


class Reader:
    """A reader of a page, by its controls, and what Python computes of the same numbers."""

    def __init__(self, shown: WebPage) -> None:
        self.shown, self.page = shown, shown.page

    def cell(self, name: str, row: int, column: int) -> Any:
        """A cell of the drawing."""
        grid = self.page.locator(f'[role=grid][aria-label^="{name}, shape"]')
        return grid.locator("[role=row]").nth(row).locator("[role=gridcell]").nth(column)

    def type_number(self, name: str, row: int, column: int, text: str) -> None:
        self.cell(name, row, column).dblclick()
        self.page.keyboard.type(text)
        self.page.keyboard.press("Enter")
        self.shown.settle()

    def drag(self, name: str, row: int, column: int, up: int) -> None:
        """Drag a number: a hundredth per pixel."""
        box = self.cell(name, row, column).bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.mouse.move(x, y - up / 2)
        self.page.mouse.move(x, y - up)
        self.page.mouse.up()
        self.shown.settle()

    def given(self) -> dict[str, Any]:
        """The numbers that the page computes from."""
        found = self.shown.run(f"() => {STORE}.given")
        return {name: as_array(one) if isinstance(one, dict) else one
                for name, one in found.items()}  # fmt: skip

    def largest_difference(self) -> float:
        """Between all values of the page and Python's, relative to each array's largest."""
        expected = values_of(self.given())
        return max(relative(self.shown.value(name), value) for name, value in expected.items())


def relative(found: np.ndarray, expected: np.ndarray) -> float:
    """Largest difference, relative to the largest number."""
    return float(np.abs(found - expected).max() / max(np.abs(expected).max(), 1e-300))


def values_of(given: dict[str, Any]) -> dict[str, np.ndarray]:
    """Python's values of a page's numbers."""
    params = backhand.Parameters(*(given[name] for name in ("W1", "b1", "W2", "b2")))
    X, Y, weights, mask = (given[name] for name in ("X", "Y", "sample_weight", "mask"))
    acts = forward(params, X, mask)
    grads = backward(params, X, Y, acts, weights, given["l2"], mask)
    new = sgd(params, grads, given["learning_rate"])
    loss = cross_entropy(acts.S, Y, weights) + penalty(params, given["l2"])
    values = {**acts._asdict(), **grads._asdict(), "L": loss}
    values |= {f"new {name}": value for name, value in new._asdict().items()}
    return {name: np.asarray(value) for name, value in values.items()}


@pytest.fixture
def reader(browser: Browser, contents: dict[str, Any]) -> Iterator[Reader]:
    with open_page(contents, browser=browser) as shown:
        yield Reader(shown)
        assert shown.complaints == []


def test_after_each_number_typed_or_dragged_every_value_is_pythons(reader: Reader) -> None:
    assert reader.largest_difference() <= TOLERANCE
    reader.type_number("X", 1, 1, "-1.25")
    assert reader.given()["X"][1, 1] == -1.25
    assert reader.largest_difference() <= TOLERANCE
    before = reader.given()["W1"][0, 2]
    reader.drag("W1", 0, 2, up=40)
    assert reader.given()["W1"][0, 2] > before + 0.2
    assert reader.largest_difference() <= TOLERANCE
    wrong = int(np.argmin(reader.given()["Y"][0]))
    reader.cell("Y", 0, wrong).dblclick()
    reader.shown.settle()
    assert reader.given()["Y"][0, wrong] == 1
    assert reader.largest_difference() <= TOLERANCE
    reader.page.locator(".page-head").get_by_text("Original numbers").click()
    reader.shown.settle()
    assert reader.given()["W1"][0, 2] == before
    assert reader.largest_difference() <= TOLERANCE


def test_an_entry_is_pinned_by_a_click_and_its_number_is_pythons(reader: Reader) -> None:
    reader.cell("dW1", 1, 2).click()
    reader.shown.settle()
    assert reader.shown.run(f"() => {STORE}.selected") == {"name": "dW1", "index": [1, 2]}
    text = reader.page.locator(".backhand").inner_text().replace("−", "-")
    found = re.search(r"dW1\[1,2\] = (-?\d+(?:\.\d+)?(?:e-?\d+)?)", text)
    assert found is not None
    expected = values_of(reader.given())["dW1"][1, 2]
    assert float(found[1]) == pytest.approx(expected, rel=5e-4)


@pytest.mark.parametrize("named", ["penguins", "plane"], indirect=True)
def test_a_hundred_steps_on_the_page_are_pythons_to_rounding(reader: Reader) -> None:
    given = reader.given()
    panel = reader.page.locator(".panel.training")
    panel.get_by_role("button", name="Train for 100 steps").click()
    reader.page.wait_for_function(f"() => {STORE}.updates === 100")
    assert_is_after_steps(reader, given, 100)


@pytest.mark.parametrize("named", ["images"], indirect=True)
def test_three_steps_of_a_large_network_are_pythons_to_rounding(reader: Reader) -> None:
    given = reader.given()
    panel = reader.page.locator(".panel.training")
    panel.scroll_into_view_if_needed()  # of a large network, panels are built when they are seen
    for _ in range(3):
        panel.get_by_role("button", name="Take a step").click()
    assert_is_after_steps(reader, given, 3)


def assert_is_after_steps(reader: Reader, given: dict[str, Any], steps: int) -> None:
    """Compare the page's parameters with Python's after some steps."""
    params = backhand.Parameters(*(given[name] for name in ("W1", "b1", "W2", "b2")))
    for _ in range(steps):
        acts = forward(params, given["X"], given["mask"])
        grads: Gradients = backward(params, given["X"], given["Y"], acts, given["sample_weight"],
                                    given["l2"], given["mask"])  # fmt: skip
        params = sgd(params, grads, given["learning_rate"])
    now = reader.given()
    for name, value in params._asdict().items():
        assert relative(now[name], value) <= 1e-10, name
    assert reader.largest_difference() <= TOLERANCE


def test_a_page_that_is_taken_away_computes_no_more(browser: Browser) -> None:
    with open_page(CONTENTS["plane"](), browser=browser) as shown:
        shown.page.get_by_role("button", name="Play").first.click()
        shown.page.get_by_role("button", name="Train for 100 steps").first.click()
        shown.page.wait_for_function(f"() => {STORE}.updates > 2")
        assert shown.run(FRAMES_AFTER, False) > 0
        assert shown.run(FRAMES_AFTER, True) == 0
        assert shown.run(f"() => {STORE}.closed")
        assert shown.complaints == []


FRAMES_AFTER = """async (takenAway) => {
  if (takenAway) $app.unmount(document.getElementById("backhand"));
  const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
  await wait(100);
  const before = window.requestAnimationFrame;
  let frames = 0;
  window.requestAnimationFrame = (f) => before((now) => { frames += 1; f(now); });
  await wait(700);
  window.requestAnimationFrame = before;
  return frames;
}"""
"""Number of frames for which something of the page waits, before or after it is taken away."""


def test_panels_of_a_large_network_are_reached_by_the_tab_key(browser: Browser) -> None:
    with open_page(CONTENTS["images"](), browser=browser) as shown:
        shown.page.locator(".drawing .cell").last.focus()
        for _ in range(30):
            shown.page.keyboard.press("Tab")
            shown.settle()
            if "training" in (shown.run(FOCUS)["panel"] or ""):
                break
        shown.page.keyboard.press("Tab")
        shown.page.wait_for_function(
            "() => document.querySelector('.panel.training input') !== null"
        )
