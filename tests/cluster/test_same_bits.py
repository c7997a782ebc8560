"""Trainings over 1, 2, 3 and 5 workers have the same bits, and one machine's to rounding."""

from pathlib import Path

import numpy as np
import pytest

from helpers.parted_cases import CASES
from helpers.parted_training import Case, differing, leaves, resumed

QUICK = {
    "batches that weigh nothing", "uneven parts, dropout, weights",
    "a selection, weights, validation",
}  # fmt: skip

SHORT = "uneven parts, dropout, weights"

EACH = [
    pytest.param(case, id=name, marks=() if name in QUICK else pytest.mark.slow)
    for name, case in CASES.items()
]


@pytest.mark.parametrize("case", EACH)
def test_the_bits_do_not_depend_on_the_number_of_workers(case: Case) -> None:
    one = case.parted(1)
    for workers in (2, 3, 5):
        assert differing(one, case.parted(workers)) == []


@pytest.mark.parametrize("case", EACH)
def test_a_training_without_workers_differs_in_rounding_only(case: Case) -> None:
    if case.config.dropout and case.config.shuffle and case.config.batch_size is not None:
        pytest.skip("units are dropped by a row's place in its batch, which is sorted by part")
    case = Case(**{**vars(case), "settings": {**case.settings, "epochs": 2}})
    plain, parted = leaves(case.plain()), leaves(case.parted(1))
    tolerance = {"float32": 2e-4, "float64": 1e-11}[case.dtype]
    if case.precision == "bf16":
        tolerance = 0.05  # a number that is rounded the other way
    for name, value in plain.items():
        if isinstance(value, np.ndarray) and value.dtype.kind == "f":
            assert parted[name] == pytest.approx(value, rel=tolerance, abs=tolerance, nan_ok=True)
        else:
            assert parted[name] == value


@pytest.mark.parametrize("case", [
    pytest.param(case, id=name, marks=() if name == SHORT else pytest.mark.slow)
    for name, case in CASES.items()
])  # fmt: skip
def test_a_training_is_resumed_with_other_workers(case: Case, tmp_path: Path) -> None:
    case = Case(**{**vars(case), "settings": {**case.settings, "epochs": 5}})
    expected = case.parted(3)
    for number, workers in enumerate(((3, 1), (1, 2), (2, 5))):
        assert differing(expected, resumed(case, tmp_path / str(number), workers)) == []


def test_there_are_fifty_cases() -> None:
    assert len(CASES) >= 50
