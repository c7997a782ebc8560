"""The diagnoses of the corpus are those on record, and no right function is called wrong."""

from __future__ import annotations

from typing import Any

import pytest

from backhand.doctor import check
from backhand.doctor.faults import dictionary
from backhand.doctor.probe.refusal import Reason
from corpus import record
from corpus.record import equations, judgement
from corpus.registry import Case, cases

RECORD = record.read()
# Those of the documents are checked with the documents.
WRONG = [case for case in cases() if case.faults and case.role not in ("published", "frames")]
RIGHT = [case for case in cases() if not case.faults and case.role != "frames"]
FRAMES = [case for case in cases() if case.role == "frames"]
EACH = 96
"""Of the functions in many frames, one in so many is checked in the quick tests."""


def name_of(case: Case) -> str:
    return case.name


def some_of(which: list[Case]) -> list[Any]:
    """One in 24 for the quick tests; the others are among the slow ones."""
    return [pytest.param(case, marks=pytest.mark.slow) if place % 24 else case
            for place, case in enumerate(which)]  # fmt: skip


@pytest.mark.parametrize("case", some_of(WRONG), ids=name_of)
def test_a_wrong_function_is_diagnosed_as_recorded(case: Case) -> None:
    report = check(case.function, **case.options)
    found = sorted(finding.id for finding in report.findings)
    assert not report.ok and found == judgement(case, RECORD).found
    assert {finding.equation for finding in report.findings} == equations(found)


def test_the_record_is_good_enough_and_complete() -> None:
    """95 in a hundred equations, 85 exact diagnoses, 70 pairs; no diagnosis is left to be read."""
    assert RECORD.keys() <= {case.name for case in cases()}
    assert all(one.exact is not None for one in RECORD.values())
    known = {fault.id for fault in dictionary()} | {f"call.{reason}" for reason in Reason}
    named, exact = {1: [], 2: []}, {1: [], 2: []}
    for case in WRONG:
        on_record = judgement(case, RECORD)
        assert {*case.faults} <= known | {*on_record.found} | equations(known), case.name
        named[len(case.faults)].append(equations(case.faults) <= equations(on_record.found))
        exact[len(case.faults)].append(on_record.exact)
    assert len(exact[1]) >= 120 and len(exact[2]) >= 60 and len(RIGHT) >= 50
    assert sum(named[1]) >= 0.95 * len(named[1]) and sum(named[2]) >= 0.95 * len(named[2])
    assert sum(exact[1]) >= 0.85 * len(exact[1]) and sum(exact[2]) >= 0.7 * len(exact[2])


@pytest.mark.parametrize("case", some_of(RIGHT), ids=name_of)
def test_a_right_function_is_called_right(case: Case) -> None:
    report = check(case.function, **case.options)
    assert report.ok, str(report)
    assert all(verdict.ok for verdict in report.verdicts) and not report.findings


@pytest.mark.parametrize("case", cases("equal_sizes"), ids=name_of)
def test_a_function_for_equal_sizes_is_right_where_it_runs(case: Case) -> None:
    assert all(verdict.ok for verdict in check(case.function).verdicts)


@pytest.mark.parametrize("case", FRAMES[::EACH], ids=name_of)
def test_a_function_in_another_frame_has_its_outcome(case: Case) -> None:
    outcome(case)


@pytest.mark.slow
@pytest.mark.parametrize("case", FRAMES, ids=name_of)
def test_every_function_in_another_frame_has_its_outcome(case: Case) -> None:
    outcome(case)


def outcome(case: Case) -> None:
    report = check(case.function, **case.options)
    if not case.faults:
        assert report.ok, str(report)
    else:
        found = sorted(finding.id for finding in report.findings)
        assert not report.ok and found == judgement(case, RECORD).found


def test_the_record_of_the_frames_is_good_enough() -> None:
    """92 in a hundred equations, 80 exact diagnoses; both equations of 70 in a hundred pairs."""
    for count, equations_named, exactly in ((1, 0.92, 0.8), (2, 0.7, 0.0)):
        which = [case for case in FRAMES if len(case.faults) == count]
        records = [judgement(case, RECORD) for case in which]
        named = [equations(case.faults) <= equations(one.found)
                 for case, one in zip(which, records, strict=True)]  # fmt: skip
        assert sum(named) >= equations_named * len(which)
        assert sum(bool(one.exact) for one in records) >= exactly * len(which)
