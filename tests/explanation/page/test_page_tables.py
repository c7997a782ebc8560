"""The page's tables by equation have every equation: read from the source, without a browser."""

from __future__ import annotations

import re

import pytest

from backhand.explanation.page.bundle import source
from backhand.explanation.rules import AXES, RULES, SHAPES

UPDATES = {"new W1", "new b1", "new W2", "new b2"}


def keys(module: str, table: str) -> set[str]:
    """The keys of an object literal: `const TABLE = { key: …, "key": … };`."""
    found = re.search(rf"const {table} = \{{\n(.*?)\n\}};", source(module), re.DOTALL)
    assert found is not None, f"{module}.js has no {table}"
    names = re.findall(r'(?:^  |, )(?:"([^"]+)"|(\w+)):', found[1], re.MULTILINE)
    return {quoted or plain for quoted, plain in names}


@pytest.mark.parametrize("table", ["RIGHT", "ENTRIES"])
def test_each_equation_has_a_formula(table: str) -> None:
    assert keys("formulas", table) - {"w"} == set(RULES)


def test_each_equation_has_words() -> None:
    assert keys("words", "WORDS") - {"w"} == set(RULES) - UPDATES


def test_each_value_has_words_or_is_an_update() -> None:
    assert keys("words", "GIVEN") | keys("words", "WORDS") | UPDATES == set(SHAPES)


def test_each_value_has_a_place_in_the_drawing() -> None:
    assert keys("matrices", "PLACES") == set(SHAPES)


def test_the_steps_are_the_equations_in_their_order_with_one_update() -> None:
    found = re.search(r"STAGES = \[(.*?)\];", source("stages"), re.DOTALL)
    assert found is not None
    stages = re.findall(r'"([^"]+)"', found[1])
    assert stages == [name for name in RULES if name not in UPDATES] + ["new b2"]
    assert stages[-1] == list(RULES)[-1]


def test_the_introduction_names_each_letter_and_sign_of_the_equations() -> None:
    text = source("introduction")
    terms = set(re.split(r",? ", " ".join(re.findall(r'^  \["([^"]+)"', text, re.MULTILINE))))
    given_or_forward = {name for name in SHAPES if not name.startswith(("d", "new "))}
    # P is in the sentence above them; M and λ are named by the words of the entries that have them.
    assert given_or_forward - {"X", "P", "M"} <= terms
    assert {*AXES, "N", "H", "K", "dX", "η", "θ", "⊙", "ᵀ", "∑", "‖g‖²"} <= terms
