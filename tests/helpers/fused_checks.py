"""Random jobs for the fused engine, and what the equations say to them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from backhand import equations
from backhand.choices import PrecisionName
from backhand.dropout import dropout_mask
from backhand.engines import Block, Data, Objective, OptimizerState
from backhand.engines.fused.engine import FusedEngine
from backhand.engines.fused.llvm.precision import precision_of
from backhand.engines.fused.llvm.target import host
from backhand.engines.fused.packing import places_of
from backhand.equations import Parameters
from backhand.optimizers import SGD, Adam, Momentum, Nesterov, Optimizer
from backhand.support.differences import relative_difference
from helpers.gradient_checks import assert_close
from helpers.optional_packages import optional
from helpers.sessions import started

scipy = optional("scipy.sparse")

TOLERANCES = {np.float64: 1e-12, np.float32: 1e-5}
RULES = (SGD(), Momentum(0.75), Nesterov(np.float32(0.5)), Adam(0.875, np.float64(0.99), 1))
"""Other constants than the usual ones, and of other types than float."""

SSE4 = "+64bit,+cmov,+fxsr,+popcnt,+sse,+sse2,+sse3,+sse4.1,+sse4.2,+ssse3"
AVX2 = SSE4 + ",+avx,+avx2,+bmi,+bmi2,+f16c,+fma,+lzcnt,+movbe"
AVX512 = AVX2 + ",+avx512f,+avx512bw,+avx512cd,+avx512dq,+avx512vl"
CPUS = {
    "generic": "", "nehalem": SSE4, "haswell": AVX2, "skylake-avx512": AVX512,
    "sapphirerapids": AVX512 + ",+avx512bf16,-avx512fp16,-amx-tile,-amx-bf16,-amx-int8",
}  # fmt: skip
"""Lesser ones than the tests mostly run on: the baseline of any x86, SSE4, AVX2, AVX-512 without
bf16, and a CPU with AMX whose system refuses it."""


def run_on(cpu: str, script: str, folder: Path) -> str:
    """What a script prints that is compiled for one of these; skips where this one is less."""
    features = CPUS[cpu]
    for name, lanes in (("+avx2,", 8), ("+avx512vl", 16)):
        if name in features and precision_of(np.float32).lanes < lanes:
            pytest.skip(f"this CPU has no {name.strip('+,')}")
    if "+avx512bf16" in features and "avx512bf16" not in host().has:
        pytest.skip("this CPU has no avx512bf16")
    target = {"NUMBA_CPU_NAME": cpu, "NUMBA_CPU_FEATURES": features}
    return printed(script, BACKHAND_CACHE_DIR=str(folder), **target)


def printed(script: str, **environment: str) -> str:
    """What a script prints that ends well, in a process of its own, without a warning.

    (Without that bf16 is slower on a CPU that has no instructions for it.)
    """
    slower = "ignore:this CPU has no instructions for bf16"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-W", slower, "-c", script],
        env={**os.environ, **environment}, cwd=Path(__file__).parent.parent,
        capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


class Case(NamedTuple):
    params: Parameters
    data: Data
    block: Block
    optimizer: Optimizer
    threads: int
    sparse: bool = False

    def in_dtype(self, dtype: Any) -> Case:
        X, y, w, _ = self.data
        X = X.astype(dtype)
        data = Data(in_pieces(X) if self.sparse else X, y, None if w is None else w.astype(dtype))
        return self._replace(params=Parameters(*(p.astype(dtype) for p in self.params)), data=data)

    @property
    def l2(self) -> float:
        return float(self.block.l2[0, 0])


def in_pieces(X: NDArray[Any]) -> scipy.sparse.csr_array:
    """X as CSR in the worst of states: indices of 64 bits in falling order, each number in two."""
    halves = scipy.sparse.csr_array(X / 2)
    order = np.concatenate([
        np.repeat(np.arange(start, end)[::-1], 2)
        for start, end in zip(halves.indptr[:-1], halves.indptr[1:], strict=True)
    ])  # fmt: skip
    return scipy.sparse.csr_array(
        (halves.data[order], halves.indices[order].astype(np.int64), 2 * halves.indptr), X.shape
    )


def random_case(seed: int, *, sparse: bool = False) -> Case:
    """A case whose gradients are no small differences of large terms, which float32 cannot tell."""
    rng = np.random.default_rng(seed)
    while True:
        case = _random_case(rng, RULES[seed % len(RULES)], sparse)
        if _cancellation(case) < 30:
            return case


def _cancellation(case: Case) -> float:
    """How much larger a gradient of the parameters would be if nothing cancelled out."""
    params, (X, y, w, _), *_ = case
    acts = equations.forward(params, X)
    grads = equations.backward(params, X, y, acts, w)
    ones = np.ones((1, len(y)))
    sums = ((X, grads.dZ1), (acts.H1, grads.dS), (ones.T, grads.dZ1), (ones.T, grads.dS))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = [
            np.linalg.norm(np.abs(a).T @ np.abs(b)) / np.linalg.norm(a.T @ b) for a, b in sums
        ]
    return float(np.nanmax(ratios))


def _random_case(rng: np.random.Generator, optimizer: Optimizer, sparse: bool) -> Case:
    """N 1..400, d 1..300, H 1..150, K 2..20, small ones as often as large ones; any setting.

    All numbers are exact in float32. Each b1 puts the corner of its ReLU into a gap of Z1, so that
    rounding does not decide on which side a row falls.
    """
    N, d, H, K = (
        round(low * (high / low) ** rng.random())
        for low, high in ((1, 400), (1, 300), (1, 150), (2, 20))
    )

    def draw(*size: int) -> NDArray[np.float64]:
        return rng.standard_normal(size).astype(np.float32).astype(np.float64)

    X, W1, W2, b2 = draw(N, d), draw(d, H) / 16, draw(H, K) / 16, draw(K) / 16
    if sparse:
        X *= rng.random((N, d)) < rng.random() / 2
        X[rng.random(N) < 0.1] = 0
    b1 = np.array([-_gap(z) for z in (X @ W1).T]).astype(np.float32).astype(np.float64)
    w = None
    if rng.random() < 0.5:
        w = np.where(rng.random(N) < 0.2, 0, rng.integers(1, 9, N) / 8.0)
        w[0] = 1
    batch = N if rng.random() < 0.4 else int(rng.integers(1, N + 1))
    B = -(-N // batch)
    E = -(-10 // B)
    order = None if rng.random() < 0.4 else np.stack([rng.permutation(N) for _ in range(E)])
    l2 = 0.0 if rng.random() < 0.5 else 0.125
    l2s = np.where(rng.random((E, B)) < 0.2, 0, l2)
    block = Block(batch, rng.random((E, B)) / 50, l2s, order)
    return Case(
        Parameters(W1, b1, W2, b2), Data(X, rng.integers(0, K, N), w), block, optimizer,
        int(rng.integers(1, 4)), sparse,
    )  # fmt: skip


def _gap(z: NDArray[np.float64]) -> float:
    """The middle of the widest gap between neighbours, or a place beside a single one."""
    if len(z) == 1:
        return float(z[0]) - 0.5
    ordered = np.sort(z)
    widest = int(np.argmax(np.diff(ordered)))
    return float(ordered[widest : widest + 2].mean())


def check_gradients(case: Case) -> None:
    """The loss and all seven gradients."""
    params, (X, y, w, _), *_ = case
    acts = equations.forward(params, X)
    loss = equations.cross_entropy(acts.S, y, w) + equations.penalty(params, case.l2)
    grads = equations.backward(params, X, y, acts, w, case.l2)
    for dtype, tolerance in TOLERANCES.items():
        typed = case.in_dtype(dtype)
        engine = FusedEngine(case.threads)
        ours, theirs = engine.loss_and_gradients(typed.params, typed.data, case.l2)
        assert relative_difference(ours, loss) <= tolerance
        assert_close(theirs, grads, tolerance)


def check_training(case: Case) -> None:
    """Ten updates and more: parameters, the optimizer's memory, losses and accuracies."""
    expected, slots, losses, accuracies = trained_by_the_equations(case)
    for dtype, tolerance in TOLERANCES.items():
        typed = case.in_dtype(dtype)
        run = started(FusedEngine(case.threads), typed.params, typed.data, case.optimizer)
        record = run.advance(case.block)
        state = run.state()
        assert state.updates == case.block.learning_rate.size
        assert relative_difference(record.loss, losses) <= tolerance
        for ours, theirs in zip(state.params, expected, strict=True):
            assert relative_difference(ours, theirs) <= tolerance
        if dtype is np.float64:
            assert relative_difference(record.accuracy, accuracies) <= tolerance
            for slot, theirs in zip(state.slots, slots, strict=True):
                for ours, their in zip(slot, theirs, strict=True):
                    assert relative_difference(ours, their) <= 1e-11


def trained_by(engine: FusedEngine, case: Case, objective: Objective) -> list[Any]:
    """The losses and parameters of a training."""
    run = started(engine, case.params, case.data, case.optimizer, objective)
    return [run.advance(case.block).loss, *run.state().params]


def check_bits_of_threads(case: Case, seed: int, precision: PrecisionName = "auto") -> None:
    """A training, with dropout for each other seed, has the same bits for 1, 2 and 5 threads."""
    objective = Objective(dropout=0.25) if seed % 2 else Objective()
    first, *others = (
        trained_by(FusedEngine(threads, precision=precision), case, objective)
        for threads in (1, 2, 5)
    )
    for other in others:
        assert all(map(np.array_equal, first, other)), seed


def check_masks() -> None:
    """The compiled masks: without features and with b1 = 1, H1 is the mask."""
    for dtype in TOLERANCES:
        for H in (1, 15, 16, 17, 64, 65, 130, 200, 333):
            for N, batch in ((1, 1), (7, 3), (300, 300), (300, 140)):
                _check_masks(dtype, N, batch, H)


def _check_masks(dtype: Any, N: int, batch: int, H: int) -> None:
    """What the last batch leaves in its last chunk, after a number of updates beyond 32 bits.

    It is dZ1 = dS W2ᵀ ⊙ 1[H1 > 0]: with W2 = (1, -1) and label 1, 1 or 2 where a unit is kept.
    """
    W2 = np.tile([1.0, -1.0], (H, 1))
    params = Parameters(np.zeros((1, H)), np.ones(H), W2, np.zeros(2))
    params = Parameters(*(p.astype(dtype) for p in params))
    B, before, p, seed = -(-N // batch), 2**33, 0.375, 2**40 + H
    block = Block(batch, np.zeros((1, B)), np.zeros((1, B)))
    data = Data(np.zeros((N, 1), dtype), np.ones(N, int))
    objective = Objective(dropout=p, dropout_seed=seed)
    run = FusedEngine(2).start(OptimizerState(params, (), before), data, SGD(), objective)
    run.advance(block)
    net = run._work.net
    chunk = run._work.chunk(run._data, run._work.chunk_rows(run._data, batch)).record
    size = N - (B - 1) * batch
    begin = size * (-(-size // chunk.rows) - 1) // -(-size // chunk.rows)
    panels = chunk.H1.reshape(net.panels, chunk.rows, net.width).transpose(1, 0, 2)
    kept, places = panels[: size - begin].reshape(size - begin, -1) > 0, places_of(net)
    M = dropout_mask(seed, before + B, size, H, p, dtype)[begin:]
    assert np.array_equal(kept[:, places], M > 0), (dtype, N, batch, H)
    assert not np.delete(kept, places, axis=1).any()


def trained_by_the_equations(case: Case) -> tuple[Parameters, Any, list[float], list[float]]:
    theta, (X, y, w, _), block, optimizer, *_ = case
    slots = tuple(Parameters(*map(np.zeros_like, theta)) for _ in range(optimizer.slots))
    losses, accuracies, t = [], [], 0
    for e in range(block.epochs):
        order = np.arange(len(y)) if block.order is None else block.order[e]
        figures = np.zeros(3)
        for b in range(block.learning_rate.shape[1]):
            rows = order[b * block.batch_size : (b + 1) * block.batch_size]
            weights = None if w is None else w[rows]
            acts = equations.forward(theta, X[rows])
            loss = equations.cross_entropy(acts.S, y[rows], weights)
            loss += equations.penalty(theta, block.l2[e, b])
            accuracy = equations.accuracy(acts.S, y[rows], weights)
            mass = len(rows) if weights is None else weights.sum()
            figures += mass * np.array([loss, accuracy, 1])
            grads = equations.backward(theta, X[rows], y[rows], acts, weights, block.l2[e, b])
            t += 1
            theta, slots = optimizer.update(theta, grads, slots, block.learning_rate[e, b], t)
        losses.append(figures[0] / figures[2])
        accuracies.append(figures[1] / figures[2])
    return theta, slots, losses, accuracies
