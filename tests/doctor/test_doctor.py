"""The doctor: what it names, what it must never call wrong, and what it says."""

from __future__ import annotations

import json
from typing import Any

import pytest

import backhand
from backhand.doctor import check
from conftest import ROOT
from corpus import held_out, later, right, wrong_numpy, wrong_pairs, wrong_styles

JUDGED = ROOT / "tests" / "corpus" / "judged.json"
"""Of each wrong function, what the doctor says, and whether that is exactly the mistake.

A person decided that, reading both. When the doctor says something else, it has to be read anew:
`python tests/corpus/judge.py` shows what changed.
"""

RECORD: dict[str, dict[str, Any]] = json.loads(JUDGED.read_text())

SINGLE = [(module.__name__.rpartition(".")[2], case)
          for module in (wrong_numpy, wrong_styles, held_out, later)
          for case in module.WRONG]  # fmt: skip

PAIRS = [(module.__name__.rpartition(".")[2], pair)
         for module in (wrong_pairs, later) for pair in module.PAIRS]  # fmt: skip


def name_of(case: Any) -> str:
    return str(getattr(case[0], "__qualname__", type(case[0]).__qualname__))


def said(report: backhand.doctor.Report) -> list[str]:
    return [f"{f.equation}: {f.mistake}" for f in report.findings if f.equation != "call"]


@pytest.mark.parametrize(
    ("module", "case"), [pytest.param(m, c, id=f"{m}-{name_of(c)}") for m, c in SINGLE]
)
def test_a_wrong_function_is_diagnosed_as_recorded(module: str, case: Any) -> None:
    report = check(case.f, **case.options)
    assert not report.ok and report.findings
    recorded = RECORD[f"{module}.{name_of(case)}"]
    assert said(report) == recorded["said"]
    named = case.equation in {finding.equation for finding in report.findings}
    assert named == recorded["named"]


@pytest.mark.parametrize(
    ("module", "pair"), [pytest.param(m, p, id=f"{m}-{name_of(p)}") for m, p in PAIRS]
)
def test_two_mistakes_are_diagnosed_as_recorded(module: str, pair: Any) -> None:
    report = check(pair.f, **pair.options)
    recorded = RECORD[f"{module}.{name_of(pair)}"]
    assert said(report) == recorded["said"]
    equations_found = {finding.equation for finding in report.findings}
    assert all(m.equation in equations_found for m in pair.mistakes) == recorded["named"]


def test_the_record_is_good_enough_and_whole() -> None:
    """95 in a hundred equations, 85 mistakes to the letter, 70 pairs; nobody is missing in it."""
    single = [RECORD[f"{module}.{name_of(case)}"] for module, case in SINGLE]
    pairs = [RECORD[f"{module}.{name_of(pair)}"] for module, pair in PAIRS]
    assert len(single) + len(pairs) == len(RECORD)
    assert len(single) >= 120 and len(pairs) >= 60 and len(right.RIGHT) >= 50
    assert sum(case["named"] for case in single) >= 0.95 * len(single)
    assert sum(case["exact"] for case in single) >= 0.85 * len(single)
    assert sum(case["named"] and case["exact"] for case in pairs) >= 0.7 * len(pairs)


@pytest.mark.parametrize(
    ("f", "options"),
    [
        pytest.param(f, o, id=name_of((f,)))
        for f, o in [*right.RIGHT, *held_out.RIGHT, *later.RIGHT]
    ],
)
def test_a_right_function_is_called_right(f: Any, options: dict[str, Any]) -> None:
    report = check(f, **options)
    assert report.ok, str(report)
    assert all(verdict.ok for verdict in report.verdicts) and not report.findings


@pytest.mark.parametrize("f", right.EQUAL_SIZES)
def test_a_function_for_equal_sizes_is_told_only_that(f: Any) -> None:
    report = check(f)
    (finding,) = report.findings
    assert finding.equation == "call" and "H = K, it raises ValueError" in finding.mistake
    assert all(verdict.ok for verdict in report.verdicts)
