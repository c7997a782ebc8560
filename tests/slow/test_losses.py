"""Trainings whose rows are shared out over workers that are lost at random moments.

`losses.py` does the same with processes of Ray; here they are threads that a test loses.
"""

from __future__ import annotations

import random
from contextlib import contextmanager

import pytest

from helpers.lossy_workers import LossyWorkers
from helpers.parted_cases import CASES
from helpers.parted_training import differing

pytestmark = pytest.mark.slow

TRAININGS = 4


@contextmanager
def losing(workers: int, seed: int, losses: list[int]):
    """Workers of which one call in thirty loses one; how many can be replaced is drawn, too."""
    draw = random.Random(seed)
    transport = LossyWorkers(
        workers, lambda worker, _: worker > 0 and draw.random() < 1 / 30,
        spare=draw.choice([0, 2, 1000]),
    )  # fmt: skip
    try:
        yield transport
    finally:
        transport.close()
        losses.append(transport.losses)


@pytest.mark.parametrize("name", CASES)
def test_lost_workers_change_no_bit_of_a_training(name) -> None:
    case, losses = CASES[name], []
    undisturbed = case.parted(1)
    for seed in range(TRAININGS):
        workers = 3 + seed % 3
        result = case.parted(workers, lambda n, s=seed: losing(n, s, losses))
        assert not differing(result, undisturbed)
    assert len(losses) == TRAININGS and max(losses) > 0
