"""The parts of a step that benchmarks/parts.py measures are those of the program."""

from __future__ import annotations

import pytest

from backhand.benchmark.problem import Shape
from conftest import ROOT

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("precision", ["auto", "bf16"])
def test_every_part_of_a_step_runs_and_is_measured(precision, monkeypatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import parts

    shape = Shape(40, 5, 20, 3)
    found = parts.measure(shape, peak=1.0, precision=precision, repeats=1)
    programs, _ = parts.parts_in(precision)
    assert list(found) == [*programs, "sum", "a step, per chunk"]
    assert all(us > 0 for us, _ in found.values())
    assert sum(flops(shape) for _, flops in programs.values()) == shape.flops
