"""The golden run: a whole trajectory, digit for digit, on every engine."""

import pytest

from backhand.engines import make_engine
from backhand.torch_twin import reference_run

GOLDEN = {
    "by hand": {50: ("0.9842", "0.625"), 100: ("0.3256", "0.969"), 150: ("0.1020", "1.000"),
                200: ("0.0477", "1.000")},
    "autograd": {50: ("0.4812", "0.922"), 100: ("0.1280", "1.000"), 150: ("0.0550", "1.000"),
                 200: ("0.0318", "1.000")},
}  # fmt: skip


@pytest.mark.parametrize("engine", ["reference", "fused", "torch"])
def test_the_reference_run_comes_out_to_the_digit(engine: str) -> None:
    columns = reference_run(make_engine(engine))
    assert [column.name for column in columns] == list(GOLDEN)
    for column in columns:
        found = {
            epoch: (f"{column.loss[epoch - 1]:.4f}", f"{column.accuracy[epoch - 1]:.3f}")
            for epoch in GOLDEN[column.name]
        }
        assert found == GOLDEN[column.name]
        assert len(column.loss) == len(column.accuracy) == 200
