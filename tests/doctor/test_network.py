"""The equations of every network: its gradients are the slopes of its loss."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from backhand.doctor.frame.network import ACTIVATIONS, PAIRS, PENALTIES, REDUCED, Network
from backhand.doctor.probe.problems import PLAIN, problem
from backhand.formulas import LINES, derive

LOSS = ("Z1", "H1", "S", "P", "L")
STEP = 1e-5


def test_the_reference_is_the_program_of_the_equations() -> None:
    lines = Network().lines
    assert list(lines) == list(LINES)
    for penalty in (False, True):
        assert [one.code(penalty=penalty) for one in lines.values()] == [
            one.code(penalty=penalty) for one in LINES.values()
        ]


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(("output", "loss"), PAIRS)
def test_gradients_are_slopes_of_the_loss(activation, output, loss) -> None:
    given = problem("A", 3, PLAIN, "smooth").values(0.3, 0.25)
    for reduction, penalty in itertools.product(REDUCED, PENALTIES):
        lines = Network(activation, 0.1, output, loss, reduction, penalty=penalty).lines
        gradients = derive(given, {}, {}, lines=lines)[0]
        for W in ("W1", "b1", "W2", "b2"):
            direction = np.random.default_rng(0).standard_normal(given[W].shape)
            above, below = (
                derive(given | {W: given[W] + step * direction}, {}, {}, LOSS, lines=lines)[0]["L"]
                for step in (STEP, -STEP)
            )
            slope = (gradients[f"d{W}"] * direction).sum()
            assert (above - below) / (2 * STEP) == pytest.approx(slope, rel=1e-6, abs=1e-6)


def test_without_biases_their_lines_are_left_out() -> None:
    lines = Network(biases=False).lines
    assert not {"db1", "db2", "new b1", "new b2"} & lines.keys()
    assert not any({"b1", "b2"} & line.reads(penalty=True) for line in lines.values())
