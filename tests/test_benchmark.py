"""The benchmark: all contenders do the same work, and what is measured has the shape it promises.

No time is asserted anywhere.
"""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from backhand import equations
from backhand.benchmark.contenders import BF16_CONTENDERS, CONTENDERS, Contender
from backhand.benchmark.machine import this_machine
from backhand.benchmark.measure import Effort, in_turn, measure, steps_for
from backhand.benchmark.problem import SHAPES, Shape, make_problem, parse_shape
from backhand.benchmark.process import _results, benchmark
from backhand.benchmark.results import ShapeResult, ratio
from backhand.engines import make_engine
from backhand.errors import BackhandError, InputError
from helpers.command_line import run

SMALL = Shape(24, 7, 9, 4)
STEPS = 6
TINY = Effort(repeats=2, seconds=1e-4, least_steps=1, slow_starts=False)


def trace_of(contender: Contender):
    if not contender.installed:
        pytest.skip(f"{contender.library} is not installed")
    if contender.slow_start and not shutil.which("c++"):
        pytest.skip("there is no C++ compiler")
    run = contender.start(make_problem(SMALL), 1)
    run(2)  # each run starts anew
    return run(STEPS)


@pytest.fixture(scope="module")
def expected():
    problem = make_problem(SMALL)
    params, loss, accuracy = problem.params, [], []
    for _ in range(STEPS):
        acts = equations.forward(params, problem.X)
        loss.append(float(equations.cross_entropy(acts.S, problem.y)))
        accuracy.append(float(equations.accuracy(acts.S, problem.y)))
        grads = equations.backward(params, problem.X, problem.y, acts)
        params = equations.sgd(params, grads, problem.learning_rate)
    assert loss[0] - loss[-1] > 1e-3, "enough is learnt to tell a wrong step from a right one"
    return loss, accuracy


@pytest.mark.parametrize(
    "contender",
    [pytest.param(c, id=c.name, marks=[pytest.mark.slow] if c.slow_start else [])
     for c in CONTENDERS if c.name != "scikit-learn"],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore")  # of torch's compiler
def test_contenders_do_the_steps_of_the_equations(contender, expected) -> None:
    trace = trace_of(contender)
    np.testing.assert_allclose(trace.loss, expected[0], rtol=0, atol=1e-5)
    np.testing.assert_allclose(trace.accuracy, expected[1], rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    "contender",
    [pytest.param(c, id=c.name, marks=[pytest.mark.slow] if c.slow_start else [])
     for c in BF16_CONTENDERS if c not in CONTENDERS],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore")  # of torch's compiler
def test_contenders_in_bf16_do_them_nearly(contender, expected) -> None:
    loss, (right, _) = np.array(trace_of(contender).loss), expected
    assert 1e-6 < np.abs(loss - right).max() < 0.02
    assert loss[0] - loss[-1] == pytest.approx(right[0] - right[-1], rel=0.3)


def test_scikit_learn_does_as_many_steps() -> None:
    trace = trace_of(next(c for c in CONTENDERS if c.name == "scikit-learn"))
    assert len(trace.loss) == STEPS and trace.loss[-1] < trace.loss[0] and trace.accuracy is None


def test_measure_gives_what_it_promises() -> None:
    contenders = [c for c in CONTENDERS if c.library in ("backhand", "numpy", "sklearn")]
    missing = Contender("nobody", "no_such_library", "nothing", "nothing")
    few_rows = Shape(3, 2, 4, 5)  # which scikit-learn refuses, having no row of some classes
    result = measure(few_rows, effort=TINY, contenders=[*contenders, missing])
    assert [t.contender for t in result.timings] == ["backhand", "numpy by hand"]
    assert result.left_out == {
        "scikit-learn": "InputError: scikit-learn needs a row per class; 3 rows, 5 classes.",
        "nobody": "not installed",
    }
    assert result.flops == 4 * 3 * 2 * 4 + 6 * 3 * 4 * 5
    assert result.timings[0].ratio == 1
    for timing in result.timings:
        assert len(timing.repeats) == 2 and timing.steps >= 1
        assert min(timing.repeats) <= timing.microseconds <= max(timing.repeats)
        assert timing.gflops == pytest.approx(result.flops / timing.microseconds / 1e3)
        assert (timing.share_of_peak is None) == (result.peak_gflops is None)
    assert ShapeResult.from_json(json.loads(json.dumps(result.to_json()))) == result


def test_a_contender_that_takes_long_to_start_is_left_out_of_a_quick_look() -> None:
    slow = Contender("slow", "numpy", "numpy", "by_hand", slow_start=True)
    assert "slow" in measure(SMALL, effort=TINY, contenders=[CONTENDERS[0], slow]).left_out


def test_what_is_timed_comes_in_turn() -> None:
    calls = []
    runs = {name: lambda steps, name=name: calls.append((name, steps)) for name in "ab"}
    seconds = in_turn(runs, {"a": 3, "b": 5}, repeats=2, between=lambda: calls.append("peak"))
    assert calls == ["peak", ("a", 3), "peak", ("b", 5)] * 2
    assert {name: len(measured) for name, measured in seconds.items()} == {"a": 2, "b": 2}


def test_as_many_steps_are_taken_as_a_repeat_needs() -> None:
    done = []
    steps = steps_for(done.append, Effort(repeats=1, seconds=1e-9, least_steps=7))
    assert steps == 7 and done[-2:] == [7, 7], "warm at this number, then timed"


def test_problems_are_the_same_every_time_and_have_every_class() -> None:
    one, other = make_problem(SMALL), make_problem(SMALL)
    np.testing.assert_array_equal(one.X, other.X)
    np.testing.assert_array_equal(one.y, other.y)
    assert one.X.dtype == np.float32 and set(one.y) == set(range(SMALL.K))
    assert [str(shape) for shape in SHAPES[:2]] == ["32,4,16,3", "128,20,64,5"]
    assert parse_shape("128, 20,64,5") == SHAPES[1]


def test_the_machine_is_described() -> None:
    machine = this_machine()
    assert machine.cpu and machine.cores >= 1 and "numpy" in machine.versions
    assert machine.caches["L1"] >= 8192 and set(machine.caches) == {"L1", "L2", "L3"}


def bench(*arguments: object, expect: int = 0):
    return run("bench", *arguments, expect=expect)


@pytest.mark.slow
def test_bench_prints_json_lines() -> None:
    printed = bench("--quick", "--shape", "32,4,16,3", "--json").stdout
    machine, shape = map(json.loads, printed.splitlines())
    assert machine["event"] == "machine" and machine["threads"] == 1
    assert shape["event"] == "shape" and shape["shape"] == [32, 4, 16, 3]
    measured = [timing["contender"] for timing in shape["timings"]]
    installed = [c.name for c in CONTENDERS if c.installed and not c.slow_start]
    assert measured == installed and len(measured) >= 3


def test_bench_prints_a_table(monkeypatch) -> None:
    result = measure(SMALL, effort=TINY, contenders=CONTENDERS[:2])
    monkeypatch.setattr("backhand.benchmark.process.benchmark", lambda *_: iter([result]))
    printed = bench().stdout
    for said in ("Machine", "N 24, d 7, H 9, K 4", "µs per step", "of peak", "numpy by hand"):
        assert said in printed, said
    assert "peak in float32, multiply-adds in registers: " in printed
    products = make_engine(precision="bf16").depends_on()["bf16"]
    printed = " ".join(bench("--precision", "bf16").stdout.split())
    assert f"steps in bf16 ({products}), and Backhand's in float32" in printed
    assert "peak in bf16, multiply-adds in registers: " in printed


def test_ratios_have_two_significant_digits() -> None:
    assert [ratio(value) for value in (12.345, 0.873, 0.0352, 0.00149)] == [
        "12.35", "0.87", "0.035", "0.0015"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--shape", "3,4"), "the shape is '3,4'; expected four whole numbers N,d,H,K, such as"),
        (("--shape", "a,b,c,d"), "the shape is 'a,b,c,d'; expected four whole numbers"),
        (("--shape", "0,4,16,3"), "expected N, d and H of 1 or more, and K of 2 or more."),
        (("--threads", 0), "threads is 0; this process may use"),
        (("--threads", 10_000), "threads is 10000; this process may use"),
    ],
)
def test_bench_refuses_in_one_sentence(arguments, sentence) -> None:
    said = bench(*arguments, expect=2).stderr
    assert said.startswith("backhand: ") and sentence in said and len(said.splitlines()) == 1


def test_what_goes_wrong_in_the_measuring_process_is_reported_here() -> None:
    with pytest.raises(InputError, match="threads is 0"):
        benchmark([SMALL], threads=0)
    with pytest.raises(BackhandError, match="not enough memory for this shape"):
        list(benchmark([Shape(10**9, 10**9, 2, 2)], effort="quick"))


def test_progress_is_printed_by_the_process_that_prints_the_results(capfd) -> None:
    result = measure(SMALL, effort=TINY, contenders=CONTENDERS[:1]).to_json()
    lines = [json.dumps(line) for line in ({"progress": "one"}, result, {"progress": "two"})]
    results = _results(["printf", r"%s\n", *lines])
    next(results)
    assert capfd.readouterr().err == "one\n"
    assert not list(results)
    assert capfd.readouterr().err == "two\n"


def test_the_measuring_process_reads_its_threads_before_it_loads_numpy() -> None:
    script = "import sys, backhand.benchmark.__main__; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert not set(done.stdout.split()) & {"numpy", "torch", "jax", "sklearn", "numba"}
