"""The mistakes of the page are the doctor's: its lines, words and questions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from backhand.doctor.faults import Kind, dictionary
from backhand.doctor.probe.problems import ETA, problems
from backhand.explanation.mistakes import CHOSEN, mistakes
from backhand.explanation.problem import Problem
from backhand.formulas import GRADIENTS, LINES, UPDATED, Line, derive

DOCTORS = problems()[3]
PLAIN = Problem(DOCTORS.params, DOCTORS.X, DOCTORS.Y)
PENALISED = replace(PLAIN, l2=0.1)


def test_the_chosen_ones_are_in_the_dictionary_and_of_all_kinds() -> None:
    known = {fault.id: fault for fault in dictionary()}
    chosen = [known[name] for name in CHOSEN]
    assert len(set(CHOSEN)) == len(CHOSEN)
    assert {fault.equation for fault in chosen} == (LINES.keys() - UPDATED.keys()) | {"update"}
    for kind in (Kind.SCALE, Kind.SIGN, Kind.TRANSPOSE, Kind.MASK, Kind.BIAS, Kind.SOFTMAX,
                 Kind.LABELS, Kind.ORDER, Kind.REDUCTION, Kind.PENALTY, Kind.KEEPDIMS):  # fmt: skip
        assert kind in {fault.kind for fault in chosen}
    assert not any(fault.fitted or fault.remembers or fault.returned for fault in chosen)


def test_each_has_its_words_and_its_right_lines() -> None:
    for problem, penalty in ((PLAIN, False), (PENALISED, True)):
        for one in mistakes(problem):
            assert one["message"].endswith(".") and one["question"].endswith("?"), one
            assert one["right"] == {
                name: LINES[name].code(penalty=penalty) for name in one["lines"]
            }
            assert one["right"] != one["lines"]


def test_each_changes_the_numbers_of_its_equation() -> None:
    for problem, l2 in ((PLAIN, 0.0), (PENALISED, 0.1)):
        given = DOCTORS.values(l2, ETA)
        right = derive(given, {}, {})[0]
        for one in mistakes(problem):
            wrong = derive(given, {name: Line(code) for name, code in one["lines"].items()}, {})[0]
            parts = next(name for name in LINES if not np.array_equal(wrong[name], right[name]))
            assert parts == next(iter(one["lines"])), one["id"]


def test_those_of_the_penalty_are_shown_where_there_is_one() -> None:
    plain, penalised = ({one["id"] for one in mistakes(one)} for one in (PLAIN, PENALISED))
    assert penalised - plain == {"dW2.penalty.missing", "dW1.penalty.doubled"}
    assert penalised == set(CHOSEN)
    assert {"dW2", "dW1"} <= GRADIENTS.keys()


def test_there_are_none_with_weights_of_rows_or_dropout() -> None:
    """The dictionary's lines have neither."""
    assert mistakes(replace(PLAIN, sample_weight=np.ones(len(PLAIN.X)))) == []
    assert mistakes(replace(PLAIN, mask=np.ones((len(PLAIN.X), 13)))) == []
