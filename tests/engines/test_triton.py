"""The kernels in Triton: on the CPU by Triton's interpreter, and compiled for GPUs that are absent.

Without Triton (`pip install triton`) these are skipped; with a CUDA device, `test_cuda.py` runs the
kernels themselves.
"""

import os
import subprocess
import sys

import numpy as np
import pytest

from backhand.engines.torch import TorchEngine
from backhand.engines.torch.stack import Stack
from helpers.torch_blocks import SMOOTH, Problem, assert_advanced_alike

pytest.importorskip("triton", reason="Triton is not installed")
if os.environ.get("TRITON_INTERPRET") != "1":
    pytest.skip("the kernels run on the device: see test_cuda.py", allow_module_level=True)
RULES = ("sgd", "momentum", "nesterov", "adam")


def check(problem: Problem, times: int = 1) -> None:
    """The kernels do what the equations do, each session alone."""
    triton = TorchEngine("cpu", kernels="triton")
    assert_advanced_alike(problem, TorchEngine("cpu"), triton, 2e-6, times)


def single(**of: object) -> Problem:
    return Problem(**({"dtype": np.float32, "epochs": 1} | of))  # type: ignore[arg-type]


def test_an_update_by_the_kernels_is_that_of_the_equations() -> None:
    check(single(rows=20, rule="adam", members=2, dropout=0.3, l2=0.1, weighted=True))


@pytest.mark.slow
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(
    "of",
    [
        {"ordered": False, "epochs": 3},
        {"weighted": True, "l2": 0.1, "selected": True},
        {"dropout": 0.5, "members": 3, "selected": True, "ordered": False},
        {"dropout": 0.5, "weighted": True, "members": 2, "l2": 0.01, "loss_cap": 1.0},
        {"first_class_fixed": True, "K": 2, "l2": 0.1, "validated": True},
    ],
)
def test_all_that_a_block_may_ask_for(rule: str, of: dict[str, object]) -> None:
    check(single(rule=rule, **of), times=2)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rows", "d", "H", "K"),
    [(1, 1, 1, 2), (15, 16, 17, 16), (33, 33, 33, 17), (65, 70, 70, 33), (17, 3, 40, 128)],
)
def test_sizes_at_the_edges_of_tiles(rows: int, d: int, H: int, K: int) -> None:
    check(single(rows=rows, batch_size=rows, d=d, H=H, K=K, l2=0.1, rule=SMOOTH, members=2))


@pytest.mark.slow
def test_many_members_have_larger_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backhand.engines.torch.triton_step.ENOUGH", 1)
    check(single(members=2, rows=70, batch_size=70, d=3, H=65, K=3))


@pytest.mark.slow
@pytest.mark.parametrize("kind", [np.uint8, np.int64, np.float64, np.float16, bool])
def test_rows_are_converted_as_they_are_read(kind: type) -> None:
    check(single(kind=kind, rows=20))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy's, of what overflows
def test_a_loss_that_is_not_finite_ends_its_member() -> None:
    problem = single(members=2, epochs=5)
    engines = TorchEngine("cpu"), TorchEngine("cpu", kernels="triton")
    results = []
    for engine in engines:
        sessions, blocks = problem.sessions(engine), problem.blocks()
        blocks[1].learning_rate[1:] = 1e30
        results.append((engine.advance_all(sessions, blocks), [s.state() for s in sessions]))
    for ours, theirs in zip(*(figures for figures, _ in results), strict=True):
        assert len(ours.loss) == len(theirs.loss)
        assert np.allclose(ours.loss, theirs.loss, rtol=1e-5, equal_nan=True)
    (_, expected), (_, found) = results
    assert [s.updates for s in found] == [s.updates for s in expected]
    assert np.allclose(found[0].params.W1, expected[0].params.W1, atol=1e-6)


@pytest.mark.parametrize("of", [{"dtype": np.float64}, {"K": 129}])
def test_what_the_kernels_do_not_serve_is_computed_by_the_equations(of: dict[str, object]) -> None:
    problem, engine = single(members=2, **of), TorchEngine("cpu", kernels="triton")
    stack = Stack(problem.sessions(engine), problem.blocks()[0], None)
    assert type(stack._updates._step).__name__ == "EquationsStep"


@pytest.mark.slow
@pytest.mark.parametrize("capability", [80, 90])
def test_the_kernels_compile_for_gpus_without_spilling_much(capability: int) -> None:
    """To machine code, by Triton and NVIDIA's assembler, in a process without the interpreter."""
    script = f"""
from helpers.triton_compiler import resources
from helpers.torch_blocks import Problem
import numpy as np
for members, rows, d, H, K, of in [
    (1, 128, 20, 64, 5, dict(rule="adam", dropout=0.5, l2=0.1, weighted=True, selected=True)),
    (1, 8192, 784, 256, 10, dict(ordered=False)),
    (200, 128, 20, 64, 5, dict(rule="nesterov", loss_cap=1.0)),
]:
    problem = Problem(members, rows, d, H, K, batch_size=rows, epochs=1, dtype=np.float32, **of)
    for name, found in resources(problem, {capability}).items():
        print(name, found.shared, found.stack)
        assert found.shared <= 100 * 1024 and found.stack <= 64, (name, found)
"""
    environment = {k: v for k, v in os.environ.items() if k != "TRITON_INTERPRET"}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 15
