"""The entry taken apart, its path, its height, and what is changed there, in Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from backhand.explanation.examples import EXAMPLES
from backhand.explanation.page.contents import page_contents
from backhand.explanation.rules import RULES
from helpers.web_page import STORE, WebPage, cell, heading, needs_browser, open_modules, open_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator

pytestmark = [pytest.mark.slow, needs_browser]


@contextmanager
def example(browser: Browser, name: str = "penguins", **window: Any) -> Iterator[WebPage]:
    with open_page(page_contents(EXAMPLES[name]()), browser=browser, **window) as shown:
        yield shown
        assert shown.complaints == [] and shown.requests == []


@pytest.fixture
def shown(browser: Browser) -> Iterator[WebPage]:
    with example(browser) as page:
        yield page


def pin(shown: WebPage, name: str, *index: int) -> None:
    shown.run(f'() => {STORE}.select({{ name: "{name}", index: {list(index)} }})')
    catch_up(shown)


def catch_up(shown: WebPage) -> None:
    """Wait until what is out of view is drawn too."""
    shown.settle()
    shown.page.wait_for_timeout(150)
    shown.settle()


def box(found: Locator) -> dict[str, float]:
    place = found.bounding_box()
    assert place is not None
    return dict(place)


def bottom(found: Locator) -> float:
    place = box(found)
    return place["y"] + place["height"]


def test_the_products_that_fit_only_by_equal_sizes_are_all_named(browser: Browser) -> None:
    rules = {name: asdict(rule) for name, rule in RULES.items()}
    with open_modules("words", browser=browser) as words:
        for name, N, d, H, K in product(("dW1", "dW2", "dH1"), (4, 8), (2, 4), (4, 6, 8), (2, 3)):
            shape_of = {"n": N, "i": d, "h": H, "k": K}
            first, second = RULES[name].factors
            right = {"dW1": "Xᵀ dZ1", "dW2": "H1ᵀ dS", "dH1": "dS W2ᵀ"}[name]
            expected = []
            for left, top in ((first, second), (second, first)):
                for (a, A), (b, B) in product(turned(left, shape_of), turned(top, shape_of)):
                    want = tuple(shape_of[letter] for letter in RULES[name].indices)
                    if A[1] == B[0] and (A[0], B[1]) == want and f"{a} {b}" != right:
                        expected.append(f"{a} {b}")
            found = words.run("([rule, sizes]) => modules.words.productsThatFit(rule, sizes)",
                              [rules[name], shape_of])  # fmt: skip
            assert [one["text"] for one in found] == expected, (name, shape_of)


def turned(operand: Any, sizes: dict[str, int]) -> list[tuple[str, tuple[int, int]]]:
    rows, columns = (sizes[letter] for letter in operand.indices)
    return [(operand.name, (rows, columns)), (f"{operand.name}ᵀ", (columns, rows))]


def test_the_words_say_which_product_fits_too(browser: Browser) -> None:
    with example(browser) as shown:
        pin(shown, "dW1", 3, 7)
        words = shown.page.locator(".entry .words").inner_text()
        assert "Xᵀ dZ1ᵀ has that shape too, but only since N = H here" in words
    with example(browser, "two measurements") as shown:
        pin(shown, "dW1", 1, 2)
        assert "no other product" in shown.page.locator(".entry .words").inner_text()


def test_a_pin_holds_wherever_the_pointer_is(shown: WebPage) -> None:
    pin(shown, "dH1", 3, 3)
    cell(shown, "dZ1", 4, 4).hover()
    assert heading(shown).startswith("dH1[3,3] = ")
    cell(shown, "W1", 0, 3).hover()
    shown.page.get_by_label("Go to").focus()
    shown.page.keyboard.type("dw1[0,0]")
    shown.page.keyboard.press("Enter")
    catch_up(shown)
    assert heading(shown).startswith("dW1[0,0] = ")
    shown.page.locator(".entry-body").focus()
    shown.page.keyboard.press("Escape")
    cell(shown, "dZ1", 4, 4).hover()
    assert heading(shown).startswith("dZ1[4,4] = ")


def test_the_panel_is_as_high_as_what_it_says(browser: Browser) -> None:
    with example(browser) as shown:
        pin(shown, "W1", 2, 3)
        assert box(shown.page.locator(".entry"))["height"] < 170
    with example(browser, height=640) as shown:
        pin(shown, "S", 0, 0)
        assert bottom(shown.page.locator(".term-table .total")) < 640
        assert bottom(cell(shown, "S", 0, 0)) < box(shown.page.locator(".entry"))["y"]
    with example(browser, width=380, height=800) as shown:
        pin(shown, "dW1", 3, 7)
        shown.page.locator(".chip", has_text="dW2").click()
        catch_up(shown)
        assert "not computed yet" in shown.page.locator(".entry").inner_text()
        assert box(shown.page.locator(".entry"))["height"] < 120


@pytest.mark.parametrize("width", [380, 1280])
def test_the_path_keeps_the_entry_where_it_began(browser: Browser, width: int) -> None:
    with example(browser, width=width) as shown:
        pin(shown, "dW1", 3, 7)
        way = [("dZ1", 7), ("dH1", 7), ("dS", 1), ("P", 1), ("S", 1), ("H1", 7), ("Z1", 7)]
        for name, column in way:
            shown.run(f'() => {STORE}.walk({{ name: "{name}", index: [0, {column}] }})')
        catch_up(shown)
        crumbs = shown.page.locator(".path li")
        panel = box(shown.page.locator(".entry"))
        for at in range(8):
            place = box(crumbs.nth(at))
            assert panel["x"] < place["x"] and place["x"] + place["width"] <= panel["x"] + width
        below = box(shown.page.locator(".entry h2"))["y"]
        assert bottom(shown.page.locator(".path")) <= below


@pytest.mark.parametrize("length", [1, 3])
def test_in_a_narrow_notebook_the_heading_is_not_under_the_path_and_its_buttons(
    browser: Browser, length: int
) -> None:
    with example(browser) as shown:
        shown.run("""() => {
          const box = document.createElement("div");
          box.style.overflow = "auto";
          document.body.append(box);
          box.append(document.getElementById("backhand"));
        }""")
        pin(shown, "new W1", 3, 7)
        for name in ["dW1", "W1"][: length - 1]:
            shown.run(f'() => {STORE}.walk({{ name: "{name}", index: [3, 7] }})')
        for width in (320, 420, 560, 700, 900, 1150):
            shown.run(f'() => document.querySelector("body > div").style.width = "{width}px"')
            catch_up(shown)
            crumbs = shown.page.locator(".path button:visible").all()
            for part in shown.page.locator(".entry-head > *").all():
                assert not any(overlap(box(part), box(crumb)) for crumb in crumbs), width


def overlap(one: dict[str, float], other: dict[str, float]) -> bool:
    return (abs(one["x"] + one["width"] / 2 - other["x"] - other["width"] / 2)
            < (one["width"] + other["width"]) / 2
            and abs(one["y"] + one["height"] / 2 - other["y"] - other["height"] / 2)
            < (one["height"] + other["height"]) / 2)  # fmt: skip


def test_a_gradient_leads_on_to_the_loss_and_to_the_softmax(shown: WebPage) -> None:
    pin(shown, "dS", 2, 1)
    ways = shown.page.locator(".entry .ways")
    ways.get_by_role("button", name="From L to dS").click()
    focused = "() => document.activeElement.closest('.panel')?.className"
    assert shown.run(focused) == "panel softmax"
    assert shown.run("() => document.activeElement.value") == "2"
    ways.get_by_role("button", name="L", exact=True).first.click()
    catch_up(shown)
    assert heading(shown).startswith("L = ")


def test_from_an_entry_that_a_panel_pinned_there_is_a_way_back(shown: WebPage) -> None:
    answer = shown.page.locator(".panel.questions details").nth(3)
    answer.locator("summary").click()
    link = answer.locator("button.cell-link").first
    link.click()
    back = shown.page.get_by_role("button", name="Back to the text")
    back.click()
    shown.settle()
    assert shown.run("() => document.activeElement.closest('details') !== null")
    assert 0 < box(link)["y"] < 900
    pin(shown, "dW1", 0, 0)
    assert back.is_hidden()


def test_of_many_terms_the_largest_come_first_and_their_matrices_are_coloured(
    browser: Browser,
) -> None:
    with example(browser, "two measurements") as shown:
        pin(shown, "dW1", 0, 0)
        head = shown.page.locator(".term-table thead").inner_text()
        assert "row, largest first" in head
        for matrix in shown.page.locator(".falk g").all():
            assert matrix.locator(".tile[data-level]").count() > 0


def test_what_is_typed_for_w_is_the_sample_weight_and_is_not_negative(shown: WebPage) -> None:
    w = cell(shown, "w", 0, 0)
    w.dblclick()
    said = shown.page.locator(".typing [role=status]")
    assert said.inner_text() == "sample weight s; w = s / Σ s"
    shown.page.keyboard.type("-1")
    assert said.inner_text() == "A sample weight is 0 or more."
    place, drawing = box(said), box(shown.page.locator(".drawing-box"))
    assert place["x"] + place["width"] <= drawing["x"] + drawing["width"]
    shown.page.keyboard.press("Enter")
    assert shown.run(f"() => {STORE}.given.sample_weight") is None
    shown.page.keyboard.press("Escape")
    assert said.count() == 0


def test_a_row_at_least_keeps_its_weight(shown: WebPage) -> None:
    ones_and_zeros = "new Float64Array([1, 0, 0, 0, 0, 0, 0, 0])"
    shown.run(f"() => {STORE}.setGiven({{ sample_weight: "
              f"{{ shape: [8], data: {ones_and_zeros} }} }})")  # fmt: skip
    field = shown.page.locator(".panel.softmax").get_by_label("Sample weight of this row")
    field.fill("0")
    said = shown.page.locator(".panel.softmax .number-field [role=status]")
    assert said.inner_text() == "One sample weight at least is above 0."
    field.press("Tab")
    assert field.input_value() == "1" and "1 is used" in said.inner_text()
    np.testing.assert_array_equal(shown.value("w"), [1, 0, 0, 0, 0, 0, 0, 0])


def test_a_number_that_is_not_taken_is_named_and_the_old_one_comes_back(shown: WebPage) -> None:
    panel = shown.page.locator(".panel.training")
    rate = panel.get_by_role("spinbutton", name="Learning rate")
    rate.fill("-1")
    said = panel.locator(".number-field [role=status]")
    assert said.inner_text() == "Learning rate η is 0 or more."
    rate.press("Tab")
    assert rate.input_value() == "0.1" and "0.1 is used" in said.inner_text()
    rate.fill("0.5")
    assert said.inner_text() == ""
    cell(shown, "X", 0, 0).dblclick()
    shown.page.keyboard.type("1/3")
    typed = shown.page.locator(".typing [role=status]")
    assert typed.inner_text() == "Write a number such as −0.25."


def test_original_numbers_ends_a_run_and_keeps_the_learning_rate(shown: WebPage) -> None:
    before = shown.value("W1")
    shown.page.locator(".panel.training").get_by_role("spinbutton").fill("0.3")
    shown.page.get_by_role("button", name="Train for 100 steps").first.click()
    shown.page.wait_for_function(f"() => {STORE}.updates > 3")
    shown.page.locator(".page-head").get_by_role("button", name="Original numbers").click()
    shown.page.wait_for_timeout(300)
    assert shown.run(f"() => {STORE}.updates") == 0
    np.testing.assert_array_equal(shown.value("W1"), before)
    assert shown.run(f"() => {STORE}.given.learning_rate") == 0.3
    assert shown.page.get_by_role("button", name="Reset").count() == 0


def test_the_keys_plus_and_minus_change_a_number(shown: WebPage) -> None:
    before = shown.run(f"() => {STORE}.given.W1.data[0]")
    cell(shown, "W1", 0, 0).focus()
    shown.page.keyboard.press("+")
    shown.page.keyboard.press("+")
    shown.page.keyboard.press("-")
    assert shown.run(f"() => {STORE}.given.W1.data[0]") == pytest.approx(before + 0.05)


def test_go_to_names_an_entry_that_there_is(browser: Browser) -> None:
    with example(browser, "xor") as shown:
        field = shown.page.get_by_label("Go to")
        assert field.get_attribute("placeholder") == "dW1[1,3]"
        field.fill("dw1(")
        field.press("Enter")
        assert "such as dW1[1,3]" in shown.page.locator(".go-to .wrong").inner_text()


def test_on_a_phone_nothing_is_cut_off_at_the_right_edge(browser: Browser) -> None:
    with example(browser, width=380, height=800) as shown:
        for chip in shown.page.locator(".chip").all():
            place = box(chip)
            assert place["x"] + place["width"] <= 380
        size = cell(shown, "W1", 0, 0).evaluate(
            "node => parseFloat(getComputedStyle(node).fontSize)"
        )
        assert size >= 10
        shown.page.locator(".introduction summary").click()
        shown.settle()
        assert shown.run("() => document.documentElement.scrollWidth") <= 380


@pytest.mark.parametrize("name", EXAMPLES)
def test_on_a_wide_screen_the_drawing_fits_and_nothing_scrolls(browser: Browser, name: str) -> None:
    with example(browser, name, height=640) as shown:
        catch_up(shown)
        sizes = "node => [node.scrollWidth, node.clientWidth]"
        whole, seen = shown.page.locator(".drawing-box").evaluate(sizes)
        assert whole <= seen


def test_on_paper_the_pinned_entry_is_whole(browser: Browser) -> None:
    with example(browser, height=500) as shown:
        pin(shown, "dW1", 3, 7)
        sizes = "node => [node.scrollHeight, node.clientHeight]"
        whole, seen = shown.page.locator(".entry-body").evaluate(sizes)
        assert whole > seen
        shown.page.emulate_media(media="print")
        whole, seen = shown.page.locator(".entry-body").evaluate(sizes)
        assert whole == seen


def test_the_tab_key_goes_on_to_the_links_of_the_sum_and_does_not_lose_its_place(
    shown: WebPage,
) -> None:
    last = shown.page.locator('.network [data-name="new W2"] .cell[tabindex="0"]')
    last.focus()
    shown.page.keyboard.press("Shift+Tab")
    shown.page.keyboard.press("Tab")  # by the keyboard, so that the cell is taken apart
    where = "() => document.activeElement.closest('.entry') !== null"
    for _ in range(3):  # the panel itself, then links
        shown.page.keyboard.press("Tab")
        catch_up(shown)
        assert shown.run(where)
    assert heading(shown).startswith("new W2[0,0]")
