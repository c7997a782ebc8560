"""The panel of the hidden units, in a real browser: masks, dead units, and what revives them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from backhand.explanation.examples import EXAMPLES
from helpers.web_page import WebPage, needs_browser, page_of
from helpers.web_tables import number, rows, values_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.slow, needs_browser]

PENGUINS = EXAMPLES["penguins"]()


def mask(shown: WebPage) -> list[list[str]]:
    return rows(shown.page.locator(".units table").first)


def choose_unit(shown: WebPage, h: int) -> None:
    shown.page.locator(".units thead").get_by_role("button", name=f"unit {h}", exact=True).click()
    shown.settle()


def press(shown: WebPage, name: str) -> None:
    shown.page.locator(".units").get_by_role("button", name=name).click()
    shown.settle()


def words(shown: WebPage) -> str:
    text: str = shown.page.locator(".units").inner_text()
    return text


@pytest.mark.parametrize("name", list(EXAMPLES))
def test_the_mask_is_where_z1_is_above_0(name: str, browser: Browser) -> None:
    problem = EXAMPLES[name]()
    Z1 = values_of(problem)["Z1"]
    with page_of(problem, browser) as shown:
        assert [row[1:] for row in mask(shown)] == np.where(Z1 > 0, "1", "0").tolist()
        counts = rows(shown.page.locator(".units table").first, "tfoot")[0][1:]
        assert [int(count) for count in counts] == (Z1 > 0).sum(axis=0).tolist()


def test_dropped_entries_are_marked(browser: Browser) -> None:
    M = 2.0 * np.random.default_rng(0).integers(0, 2, (8, 8))
    Z1 = values_of(PENGUINS)["Z1"]
    expected = np.where(M == 0, "×", np.where(Z1 > 0, "1", "0"))
    with page_of(replace(PENGUINS, mask=M), browser) as shown:
        assert [row[1:] for row in mask(shown)] == expected.tolist()


def test_dead_units_are_named_with_their_gradients(browser: Browser) -> None:
    expected = values_of(PENGUINS)
    dead = np.flatnonzero((expected["Z1"] <= 0).all(axis=0)).tolist()
    assert dead
    with page_of(PENGUINS, browser) as shown:
        assert f"unit {dead[0]}." in words(shown)
        choose_unit(shown, dead[0])
        assert "dead on these rows" in words(shown)
        entries = {row[0]: row[2] for row in rows(shown.page.locator(".units table").nth(1))}
        assert number(entries["highest Z1[:, h]"]) == pytest.approx(
            expected["Z1"][:, dead[0]].max(), rel=1e-3)  # fmt: skip
        for name in ("dZ1[:, h]", "dW1[:, h]", "db1[h]", "dW2[h, :]"):
            assert entries[name] == "0"
        assert "gradient descent on these rows cannot bring it back" in words(shown)


def test_a_unit_that_is_made_dead_stays_so_and_one_that_is_revived_learns(
    browser: Browser,
) -> None:
    h = int((values_of(PENGUINS)["Z1"] > 0).any(axis=0).argmax())
    with page_of(PENGUINS, browser) as shown:
        choose_unit(shown, h)
        press(shown, "Make it dead")
        assert shown.value("Z1")[:, h].max() == pytest.approx(-0.1)
        for name, part in (("dW1", np.s_[:, h]), ("db1", np.s_[h]), ("dW2", np.s_[h, :])):
            assert not shown.value(name)[part].any()
        before = shown.value("W1")[:, h]
        press(shown, "Take 100 steps")
        assert "is 0. It is dead on these rows." in words(shown)
        assert np.array_equal(shown.value("W1")[:, h], before)
        press(shown, "Bring it back")
        assert shown.value("Z1")[:, h].max() == pytest.approx(0.1)
        assert shown.value("db1")[h] != 0


@pytest.mark.parametrize("bias", [0.2, 0.0, -0.3])
def test_a_penalty_revives_a_dead_unit_whose_bias_is_above_0(bias: float, browser: Browser) -> None:
    """With X above 0 and weights below, Z1 is b1 minus something that the penalty shrinks."""
    params = PENGUINS.params._replace(b1=PENGUINS.params.b1.copy(), W1=PENGUINS.params.W1.copy())
    params.W1[:, 3], params.b1[3] = -1.0, bias
    problem = replace(PENGUINS, params=params, X=np.abs(PENGUINS.X) + 0.5, l2=0.1)
    with page_of(problem, browser) as shown:
        choose_unit(shown, 3)
        if bias <= 0:
            assert "not above 0, so the unit stays dead" in words(shown)
            return
        steps = int(words(shown).split("is above 0 after")[1].split()[0])
        step = '(times) => document.getElementById("backhand").store.step(times)'
        shown.run(step, steps - 1)
        assert (shown.value("Z1")[:, 3] <= 0).all()
        shown.run(step, 1)
        assert (shown.value("Z1")[:, 3] > 0).any()


def test_a_decay_that_goes_beyond_0_is_named(browser: Browser) -> None:
    with page_of(replace(PENGUINS, l2=10.0, learning_rate=0.2), browser) as shown:
        assert "ηλ is 1 or more" in words(shown)


def test_the_pinned_unit_is_chosen_and_a_large_layer_is_shown_in_part(browser: Browser) -> None:
    rng = np.random.default_rng(0)
    params = PENGUINS.params._replace(W1=rng.standard_normal((4, 256)), b1=np.zeros(256),
                                      W2=rng.standard_normal((256, 3)))  # fmt: skip
    with page_of(replace(PENGUINS, params=params), browser) as shown:
        pin = '() => document.getElementById("backhand").store.select({name: "b1", index: [200]})'
        shown.run(pin)
        shown.settle()
        assert "Unit 200:" in words(shown) and len(mask(shown)[0]) == 25
        Z1 = shown.value("Z1")
        heads = shown.page.locator(".units thead button").all_inner_texts()
        units = [int(head) for head in heads]
        assert [row[1:] for row in mask(shown)] == np.where(Z1[:, units] > 0, "1", "0").tolist()
        shown.page.locator(".units").get_by_role("spinbutton").fill("7")
        shown.page.keyboard.press("Enter")
        shown.settle()
        assert "Unit 7:" in words(shown)
