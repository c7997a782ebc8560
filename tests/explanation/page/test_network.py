"""The drawing of the matrices in Chromium: hover, pin, walk, step, change, keyboard, windows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import backhand
from backhand.equations import backward, forward
from backhand.explanation.page.contents import page_contents
from backhand.explanation.problem import Problem
from helpers.web_page import STORE, WebPage, cell, heading, needs_browser, open_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.slow, needs_browser]

N, D, H, K = 8, 4, 8, 3


def problem(**changes: Any) -> Problem:
    rng = np.random.default_rng(5)
    params = backhand.init(d=D, H=H, K=K, seed=3, dtype=np.float64)
    X, Y = rng.standard_normal((N, D)), np.eye(K)[rng.integers(0, K, N)]
    names = {"features": ("a", "b", "c", "d"), "classes": ("red", "green", "blue")}
    return Problem(params, X, Y, **{"title": "A problem", **names, **changes})


@pytest.fixture
def shown(browser: Browser) -> Iterator[WebPage]:
    with open_page(page_contents(problem()), browser=browser) as page:
        yield page
        assert page.complaints == [] and page.requests == []


def state(shown: WebPage, expression: str) -> Any:
    """Of the store, once what has changed is drawn."""
    shown.settle()
    return shown.run(f"() => (store => {expression})({STORE})")


def test_edges_that_are_equal_in_the_equations_are_equal_in_the_drawing(shown: WebPage) -> None:
    def box(name: str) -> dict[str, float]:
        found = shown.page.locator(f'.network [data-name="{name}"] .grid').bounding_box()
        assert found is not None
        return dict(found)

    X, W1, Z1, H1, W2, S = (box(name) for name in ("X", "W1", "Z1", "H1", "W2", "S"))
    for left, top, product in ((X, W1, Z1), (H1, W2, S)):
        assert product["y"] == left["y"] and product["height"] == left["height"]
        assert product["x"] == top["x"] and product["width"] == top["width"]
        assert left["width"] == top["height"]
    for value in ("Z1", "H1", "S", "W1", "b1", "W2", "b2"):
        above, below = box(value), box(f"d{value}")
        assert (above["x"], above["width"]) == (below["x"], below["width"])
        assert above["height"] == below["height"] and above["y"] < below["y"]


def test_cells_are_squares_of_at_least_24_pixels(browser: Browser) -> None:
    for width in (380, 1280):
        with open_page(page_contents(problem()), browser=browser, width=width) as shown:
            box = cell(shown, "W1", 1, 1).bounding_box()
            assert box is not None and box["width"] == box["height"] >= 24


def test_hover_lights_up_row_and_column_and_shows_the_sum(shown: WebPage) -> None:
    cell(shown, "Z1", 2, 5).hover()
    assert heading(shown).startswith("Z1[2,5] = ")
    assert shown.page.locator(".network .lights .operand").count() == 3  # of X, W1 and b1
    assert shown.page.locator(".network .lights .target").count() == 1
    lines = shown.page.locator(".term-table tbody tr")
    assert lines.count() == D + 1
    assert "b1[5]" in lines.last.inner_text()
    p = problem()
    total = shown.page.locator(".term-table .total td").inner_text().replace("−", "-")
    assert float(total) == pytest.approx(forward(p.params, p.X).Z1[2, 5], rel=1e-3)


def test_terms_that_the_mask_shuts_out_are_struck_out_and_hatched(shown: WebPage) -> None:
    p = problem()
    shut = ~(forward(p.params, p.X).Z1[:, 5] > 0)
    assert 0 < shut.sum() < N
    shown.run(f'() => {STORE}.select({{ name: "dW1", index: [2, 5] }})')
    shown.settle()
    lines = shown.page.locator(".term-table tbody tr")
    out = [bool(lines.nth(n).evaluate("one => one.classList.contains('out')")) for n in range(N)]
    assert out == list(shut)
    first = int(np.flatnonzero(shut)[0])
    assert f"Z1[{first},5] ≤ 0, else " in lines.nth(first).inner_text()
    assert shown.page.locator('.network [data-name="dZ1"] .cell.shut').count() == shut.sum()


def test_the_product_is_drawn_with_the_transpose_that_fits(shown: WebPage) -> None:
    for name, text in {
        "Z1": "X (8, 4) times W1 (4, 8) is Z1 (8, 8)",
        "dW1": "Xᵀ (4, 8) times dZ1 (8, 8) is dW1 (4, 8)",
        "dH1": "dS (8, 3) times W2ᵀ (3, 8) is dH1 (8, 8)",
        "dW2": "H1ᵀ (8, 8) times dS (8, 3) is dW2 (8, 3)",
        "db2": "1ᵀ (1, 8) times dS (8, 3) is db2 (1, 3)",
    }.items():
        index = [1] if name == "db2" else [1, 1]
        shown.run(f'() => {STORE}.select({{ name: "{name}", index: {index} }})')
        shown.settle()
        assert shown.page.locator(".falk").get_attribute("aria-label") == text


def test_a_click_pins_and_a_click_on_a_neighbour_walks_on(shown: WebPage) -> None:
    cell(shown, "Z1", 2, 5).click()
    assert state(shown, "store.selected") == {"name": "Z1", "index": [2, 5]}
    cell(shown, "X", 2, 1).click()
    assert len(state(shown, "store.path")) == 2
    shown.page.get_by_label("Path of pinned entries").get_by_text("Z1[2,5]").click()
    assert state(shown, "store.path.length") == 1
    assert state(shown, "store.selected.name") == "Z1"
    cell(shown, "dS", 0, 0).click()
    assert [one["name"] for one in state(shown, "store.path")] == ["dS"]
    shown.page.get_by_role("button", name="Unpin").click()
    assert state(shown, "store.selected") is None


def test_one_walks_back_to_the_inputs_and_forward_to_the_loss(shown: WebPage) -> None:
    shown.run(f'() => {STORE}.select({{ name: "W1", index: [0, 0] }})')
    p = problem()
    row = int(np.flatnonzero(forward(p.params, p.X).Z1[:, 0] > 0)[0])
    ways = shown.page.locator(".entry .ways")
    way = [f"Z1[{row},0]", f"H1[{row},0]", f"S[{row},0]", f"P[{row},0]", f"losses[{row}]", "L"]
    for name in way:
        if ways.get_by_role("button", name=name, exact=True).count() == 0:
            shown.run(f'() => {STORE}.walk({{ name: "{name[:2]}", index: [{row}, 0] }})')
        else:
            ways.get_by_role("button", name=name, exact=True).click()
        assert heading(shown).startswith(f"{name} = ")
    assert state(shown, "store.path.length") == len(way) + 1


def test_the_arrow_keys_move_the_focus_and_the_space_bar_pins(shown: WebPage) -> None:
    cell(shown, "dW1", 0, 0).focus()
    for _ in range(H + 2):
        shown.page.keyboard.press("ArrowRight")
    shown.page.keyboard.press("ArrowDown")
    assert heading(shown).startswith("dW1[1,7] = ")
    named = shown.run("() => document.activeElement.getAttribute('aria-label')")
    assert named.startswith("dW1[1,7] = ") and "feature 1 (b), hidden unit 7" in named
    shown.page.keyboard.press("Space")
    assert state(shown, "store.selected") == {"name": "dW1", "index": [1, 7]}
    assert "Pinned: dW1[1,7]" in shown.page.locator(".page-head .unseen").inner_text()
    tab_stops = shown.page.locator('.network [data-name="dW1"] .cell[tabindex="0"]')
    assert tab_stops.count() == 1
    shown.page.keyboard.press("Escape")
    assert state(shown, "store.selected") is None


def test_every_matrix_can_be_reached_with_the_tab_key(shown: WebPage) -> None:
    reached = shown.page.locator('.network .grid:has([tabindex="0"])').count()
    assert reached == shown.page.locator(".network .grid").count() == 24


def test_a_number_is_changed_by_dragging_and_everything_follows(shown: WebPage) -> None:
    target = cell(shown, "W1", 0, 3)
    target.scroll_into_view_if_needed()
    box = target.bounding_box()
    assert box is not None
    before = state(shown, "store.given.W1.data[3]")
    mouse = shown.page.mouse
    mouse.move(box["x"] + 9, box["y"] + 9)
    mouse.down()
    mouse.move(box["x"] + 9, box["y"] - 31, steps=4)
    mouse.up()
    assert state(shown, "store.given.W1.data[3]") == pytest.approx(before + 0.4, abs=1e-6)
    assert state(shown, "store.selected") is None  # it was no click
    p = problem()
    p.params.W1[0, 3] = state(shown, "store.given.W1.data[3]")
    acts = forward(p.params, p.X)
    expected = backward(p.params, p.X, p.Y.argmax(1), acts)
    np.testing.assert_allclose(shown.value("dW1"), expected.dW1, rtol=1e-12, atol=1e-15)


def test_a_finger_scrolls_unless_the_number_is_pinned(shown: WebPage) -> None:
    drag = """(node, [from, to]) => {
      const event = (kind, clientY) => node.dispatchEvent(new PointerEvent(kind,
        { bubbles: true, pointerId: 1, pointerType: "touch", button: 0, clientY }));
      node.closest(".drawing").setPointerCapture = () => {};
      event("pointerdown", from);
      event("pointermove", to);
      event("pointerup", to);
    }"""
    before = state(shown, "store.given.W1.data[3]")
    cell(shown, "W1", 0, 3).evaluate(drag, [100, 60])
    assert state(shown, "store.given.W1.data[3]") == before
    cell(shown, "W1", 0, 3).click()
    cell(shown, "W1", 0, 3).evaluate(drag, [100, 60])
    assert state(shown, "store.given.W1.data[3]") == pytest.approx(before + 0.4, abs=1e-6)


def test_a_number_is_typed_in_its_cell(shown: WebPage) -> None:
    cell(shown, "b1", 0, 3).dblclick()
    shown.page.keyboard.type("0,75")
    shown.page.keyboard.press("Enter")
    assert state(shown, "store.given.b1.data[3]") == 0.75
    cell(shown, "X", 1, 1).focus()
    shown.page.keyboard.press("Enter")
    shown.page.keyboard.type("abc")
    shown.page.keyboard.press("Enter")
    assert shown.page.locator(".network input.typed").get_attribute("aria-invalid") == "true"
    before = state(shown, "store.given.X.data[5]")
    shown.page.keyboard.press("Escape")
    assert state(shown, "store.given.X.data[5]") == before
    assert shown.page.locator(".network input.typed").count() == 0
    assert shown.run("() => document.activeElement.className") == "cell"


def test_a_label_is_chosen_and_a_row_is_weighted(shown: WebPage) -> None:
    k = (int(problem().Y[0].argmax()) + 1) % K
    cell(shown, "Y", 0, k).dblclick()
    np.testing.assert_array_equal(shown.value("Y")[0], np.eye(K)[k])
    cell(shown, "w", 0, 0).dblclick()
    shown.page.keyboard.type("3")
    shown.page.keyboard.press("Enter")
    shown.settle()
    np.testing.assert_allclose(shown.value("w"), np.array([3, *[1] * 7]) / 10)
    equation = shown.page.locator('.network [data-name="dS"] figcaption math')
    assert equation.get_attribute("aria-label") == "dS = (P − Y) w"
    shown.page.locator(".page-head").get_by_text("Original numbers").click()
    shown.settle()
    np.testing.assert_allclose(shown.value("w"), np.full(N, 1 / N))


def test_a_mask_of_dropout_is_drawn_and_can_be_changed(browser: Browser) -> None:
    mask = np.full((N, H), 2.0)
    mask[0, 0] = 0
    with open_page(page_contents(problem(mask=mask, l2=0.1)), browser=browser) as shown:
        cell(shown, "M", 1, 1).dblclick()
        cell(shown, "M", 0, 0).dblclick()
        assert state(shown, "store.given.mask.data[9]") == 0
        assert state(shown, "store.given.mask.data[0]") == 2
        equation = shown.page.locator('.network [data-name="dW1"] figcaption math')
        assert equation.get_attribute("aria-label") == "dW1 = Xᵀ dZ1 + λ W1"
        assert shown.complaints == []


def test_steps_show_values_up_to_an_equation(shown: WebPage) -> None:
    page = shown.page.locator(".network")
    page.get_by_role("button", name="Next", exact=True).click()
    assert state(shown, "store.stage") == "Z1"
    assert cell(shown, "Z1", 0, 0).inner_text() and not cell(shown, "H1", 0, 0).inner_text()
    page.get_by_role("button", name="dS", exact=True).click()
    shown.settle()
    assert cell(shown, "dS", 0, 0).inner_text() and not cell(shown, "dH1", 0, 0).inner_text()
    assert "Jacobian" in page.locator(".says").inner_text()
    page.get_by_role("button", name="update", exact=True).click()
    shown.settle()
    expected = shown.value("new W1")
    page.get_by_role("button", name="Take the step", exact=True).click()
    assert state(shown, "store.stage") == "Z1"
    np.testing.assert_array_equal(shown.value("W1"), expected)
    page.get_by_role("button", name="Show all", exact=True).click()
    shown.settle()
    assert cell(shown, "new W1", 0, 0).inner_text()


def test_play_goes_on_and_points_at_entries_until_it_is_paused(shown: WebPage) -> None:
    page = shown.page
    page.get_by_label("Speed").select_option("fast")
    page.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function(f'() => {STORE}.stage === "H1" && {STORE}.hovered?.name === "H1"')
    page.get_by_role("button", name="Pause", exact=True).click()
    assert state(shown, "store.hovered") is None
    assert page.get_by_role("button", name="Play", exact=True).count() == 1


def test_play_begins_anew_at_an_entry_that_exists(shown: WebPage) -> None:
    """The time of a frame may be earlier than what the clock said before it."""
    shown.run(
        f"""() => {{
          const now = performance.now.bind(performance);
          performance.now = () => now() + 60;
          window.places = [];
          {STORE}.subscribe(() => places.push(...({STORE}.hovered?.index ?? [])));
        }}"""
    )
    for word in ("Play", "Pause", "Play", "Pause"):
        shown.page.get_by_role("button", name=word, exact=True).click()
        shown.page.wait_for_timeout(900 if word == "Play" else 0)
    assert min(shown.run("() => places")) >= 0


def test_play_points_at_nothing_where_less_motion_is_preferred(browser: Browser) -> None:
    contents = page_contents(problem())
    with open_page(contents, browser=browser, reduced_motion=True) as shown:
        shown.page.get_by_label("Speed").select_option("fast")
        shown.page.get_by_role("button", name="Play", exact=True).click()
        shown.page.wait_for_function(f'() => {STORE}.stage === "H1"')
        assert state(shown, "store.hovered") is None


@pytest.mark.parametrize(
    ("text", "message"),
    [("dW1[3,8]", "dW1[3,8] does not exist: index 1 must be a whole number from 0 to 7"),
     ("dW1[3]", "dW1 has two indices; its shape is (4, 8)"),
     ("Q[1]", "There is no Q; there are X, Y, w"),
     ("constructor", "There is no constructor; there are X, Y, w"),
     ("dW1(3", "is not an entry; write one such as dW1[3,7]")],
)  # fmt: skip
def test_go_to_says_what_is_wrong(shown: WebPage, text: str, message: str) -> None:
    shown.page.get_by_label("Go to").fill(text)
    shown.page.keyboard.press("Enter")
    assert message in shown.page.locator(".go-to .wrong").inner_text()


def test_go_to_pins_an_entry_and_moves_the_focus_there(shown: WebPage) -> None:
    shown.page.get_by_label("Go to").fill("new W1[3, 7]")
    shown.page.keyboard.press("Enter")
    assert state(shown, "store.selected") == {"name": "new W1", "index": [3, 7]}
    assert "new W1[3,7]" in shown.run("() => document.activeElement.getAttribute('aria-label')")


def test_of_a_large_model_a_part_is_drawn_which_moves_to_what_is_asked_for(
    browser: Browser,
) -> None:
    rng = np.random.default_rng(0)
    params = backhand.init(d=784, H=256, K=10, dtype=np.float64)
    X = rng.random((32, 784))
    large = Problem(params, X, np.eye(10)[rng.integers(0, 10, 32)], title="Large")
    with open_page(page_contents(large), browser=browser) as shown:
        assert shown.page.locator(".network .cell").count() < 2000
        shown.page.get_by_label("Go to").fill("dW1[700,200]")
        shown.page.keyboard.press("Enter")
        assert heading(shown).startswith("dW1[700,200] = ")
        others = shown.page.locator(".term-table .others").inner_text()
        assert "22 other terms, together" in others
        columns = [shown.page.locator(f'.network [data-name="{name}"] .ticks.left').inner_text()
                   for name in ("W1", "dW1")]  # fmt: skip
        assert columns[0] == columns[1] and "700" in columns[0]
        slider = shown.page.get_by_role("slider", name="hidden units")
        slider.fill("0")
        shown.settle()
        assert "0" in shown.page.locator('.network [data-name="W2"] .ticks.left').inner_text()
        assert shown.complaints == []


def test_panels_of_a_large_network_are_computed_once_they_are_looked_at(browser: Browser) -> None:
    rng = np.random.default_rng(0)
    large = Problem(
        backhand.init(d=200, H=60, K=3, seed=0, dtype=np.float64),
        rng.standard_normal((30, 200)),
        np.eye(3)[rng.integers(0, 3, 30)],
    )
    with open_page(page_contents(large), browser=browser) as shown:
        shown.settle()
        panel = shown.page.locator(".panel.mistakes")
        assert panel.get_attribute("aria-busy") == "true" and panel.locator("button").count() == 0
        heading = (
            "() => getComputedStyle(document.querySelector('.mistakes h2'), '::after').content"
        )
        assert "computing" in shown.run(heading)
        panel.scroll_into_view_if_needed()
        shown.page.wait_for_selector(".panel.mistakes:not([aria-busy])")
        assert panel.locator("button").count() > 0
        shown.run(f"() => {STORE}.step()")
        shown.page.wait_for_selector(".panel.mistakes:not([aria-busy])")
        shown.settle()
        assert shown.complaints == []


def test_another_example_can_be_chosen_and_chosen_back(browser: Browser) -> None:
    other = problem(title="Another", learning_rate=0.3).to_json()
    contents = {**page_contents(problem()), "examples": [other]}
    with open_page(contents, browser=browser) as shown:
        choice = shown.page.get_by_role("combobox", name="Example")
        choice.select_option("Another")
        assert state(shown, "store.given.learning_rate") == 0.3
        assert shown.page.locator("h1").inner_text() == "Another"
        choice.select_option("A problem")
        assert state(shown, "store.given.learning_rate") == 0.1
        assert shown.page.locator(".network").count() == 1
        assert shown.complaints == []


def test_arrays_of_other_sizes_are_drawn_anew(shown: WebPage) -> None:
    shown.run(
        f"""() => {{
          const {{ X, Y }} = {STORE}.given;
          const first = ({{ shape: [, columns], data }}) =>
            ({{ shape: [3, columns], data: data.slice(0, 3 * columns) }});
          {STORE}.setGiven({{ X: first(X), Y: first(Y) }});
        }}"""
    )
    shown.settle()
    assert shown.page.locator('.network [data-name="Z1"] .line').count() == 3


def test_an_entry_that_smaller_arrays_do_not_have_is_no_longer_pinned(shown: WebPage) -> None:
    shown.run(f"() => {STORE}.select({{ name: 'dW1', index: [1, 1] }})")
    shown.run(f"() => {STORE}.walk({{ name: 'W1', index: [3, 7] }})")
    shown.settle()
    for kept in (True, False):
        shown.run(
            f"""() => {{
              const {{ W1, b1, W2 }} = {STORE}.given;
              const data = (size) => new Float64Array(size).fill(0.1);
              {STORE}.setGiven({{
                W1: {{ shape: [4, 2], data: data(8) }}, b1: {{ shape: [2], data: data(2) }},
                W2: {{ shape: [2, 3], data: data(6) }},
              }});
              if ({str(kept).lower()}) {STORE}.select({{ name: "W1", index: [0, 1] }});
            }}"""
        )
        selected = {"name": "W1", "index": [0, 1]} if kept else None
        assert state(shown, "store.selected") == selected
        shown.run(f"() => {STORE}.reset()")
        assert state(shown, "store.selected") == selected
        shown.run(f"() => {STORE}.select({{ name: 'W2', index: [7, 0] }})")
        shown.settle()


def test_long_names_are_cut_and_given_in_full_to_the_pointer(browser: Browser) -> None:
    names = {"features": ("f" * 9000, "b", "c", "d"), "classes": ("k" * 9000, "green", "blue"),
             "rows": tuple("r" * 9000 for _ in range(N)), "title": "t" * 9000}  # fmt: skip
    with open_page(page_contents(problem(**names)), browser=browser) as shown:
        shown.run(f"() => {STORE}.select({{ name: 'dW1', index: [0, 0] }})")
        shown.settle()
        assert shown.run("() => document.documentElement.scrollWidth") == 1280
        assert shown.page.locator(f'.network .ticks [title="{"f" * 9000}"]').count() > 0
        assert f"{'f' * 31}…" in shown.page.locator(".entry").inner_text()
        assert "f" * 32 not in shown.page.locator("body").inner_text()


def test_in_a_box_of_its_own_as_in_a_notebook_drawing_and_sum_are_in_view(
    shown: WebPage,
) -> None:
    shown.run(
        """() => {
          const box = document.createElement("div");
          box.style.overflow = "auto";
          document.body.append(box);
          box.append(document.getElementById("backhand"));
        }"""
    )
    shown.settle()
    shown.run(f'() => {STORE}.select({{ name: "dW2", index: [7, 1] }})')
    shown.settle()
    drawn, entry = (shown.page.locator(name).bounding_box() for name in (".drawing-box", ".entry"))
    assert drawn is not None and entry is not None
    assert drawn["y"] >= 0 and entry["y"] >= drawn["y"] + drawn["height"]
    assert entry["y"] + entry["height"] <= 900
    cell_box = cell(shown, "dW2", 7, 1).bounding_box()
    assert cell_box is not None
    assert drawn["y"] < cell_box["y"] < drawn["y"] + drawn["height"]


def test_formulas_of_all_equations_are_mathml(shown: WebPage) -> None:
    captions = shown.page.locator(".network figcaption")
    assert captions.count() == 24
    assert shown.page.locator(".network figcaption math").count() == 3 + 7 + 7 + 1
