"""What a diagnosis says of the whole program: its values, and its correct equations."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from backhand.doctor.faults import dictionary
from backhand.doctor.frame.network import REFERENCE, Network
from backhand.doctor.localise.diagnose import diagnose
from backhand.doctor.localise.program import correct, predicted
from backhand.doctor.localise.search import Effort
from backhand.doctor.probe.evidence import Evidence
from backhand.doctor.probe.problems import problems
from backhand.formulas import GRADIENTS, Line, Values, derive

TANH = Network("tanh", reduction="sum")


def calls(network: Network, changes: Mapping[str, Line]) -> tuple[list[Evidence], list[Values]]:
    """Gradients of a program on all problems but the repeated one, and all its values."""
    evidence, all_values = [], []
    for problem in (problems()[i] for i in (0, 1, 3, 4)):
        given = problem.values(network.strength, 0.25)
        values = derive(given, changes, {}, lines=network.lines)[0]
        observed = {name: np.asarray(values[name]) for name in GRADIENTS if name in values}
        evidence.append(Evidence(problem.name, given, observed, network=network))
        all_values.append(values)
    return evidence, all_values


@pytest.mark.parametrize(
    ("network", "fault", "c", "wrong"),
    [
        (REFERENCE, "dZ1.mask.sign_of_dH1", None, {"dZ1"}),
        (REFERENCE, "dZ1.mask.leaks", 0.3, {"dZ1"}),
        (REFERENCE, "P.softmax.over_rows.with_derivative", None, {"P"}),
        (TANH, "dS.labels.added", None, {"dS"}),
        (TANH, "db1.reduction.mean", None, {"db1"}),
        (Network("sigmoid", biases=False), "dW2.operand.X_for_H1", None, {"dW2"}),
        (Network("elu", output="linear", loss="half_squared_error"), "dH1.factor.unknown", 1.7,
         {"dH1"}),
    ],
)  # fmt: skip
def test_the_diagnosed_program_is_the_one_that_was_run(network, fault, c, wrong) -> None:
    lines = {one.id: one for one in dictionary(network)}[fault].lines
    if c is not None:
        lines = {name: line.with_constant(c) for name, line in lines.items()}
    with np.errstate(all="ignore"):
        evidence, right = calls(network, lines)
        found = diagnose(evidence, Effort())
        assert [one.fault.id for one in found.named] == [fault]
        for expected, values in zip(right, predicted(evidence, found), strict=True):
            for name, value in expected.items():
                np.testing.assert_allclose(values[name], value, rtol=1e-7, atol=1e-12)
    marks = correct(evidence, found)
    assert {name for name, ok in marks.items() if not ok} == wrong
    assert not {"b1", "db1"} & marks.keys() or network.biases


def test_nothing_is_wrong_in_a_right_program_of_any_network() -> None:
    for network in (REFERENCE, TANH, Network(penalty="by_N", strength=0.02)):
        evidence, _ = calls(network, {})
        found = diagnose(evidence, Effort())
        assert not found.named and found.convention is None
        assert all(correct(evidence, found).values())


def test_a_penalty_of_a_constant_strength_is_computed() -> None:
    plain = calls(REFERENCE, {})[0][0]
    network = Network(strength=0.02)
    one = Evidence("A", plain.given, plain.observed, network=network)
    assert one.penalty and not one.right_here
    np.testing.assert_allclose(
        one.right["dW1"] - plain.right["dW1"], 0.02 * plain.given["W1"], atol=1e-12
    )


def test_where_a_fault_is_unknown_the_rest_is_marked_as_far_as_it_is_known() -> None:
    strange = {"dW1": Line("X.T @ (dZ1 * (1 + 0.3 * dZ1**3))")}
    evidence, _ = calls(TANH, strange)
    found = diagnose(evidence, Effort())
    assert found.doubt is not None
    marks = correct(evidence, found)
    assert marks[found.doubt.suspect] is False
    assert marks["db2"] and marks["Z1"] is None
