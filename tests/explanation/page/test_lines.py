"""Lines of code in the page: the doctor's dictionary computed as Python does, and messages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from backhand.doctor.faults import Fault, dictionary
from backhand.doctor.probe.problems import ETA, L2, problems, square_problems
from backhand.doctor.probe.problems import Problem as DoctorsProblem
from backhand.explanation.mistakes import CHOSEN
from backhand.explanation.problem import Problem
from backhand.formulas import LINES, derive
from helpers.web_page import WebPage, as_array, needs_browser, open_modules

pytestmark = [pytest.mark.slow, needs_browser]

GIVEN = """
problem => {
  const given = { l2: problem.l2, learning_rate: problem.learning_rate };
  for (const name of ["W1", "b1", "W2", "b2", "X", "Y"])
    given[name] = modules.matrix.fromJson(problem[name]);
  window.given = given;
}
"""

DERIVED = """
all => all.map(lines => {
  const { values, errors } = modules.lines.derive(given, lines);
  const found = Object.keys(lines).filter(name => values[name]);
  return { errors, values: Object.fromEntries(found.map(name => [name, values[name]])) };
})
"""

ATTEMPT = """
code => {
  try {
    const { shape, data } = modules.lines.parseLine(code)(given);
    return { shape, data: Array.from(data) };
  } catch (error) {
    return error.at === undefined ? `not a LineError: ${error.stack}` : error.message;
  }
}
"""

PROBLEMS = [problems()[0], problems()[3], square_problems(all_sizes=True)[0]]
"""With entries that are exactly 0; smooth; and with equal sizes, where transposes fit."""

OF_OTHER_NETWORKS = {"H1.activation.gelu", "H1.activation.gelu.with_derivative"}
"""They need the error function, which JavaScript does not have."""

COMPUTED = [fault for fault in dictionary()
            if not (fault.fitted or fault.remembers or fault.id in OF_OTHER_NETWORKS)]  # fmt: skip
"""All but those with a number that is found by least squares, or with an earlier call."""


@pytest.fixture(scope="module")
def page() -> Iterator[WebPage]:
    with open_modules("matrix", "lines") as shown:
        yield shown
        assert not shown.complaints


def codes(fault: Fault) -> dict[str, str]:
    return {name: fault.lines.get(name, line).code(penalty=True) for name, line in LINES.items()}


def give(page: WebPage, problem: DoctorsProblem) -> None:
    """Make a problem the one whose values lines read."""
    sent = Problem(problem.params, problem.X, problem.Y, l2=L2, learning_rate=ETA)
    page.run(GIVEN, sent.to_json())


def test_the_chosen_mistakes_are_computed() -> None:
    assert set(CHOSEN) <= {fault.id for fault in COMPUTED}
    print(f"{len(COMPUTED)} of {len(dictionary())} faults of the dictionary are computed")


@pytest.mark.filterwarnings("ignore:.*:RuntimeWarning")
@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda one: f"{one.name} {one.equal}")
def test_faults_give_pythons_values(page: WebPage, problem: DoctorsProblem) -> None:
    give(page, problem)
    passes = page.run(DERIVED, [codes(fault) for fault in COMPUTED])
    for fault, found in zip(COMPUTED, passes, strict=True):
        expected = derive(problem.values(L2, ETA), fault.lines, {})[0]
        assert found["values"].keys() == expected.keys(), (fault.id, found["errors"])
        for name, value in expected.items():
            right = np.asarray(value, float)
            finite = right[np.isfinite(right)]
            size = np.abs(finite).max(initial=0)
            # Sums of which nothing is left are compared with the size of their terms, about 1.
            np.testing.assert_allclose(as_array(found["values"][name]), right, rtol=0,
                                       atol=1e-12 * size + 1e-15,
                                       err_msg=f"{fault.id} {name}")  # fmt: skip


WRITTEN = {
    "Z1 = X @ W1 + b1": "X @ W1 + b1",
    "np.maximum(0, X @ W1 + b1)": "maximum(X @ W1 + b1, 0)",
    "X.T.dot(X @ W1)": "X.T @ (X @ W1)",
    "np.sum(X, axis=0, keepdims=True)": "X.sum(axis=0).reshape(1, d)",
    "X[np.arange(N), y]": "(X[:, :K] * Y).sum(axis=1)",
    "(X > 0).astype(float) * X": "maximum(X, 0)",
    "Xᵀ @ X": "X.T @ X",
    "X ⊙ X − 1": "X**2 - 1",
    "-X**2": "-(X**2)",
    "2**-1 * X": "X / 2",
    "X @ W1  # why?": "X @ W1",
    "np.clip(X, -np.inf, 0.5)": "minimum(X, 0.5)",
    "where(X > inf, nan, X)": "X",
    "X" + " + 0" * 240: "X",
    "(" * 90 + "X" + ")" * 90: "X",
    "1 - 2 - 3 + 0 * X": "-4 + 0 * X",
    "np.linalg.norm(X)": "sqrt((X * X).sum())",
    "X / X.shape[0]": "X / len(X)",
    "np.where((X > 0) & (X < 1), 1., .5)": "1 - 0.5 * ((X <= 0) | (X >= 1))",
    "X[::-1][-1]": "X[0]",
    "X.mean(1)[:, None] + b1[None, :] + np.newaxis": None,
    "X - X.mean(1)[:, None]": "X - X.mean(axis=1, keepdims=True)",
    "X[0, None] * b1[np.newaxis, :9]": "(X[0] * b1[:9]).reshape(1, 9)",
}
"""Lines of readers, and what they are in the dictionary's terms; None: not understood."""


def test_lines_are_understood_as_readers_write_them(page: WebPage) -> None:
    give(page, problems()[0])
    for one, other in WRITTEN.items():
        found = page.run(ATTEMPT, one)
        if other is None:
            assert isinstance(found, str), found
            continue
        assert isinstance(found, dict), (one, found)
        np.testing.assert_allclose(as_array(found), as_array(page.run(ATTEMPT, other)), rtol=1e-15)


MESSAGES = {
    "": "a value was expected; the line ends",
    "X @": "a value was expected; the line ends",
    "(X @ W1": "“)” was expected; the line ends",
    "X W1": "“W1” was not expected here",
    "X ? 2": "“?” is no sign of a line",
    "X @ W2": "(6, 9) @ (11, 4) does not exist: the inner sizes 9 and 11 differ",
    "X + b1": "the shapes (6, 9) and (11,) do not fit together",
    "dS2 + 1": "“dS2” is not known here; known are ",
    "X.sum(axis=2)": "there is no axis 2 in an array of shape (6, 9)",
    "X.mend()": "an array has no “.mend()” here; it has .reshape, .sum, ",
    "relu(X)": "there is no function “relu” here; there are maximum, ",
    "X.sum(rows=1)": "sum() has no argument “rows”",
    "roll(X)": "roll() needs a and shift",
    "X.reshape(5, 5)": "54 entries do not fit into the shape (5, 5)",
    "X[9]": "the index 9 is outside an axis of size 6",
    "X[X > 0]": "a mask cannot be an index here: write where(mask, …, …)",
    "X.shape": "a line gives an array, not several values",
    "constructor": "“constructor” is not known here; known are ",
    "X.constructor": "an array has no “.constructor” here; it has .T, .shape and .size",
    "(" * 3000 + "X" + ")" * 3000: "a line has at most 1000 characters; this one has 6001",
    "(" * 400 + "X" + ")" * 400: "brackets and signs are nested more than 100 deep",
    "-" * 500 + "X": "brackets and signs are nested more than 100 deep",
    "X" + "**X" * 200: "brackets and signs are nested more than 100 deep",
    "[" * 200: "a value was expected; “[” was found",
    "np.zeros(100000000)": "an array of shape (100000000,) takes 100,000,000 numbers; a line may",
    "np.eye(10000)": "an array of shape (10000, 10000) takes 100,000,000 numbers; a line may",
    "np.arange(1e12)": "an array of shape (1000000000000,) takes 1,000,000,000,000 numbers; ",
    "np.ones((9999, 1)) + np.ones(9999)": "an array of shape (9999, 9999) takes 99,980,001 numb",
    "ones((1000, 900)) @ ones((900, 1000))": "(1000, 900) @ (900, 1000) takes 900,000,000 products",
    "np.zeros(-1)": "(-1,) is no shape: sizes are whole numbers",
    "np.arange(1.5)": "(1.5,) is no shape: sizes are whole numbers",
    "np.ones(np.nan)": "(NaN,) is no shape: sizes are whole numbers",
    "toString(X)": "there is no function “toString” here; there are ",
}


def test_messages_say_what_is_wrong(page: WebPage) -> None:
    give(page, problems()[0])
    for code, message in MESSAGES.items():
        found = page.run(ATTEMPT, code)
        assert isinstance(found, str) and found.startswith(message), (code, found)


def test_a_line_that_cannot_be_computed_leaves_the_others(page: WebPage) -> None:
    give(page, problems()[0])
    lines: dict[str, Any] = {name: line.code(penalty=False) for name, line in LINES.items()}
    (found,) = page.run(DERIVED, [{**lines, "dZ1": "dH1 *"}])
    assert found["errors"]["dZ1"] == "a value was expected; the line ends"
    assert set(lines) - set(found["values"]) == {"dZ1", "dW1", "db1", "new W1", "new b1"}
