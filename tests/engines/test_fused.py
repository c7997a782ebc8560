"""The fused engine: all sizes and settings, threads, CPUs, the cache of compiled code."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path
from typing import NamedTuple

import joblib
import numpy as np
import pytest
import scipy.sparse

import backhand
from backhand import engines, equations
from backhand.engines import Block, Data, Objective, make_engine, registry
from backhand.engines.fused import buffers
from backhand.engines.fused.buffers import BATCH_BYTES, MC, chunk_rows
from backhand.engines.fused.engine import FusedEngine
from backhand.engines.fused.kernels.exp_log import exp, log
from backhand.engines.fused.kernels.gather import SOURCES, rows_of
from backhand.engines.fused.llvm import compiler
from backhand.engines.fused.llvm.abi import Integer, Reals, aligned, marshal
from backhand.engines.fused.llvm.builder import Code
from backhand.engines.fused.llvm.precision import precision_of
from backhand.engines.fused.llvm.target import host, tile_of
from backhand.engines.fused.packing import PackedParameters, layout_of
from backhand.engines.fused.roofline import peak_gflops
from backhand.engines.fused.threads import run_threads, threads_for
from backhand.engines.thread_limits import blas_threads
from backhand.equations import Parameters
from backhand.errors import BackhandWarning, InputError
from backhand.optimizers import SGD, Adam
from backhand.support.differences import relative_difference
from backhand.support.system.cpu_caches import CacheSizes
from helpers.fused_checks import (
    CPUS,
    check_bits_of_threads,
    check_gradients,
    check_training,
    random_case,
    run_on,
)
from helpers.sessions import started


@pytest.mark.parametrize(
    "first",
    [pytest.param(at, marks=pytest.mark.slow if at >= 100 else ()) for at in range(0, 500, 25)],
)
def test_500_random_sizes_and_settings_agree_with_the_equations(
    first: int, shared_always, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = buffers.BATCH_BYTES
    for seed in range(first, first + 25):
        case = random_case(seed)
        monkeypatch.setattr(buffers, "BATCH_BYTES", whole if seed % 2 else 0)
        check_gradients(case)
        check_training(case)


@pytest.mark.parametrize(
    "cpu",
    [pytest.param(cpu, marks=() if cpu == "haswell" else pytest.mark.slow) for cpu in CPUS],
)
def test_lesser_cpus_compute_the_same(cpu: str, tmp_path: Path) -> None:
    """Those that are not what this machine would take."""
    script = (
        "from helpers.fused_checks import *\n"
        "from backhand.engines.fused import buffers; buffers.PART_FLOPS = 1\n"
        "from backhand.engines.fused.llvm.precision import precision_of\n"
        "for seed in range(16):\n"
        "    buffers.BATCH_BYTES *= seed != 8\n"
        "    for case in (random_case(seed), random_case(seed, sparse=True)):\n"
        "        check_gradients(case); check_training(case)\n"
        "print(precision_of('f4').lanes, precision_of('f8').lanes)"
    )
    expected = {"generic": "4 2\n", "nehalem": "4 2\n", "haswell": "8 4\n"}
    assert run_on(cpu, script, tmp_path) == expected.get(cpu, "16 8\n")


def problem(N: int, d: int, H: int, K: int) -> tuple[Parameters, Data]:
    rng = np.random.default_rng(N)
    X = rng.standard_normal((N, d)).astype(np.float32)
    return backhand.init(d, H, K), Data(X, rng.integers(0, K, N))


# Threads.


MANY = 16 * tile_of(precision_of(np.float32).lanes).NR
"""Hidden units that can be shared by sixteen threads."""


@pytest.mark.parametrize(
    "shape",
    [(500, 30, MANY, 5), (128, 20, 45, 3), (9, 4, 46, 2), (1, 1, 1, 2), (130, 3, MANY - 1, 2)],
)
@pytest.mark.parametrize("batch", [None, 37])
def test_the_bits_are_the_same_for_every_number_of_threads(shape, batch, shared_always) -> None:
    params, (X, y, *_) = problem(*shape)
    w = np.random.default_rng(1).random(len(y))
    results = [
        backhand.train(params, X, y, sample_weight=w, epochs=8, batch_size=batch, l2=0.01,
                       optimizer="adam", learning_rate=0.01, engine="fused", threads=threads)
        for threads in (1, 2, 3, 7)  # more than cores: others do the parts of those that wait
    ]  # fmt: skip
    first = results[0]
    probabilities = [FusedEngine(t).predict_proba(first.params, X) for t in (1, 2, 3)]
    for other in results[1:]:
        assert np.array_equal(first.history.loss, other.history.loss)
        assert all(map(np.array_equal, first.params, other.params))
    assert all(np.array_equal(probabilities[0], P) for P in probabilities[1:])


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("first", range(0, 500, 25))
def test_500_trainings_have_the_same_bits_for_any_number_of_threads(
    first: int, dtype: type, shared_always
) -> None:
    for seed in range(first, first + 25):
        case = random_case(seed, sparse=seed % 5 == 0).in_dtype(dtype)
        check_bits_of_threads(case, seed)


def test_how_many_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    small, large = (
        buffers.parts_of(layout_of(backhand.init(*sizes)), rows)
        for rows, sizes in ((32, (4, 16, 3)), (128, (784, 256, 10)))
    )
    monkeypatch.setattr(joblib, "cpu_count", lambda: 4)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert threads_for(small, None) == threads_for(small, 2) == 1
    with blas_threads().limited(5):
        assert threads_for(large, None) == 4
    assert [threads_for(large, asked) for asked in (1, 2, 3)] == [1, 2, 3]
    inside = joblib.Parallel(n_jobs=2, prefer="threads")(
        joblib.delayed(threads_for)(large, None) for _ in range(2)
    )
    assert inside == [1, 1]


def test_exactly_so_many_threads_work(monkeypatch: pytest.MonkeyPatch) -> None:
    params, data = problem(256, 200, MANY, 5)
    seen = []
    run = run_threads
    monkeypatch.setattr(
        "backhand.engines.fused.work.run_threads",
        lambda work, threads: (seen.append(threads), run(work, threads)),
    )
    for threads in (1, 2, 3):
        FusedEngine(threads).evaluate(params, data)
    assert seen == [1, 2, 3]


def test_several_python_threads_train_at_once(shared_always) -> None:
    params, (X, y, *_) = problem(200, 20, MANY, 4)

    def train() -> Parameters:
        return backhand.train(params, X, y, epochs=200, batch_size=50, engine="fused",
                              threads=2).params  # fmt: skip

    expected = train()
    found = joblib.Parallel(n_jobs=4, prefer="threads")(joblib.delayed(train)() for _ in range(8))
    assert all(all(map(np.array_equal, expected, other)) for other in found)


def test_after_a_fork_and_in_other_processes(tmp_path: Path) -> None:
    """In a process of its own, where no other library minds the fork."""
    script = tmp_path / "many.py"
    script.write_text(
        "from multiprocessing import get_context\n"
        "import joblib, numpy as np, backhand\n"
        "from backhand.engines.fused import buffers, threads\n"
        "def trained(threads):\n"
        "    buffers.PART_FLOPS = 1\n"
        "    X = np.random.default_rng(0).standard_normal((200, 20)).astype(np.float32)\n"
        "    return backhand.train(backhand.init(20, 400, 4), X, np.arange(200) % 4, epochs=20,\n"
        "                          engine='fused', threads=threads).params\n"
        "if __name__ == '__main__':\n"
        "    found = [trained(2)]\n"
        "    with get_context('fork').Pool(2) as pool:\n"
        "        found += pool.map(trained, [1, 2, 2, 1])\n"
        "    for how in ('processes', 'threads'):\n"
        "        found += joblib.Parallel(n_jobs=2, prefer=how)(\n"
        "            joblib.delayed(trained)(t) for t in (1, 2, None, 2))\n"
        "        alone = joblib.Parallel(n_jobs=2, prefer=how)(\n"
        "            joblib.delayed(threads.threads_for)(8, None) for _ in range(2))\n"
        "        print(alone)\n"
        "    same = [all(map(np.array_equal, found[0], other)) for other in found]\n"
        "    print(len(same), all(same))\n"
    )
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout == "[1, 1]\n[1, 1]\n13 True\n", done.stderr


def test_other_python_threads_go_on_while_it_computes() -> None:
    """The interpreter is free for the length of a compiled call."""
    params, data = problem(4000, 300, 200, 5)
    counted = 0
    done = threading.Event()

    def count() -> None:
        nonlocal counted
        while not done.is_set():
            counted += 1

    run = started(FusedEngine(1), params, data, SGD())
    block = engines.Block(4000, np.full((8, 1), 1e-6), np.zeros((8, 1)))
    other = threading.Thread(target=count)
    other.start()
    began, before = time.perf_counter(), counted
    run.advance(block)
    busy = (counted - before) / (time.perf_counter() - began)
    began, before = time.perf_counter(), counted
    time.sleep(0.2)
    free = (counted - before) / (time.perf_counter() - began)
    done.set()
    other.join()
    assert busy > free / 20


def test_a_thread_that_cannot_start_leaves_none_waiting(monkeypatch, shared_always) -> None:
    params, data = problem(64, 5, MANY, 3)
    before = threading.active_count()
    starts = iter([threading.Thread.start, None])

    def start(thread: threading.Thread) -> None:
        if (really := next(starts)) is None:
            raise RuntimeError("can't start new thread")
        really(thread)

    monkeypatch.setattr(threading.Thread, "start", start)
    with pytest.raises(RuntimeError, match="can't start"):
        FusedEngine(2).evaluate(params, data)
    assert threading.active_count() == before


def test_ctrl_c_ends_training_soon(tmp_path: Path) -> None:
    script = (
        "import numpy as np, backhand, sys\n"
        "X = np.ones((5000, 300), np.float32); y = np.arange(5000) % 3\n"
        "from backhand import Every\n"
        "started = Every(None, lambda p: print(p.epoch, flush=True))\n"
        "backhand.train(backhand.init(300, 200, 3), X, y, epochs=10**6, callbacks=[started],\n"
        "               learning_rate=1e-6, engine='fused', threads=2)"
    )
    running = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert running.stdout is not None
    running.stdout.readline()
    running.send_signal(2)
    _, said = running.communicate(timeout=20)
    assert "KeyboardInterrupt" in said


# Rows, layout, memory.


def test_rows_of_any_layout() -> None:
    params, (X, *_) = problem(40, 37, 9, 3)
    expected = FusedEngine(1).predict_proba(params, X)
    wide = np.zeros((80, 39), np.float32)
    wide[::2, 2:] = X
    for other in (
        np.asfortranarray(X), wide[::2, 2:], np.ascontiguousarray(X[::-1])[::-1], X.astype(">f4"),
        X.astype(np.float64), X.astype(np.longdouble), unaligned(X),
    ):  # fmt: skip
        assert np.array_equal(FusedEngine(1).predict_proba(params, other), expected)
    few = FusedEngine(1).predict_proba(params, X[:0])
    assert few.shape == (0, 3)


def unaligned(X: np.ndarray) -> np.ndarray:
    """The same numbers, each beginning one byte behind where it should."""
    packed = np.zeros(X.shape, np.dtype([("before", "u1"), ("x", X.dtype)]))
    packed["x"] = X
    return packed["x"]


@pytest.mark.parametrize("kind", [*SOURCES, "float16"])
def test_rows_of_any_dtype(kind: str) -> None:
    """Also numbers that a wrong sign or width would change."""
    rng = np.random.default_rng(0)
    if kind.startswith("float"):
        X = rng.standard_normal((30, 37)).astype(kind)
    elif kind == "bool":
        X = rng.random((30, 37)) < 0.5
    else:
        bounds = np.iinfo(kind)
        X = rng.integers(bounds.min, bounds.max, (30, 37), kind, endpoint=True)
    real = X.astype(np.float64)
    scale = 1 / max(1.0, np.abs(real).max())
    params = backhand.init(37, 9, 3, dtype=np.float64)
    params = params._replace(W1=params.W1 * scale)
    assert relative_difference(
        FusedEngine(1).predict_proba(params, X), equations.forward(params, real).P
    ) < 1e-13  # fmt: skip


def test_mapped_rows_are_read_where_they_are(tmp_path: Path) -> None:
    params, (X, y, *_) = problem(40, 6, 9, 3)
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    assert np.shares_memory(rows_of(Data(mapped, y), X.dtype).X.numbers, mapped)
    ours, theirs = (backhand.train(params, rows, y, epochs=3, batch_size=7).params
                    for rows in (X, mapped))  # fmt: skip
    assert all(map(np.array_equal, ours, theirs))


@pytest.mark.parametrize("shape", [(1, 1, 2), (5, 16, 3), (4, 17, 9), (784, 250, 10), (3, 130, 2)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_packed_parameters_come_back(shape, dtype) -> None:
    params = backhand.init(*shape, dtype=dtype)
    params.b1[:], params.b2[:] = 1, 2
    net = layout_of(params)
    flat = aligned(net.size, dtype)
    packed = PackedParameters(flat, net)
    packed.write(params)
    assert flat.ctypes.data % 64 == 0
    assert all(map(np.array_equal, packed.read(), params))
    assert np.count_nonzero(flat) == sum(np.count_nonzero(p) for p in params)


def test_a_batch_is_cut_evenly() -> None:
    net = layout_of(backhand.init(784, 256, 10))
    for batch in (1, 100, 128, 129, 1000, 8192):
        rows = chunk_rows(net, precision_of(np.float32), batch)
        assert rows <= max(MC, BATCH_BYTES / 4 / (784 + 1 + 256))
        pieces = -(-batch // rows)
        assert pieces * (rows - 1) < batch <= pieces * rows


def test_a_small_batch_is_one_chunk_and_a_large_one_several(shared_always) -> None:
    net, precision = layout_of(backhand.init(64, 128, 10)), precision_of(np.float32)
    assert chunk_rows(net, precision, 1024) == 1024
    assert chunk_rows(net, precision, 8192) == MC
    assert chunk_rows(net, precision, 1024, sparse=True) == buffers.SPARSE_ROWS


def test_blocks_are_as_long_as_the_caches_suggest(monkeypatch: pytest.MonkeyPatch) -> None:
    net = layout_of(backhand.init(784, 250, 10))
    row = 4 * int(net.width)

    def features(L1: int, L2: int) -> int:
        monkeypatch.setattr(buffers, "cache_sizes", lambda: CacheSizes(L1, L2, 0))
        return buffers.columns_of_block(net, 4)

    assert features(200 * row, 10**6) == 144, "whole strips in four fifths of the L1 cache"
    assert features(100 * row, 2000 * row) == 480, "too short for L1: a quarter of the L2 cache"
    assert features(1, 1) == buffers.STRIP


@pytest.mark.parametrize("N", [130, 700])
def test_the_bits_do_not_depend_on_the_caches(
    N: int, shared_always, monkeypatch: pytest.MonkeyPatch
) -> None:
    params, data = problem(N, 150, 70, 3)
    block = Block(N, np.full((3, 1), 0.1), np.full((3, 1), 0.01))
    states = []
    for L1, L2 in ((1, 1), (10**5, 1), (1, 10**9)):
        monkeypatch.setattr(buffers, "cache_sizes", lambda L1=L1, L2=L2: CacheSizes(L1, L2, 0))
        run = started(FusedEngine(2), params, data, SGD())
        states.append((run.advance(block).loss, *run.state().params, *run.gradient()[1]))
    for other in states[1:]:
        assert all(map(np.array_equal, states[0], other))


def test_the_gradient_of_a_batch_that_is_one_chunk_is_not_stored() -> None:
    params, data = problem(300, 60, 70, 3)
    run = started(FusedEngine(1), params, data, SGD())
    run.advance(Block(300, np.full((2, 1), 0.1), np.zeros((2, 1))))
    net, gradient = run._work.net, run._work.buffers.gradient
    columns = gradient[: net.b2].reshape(net.panels, net.column, net.width)
    assert not columns[:, : net.d + 1].any() and columns[:, net.d + 1 :].any()


def test_nan_is_never_hidden(shared_always) -> None:
    params, (X, y, *_) = problem(30, 4, MANY, 3)
    for place, index in (("W1", (0, 0)), ("b1", (2,)), ("W2", (1, 1)), ("b2", (2,))):
        broken = params._replace(**{place: getattr(params, place).copy()})
        getattr(broken, place)[index] = np.nan
        assert np.isnan(FusedEngine(1).evaluate(broken, Data(X, y))[0]), place
        run = started(FusedEngine(2), broken, Data(X, y), SGD())
        record = run.advance(engines.Block(30, np.full((9, 1), 0.1), np.zeros((9, 1))))
        assert len(record.loss) == 1 and np.isnan(record.loss[0])
    run = started(FusedEngine(2), params, Data(X, y), SGD())
    record = run.advance(engines.Block(30, np.full((50, 1), 1e20), np.zeros((50, 1))))
    assert 1 < len(record.loss) < 50
    assert np.isfinite(record.loss[:-1]).all() and not np.isfinite(record.loss[-1])


def test_adam_with_an_epsilon_below_float32_leaves_dead_units_alone() -> None:
    params, (X, y, *_) = problem(30, 4, 8, 3)
    params.b1[:] = -1e6  # no unit is ever active
    result = backhand.train(params, X, y, optimizer=Adam(epsilon=1e-60), epochs=3, engine="fused")
    assert all(np.isfinite(p).all() for p in result.params)


def test_parameters_of_another_precision_are_refused() -> None:
    params, data = problem(30, 4, 8, 3)
    half = Parameters(*(p.astype(np.float16) for p in params))
    with pytest.raises(InputError, match="float32 or float64, not in float16"):
        FusedEngine(1).evaluate(half, data)


# Exp and log.


class Function(NamedTuple):
    numbers: Reals
    count: Integer


def _exp(code: Code, args: Function, _: object) -> None:
    with code.loop(args.count, step=code.tile.lanes) as i:
        code.store(exp(code, code.load(args.numbers, i)), args.numbers, i)


def _log(code: Code, args: Function, _: object) -> None:
    with code.loop(args.count, step=code.tile.lanes) as i:
        code.store(log(code, code.load(args.numbers, i)), args.numbers, i)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("ours", "theirs"), [(_exp, np.exp), (_log, np.log)])
def test_exp_and_log_are_accurate_to_2_ulp(dtype, ours, theirs) -> None:
    rng = np.random.default_rng(0)
    lowest = -103.9 if dtype is np.float32 else -745.0
    spread = (
        -np.geomspace(1e-6, -lowest, 200_000) if ours is _exp else np.geomspace(1, 1e6, 200_000)
    )
    x = aligned(400_000, dtype)
    x[:200_000] = spread
    x[200_000:] = -20 * rng.random(200_000) if ours is _exp else 1 + 20 * rng.random(200_000)
    expected = theirs(x.astype(np.longdouble))
    y = aligned(len(x), dtype)
    y[:] = x
    compiler.entry(ours, precision_of(dtype), print)(marshal(Function(y, len(y))).ctypes.data, 0)
    # What is below the normal numbers may come out as 0.
    tiny = np.finfo(dtype).tiny
    ulp = np.spacing(np.abs(expected).astype(dtype)).astype(np.longdouble)
    ulp = np.where(np.abs(expected) < tiny, tiny, ulp)
    assert float(np.max(np.abs(y - expected) / ulp)) <= 2
    special = aligned(precision_of(dtype).lanes, dtype)
    special[:] = 0 if ours is _exp else 1
    special[0] = np.nan
    special[1] = -np.inf if ours is _exp else 1
    compiler.entry(ours, precision_of(dtype), print)(
        marshal(Function(special, len(special))).ctypes.data, 0
    )
    assert np.isnan(special[0])
    assert special[1] == 0
    assert (special[2:] == (1 if ours is _exp else 0)).all()


def test_numbers_below_the_normal_ones_are_zero_within_and_as_ever_outside() -> None:
    if not host().is_x86:
        pytest.skip("only x86 is slow with them, and told not to keep them")
    X = np.ones((4, 1), np.float32)
    params = backhand.Parameters(*(np.full(s, 1e-39, np.float32) for s in ((1, 8), 8, (8, 2), 2)))
    run = started(FusedEngine(), params, engines.Data(X, np.zeros(4, np.int64)), SGD())
    run.advance(engines.Block(4, np.full((1, 1), 1e-45), np.full((1, 1), 0.0)))
    assert (run.state().params.W1 == 0).all()
    assert np.float32(1e-39) * np.float32(0.5) > 0


def test_the_peak_is_measured() -> None:
    assert peak_gflops() > 0.1


# Compiling, and keeping what is compiled.


def run_script(script: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True,
        env={**os.environ, "BACKHAND_CACHE_DIR": str(folder), **environment},
    )  # fmt: skip


PREPARE = (
    "import numpy as np\n"
    "from backhand.engines import make_engine\n"
    "make_engine('fused').prepare(np.float32, print)"
)


def test_a_second_process_finds_what_the_first_compiled(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    first = run_script(PREPARE, folder)
    assert (first.stdout, first.stderr) == ("compiling for this CPU\n", "")
    second = run_script(PREPARE, folder)
    assert (second.stdout, second.stderr) == ("", "")
    (file,) = folder.iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole[:-100])
    assert run_script(PREPARE, folder).stdout == first.stdout
    assert file.read_bytes() == whole


def test_an_edit_of_any_file_of_the_compiled_code_makes_another_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stale machine code is never loaded: also where a folder of kernels was edited."""
    copied = tmp_path / "fused"
    shutil.copytree(compiler.FUSED, copied, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(compiler, "FUSED", copied)

    def name() -> str:
        file = compiler._file(compiler.multiply_add, "multiply_add")
        assert file is not None
        return file.name

    seen = [name()]
    assert name() == seen[0]
    edited = ["program.py", "packing.py", "kernels/gemm.py", "llvm/builder.py", "llvm/target.py"]
    for part in edited:
        with (copied / part).open("a") as file:
            file.write("# another line\n")
        seen.append(name())
    assert len(set(seen)) == len(edited) + 1


@pytest.mark.parametrize("place", [
    "file/beneath", *(pytest.param(p, marks=pytest.mark.slow) for p in ("file", "/proc/none"))
])  # fmt: skip
def test_without_a_place_for_a_cache_each_process_compiles(place: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    done = run_script(PREPARE, tmp_path / place)
    assert (done.stdout, done.stderr) == ("compiling for this CPU\n", "")
    assert file.read_text() == ""


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("sys.modules['llvmlite'] = None\n", "-m pip install 'backhand[fast]'."),
        ("from backhand.engines.fused.llvm import compiler\n"
         "from backhand.engines.fused.llvm.target import Host\n"
             "compiler.host = lambda: Host('nonsense', '', '')\n", "nonsense"),
    ],
)  # fmt: skip
def test_where_nothing_compiles_auto_is_the_reference_with_one_warning(
    script: str, why: str, tmp_path: Path
) -> None:
    script = "import sys\n" + script + (
        "import backhand, numpy as np\n"
        "p = backhand.init(2, 3, 2)\n"
        "X, y = np.ones((4, 2)), np.array([0, 1, 0, 1])\n"
        "for _ in range(3): r = backhand.train(p, X, y, epochs=2)\n"
        "from backhand.engines import make_engine\n"
        "print(make_engine().name, len(r.history.loss))"
    )  # fmt: skip
    done = run_script(script, tmp_path)
    assert done.stdout == "reference 2\n", done.stderr
    assert done.stderr.count("BackhandWarning") == 1
    assert why in done.stderr


def test_the_command_line_says_so_in_a_sentence(tmp_path: Path, penguins: Path) -> None:
    script = (
        "import sys; sys.modules['llvmlite'] = None\n"
        f"sys.argv = ['backhand', 'train', {str(penguins)!r}, '--quick', '--target', 'species',\n"
        f"            '--epochs', '2', '-o', {str(tmp_path / 'm.safetensors')!r}]\n"
        "from backhand.__main__ import main\n"
        "main()"
    )
    done = run_script(script, tmp_path)
    assert done.returncode == 0
    assert done.stderr.startswith("backhand: llvmlite is not installed")
    assert done.stderr.count("\n") == 1
    assert "reference engine" in done.stdout


def test_preparing_says_what_takes_time_only_where_it_does() -> None:
    make_engine("fused").prepare(np.float32, lambda _: None)
    said: list[str] = []
    for name in ("fused", "reference", "torch"):
        make_engine(name).prepare(np.float32, said.append)
    assert said == []


def test_the_compiler_is_checked_by_what_it_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backhand.engines.fused.llvm.compiler.entry", lambda *_: lambda *_: None)
    registry._why_not.cache_clear()
    chosen = make_engine()
    assert chosen.name == "reference"
    params, data = problem(9, 4, 8, 3)
    with pytest.warns(BackhandWarning, match="compiled code computes"):
        started(chosen, params, data, SGD())
    registry._why_not.cache_clear()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        monkeypatch.undo()
        assert make_engine().name == "fused"


@pytest.mark.parametrize("first", range(0, 200, 25))
def test_200_random_sparse_cases_agree_with_the_equations(first: int, shared_always) -> None:
    for seed in range(first, first + 25):
        case = random_case(seed, sparse=True)
        check_gradients(case)
        check_training(case)


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_threads_give_the_same_bits_on_sparse_rows(dropout: float, shared_always) -> None:
    case = random_case(11, sparse=True).in_dtype(np.float32)
    params = backhand.init(case.data.X.shape[1], MANY, len(case.params.b2))
    states = []
    for threads in (1, 2, 3, 7):
        run = started(
            FusedEngine(threads), params, case.data, case.optimizer, Objective(dropout=dropout)
        )
        record = run.advance(case.block)
        states.append((record.loss, *run.state().params, *run.gradient()[1]))
    for other in states[1:]:
        assert all(map(np.array_equal, states[0], other))


def test_a_sparse_chunk_has_room_for_a_row_that_an_order_names_again_and_again() -> None:
    """There is room for the longest rows; one that comes many times takes it many times."""
    X = np.eye(600, 900)
    X[7] = 1
    order = np.full((1, 600), 7)
    params = backhand.init(900, 9, 3, dtype=np.float64)
    block = Block(300, np.full((1, 2), 0.1), np.zeros((1, 2)), order)
    dense, sparse = (
        started(FusedEngine(), params, Data(rows, np.arange(600) % 3), SGD())
        for rows in (X, scipy.sparse.csr_array(X))
    )
    assert relative_difference(dense.advance(block).loss, sparse.advance(block).loss) <= 1e-12
    *_, fixed = sparse._work._scratch._chunks.values()  # the last one
    chunk = fixed.record
    assert chunk.entries.most >= 150 * 901


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("batch", [257, 300, 401, 599])
def test_a_sparse_chunk_has_room_for_its_padded_rows(batch: int, dtype: type) -> None:
    """A short last batch is cut by what a chunk has room for, which is whole blocks of rows."""
    rng = np.random.default_rng(batch)
    for rest in range(100, 257, 13):
        X = rng.standard_normal((batch + rest, 5)).astype(dtype)
        y = rng.integers(0, 3, len(X))
        params = backhand.init(5, 9, 3, dtype=dtype)
        block = Block(batch, np.full((2, 2), 0.1), np.zeros((2, 2)))
        runs = [
            started(FusedEngine(), params, Data(rows, y), SGD())
            for rows in (X, scipy.sparse.csr_array(X))
        ]
        dense, sparse = (run.advance(block).loss for run in runs)
        np.testing.assert_allclose(sparse, dense, rtol=1e-5)
        *_, fixed = runs[1]._work._scratch._chunks.values()  # the last one
        chunk = fixed.record
        assert chunk.entries.most >= chunk.rows * 6


def test_arrays_of_a_sparse_matrix_that_were_replaced_are_read() -> None:
    """Else the chunk could be too small: it is for the entries that the matrix has now."""
    dense = np.random.default_rng(0).standard_normal((40, 5))
    X, other = (scipy.sparse.csr_array(x) for x in (dense, np.maximum(dense, 0)))
    y = np.arange(40) % 3
    params = backhand.init(5, 8, 3, dtype=np.float64)
    session = started(FusedEngine(1), params, Data(X, y), None)
    before, _ = session.gradient()
    X.data, X.indices, X.indptr = other.data, other.indices, other.indptr
    again = started(FusedEngine(1), params, Data(other, y), None)
    assert session.gradient()[0] == again.gradient()[0] != before


def test_a_sparse_chunk_takes_memory_for_what_is_there() -> None:
    X = scipy.sparse.random_array((300, 20_000), density=1e-3, format="csr", random_state=0)
    params = backhand.init(20_000, 8, 2, dtype=np.float64)
    run = started(make_engine("fused", threads=1), params, Data(X, np.arange(300) % 2), SGD())
    run.gradient()
    *_, fixed = run._work._scratch._chunks.values()  # the last one
    chunk = fixed.record
    assert chunk.X.size == 0 and chunk.entries.most < 300 * 100
    dense = started(make_engine("fused"), params, Data(X.toarray(), np.arange(300) % 2), SGD())
    for a, b in zip(run.gradient()[1], dense.gradient()[1], strict=True):
        assert relative_difference(a, b) <= 1e-12


def test_the_compiler_is_checked_by_many_threads_at_once() -> None:
    """What is passed to compiled code lives until it returns, whatever other threads allocate."""
    script = (
        "import sys; sys.setswitchinterval(1e-6)\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "from backhand.engines.fused.llvm.compiler import check_compiler\n"
        "with ThreadPoolExecutor(8) as pool:\n"
        "    list(pool.map(lambda _: check_compiler(), range(4000)))\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
