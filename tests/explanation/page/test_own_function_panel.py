"""Somebody's function beside the equations, in a real browser."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

import backhand
from helpers.web_page import WebPage, needs_browser, open_page
from helpers.web_tables import rows

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator

pytestmark = [pytest.mark.slow, needs_browser]

QUESTIONS = Path(__file__).parents[3] / "docs" / "doctor" / "questions.py"


@pytest.fixture(scope="module")
def functions() -> ModuleType:
    spec = importlib.util.spec_from_file_location("questions_of_the_page", QUESTIONS)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def panel(shown: WebPage) -> Locator:
    return shown.page.locator(".own-function")


@pytest.mark.parametrize(("name", "parts_at", "curves"), [
    ("no_division", "dS", True), ("only_the_diagonal", "dS", True), ("still_dead", "dZ1", False),
    ("only_the_last_row", "dW1", True), ("no_sum_over_examples", "dW2", False),
])  # fmt: skip
def test_each_value_is_beside_the_expected_one(
    name: str, parts_at: str, curves: bool, functions: ModuleType, browser: Browser
) -> None:
    trace = backhand.explain(getattr(functions, name))
    assert trace.own is not None
    with open_page(trace.page_contents(), browser=browser) as shown:
        text = panel(shown).inner_text()
        for finding in trace.own.report.findings:
            assert finding.mistake in text
        assert f"first differ at {parts_at}." in text
        verdict = shown.page.locator(".own-verdict")
        assert f"differs from the equations first in {parts_at}" in verdict.inner_text()
        verdict.get_by_role("button").click()
        assert shown.run("() => document.activeElement.closest('.panel').className").endswith(
            "own-function"
        )
        table = panel(shown).locator(".equations table")
        found = {row[0]: row[2] for row in rows(table)}
        assert {value for value, state in found.items() if state == "= equal"} == {
            one.name for one in trace.own.compared if one.alike
        }
        assert {value for value, state in found.items() if state.startswith("✗")} >= {parts_at}
        assert panel(shown).locator(".pair-of-curves").count() == curves
        assert not shown.complaints and not shown.requests


def test_a_correct_function_has_equal_values(functions: ModuleType, browser: Browser) -> None:
    trace = backhand.explain(functions.exponentials_overflow)
    with open_page(trace.page_contents(), browser=browser) as shown:
        text = panel(shown).inner_text()
        assert "Every value is as expected." in text and "the softmax overflows" in text
        verdict = shown.page.locator(".own-verdict").inner_text()
        assert "every value is as expected" in verdict
        assert not shown.complaints
