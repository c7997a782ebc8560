"""What docs/questions.md says is so, and its reports are those that the doctor gives."""

from __future__ import annotations

import importlib.util
import inspect
import math
import re
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from conftest import ROOT


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / f"docs/doctor/{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


fill = load("fill")
PAGE = fill.PAGE.read_text()
MODULE = fill.load()
ROUNDING = re.compile(r"\d\.\de-(?:0[6-9]|[1-9]\d)")
"""An error that is rounding, and other digits on another CPU."""

FOUND = {
    "a_difference_of_a_third": ["dS.scale.doubled"],
    "twice_and_four_times": ["dW2.scale.doubled", "db1.factor.unknown"],
    "once_more_by_m": ["dH1.scale.mean_twice"],
    "not_aligned": ["dZ1.function.matrix_product_of_columns"],
    "no_sum_over_examples": ["dW2.unknown"],
    "grad_w2_for_w2": ["dH1.operand.dW2_for_W2"],
    "no_division": ["dS.scale.no_mean"],
    "biases_not_averaged": ["db1.scale.no_mean", "db2.scale.no_mean"],
    "only_the_diagonal": ["dS.softmax.true_class_only"],
    "one_number_for_all_biases": [
        "db1.reduction.over_all_in_vector", "db2.reduction.over_all_in_vector",
    ],
    "sum_over_the_batch": ["P.softmax.over_rows"],
    "everything_sums_to_one": ["dS.unknown", "dZ1.derivative.missing"],
    "exponentials_overflow": [],
    "still_dead": ["dZ1.derivative.zero_below"],
    "close_enough": [],
    "at_the_kink": [],
    "not_exact": [],
    "only_the_last_row": ["dW1.subset.last_row_only"],
    "penalty_without_half": ["L.penalty.doubled"],
    "before_backward": ["dS.zero.everywhere"],
}  # fmt: skip
"""The ids that answer each question, in alphabetical order."""


def asked() -> dict[str, Callable[..., Any]]:
    """The functions of the page, in its order."""
    return {found[1]: getattr(MODULE, found[1]) for found in fill.BLOCKS.finditer(PAGE)}


SECONDS = {"not_aligned", "everything_sums_to_one"}
"""Questions whose reports take seconds."""

questions = pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow if name in SECONDS else ()) for name in asked()],
)


def test_twenty_questions_have_a_function_each() -> None:
    headings = re.findall(r"^## (\d+)\. ", PAGE, re.MULTILINE)
    assert headings == [str(number) for number in range(1, 21)]
    sections = PAGE.split("\n## ")[1:]
    assert all(len(fill.BLOCKS.findall(section)) == 1 for section in sections)
    inner = {"softmax", "sigmoid"}
    functions = {name for name, _ in inspect.getmembers(MODULE, inspect.isfunction)} - inner
    assert functions == set(asked()) == set(FOUND)


@questions
def test_the_page_shows_what_the_doctor_reports(name: str) -> None:
    report = fill.report_of(asked()[name])
    block = fill.block_of(asked()[name], report)
    assert ROUNDING.sub("#", block) in ROUNDING.sub("#", PAGE), "docs/doctor/fill.py updates it"
    assert sorted(one.id for one in report.findings) == FOUND[name]
    assert report.outcome == ("wrong" if FOUND[name] else "correct")


def test_the_links_to_the_questions_are_those_of_the_headings() -> None:
    """As GitHub makes them: lower case, without punctuation, with hyphens for spaces."""
    headings = re.findall(r"^## (.*)$", PAGE, re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    links = re.findall(r"\]\(#(.*?)\)", PAGE)
    assert len(links) == 20 and set(links) == anchors


def entries(function: Callable[..., Any], m: int, h: int, d: int = 2) -> dict[str, Any]:
    """What a function of the course returns for m examples and h hidden units."""
    draw = np.random.default_rng(0).standard_normal
    labels = (np.arange(m) % 2).reshape(1, m)
    return function(draw((d, m)), labels, draw((h, d)), draw((h, 1)), draw((1, h)), draw((1, 1)))


def test_a_third_is_a_factor_of_two() -> None:
    def difference(c: float) -> float:
        return abs(c - 1) / (c + 1)

    assert difference(2) == pytest.approx(1 / 3) == difference(1 / 2)


def test_the_shapes_that_are_not_aligned() -> None:
    with pytest.raises(ValueError, match=r"shapes \(4,3\) and \(4,3\) not aligned"):
        entries(MODULE.not_aligned, m=3, h=4)


def test_the_product_entry_by_entry_has_a_column_for_each_example() -> None:
    """In dW2, and nowhere else: with one output, the other `*` is the matrix product."""
    wrong = entries(MODULE.no_sum_over_examples, m=5, h=4)
    right = entries(MODULE.biases_not_averaged, m=5, h=4)
    assert wrong["dW2"].shape == (4, 5)
    np.testing.assert_allclose(wrong["dW2"].sum(axis=1, keepdims=True).T, right["dW2"])
    np.testing.assert_allclose(wrong["dW1"], right["dW1"])


def test_the_sum_over_everything_is_zero_for_db2() -> None:
    draw = np.random.default_rng(0).standard_normal
    Y = np.eye(3)[:, [0, 2, 1, 1]]
    sizes = ((2, 4), (5, 2), (5, 1), (3, 5), (3, 1))
    X, W1, b1, W2, b2 = map(draw, sizes)
    _, db1, _, db2 = MODULE.one_number_for_all_biases(X, Y, W1, b1, W2, b2)
    assert abs(db2) < 1e-15 < 1e-3 < abs(db1)


def test_where_exponentials_overflow() -> None:
    assert math.floor(np.log(np.finfo(np.float64).max) * 100) == 70978
    assert math.floor(np.log(np.float64(np.finfo(np.float32).max)) * 100) == 8872
    assert np.argmax([math.nan] * 3) == 0


def test_the_errors_for_each_step() -> None:
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((5, 3)), np.eye(2)[rng.integers(0, 2, 5)]
    W1, b1, W2, b2 = map(rng.standard_normal, ((3, 4), 4, (4, 2), 2))
    dW1 = MODULE.close_enough(X, Y, W1, b1, W2, b2)[1]["dW1"]

    def error(h: float) -> float:
        numerical = np.zeros_like(W1)
        for place in np.ndindex(W1.shape):
            step = np.zeros_like(W1)
            step[place] = h
            above, _ = MODULE.close_enough(X, Y, W1 + step, b1, W2, b2)
            below, _ = MODULE.close_enough(X, Y, W1 - step, b1, W2, b2)
            numerical[place] = (above - below) / (2 * h)
        sizes = np.linalg.norm(dW1) + np.linalg.norm(numerical)
        return float(np.linalg.norm(dW1 - numerical) / sizes)

    rows = re.findall(r"^\| (?:h|error) \|(.*)\|$", PAGE, re.MULTILINE)
    steps, shown = ([float(cell) for cell in row.split("|")] for row in rows)
    assert len(steps) == 8
    for h, expected in zip(steps, shown, strict=True):
        # What is rounding has other digits on another CPU.
        assert error(h) == pytest.approx(expected, rel=0.2 if h > 1e-5 else 9), h
    assert error(1e-5) < 1e-7


def test_the_central_difference_at_a_kink() -> None:
    def slope(z: float, h: float) -> float:
        return (max(z + h, 0) - max(z - h, 0)) / (2 * h)

    assert slope(2e-6, 1e-5) == pytest.approx(0.6)
    assert slope(2e-6, 1e-6) == pytest.approx(1)
    assert slope(0, 1e-5) == slope(0, 1e-9) == 0.5


def test_the_graph_of_the_last_question_is_right_after_backward() -> None:
    draw = np.random.default_rng(0).standard_normal
    X, Y, *arrays = (draw(size) for size in ((4, 2), (4, 2), (2, 3), 3, (3, 2), 2))
    W1, b1, W2, b2 = map(MODULE.Value, arrays)
    loss = ((MODULE.Value(X) @ W1 + b1).tanh() @ W2 + b2).squared_error(Y)
    assert not any(node.grad.any() for node in (W1, b1, W2, b2))
    loss.backward()
    halved, correct = MODULE.a_difference_of_a_third(X, Y, *arrays)
    assert loss.data == pytest.approx(2 * halved)
    for node, name in ((W1, "dW1"), (b1, "db1"), (W2, "dW2"), (b2, "db2")):
        np.testing.assert_allclose(node.grad, correct[name])
    assert not any(zeros.any() for zeros in MODULE.before_backward(X, Y, *arrays)[1].values())


def test_the_order_of_a_sum_matters() -> None:
    assert (0.1 + 0.2) + 0.3 != 0.1 + (0.2 + 0.3)
    assert "6e-8" in PAGE and np.finfo(np.float32).eps / 2 == pytest.approx(6e-8, rel=0.01)
    assert "1.1e-16" in PAGE and np.finfo(np.float64).eps / 2 == pytest.approx(1.1e-16, rel=0.01)
