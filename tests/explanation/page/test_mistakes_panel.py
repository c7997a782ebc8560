"""Wrong lines beside the right ones, in a real browser: both passes are Python's."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from backhand import equations
from backhand.explanation.examples import EXAMPLES
from backhand.explanation.mistakes import Mistake, mistakes
from backhand.explanation.page.contents import page_contents
from backhand.explanation.problem import Problem
from backhand.formulas import LINES, UPDATED, Line, Values, derive, equation_of
from helpers.web_page import WebPage, needs_browser, open_modules, page_of
from helpers.web_tables import FOUR_DIGITS, number, rows

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator

pytestmark = [pytest.mark.slow, needs_browser]

PENGUINS = EXAMPLES["penguins"]()


def panel(shown: WebPage) -> Locator:
    return shown.page.locator(".mistakes")


def given(problem: Problem) -> Values:
    N, d = problem.X.shape
    H, K = problem.params.W2.shape
    return {**problem.params._asdict(), "X": problem.X, "Y": problem.Y, "N": N, "d": d, "H": H,
            "K": K, "l2": problem.l2, "eta": problem.learning_rate}  # fmt: skip


def by_python(problem: Problem, changes: dict[str, str]) -> Values:
    """The values of a pass with some lines changed; those that cannot be computed are left out."""
    lines = {name: Line(code) for name, code in changes.items()}
    return derive(given(problem), lines, {})[0]


def norm(array: Any) -> float:
    return float(np.linalg.norm(np.ravel(array)))


def differs(right: Values, wrong: Values, name: str) -> bool:
    if name not in wrong or np.shape(wrong[name]) != np.shape(right[name]):
        return True
    size = max(norm(right[name]), norm(wrong[name])) or 1
    return not norm(right[name] - wrong[name]) <= 1e-9 * size


def states(shown: WebPage) -> dict[str, str]:
    table = panel(shown).locator(".comparison .equations")
    return {row[0]: row[2] for row in rows(table.locator("table"))}


def choose(shown: WebPage, at: int) -> None:
    panel(shown).get_by_label("Mistake", exact=True).select_option(str(at))
    shown.settle()


@pytest.mark.parametrize("name", ["penguins", "xor"])
def test_each_mistake_parts_from_the_right_pass_where_pythons_does(
    name: str, browser: Browser
) -> None:
    problem = EXAMPLES[name]()
    with page_of(problem, browser) as shown, np.errstate(all="ignore"):
        panel(shown).scroll_into_view_if_needed()
        right = by_python(problem, {})
        for at, mistake in enumerate(mistakes(problem)):
            choose(shown, at)
            found, wrong = states(shown), by_python(problem, mistake["lines"])
            for value in LINES:
                expected = differs(right, wrong, value)
                assert (found[value] != "= equal") == expected, (mistake["id"], value)
                if expected and value not in mistake["lines"]:
                    assert found[value] in ("↓ inherited", "∅ not computed")
            words = panel(shown).locator(".answer").first.inner_text()
            assert mistake["message"] in words
            for value, code in mistake["right"].items():
                assert f"expected {value} = {code}" in words


def test_the_numbers_of_both_sides_are_pythons(browser: Browser) -> None:
    at, mistake = numbered("dS.scale.no_mean", PENGUINS)
    with page_of(PENGUINS, browser) as shown:
        choose(shown, at)
        panel(shown).locator(".comparison").get_by_role("button", name="dS", exact=True).click()
        assert "Every entry is 8 times the one" in panel(shown).inner_text()
        compared = rows(panel(shown).locator(".comparison .equations table"))
        assert {row[0]: row[3] for row in compared}["dS"] in ("0.87", "0.88")  # 7/8
        for side, values in enumerate((by_python(PENGUINS, {}),
                                       by_python(PENGUINS, mistake["lines"]))):  # fmt: skip
            table = panel(shown).locator(".comparison .number-grid table").nth(side)
            numbers = [[number(text) for text in row[1:]] for row in rows(table)]
            np.testing.assert_allclose(numbers, values["dS"], rtol=6e-3)


def numbered(name: str, problem: Problem) -> tuple[int, Mistake]:
    """A mistake, and its place in the list."""
    return next((at, one) for at, one in enumerate(mistakes(problem)) if one["id"] == name)


def trained(problem: Problem, changes: dict[str, str], steps: int) -> float:
    """The loss, by the right lines, after steps with some lines changed."""
    for _ in range(steps):
        with np.errstate(all="ignore"):
            after = by_python(problem, changes)
        new = {W: after[name] for name, W in UPDATED.items()}
        problem = replace(problem, params=problem.params._replace(**new))
    S = equations.forward(problem.params, problem.X).S
    return float(equations.cross_entropy(S, problem.Y))


@pytest.mark.parametrize("name", ["dS.scale.no_mean", "dZ1.mask.missing", "update.sign.uphill"])
def test_both_losses_after_a_hundred_steps_are_pythons(name: str, browser: Browser) -> None:
    at, mistake = numbered(name, PENGUINS)
    with page_of(PENGUINS, browser) as shown:
        panel(shown).scroll_into_view_if_needed()
        choose(shown, at)
        done = shown.page.locator(".mistakes .pair-of-curves [role=status]")
        done.filter(has_text="after 100 steps").wait_for()
        shown.page.wait_for_timeout(400)  # the run of the mistake that was shown first may end now
        words = done.inner_text()
        right = words.split(" with the right lines")[0].split()[-1]
        wrong = words.split(" with the wrong")[0].split()[-1]
        assert number(right) == pytest.approx(trained(PENGUINS, {}, 100), rel=FOUR_DIGITS)
        expected = trained(PENGUINS, mistake["lines"], 100)
        assert number(wrong) == pytest.approx(expected, rel=FOUR_DIGITS)


@pytest.mark.parametrize(("value", "line", "words"), [
    ("dH1", "dS @ dW2.T", "a mistake that the doctor knows. dH1: dW2 is used instead of W2."),
    ("dH1", "dS @ transpose(W2)", ""),
    ("dW2", "(dS.T @ H1).T", "The line gives the numbers of the equation."),
    ("dW2", "H1 @ dS", "the inner sizes 4 and 24 differ"),
    ("db1", "dZ1.sum(axis=0) * 3", "db1: other numbers than the equation's. Expected: db1 = "),
    ("dS", "np.subtract(P, Y) / N", "The line gives the numbers of the equation."),
    ("H1", "tanh(Z1)", "tanh is used instead of ReLU. Expected: H1 = maximum(Z1, 0)."),
    ("H1", "exp(Z1)", "With another activation, dZ1 needs another derivative."),
    ("dW2", "dS.T @ H1", "dW2: the result is transposed. Expected: dW2 = H1.T @ dS"),
    ("dS", "(P - Y", "“)” was expected; the line ends"),
    ("new b2", "P - Y", "new b2: "),
    ("dS", "(P - Q) / N", "“Q” is not known here"),
    ("dS", "", "a value was expected"),
])  # fmt: skip
def test_a_line_of_ones_own_is_computed_or_refused(
    value: str, line: str, words: str, browser: Browser
) -> None:
    problem = EXAMPLES["two measurements"]()
    problem = replace(
        problem,
        params=problem.params._replace(
            W1=problem.params.W1[:, :4], b1=problem.params.b1[:4], W2=problem.params.W2[:4]
        ),
    )
    with page_of(problem, browser) as shown:
        panel(shown).get_by_label("The line of").select_option(value)
        panel(shown).get_by_label("The line, in NumPy").fill(line)
        shown.settle()
        assert words in panel(shown).locator(".answer").first.inner_text()
        assert panel(shown).get_by_label("Mistake", exact=True).input_value() == ""
        panel(shown).get_by_role("button", name="Right lines").click()
        shown.settle()
        assert set(states(shown).values()) == {"= equal"}


@pytest.mark.parametrize(("value", "line", "words"), [
    ("dH1", "W2 @ dS.T", "dH1: the result is transposed, which fits only since N = H here."),
    ("dW1", "X.T @ dZ1.T", "dW1: dZ1 is transposed, which fits only since N = H here."),
    ("dW2", "H1 @ dS", "dW2: H1 is not transposed, which fits only since N = H here."),
])  # fmt: skip
def test_a_transposition_that_fits_is_named(
    value: str, line: str, words: str, browser: Browser
) -> None:
    problem = replace(PENGUINS, X=PENGUINS.X[:8], Y=PENGUINS.Y[:8])
    assert len(problem.X) == len(problem.params.b1)
    with page_of(problem, browser) as shown:
        type_line(shown, value, line)
        assert words in panel(shown).locator(".answer").first.inner_text()


def type_line(shown: WebPage, value: str, line: str) -> None:
    panel(shown).get_by_label("The line of").select_option(value)
    panel(shown).get_by_label("The line, in NumPy").fill(line)
    shown.settle()


def test_a_right_line_of_ones_own_has_nothing_wrong_beside_it(browser: Browser) -> None:
    with page_of(PENGUINS, browser) as shown:
        panel(shown).scroll_into_view_if_needed()
        type_line(shown, "dS", f"(P - Y) / {len(PENGUINS.X)}")
        compared = panel(shown).locator(".comparison")
        assert compared.locator("h3").inner_text() == "dS"
        grids = compared.locator(".number-grid").filter(visible=True)
        assert grids.count() == 1 and "wrong" not in grids.inner_text()
        assert not panel(shown).locator(".pair-of-curves").is_visible()
        panel(shown).get_by_role("button", name="Right lines").click()
        shown.settle()
        assert not panel(shown).locator(".pair-of-curves").is_visible()


CHOSEN = """at => {
  const select = document.querySelector(".mistakes select.mistake");
  select.value = at;
  select.dispatchEvent(new Event("change"));
  return document.querySelector(".mistakes .pair-of-curves [role=status]").textContent;
}"""
"""What is said of the curves as soon as a mistake is chosen."""


def test_a_factor_of_every_gradient_is_one_of_the_learning_rate(browser: Browser) -> None:
    N = len(PENGUINS.X)
    rate = PENGUINS.learning_rate
    with page_of(PENGUINS, browser) as shown:
        panel(shown).scroll_into_view_if_needed()
        shown.settle()  # out of view, everything follows later
        done = panel(shown).locator(".pair-of-curves [role=status]")
        for name, expected in (
            ("update.scale.no_eta", f"the right lines and η = 1 in place of {rate:g}."),
            ("dS.scale.no_mean", f"the right lines and η = {N * rate:g} in place of {rate:g}."),
            ("dZ1.mask.missing", "does not show that the lines are right."),
        ):
            at_once = shown.run(CHOSEN, numbered(name, PENGUINS)[0])
            assert at_once == ""  # what was said of the mistake before is gone
            done.filter(has_text="after 100 steps").wait_for()
            assert done.inner_text().endswith(expected)


def test_the_comparison_follows_a_changed_weight(browser: Browser) -> None:
    at, mistake = numbered("dZ1.mask.missing", PENGUINS)
    with page_of(PENGUINS, browser) as shown:
        panel(shown).scroll_into_view_if_needed()
        choose(shown, at)
        shown.run('() => document.getElementById("backhand").store.setNumber("b2", [0], 2.5)')
        shown.settle()
        b2 = PENGUINS.params.b2.copy()
        b2[0] = 2.5
        changed = replace(PENGUINS, params=PENGUINS.params._replace(b2=b2))
        table = panel(shown).locator(".comparison .number-grid table").nth(1)
        numbers = [[number(text) for text in row[1:]] for row in rows(table)]
        expected = by_python(changed, mistake["lines"])["dZ1"]
        np.testing.assert_allclose(numbers, expected, rtol=6e-3, atol=1e-12)


def test_the_wrong_line_is_found_with_the_doctors_words(browser: Browser) -> None:
    """Each line is chosen until the right one is: the words are those of one mistake."""
    with page_of(PENGUINS, browser) as shown:
        at_once = 0
        for game in range(4):
            panel(shown).get_by_role("button", name="Draw a mistake").click()
            questions: list[str] = []
            for value in list(LINES)[::-1] if game % 2 else list(LINES):
                panel(shown).get_by_role("button", name=f"This one? {value}", exact=True).click()
                answer = panel(shown).locator(".game .answer").inner_text()
                if answer.startswith("Found."):
                    break
                assert answer.startswith(f"Not {value}:")
                questions.append(answer.split("A question to think about: ")[1].strip())
            at_once += not questions
            match = [one for one in mistakes(PENGUINS) if one["message"] in answer]
            assert match and {one["equation"] for one in match} == {equation_of(value)}
            assert set(questions) <= {match[0]["question"]}
            score = f"Found: {game + 1}, of which {at_once} at the first guess."
            assert score in panel(shown).inner_text()


def test_the_game_has_both_numbers_of_a_value_and_can_be_given_up(browser: Browser) -> None:
    with page_of(PENGUINS, browser) as shown:
        give_up = panel(shown).get_by_role("button", name="Show the answer")
        assert give_up.is_disabled()
        panel(shown).get_by_role("button", name="Draw a mistake").click()
        game = panel(shown).locator(".game")
        game.get_by_role("button", name="S: its numbers", exact=True).click()
        tables = game.locator(".number-grid table")
        assert tables.locator("caption").all_inner_texts() == [
            f"{side}: S (8, 3)" for side in ("this pass", "right")
        ]
        numbers = [[number(text) for text in row[1:]] for row in rows(tables.nth(1))]
        np.testing.assert_allclose(numbers, by_python(PENGUINS, {})["S"], rtol=6e-3)
        give_up.click()
        answer = game.locator(".answer").inner_text()
        assert answer.startswith("It is the line of ") and "expected" in answer
        assert give_up.is_disabled() and "Found:" not in panel(shown).inner_text()
        assert game.get_by_role("button", name="This one? dS", exact=True).is_disabled()


def test_a_gradient_check_finds_the_arrays_that_a_mistake_reaches(browser: Browser) -> None:
    contents: dict[str, Any] = page_contents(PENGUINS)
    check = """
    ({contents, changes}) => {
      const given = {l2: 0, learning_rate: 0.1};
      for (const name of ["W1", "b1", "W2", "b2", "X", "Y"])
        given[name] = modules.matrix.fromJson(contents.problem[name]);
      const passes = modules.passes.bothPasses({given, contents}, changes);
      return modules.gradient_check.checkGradients(passes);
    }"""
    with open_modules("matrix", "passes", "gradient_check", browser=browser) as shown:
        for changes, wrong in (
            ({}, set()), ({"dW2": "H1.T @ dS * 2"}, {"dW2"}), ({"dZ1": "dH1"}, {"dW1", "db1"}),
            ({"db1": "dZ1.sum()"}, {"db1"}),
            ({"L": "-(Y * log(P)).sum()"}, {"dW1", "db1", "dW2", "db2"}),
        ):  # fmt: skip
            errors = shown.run(check, {"contents": contents, "changes": changes})
            far = {name for name, error in errors.items() if error is None or not error < 1e-6}
            assert far == wrong, (changes, errors)


def test_the_relative_difference_is_that_of_the_norms(browser: Browser) -> None:
    measure = """
    ([a, b]) => {
      const number = { nan: NaN, inf: Infinity };
      const array = (data) => ({ shape: [data.length], data: data.map((x) => number[x] ?? x) });
      return modules.passes.relativeDifference(array(a), array(b)) + "";
    }"""
    with open_modules("passes", browser=browser) as shown:
        for a, b, expected in (
            ([3, 4], [6, 8], 1 / 2), ([24, 32], [3, 4], 7 / 8), ([3, 0], [0, 4], 5 / 4),
            ([0, 0], [0, 0], 0), ([0, 0], [1e-300, 0], 1), ([1e300, 0], [2e300, 0], 1 / 2),
            (["nan", 1], ["nan", 1], 0), (["nan", 1], [1, 1], np.inf), ([1, "inf"], [1, 2], np.inf),
        ):  # fmt: skip
            found = shown.run(measure, [a, b])
            assert float(found.replace("Infinity", "inf")) == pytest.approx(expected), (a, b)


def test_a_page_with_dropout_has_only_lines_to_type(browser: Browser) -> None:
    with page_of(replace(PENGUINS, mask=np.ones((8, 8)) * 2), browser) as shown:
        assert not panel(shown).get_by_label("Mistake", exact=True).is_visible()
        assert panel(shown).get_by_role("button", name="Draw a mistake").count() == 0
        assert "Sample weights and dropout are left out." in panel(shown).inner_text()
        assert set(states(shown).values()) == {"= equal"}
