"""Dropout: what the mask is like, the gradients with it, and that all engines drop the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import backhand
from backhand import equations
from backhand.dropout import FACTORS, dropout_mask, mixed
from backhand.engines import Block, BlockMetrics, Data, Objective, OptimizerState, make_engine
from backhand.equations import Gradients, Parameters
from backhand.errors import InputError
from backhand.optimizers import OPTIMIZERS, SGD, Optimizer, make_optimizer, of_parameters
from backhand.support.differences import relative_difference
from helpers.fused_checks import CPUS, check_masks, run_on
from helpers.gradient_checks import (
    CENTRAL_TOLERANCE,
    FLOAT32_TOLERANCE,
    assert_close,
    central_differences,
    check_dropout,
    gradients_of,
    random_mask,
    random_problem,
)
from helpers.optional_packages import optional
from helpers.sessions import started

torch = optional("torch")

PROBLEMS = range(200)
DTYPES = [np.float32, np.float64]

# The equations with a mask.


@pytest.mark.parametrize("seed", PROBLEMS)
def test_all_seven_gradients_agree_with_autograd(seed: int) -> None:
    check_dropout(equations, random_problem(seed))


@pytest.mark.parametrize("seed", PROBLEMS)
def test_parameter_gradients_agree_with_central_differences(seed: int) -> None:
    problem = random_problem(seed)
    mask = random_mask(problem, seed)
    ours = of_parameters(gradients_of(equations, problem, mask))
    for a, b in zip(ours, central_differences(equations, problem, mask), strict=True):
        assert relative_difference(a, b) <= CENTRAL_TOLERANCE


@pytest.mark.parametrize("seed", range(20))
def test_float32_and_torch_give_the_same(seed: int) -> None:
    problem = random_problem(seed)
    mask = random_mask(problem, seed)
    expected = gradients_of(equations, problem, mask)
    single = problem._replace(params=Parameters(*(p.astype(np.float32) for p in problem.params)))
    ours = gradients_of(equations, single, mask)
    assert all(g.dtype == np.float32 for g in ours)  # whatever the mask is
    assert_close(ours, expected, FLOAT32_TOLERANCE)
    X, y, w = (None if a is None else torch.tensor(a) for a in problem.data[:3])
    params = Parameters(*map(torch.tensor, problem.params))
    theirs = gradients_of(
        equations, problem._replace(params=params, data=Data(X, y, w)), torch.tensor(mask)
    )
    assert_close(tuple(g.numpy() for g in theirs), expected, 1e-12)


def test_a_mask_of_ones_is_no_mask() -> None:
    problem = random_problem(3)
    ones = np.ones((problem.data.rows, len(problem.params.b1)))
    without, with_ones = (gradients_of(equations, problem, mask) for mask in (None, ones))
    assert all(map(np.array_equal, without, with_ones))


def test_a_dropped_unit_learns_nothing() -> None:
    problem = random_problem(4, (9, 4, 6, 3))
    mask = np.full((9, 6), 2.0)
    mask[:, 2] = 0
    grads: Gradients = gradients_of(equations, problem._replace(l2=0.0), mask)
    assert not grads.dW1[:, 2].any() and not grads.dW2[2].any() and grads.db1[2] == 0
    assert grads.dH1[:, 2].any()  # what the loss would gain by it


params = backhand.init(4, 6, 3)
X = np.ones((5, 4), np.float32)
y = np.array([0, 1, 2, 0, 1])
mask = dropout_mask(0, 1, 5, 6, 0.5, np.float32)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (mask[:4], r"mask is \(4, 6\); expected \(5, 6\)"),
        (mask[0], r"mask is \(6,\); expected 2 dimensions"),
        (mask.tolist(), "mask is a list; expected an array"),
        (mask > 0, "mask holds bool"),
        (lambda: torch.tensor(mask), "expected arrays of one library"),
    ],
)
def test_wrong_masks_are_told(wrong, said) -> None:
    wrong = wrong() if callable(wrong) else wrong
    with pytest.raises(InputError, match=said):
        backhand.forward(params, X, wrong)
    with pytest.raises(InputError, match=said):
        backhand.backward(params, X, y, backhand.forward(params, X, mask), mask=wrong)


# The mask.


def test_the_hash_is_what_it_was_published_as() -> None:
    """Against the same steps in whole numbers, and on all of 2¹⁶ neighbours no two are equal."""

    def lowbias32(x: int) -> int:
        x = (x ^ x >> 16) * 0x7FEB352D % 2**32
        x = (x ^ x >> 15) * 0x846CA68B % 2**32
        return x ^ x >> 16

    numbers = [0, 1, 2, 12345, 2**31, 2**32 - 1]
    assert mixed(np.array(numbers, np.uint32)).tolist() == [lowbias32(x) for x in numbers]
    assert len(np.unique(mixed(np.arange(2**16, dtype=np.uint32)))) == 2**16
    assert FACTORS == (0x7FEB352D, 0x846CA68B)


def test_the_mask_is_what_it_always_was() -> None:
    """A seed has to give the same training in every release."""
    kept = dropout_mask(7, 3, 4, 8, 0.5, np.float32) > 0
    assert ["".join(map(str, row)) for row in kept.astype(int).tolist()] == PINNED


PINNED = ["11001100", "11110001", "01100010", "11010010"]


@pytest.mark.parametrize("p", [0.1, 0.25, 0.5, 0.9])
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_share_that_is_kept_and_the_mean(p: float, dtype) -> None:
    M = dropout_mask(1, 1, 1000, 400, p, dtype)
    assert M.dtype == dtype and M.shape == (1000, 400)
    assert set(np.unique(M)) == {dtype(0), dtype(1 / (1 - p))}
    deviation = (p * (1 - p) / M.size) ** 0.5
    assert abs((M > 0).mean() - (1 - p)) < 4 * deviation
    assert abs(M.mean(dtype=np.float64) - 1) < 4 * deviation / (1 - p)
    for axis in (0, 1):  # and so in each unit and in each row
        share = (M > 0).mean(axis=axis)
        assert abs(share - (1 - p)).max() < 5 * (p * (1 - p) / M.shape[axis]) ** 0.5


@pytest.mark.parametrize("p", [0.2, 0.5])
def test_units_rows_updates_and_seeds_have_nothing_to_do_with_each_other(p: float) -> None:
    def signs(seed: int, t: int) -> NDArray[np.float64]:
        kept = (dropout_mask(seed, t, 512, 256, p, np.float64) > 0).astype(np.float64)
        return (kept - (1 - p)) / (p * (1 - p)) ** 0.5

    M = signs(0, 1)
    n = M.size
    pairs = {
        "the next unit": (M[:, 1:], M[:, :-1]),
        "the next row": (M[1:], M[:-1]),
        "a unit and a row on": (M[1:, 1:], M[:-1, :-1]),
        "rows and units changed about": (M[:256, :256], M[:256, :256].T),
        "the next update": (signs(0, 2), M),
        "an update much later": (signs(0, 2**20 + 1), M),
        "the next seed": (signs(1, 1), M),
        "a seed of more than 32 bits": (signs(2**32, 1), M),
        "seed and update changed about": (signs(1, 2), signs(2, 1)),
    }
    for name, (a, b) in pairs.items():
        assert abs((a * b).mean()) < 5 * n**-0.5, name
    between_units, between_rows = M.T @ M / len(M), M @ M.T / M.shape[1]
    for matrix, count in ((between_units, 512), (between_rows, 256)):
        np.fill_diagonal(matrix, 0)
        assert abs(matrix).max() < 6.5 * count**-0.5
        assert abs(matrix.std() * count**0.5 - 1) < 0.05


def test_p_of_nearly_nothing_and_nearly_all() -> None:
    assert (dropout_mask(0, 1, 50, 50, 0.0, np.float32) == 1).all()
    assert (dropout_mask(0, 1, 50, 50, 2.0**-40, np.float64) == 1).all()
    assert not dropout_mask(0, 1, 50, 50, 1 - 2**-40, np.float32).any()


@pytest.mark.parametrize("p", [-0.1, 1.0, 1.5, float("nan")])
def test_other_shares_are_told(p: float) -> None:
    with pytest.raises(InputError, match="expected a number of 0 or more and below 1"):
        dropout_mask(0, 1, 2, 2, p, np.float32)


# The engines.


def trained(
    engine: str,
    params: Parameters,
    data: Data,
    block: Block,
    objective: Objective,
    rule: Optimizer,
    threads: int = 1,
) -> tuple[BlockMetrics, OptimizerState]:
    """Two blocks, so that the second's updates are not numbered from 1."""
    run = started(make_engine(engine, threads=threads), params, data, rule, objective)
    first, second = run.advance(block), run.advance(block)
    return BlockMetrics(*map(np.concatenate, zip(first, second, strict=True))), run.state()


def case(seed: int, dtype: type) -> tuple[Parameters, Data, Block, Objective]:
    """Several chunks a batch, a short last batch, panels of two widths, the same for any dtype."""
    rng = np.random.default_rng(seed)
    N, d, H, K = 300, int(rng.integers(1, 40)), int(rng.integers(1, 200)), 4
    X, y, w = rng.standard_normal((N, d)), rng.integers(0, K, N), rng.random(N) + 0.1
    params = backhand.init(d, H, K, seed, np.float64)
    batch, E = (300, 130, 45)[seed % 3], 3
    B = -(-N // batch)
    order = None if seed % 2 else np.stack([rng.permutation(N) for _ in range(E)])
    p, dropout_seed = float(rng.random() * 0.9), int(rng.integers(2**62))
    rates = np.full((E, B), 0.01)
    block, objective = Block(batch, rates, rates, order), Objective(0, 0, p, dropout_seed)
    data = Data(X.astype(dtype), y, w.astype(dtype))
    return Parameters(*(p.astype(dtype) for p in params)), data, block, objective


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("rule", OPTIMIZERS)
def test_engines_train_alike(seed: int, rule: str, shared_always) -> None:
    optimizer = make_optimizer(rule)
    record, state = trained("reference", *case(seed, np.float64), optimizer)
    for engine in ("fused", "torch"):
        other, theirs = trained(engine, *case(seed, np.float64), optimizer, threads=2)
        assert relative_difference(other.loss, record.loss) <= 1e-12
        assert relative_difference(other.accuracy, record.accuracy) <= 1e-12
        for a, b in zip(theirs.params, state.params, strict=True):
            assert relative_difference(a, b) <= 1e-12


@pytest.mark.parametrize("seed", range(20))
def test_float32_drops_what_float64_drops(seed: int) -> None:
    _, state = trained("reference", *case(seed, np.float64), SGD())
    for engine in ("reference", "fused", "torch"):
        _, single = trained(engine, *case(seed, np.float32), SGD())
        for a, b in zip(single.params, state.params, strict=True):
            assert relative_difference(a, b) <= 1e-4


def test_a_step_by_step_training_is_the_equations() -> None:
    params, data, block, objective = case(0, np.float64)
    record, state = trained("fused", params, data, block, objective, SGD())
    t, theta, losses = 0, params, []
    for epoch in (*range(block.epochs), *range(block.epochs)):
        figures = np.zeros(2)
        for begin in range(0, data.rows, block.batch_size):
            X, y, w, _ = data.at(block.order[epoch, begin : begin + block.batch_size])
            t += 1
            M = dropout_mask(
                objective.dropout_seed, t, len(y), len(params.b1), objective.dropout, X.dtype
            )
            acts = equations.forward(theta, X, M)
            loss = equations.cross_entropy(acts.S, y, w) + equations.penalty(theta, 0.01)
            figures += w.sum() * np.array([loss, 1])
            grads = equations.backward(theta, X, y, acts, w, 0.01, M)
            theta = equations.sgd(theta, grads, 0.01)
        losses.append(figures[0] / figures[1])
    assert relative_difference(record.loss, losses) <= 1e-12
    for a, b in zip(state.params, theta, strict=True):
        assert relative_difference(a, b) <= 1e-12


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_bits_are_the_same_for_every_number_of_threads(dtype, shared_always) -> None:
    for seed in range(6):
        params, data, block, objective = case(seed, dtype)
        alone, *others = (
            trained("fused", params, data, block, objective, make_optimizer("adam"), threads)
            for threads in (1, 2, 3)
        )
        for record, state in others:
            assert np.array_equal(record.loss, alone[0].loss)
            assert all(map(np.array_equal, state.params, alone[1].params))


@pytest.mark.parametrize("engine", ["reference", "fused", "torch"])
def test_a_replay_drops_the_same(engine: str) -> None:
    params, data, block, objective = case(1, np.float32)
    run = started(make_engine(engine), params, data, SGD(), objective)
    run.advance(block)
    state = run.state()
    first = run.advance(block)
    run.restore(state)
    assert np.array_equal(run.advance(block).loss, first.loss)
    assert not np.array_equal(run.advance(block).loss, first.loss)


@pytest.mark.parametrize("engine", ["reference", "fused", "torch"])
def test_only_training_drops(engine: str) -> None:
    params, data, block, objective = case(2, np.float64)
    run = started(make_engine(engine), params, data, SGD(), objective)
    run.advance(block)
    theta = run.state().params
    S = equations.forward(theta, data.X).S
    expected = (
        equations.cross_entropy(S, data.y, data.sample_weight),
        equations.accuracy(S, data.y, data.sample_weight),
    )
    assert relative_difference(run.evaluate(data), expected) <= 1e-12
    assert relative_difference(run.gradient()[0], expected[0]) <= 1e-12
    assert run.state().updates == block.learning_rate.size


def test_compiled_masks_are_the_masks_to_the_bit(shared_always) -> None:
    check_masks()


@pytest.mark.slow  # each compiles a program; quick trainings on such CPUs are in test_fused.py
@pytest.mark.parametrize("cpu", CPUS)
def test_lesser_cpus_drop_the_same(cpu: str, tmp_path: Path) -> None:
    run_on(cpu, "from helpers.fused_checks import *; check_masks()", tmp_path)
