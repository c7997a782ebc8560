"""Python and the page take every entry apart alike."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import backhand
from backhand.explain.explain import explain
from backhand.explain.trace.entry import Entry
from backhand.explain.trace.trace import Trace
from helpers.web_page import needs_browser, open_modules

pytestmark = [pytest.mark.slow, needs_browser]

EXPLAINED = """
({problem, rules, shapes, cells}) => {
  const given = { l2: problem.l2, learning_rate: problem.learning_rate };
  for (const name of ["W1", "b1", "W2", "b2", "X", "Y", "sample_weight", "mask"])
    given[name] = problem[name] && modules.matrix.fromJson(problem[name]);
  const values = modules.equations.compute(given);
  return cells.map(cell => ({
    ...modules.rules.explainEntry(values, rules, cell),
    users: modules.rules.usedBy(rules, shapes, values, cell),
  }));
}
"""


def weighted() -> Trace:
    rng = np.random.default_rng(2)
    params = backhand.init(3, 5, 4, 7, np.float64)._replace(b1=rng.standard_normal(5))
    return explain(
        params, rng.standard_normal((6, 3)), rng.integers(0, 4, 6), l2=0.3, learning_rate=0.2,
        mask=2.0 * rng.integers(0, 2, (6, 5)), sample_weight=rng.random(6),
    )  # fmt: skip


def labels(cells: list[dict[str, Any]]) -> set[str]:
    return {f"{cell['name']}{tuple(cell['index'])}" for cell in cells}


def names(entries: list[Entry]) -> set[str]:
    return {f"{entry.name}{entry.index}" for entry in entries}


@pytest.mark.parametrize("trace", [explain(), weighted()], ids=["penguins", "weighted"])
def test_python_and_the_page_take_every_entry_apart_alike(trace: Trace) -> None:
    entries = [trace[name][index] for name in trace for index in np.ndindex(trace[name].shape)]
    cells = [{"name": entry.name, "index": list(entry.index)} for entry in entries]
    with open_modules("matrix", "equations", "rules") as shown:
        found = shown.run(EXPLAINED, {**trace.page_contents(), "cells": cells})
        assert not shown.complaints
    for entry, other in zip(entries, found, strict=True):
        assert other["form"] == (entry.form or "given")
        assert other["value"] == pytest.approx(entry.value, rel=1e-12, abs=1e-15)
        _compare_terms(entry, other["terms"])
        plus = [added["product"] for added in other["plus"]]
        assert plus == pytest.approx([added.value for added in entry.plus], rel=1e-12)
        assert labels(other["reads"]) == names(entry.back()), entry
        users = [{"name": one["name"], "index": cell["index"] if isinstance(cell, dict) else cell}
                 for one in other["users"] for cell in one["cells"]]  # fmt: skip
        assert labels(users) == names(entry.forward_of()), entry


def _compare_terms(entry: Entry, terms: list[dict[str, Any]]) -> None:
    assert len(terms) == len(entry.terms)
    for mine, its in zip(entry.terms, terms, strict=True):
        assert its["shut"] == mine.shut
        assert its["factor"] == pytest.approx(mine.factor)
        assert its["value"] == pytest.approx(mine.value, rel=1e-12, abs=1e-15), entry
        if mine.shut:
            assert its["wouldBe"] == pytest.approx(mine.would_be, rel=1e-12, abs=1e-15), entry
        factors = [(f["cell"]["name"], tuple(f["cell"]["index"])) for f in its["factors"]]
        assert factors == [(factor.name, factor.index) for factor in mine.factors]
