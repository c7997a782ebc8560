"""The corpus: what the doctor names, and what it must never report as wrong."""

from __future__ import annotations

import pytest

from backhand.doctor import check
from corpus import record
from corpus.record import equations as equations_of
from corpus.record import judgement
from corpus.registry import Case, cases

RECORD = record.read()
WRONG = [case for case in cases() if case.faults and case.collection != "equal_sizes"]
RIGHT = [case for case in cases() if not case.faults]


def name_of(case: Case) -> str:
    return case.name


@pytest.mark.parametrize("case", WRONG, ids=name_of)
def test_a_wrong_function_is_diagnosed_as_recorded(case: Case) -> None:
    report = check(case.function, **case.options)
    assert not report.ok
    assert sorted(f.id for f in report.findings) == judgement(case, RECORD).found
    assert {f.equation for f in report.findings} == equations_of([f.id for f in report.findings])


def test_the_record_is_good_enough_and_whole() -> None:
    """95 in a hundred equations, 85 exact diagnoses, 70 pairs; nothing is left to be judged."""
    names = {case.name for case in WRONG}
    assert RECORD.keys() <= names
    assert all(one.exact is not None for one in RECORD.values())
    named, exact = {1: [], 2: []}, {1: [], 2: []}
    for case in WRONG:
        found = judgement(case, RECORD)
        named[len(case.faults)].append(equations_of(case.faults) <= equations_of(found.found))
        exact[len(case.faults)].append(found.exact)
    assert len(exact[1]) >= 120 and len(exact[2]) >= 60 and len(RIGHT) >= 50
    assert sum(named[1]) >= 0.95 * len(named[1]) and sum(named[2]) >= 0.95 * len(named[2])
    assert sum(exact[1]) >= 0.85 * len(exact[1]) and sum(exact[2]) >= 0.7 * len(exact[2])


@pytest.mark.parametrize("case", RIGHT, ids=name_of)
def test_a_right_function_is_called_right(case: Case) -> None:
    report = check(case.function, **case.options)
    assert report.ok, str(report)
    assert all(verdict.ok for verdict in report.verdicts) and not report.findings


@pytest.mark.parametrize("case", cases("equal_sizes"), ids=name_of)
def test_a_function_for_equal_sizes_is_told_only_that(case: Case) -> None:
    report = check(case.function)
    (finding,) = report.findings
    assert (finding.id,) == case.faults and "H = K" in finding.mistake
    assert all(verdict.ok for verdict in report.verdicts)
