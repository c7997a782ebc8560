"""What judges the answers on real tables: its measures and its promises."""

import importlib

import numpy as np
import pytest

from conftest import ROOT

KEPT = {
    "base rate": {"loss": 0.69, "accuracy": 0.5},
    "LogisticRegression": {"loss": 0.5, "accuracy": 0.7},
    "MLPClassifier": {"loss": 0.6, "accuracy": 0.7, "seconds": 2.0},
    "MLPClassifier, early": {"loss": 0.6, "accuracy": 0.7},
    "Backhand": {"loss": 0.4, "accuracy": 0.71, "seconds": 1.0, "calibration": 0.02},
}


@pytest.fixture
def answers(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks/answers")
    return importlib.import_module


def test_measures_of_known_probabilities(answers) -> None:
    P, y = np.array([[0.75, 0.25], [0.5, 0.5]]), np.array(["b", "never learned"])
    found = answers("measures").measures(P, ["b", "a"], y)
    assert found == {"loss": pytest.approx(-np.log([0.75, 1e-15]).mean()), "accuracy": 0.5}


def test_the_calibration_error_weighs_bins_by_their_rows(answers) -> None:
    top = np.array([1.0, 1.0, 1.0, 0.7])
    is_right = np.array([True, True, False, True])
    error = answers("measures").calibration_error(top, is_right)
    assert error == pytest.approx((3 * (1 - 2 / 3) + 0.3) / 4)


def broken(answers, contender: str = "Backhand", **changed: float) -> list[str]:
    found = KEPT | {contender: KEPT[contender] | changed}
    rows = [{"contender": name, "table": "t", "seed": 0} | row for name, row in found.items()]
    promises = answers("promises")
    judged = promises.promises(promises.Means(rows), "Backhand")
    assert len(judged) == 9
    return [promise.what for promise in judged if not promise.is_kept]


def test_all_promises_are_kept(answers) -> None:
    assert not broken(answers)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"loss": 0.55}, ["LogisticRegression's"]),
        ({"accuracy": 0.7049}, ["above MLPClassifier's", "above MLPClassifier, early's"]),
        ({"seconds": 2.1}, ["total time"]),
        ({"calibration": 0.03}, ["calibration"]),
    ],
)
def test_a_promise_that_is_broken_is_said_to_be(answers, changed, words) -> None:
    found = broken(answers, **changed)
    assert len(found) == len(words)
    assert all(word in what for word, what in zip(words, found, strict=True))


@pytest.mark.parametrize(
    ("base", "words"), [({"loss": 0.38}, "base rate's"), ({"accuracy": 0.72}, "the majority's")]
)
def test_the_base_rate_is_a_limit_on_each_table(answers, base, words) -> None:
    (found,) = broken(answers, "base rate", **base)
    assert words in found


def cells(line: str) -> list[str]:
    """The four figures of a line of a table, its last columns."""
    return [cell.strip() for cell in line.split("|")[-5:-1]]


def test_readme_sums_up_the_table_of_answers() -> None:
    lines = [line for line in (ROOT / "docs/answers.md").read_text().splitlines()
             if line.startswith("|")]  # fmt: skip
    *tables, loss, accuracy, seconds = map(cells, lines[2:])
    least = [str(sum(row[one].startswith("**") for row in tables)) for one in range(4)]
    summary = (ROOT / "README.md").read_text().partition("| mean log loss")[2].partition("\n\n")[0]
    shown = [[cell.strip("*") for cell in cells(line)] for line in summary.splitlines()]
    assert len(tables) == 20 == sum(map(int, least))
    assert shown == [[loss[0].strip("*"), *loss[1:]], least, accuracy, seconds]
