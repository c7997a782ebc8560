"""Entries taken apart in the page: terms give the entry, and reading is the reverse of use."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest

from backhand.equations import Parameters
from backhand.explanation.problem import Problem
from backhand.explanation.rules import RULES, SHAPES
from backhand.explanation.trace.trace import Trace
from helpers.web_page import WebPage, needs_browser, open_modules

pytestmark = [pytest.mark.slow, needs_browser]

SETUP = """
({problem, rules, shapes}) => {
  const given = { l2: problem.l2, learning_rate: problem.learning_rate };
  for (const name of ["W1", "b1", "W2", "b2", "X", "Y", "sample_weight", "mask"])
    given[name] = problem[name] && modules.matrix.fromJson(problem[name]);
  window.values = modules.equations.compute(given);
  window.rules = rules;
  window.explained = cell => modules.rules.explainEntry(values, rules, cell);
  window.used = cell => modules.rules.usedBy(rules, shapes, values, cell);
}
"""

ALL = """
() => Object.keys(rules).flatMap(name => {
  const { shape, data } = values[name];
  return Array.from(data, (_, at) => {
    const index = shape.map((_, axis) => axis ? at % shape[1] : Math.floor(at / (shape[1] ?? 1)));
    const found = explained({ name, index });
    const readers = found.reads.map(cell =>
      used(cell).some(one => one.name === name &&
        one.cells.some(other => String(other.index) === String(index))));
    const users = used({ name, index }).flatMap(one => one.cells);
    return { ...found, users, isReverse: readers.every(Boolean), isOwn: found.reads.length > 0 };
  });
})
"""


OF_PENALTY = {("L", "W1"), ("L", "W2")}


@pytest.fixture(scope="module")
def browser_page() -> Iterator[WebPage]:
    with open_modules("matrix", "equations", "rules") as shown:
        yield shown
        assert not shown.complaints


def give(page: WebPage, problem: Problem) -> None:
    page.run(SETUP, {"problem": problem.to_json(), "shapes": SHAPES,
                     "rules": {name: asdict(rule) for name, rule in RULES.items()}})  # fmt: skip


def plain(*, weighted: bool = False) -> Problem:
    rng = np.random.default_rng(4)
    params = Parameters(rng.standard_normal((3, 5)), rng.standard_normal(5),
                        rng.standard_normal((5, 4)), rng.standard_normal(4))  # fmt: skip
    Y = np.eye(4)[[0, 3, 1, 1, 2, 0]]
    if not weighted:
        return Problem(params, rng.standard_normal((6, 3)), Y)
    return Problem(params, rng.standard_normal((6, 3)), Y, sample_weight=np.arange(6.0),
                   mask=2.0 * rng.integers(0, 2, (6, 5)), l2=0.3)  # fmt: skip


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "with weights, mask, penalty"])
def test_terms_give_each_entry_and_what_it_reads_is_used_by_it(
    browser_page: WebPage, weighted: bool
) -> None:
    give(browser_page, plain(weighted=weighted))
    found = browser_page.run(ALL)
    assert len(found) == 1 + 6 + 6 * 5 * 4 + 6 * 4 * 3 + 2 * (3 * 5 + 5 + 5 * 4 + 4)
    for one in found:
        total = sum(term["value"] for term in one["terms"])
        total += sum(added["product"] for added in one["plus"])
        if one["form"] == "softmax":
            assert total == pytest.approx(one["sum"], rel=1e-14)
            total = one["terms"][one["index"][1]]["value"] / one["sum"]
        assert total == pytest.approx(one["value"], rel=1e-12, abs=1e-15), one
        assert one["isOwn"] and one["isReverse"], one


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "with weights, mask, penalty"])
def test_the_page_and_the_trace_take_every_entry_apart_alike(
    browser_page: WebPage, weighted: bool
) -> None:
    problem = plain(weighted=weighted)
    give(browser_page, problem)
    trace = Trace(problem)
    for one in browser_page.run(ALL):
        entry = trace[one["name"]][tuple(one["index"])]
        assert entry.form == one["form"]
        for term, expected in zip(one["terms"], entry.terms, strict=True):
            factors = [(label(factor["cell"]), factor["value"]) for factor in term["factors"]]
            assert [name for name, _ in factors] == [label(f) for f in expected.factors]
            found = [*(value for _, value in factors), term["factor"], term["value"],
                     term["wouldBe"]]  # fmt: skip
            right = [*(f.value for f in expected.factors), expected.factor, expected.value,
                     expected.would_be]  # fmt: skip
            assert found == pytest.approx(right, rel=1e-12, abs=1e-15), (one, expected)
            assert term["shut"] == expected.shut
        added = [plus["product"] for plus in one["plus"]]
        assert added == pytest.approx([plus.value for plus in entry.plus], rel=1e-12)
        # What the page lights up for the loss is without all the weights of the penalty.
        back = {label(e) for e in entry.back() if (one["name"], e.name) not in OF_PENALTY}
        assert {label(cell) for cell in one["reads"]} == back
        assert [label(cell) for cell in one["users"]] == [label(e) for e in entry.forward_of()]


def label(cell: Any) -> tuple[str, tuple[int, ...]]:
    """A cell of the page, or a factor or an entry of the trace."""
    if isinstance(cell, dict):
        return cell["name"], tuple(cell["index"])
    return cell.name, tuple(cell.index)


def test_a_term_says_what_shut_it_out_and_what_it_would_have_been(browser_page: WebPage) -> None:
    problem = plain(weighted=True)
    give(browser_page, problem)
    acts = problem.X @ problem.params.W1 + problem.params.b1
    dH1 = np.array(browser_page.run("() => Array.from(values.dH1.data)")).reshape(6, 5)
    assert problem.mask is not None
    cell = {"name": "dW1", "index": [2, 3]}
    for n, term in enumerate(browser_page.run("cell => explained(cell).terms", cell)):
        dropped = "dropout" if problem.mask[n, 3] == 0 else None
        assert term["shut"] == ("relu" if acts[n, 3] <= 0 else dropped)
        names = [factor["cell"] for factor in term["factors"]]
        assert names == [{"name": "X", "index": [n, 2]}, {"name": "dZ1", "index": [n, 3]}]
        if term["shut"]:
            assert term["value"] == 0
            assert term["wouldBe"] == pytest.approx(problem.X[n, 2] * dH1[n, 3])


def test_walking_on_from_an_entry_follows_the_derivation(browser_page: WebPage) -> None:
    give(browser_page, plain())

    def users(name: str, *index: int) -> dict[str, Any]:
        found = browser_page.run("cell => used(cell)", {"name": name, "index": index})
        return {one["name"]: [tuple(cell["index"]) for cell in one["cells"]] for one in found}

    assert users("X", 1, 2) == {"Z1": [(1, h) for h in range(5)],
                                "dW1": [(2, h) for h in range(5)]}  # fmt: skip
    assert users("Z1", 1, 2) == {"H1": [(1, 2)], "dZ1": [(1, 2)]}
    assert users("S", 1, 2) == {"P": [(1, k) for k in range(4)]}
    assert users("W2", 3, 0) == {"S": [(n, 0) for n in range(6)],
                                 "dH1": [(n, 3) for n in range(6)],
                                 "new W2": [(3, 0)]}  # fmt: skip
    assert users("new b1", 0) == {} and users("L") == {}
    assert browser_page.run("() => explained({name: 'X', index: [0, 1]}).form") == "given"
