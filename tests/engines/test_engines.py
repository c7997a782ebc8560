"""Every engine against the equations, step by step, and what the contract promises."""

import subprocess
import sys

import numpy as np
import pytest

import backhand
from backhand import equations
from backhand.engines import (
    Block,
    Data,
    Engine,
    Objective,
    OptimizerState,
    Session,
    batching,
    make_engine,
)
from backhand.engines.thread_limits import blas_threads
from backhand.equations import Parameters
from backhand.errors import InputError
from backhand.optimizers import OPTIMIZERS, SGD, make_optimizer, of_parameters
from backhand.support.differences import relative_difference
from helpers.gradient_checks import Problem, assert_close, gradients_of, random_problem, single
from helpers.optional_packages import optional
from helpers.sessions import started

scipy = optional("scipy.sparse")

ENGINES = ["reference", "fused", "torch"]


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Engine:
    return make_engine(request.param)


@pytest.mark.parametrize("seed", range(200))
def test_loss_and_gradients_agree_with_the_equations(engine: Engine, seed: int) -> None:
    problem = random_problem(seed)
    params, data, l2 = problem
    expected = gradients_of(equations, problem)
    S = equations.forward(params, data.X).S
    L = equations.cross_entropy(S, data.y, data.sample_weight) + equations.penalty(params, l2)
    for case, tolerance in ((problem, 1e-12), (single(problem), 1e-5)):
        loss, grads = engine.loss_and_gradients(*case)
        assert relative_difference(loss, L) <= tolerance
        assert all(g.dtype == case.params.W1.dtype for g in grads)
        assert_close(grads, expected, tolerance)


@pytest.mark.parametrize("rule", OPTIMIZERS)
@pytest.mark.parametrize("seed", range(10))
def test_a_block_of_updates_is_the_equations_update_by_update(
    engine: Engine, rule: str, seed: int
) -> None:
    params, data, l2 = random_problem(seed, (11, 3, 5, 4))
    optimizer = make_optimizer(rule)
    rng = np.random.default_rng(seed)
    B, E = 3, 4
    block = Block(4, rng.random((E, B)) / 10, np.full((E, B), l2),
                  np.stack([rng.permutation(11) for _ in range(E)]))  # fmt: skip
    before = [p.copy() for p in params]
    run = started(engine, params, data, optimizer)
    record = run.advance(block)

    theta, t = params, 0
    slots = tuple(Parameters(*map(np.zeros_like, params)) for _ in range(optimizer.slots))
    for e in range(E):
        losses, right, weights = [], [], []
        for b in range(B):
            rows = block.order[e, 4 * b : 4 * b + 4]
            w = None if data.sample_weight is None else data.sample_weight[rows]
            acts = equations.forward(theta, data.X[rows])
            losses.append(equations.cross_entropy(acts.S, data.y[rows], w)
                          + equations.penalty(theta, l2))  # fmt: skip
            right.append(equations.accuracy(acts.S, data.y[rows], w))
            weights.append(len(rows) if w is None else w.sum())
            grads = equations.backward(theta, data.X[rows], data.y[rows], acts, w, l2)
            t += 1
            theta, slots = optimizer.update(theta, grads, slots, block.learning_rate[e, b], t)
        assert relative_difference(record.loss[e], np.average(losses, weights=weights)) <= 1e-12
        assert relative_difference(record.accuracy[e], np.average(right, weights=weights)) <= 1e-12
    state = run.state()
    assert state.updates == t == E * B
    for a, b in zip(state.params, theta, strict=True):
        assert relative_difference(a, b) <= 1e-12
    assert all(np.array_equal(a, b) for a, b in zip(params, before, strict=True))


def test_one_long_block_is_many_short_ones_to_the_bit(engine: Engine) -> None:
    params, data, _ = single(random_problem(7, (30, 5, 8, 3)))
    rates = np.full((12, 1), 0.3)
    whole = started(engine, params, data, SGD())
    long = whole.advance(Block(30, rates, 0 * rates))
    parts = started(engine, params, data, SGD())
    short = [parts.advance(Block(30, rates[:3], 0 * rates[:3])) for _ in range(4)]
    assert np.array_equal(long.loss, np.concatenate([r.loss for r in short]))
    for a, b in zip(whole.state().params, parts.state().params, strict=True):
        assert np.array_equal(a, b)


def test_restore_goes_back_to_the_bit(engine: Engine) -> None:
    params, data, _ = single(random_problem(8, (20, 5, 8, 3)))
    block = Block(20, np.full((5, 1), 0.01), np.zeros((5, 1)))
    run = started(engine, params, data, make_optimizer("adam"))
    run.advance(block)
    state = run.state()
    first = run.advance(block)
    run.restore(state)
    second = run.advance(block)
    assert np.array_equal(first.loss, second.loss)
    assert state.updates == 5


def test_a_block_ends_after_the_first_loss_that_is_not_finite(engine: Engine) -> None:
    params, data, _ = single(random_problem(9, (20, 5, 8, 3)))
    run = started(engine, params, data, SGD())
    record = run.advance(Block(20, np.full((50, 1), 1e30), np.zeros((50, 1))))
    assert len(record.loss) < 50
    assert np.isfinite(record.loss[:-1]).all() and not np.isfinite(record.loss[-1])


def test_prediction_is_the_same_whatever_the_chunks(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    params, data, _ = random_problem(10, (50, 5, 8, 3))
    whole = engine.predict_proba(params, data.X)
    judged = engine.evaluate(params, data)
    assert relative_difference(whole, equations.forward(params, data.X).P) <= 1e-14
    monkeypatch.setattr(batching, "CHUNK_BYTES", 2000)
    assert len(list(batching.chunks(params, 50))) > 5
    assert relative_difference(engine.predict_proba(params, data.X), whole) <= 1e-14
    assert relative_difference(engine.evaluate(params, data), judged) <= 1e-12
    w = np.random.default_rng(0).random(50)
    S = equations.forward(params, data.X).S
    expected = equations.cross_entropy(S, data.y, w), equations.accuracy(S, data.y, w)
    assert (
        relative_difference(engine.evaluate(params, data._replace(sample_weight=w)), expected)
        <= 1e-12
    )


@pytest.mark.parametrize("rows", [1, 32, 33, 256, 257])
def test_few_rows_are_predicted_as_many(engine: Engine, rows: int) -> None:
    """What takes another way for few rows, and leaves out the features they lack, is the same."""
    rng = np.random.default_rng(rows)
    X = rng.standard_normal((rows, 40)) * (rng.random((rows, 40)) < 0.1)
    params = Parameters(*(rng.standard_normal(s) for s in ((40, 12), 12, (12, 3), 3)))
    expected = equations.forward(params, X).P
    for data in (X, scipy.sparse.csr_array(X), X.astype(np.float32).astype(np.float64, order="F")):
        tolerance = 1e-6 if data is not X and not scipy.sparse.issparse(data) else 1e-13
        assert relative_difference(engine.predict_proba(params, data), expected) <= tolerance


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, bool, np.float64])
def test_rows_of_any_real_dtype_are_computed_in_the_parameters(engine: Engine, dtype) -> None:
    params, data, _ = single(random_problem(12, (20, 5, 8, 3)))
    X = (np.abs(data.X) * 2).astype(dtype)
    X.setflags(write=False)
    P = engine.predict_proba(params, X)
    assert P.dtype == np.float32
    assert relative_difference(P, equations.forward(params, X.astype(np.float32)).P) <= 1e-6
    run = started(engine, params, Data(X, data.y), SGD())
    assert np.isfinite(run.advance(Block(7, np.full((2, 3), 0.1), np.zeros((2, 3)))).loss).all()


def test_engines_agree_on_the_parameter_gradients() -> None:
    problem = random_problem(20)
    first, *others = (
        of_parameters(make_engine(e).loss_and_gradients(*problem)[1]) for e in ENGINES
    )
    for other in others:
        for a, b in zip(first, other, strict=True):
            assert relative_difference(a, b) <= 1e-12


def test_epoch_figures_are_exact_in_float32(engine: Engine) -> None:
    """Shares are exact, and means over many batches do not drift."""
    params = Parameters(*(np.zeros(s, np.float32) for s in ((1, 1), 1, (1, 3), 3)))
    data = Data(np.ones((30000, 1), np.float32), np.arange(30000) % 3)
    run = started(engine, params, data, SGD())
    record = run.advance(Block(3, np.full((1, 10000), 1e-30), np.zeros((1, 10000))))
    assert record.accuracy[0] == 1 / 3
    assert abs(record.loss[0] / np.log(np.float32(3)) - 1) < 1e-7
    assert engine.evaluate(params, data)[1] == 1 / 3


# The gradient of a run.


@pytest.mark.parametrize("seed", range(30))
def test_a_runs_gradient_is_that_of_all_rows_as_one_batch(
    engine: Engine, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = random_problem(seed, (300, 5, 8, 3) if seed % 2 else None)
    for case, tolerance in ((problem, 1e-12), (single(problem), 1e-5)):
        loss, grads = engine.loss_and_gradients(*case)
        run = started(engine, *case[:2], SGD())
        for most in (batching.CHUNK_BYTES, 2000):  # all rows in one chunk, and in several
            monkeypatch.setattr(batching, "CHUNK_BYTES", most)
            ours, dtheta = run.gradient(l2=problem.l2)
            assert isinstance(ours, float) and isinstance(dtheta, Parameters)
            assert relative_difference(ours, loss) <= tolerance
            for a, b in zip(dtheta, of_parameters(grads), strict=True):
                assert a.dtype == case.params.W1.dtype and a.shape == b.shape
                assert relative_difference(a, b) <= tolerance


def test_a_gradient_changes_nothing_and_follows_the_state(engine: Engine) -> None:
    params, data, _ = random_problem(8, (150, 5, 8, 3))
    block = Block(40, np.full((2, 4), 0.01), np.zeros((2, 4)))
    run, other = (started(engine, params, data, make_optimizer("adam")) for _ in range(2))
    first = run.gradient(l2=0.1)
    run.advance(block)
    run.gradient(l2=0.1)
    run.evaluate(data)
    run.advance(block)
    other.advance(block)
    other.advance(block)
    for a, b in zip(states(run), states(other), strict=True):
        assert np.array_equal(a, b)
    run.restore(OptimizerState(params, run.state().slots, 0))
    again = run.gradient(l2=0.1)
    assert again[0] == first[0] and all(map(np.array_equal, again[1], first[1]))


def states(run: Session) -> list[np.ndarray]:
    state = run.state()
    return [value for part in (state.params, *state.slots) for value in part]


def test_what_is_restored_is_copied(engine: Engine) -> None:
    """L-BFGS moves the numbers that it passes on in place."""
    params, data, _ = random_problem(8, (20, 5, 8, 3))
    run = started(engine, params, data, SGD())
    flat = np.concatenate([p.ravel() for p in params])
    ends = np.cumsum([p.size for p in params])[:-1]
    views = [part.reshape(p.shape) for part, p in zip(np.split(flat, ends), params, strict=True)]
    run.restore(OptimizerState(Parameters(*views), (), 0))
    before = run.gradient()[0]
    flat *= 2
    assert run.gradient()[0] == before
    run.restore(OptimizerState(Parameters(*views), (), 0))
    assert run.gradient()[0] != before


# What data-parallel training needs: a gradient of some rows, and an update from a gradient.


@pytest.mark.parametrize("rule", OPTIMIZERS)
@pytest.mark.parametrize("fixed", [False, True])
def test_gradients_of_halves_add_up_to_an_update_of_all_rows(
    engine: Engine, rule: str, fixed: bool
) -> None:
    params, data, l2 = random_problem(3, (41, 3, 21, 4))
    w = np.random.default_rng(3).random(41)
    data, optimizer = data._replace(sample_weight=w), make_optimizer(rule)
    order = np.random.default_rng(4).permutation(41)
    for dtype, tolerance in ((np.float64, 1e-12), (np.float32, 1e-4)):
        typed = Parameters(*(p.astype(dtype) for p in params))
        rows = Data(data.X.astype(dtype), data.y, w.astype(dtype))
        objective = Objective(l2=l2, first_class_fixed=fixed)
        whole, parts = (started(engine, typed, rows, optimizer, objective) for _ in range(2))
        for halves in ((slice(0, 20), slice(20, None)), (order[:9], order[9:]),
                       (slice(0, None, 2), slice(1, None, 2))):  # fmt: skip
            whole.advance(Block(41, np.full((1, 1), 0.1), np.full((1, 1), l2)))
            weights = [w[half].sum() for half in halves]
            grads = [parts.gradient(half, l2)[1] for half in halves]
            parts.apply(Parameters(*(
                np.average([a, b], axis=0, weights=weights).astype(dtype)
                for a, b in zip(*grads, strict=True)
            )), 0.1)  # fmt: skip
        assert parts.state().updates == whole.state().updates == 3
        for a, b in zip(states(parts), states(whole), strict=True):
            assert a.dtype == dtype
            assert relative_difference(a, b) <= tolerance


@pytest.mark.parametrize("rule", OPTIMIZERS)
def test_updates_from_gradients_go_between_those_of_blocks(engine: Engine, rule: str) -> None:
    """Update count, Adam's correction and the memory are those of one training, however it went."""
    params, data, l2 = random_problem(5, (30, 3, 21, 4))
    optimizer = make_optimizer(rule)
    once = Block(30, np.full((1, 1), 0.05), np.full((1, 1), l2))
    mixed, plain = (started(engine, params, data, optimizer, Objective(l2=l2)) for _ in range(2))
    for step in "AGGAGA":
        plain.advance(once)
        if step == "A":
            mixed.advance(once)
        else:
            mixed.apply(mixed.gradient()[1], 0.05)
    assert mixed.state().updates == 6
    for a, b in zip(states(mixed), states(plain), strict=True):
        assert relative_difference(a, b) <= 1e-12
    resumed = engine.start(plain.state(), data, optimizer, Objective(l2=l2))
    resumed.apply(resumed.gradient()[1], 0.05)
    plain.advance(once)
    for a, b in zip(states(resumed), states(plain), strict=True):
        assert relative_difference(a, b) <= 1e-12


@pytest.mark.parametrize("rule", OPTIMIZERS)
@pytest.mark.parametrize("fixed", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_compiled_update_from_a_gradient_is_that_of_a_block_to_the_bit(
    rule: str, fixed: bool, dtype: type
) -> None:
    params, data, _ = random_problem(6, (150, 3, 70, 4))
    params = Parameters(*(p.astype(dtype) for p in params))
    data = Data(data.X.astype(dtype), data.y)
    optimizer, objective = make_optimizer(rule), Objective(first_class_fixed=fixed)
    whole, parts = (
        started(make_engine("fused"), params, data, optimizer, objective) for _ in range(2)
    )
    for _ in range(3):
        whole.advance(Block(150, np.full((1, 1), 0.1), np.zeros((1, 1))))
        parts.apply(parts.gradient()[1], 0.1)
    assert all(map(np.array_equal, states(parts), states(whole)))


def test_a_gradient_of_some_rows_is_that_of_a_session_of_them(engine: Engine) -> None:
    """Dense and sparse, rows in any order and more than once, λ by what they weigh."""
    rng, X = np.random.default_rng(2), sparse_rows(4, np.float64, np.int32, scipy.sparse.csr_array)
    y, w = rng.integers(0, 3, 60), rng.random(60)
    params = backhand.init(9, 12, 3, dtype=np.float64)
    objective = Objective(l2=0.1, alpha=0.5)
    longest = np.full(150, np.diff(X.indptr).argmax())
    numbers = rng.integers(0, 60, 90)
    bytes_ = rng.integers(0, 60, 60).astype(np.uint8)  # which torch would take for a mask
    for rows in (slice(7, 31), slice(50, 3, -2), numbers, bytes_, longest, None):
        picked = slice(None) if rows is None else rows
        for data in (Data(X, y, w), Data(X.toarray(), y, w), Data(X, y)):
            loss, dtheta = started(engine, params, data, None, objective).gradient(rows)
            few = data.at(picked)
            weight = few.rows if few.sample_weight is None else few.sample_weight.sum()
            expected, grads = engine.loss_and_gradients(params, few, 0.1 + 0.5 / weight)
            assert relative_difference(loss, expected) <= 1e-12
            for a, b in zip(dtheta, of_parameters(grads), strict=True):
                assert relative_difference(a, b) <= 1e-12


@pytest.mark.parametrize("value", [0.0, 0.25])
def test_slots_that_are_one_number_broadcast_are_what_they_are(engine: Engine, value) -> None:
    params, data, _ = random_problem(5, (30, 3, 21, 4))
    slot = Parameters(*(np.broadcast_to(value, p.shape) for p in params))
    run = engine.start(OptimizerState(params, (slot,), 3), data, make_optimizer("momentum"))
    for given, found in zip(slot, run.state().slots[0], strict=True):
        assert np.array_equal(given, found)


def test_a_session_without_an_optimizer_only_measures(engine: Engine) -> None:
    params, data, _ = random_problem(5, (30, 3, 21, 4))
    session = started(engine, params, data, None, Objective(first_class_fixed=True))
    loss, dtheta = session.gradient()
    assert not dtheta.W2[:, 0].any() and dtheta.b2[0] == 0 and dtheta.W2[:, 1:].all()
    assert relative_difference(session.evaluate(data)[0], loss) <= 1e-12
    block = Block(30, np.ones((1, 1)), np.ones((1, 1)))
    for update in (lambda: session.apply(dtheta, 0.1), lambda: session.advance(block)):
        with pytest.raises(InputError, match="the session has no optimizer"):
            update()
    assert session.state().slots == () and session.state().updates == 0


@pytest.mark.parametrize("rule", OPTIMIZERS)
def test_a_session_starts_from_the_state_of_another(engine: Engine, rule: str) -> None:
    params, data, _ = random_problem(5, (30, 3, 21, 4))
    optimizer, block = make_optimizer(rule), Block(7, np.full((2, 5), 0.05), np.zeros((2, 5)))
    objective = Objective(dropout=0.3, dropout_seed=5)
    whole = started(engine, params, data, optimizer, objective)
    whole.advance(block)
    state = whole.state()
    whole.advance(block)
    second = engine.start(state, data, optimizer, objective)
    assert second.state().updates == 10
    second.advance(block)
    assert all(map(np.array_equal, states(second), states(whole)))
    assert "30 rows, 20 updates" in repr(second)


# Losses in the metrics.


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_record_counts_a_rows_loss_up_to_the_most(engine: Engine, dtype, weighted) -> None:
    """As scikit-learn counts it, whose probabilities are at least ε: with logits of ±100."""
    rng = np.random.default_rng(0)
    params = Parameters(*(np.zeros(s, dtype) for s in ((1, 1), 1, (1, 3))), np.zeros(3, dtype))
    params.W1[:], params.W2[:] = 1, np.array([[100, -100, 0]], dtype)
    X, y = np.abs(rng.standard_normal((50, 1))).astype(dtype), rng.integers(0, 3, 50)
    w = rng.random(50).astype(dtype) if weighted else None
    most = float(-np.log(np.finfo(dtype).eps))
    losses = equations.row_losses(equations.forward(params, X).S, y)[:, 0]
    assert (losses > most).sum() > 10 and (losses < most).sum() > 10
    expected = np.average(np.minimum(losses, most), weights=w)
    rates = np.full((1, 3), 1e-20)
    figures = {}
    for limit in (most, np.inf):
        run = started(engine, params, Data(X, y, w), SGD(), Objective(loss_cap=limit))
        figures[limit] = run.advance(Block(20, rates, 0 * rates)).loss[0]
        figures[limit, "θ"] = run.state().params
    tolerance = 1e-12 if dtype is np.float64 else 1e-6
    assert relative_difference(figures[most], expected) <= tolerance
    assert relative_difference(figures[np.inf], np.average(losses, weights=w)) <= tolerance
    assert all(map(np.array_equal, figures[most, "θ"], figures[np.inf, "θ"]))
    assert relative_difference(
        engine.evaluate(params, Data(X, y, w))[0], figures[np.inf]
    ) <= tolerance  # fmt: skip


def test_a_loss_that_is_nan_stays_nan_whatever_the_most(engine: Engine) -> None:
    params, data, _ = random_problem(9, (20, 5, 8, 3))
    params.b2[0] = np.nan
    run = started(engine, params, data, SGD(), Objective(loss_cap=36.0))
    record = run.advance(Block(20, np.full((5, 1), 0.1), np.zeros((5, 1))))
    assert len(record.loss) == 1 and np.isnan(record.loss[0])


# Sparse rows.


@pytest.mark.parametrize("rule", OPTIMIZERS)
def test_a_class_that_is_held_stays_and_the_others_learn_from_the_true_gradient(
    engine: Engine, rule: str
) -> None:
    params, data, l2 = random_problem(4, (30, 3, 21, 4))
    optimizer = make_optimizer(rule)
    block = Block(12, np.full((2, 3), 0.1), np.full((2, 3), l2))
    run = started(engine, params, data, optimizer, Objective(first_class_fixed=True))
    run.advance(block)
    theta = run.state().params
    assert np.array_equal(theta.W2[:, 0], params.W2[:, 0]) and theta.b2[0] == params.b2[0]
    expected = params
    slots = (Parameters(*map(np.zeros_like, params)),) * optimizer.slots
    for t in range(6):
        batch = data.at(slice(t % 3 * 12, t % 3 * 12 + 12))
        grads = gradients_of(equations, Problem(expected, batch, l2))
        grads.dW2[:, 0], grads.db2[0] = 0, 0
        expected, slots = optimizer.update(expected, grads, slots, 0.1, t + 1)
    for a, b in zip(theta, expected, strict=True):
        assert relative_difference(a, b) < 1e-12


def sparse_rows(seed: int, dtype: type, index: type, kind: type) -> scipy.sparse.csr_matrix:
    """(60, 9) with empty rows, an empty column, indices in any order and entries that add up."""
    rng = np.random.default_rng(seed)
    counts = np.where(rng.random(60) < 0.3, 0, rng.integers(1, 12, 60))
    borders = np.concatenate([[0], np.cumsum(counts)]).astype(index)
    indices = rng.integers(0, 8, borders[-1]).astype(index)
    indices[indices >= 4] += 1  # none is 4
    numbers = rng.standard_normal(len(indices)).astype(dtype)
    for array in (numbers, indices, borders):
        array.setflags(write=False)
    X = kind((numbers, indices, borders), shape=(60, 9), copy=False)
    X.indices, X.indptr = indices, borders  # which scipy makes as narrow as can be
    return X


@pytest.mark.parametrize("kind", [scipy.sparse.csr_matrix, scipy.sparse.csr_array])
@pytest.mark.parametrize("index", [np.int32, np.int64])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sparse_rows_are_the_same_as_dense_ones(engine: Engine, dtype, index, kind) -> None:
    X = sparse_rows(0, dtype, index, kind)
    rng = np.random.default_rng(1)
    y, w = rng.integers(0, 3, 60), rng.random(60).astype(dtype)
    sparse, full = Data(X, y, w), Data(X.toarray(), y, w)
    assert X.indices.dtype == index and not X.has_canonical_format
    assert (full.X == 0).all(axis=0)[4] and (full.X == 0).all(axis=1).any()
    params = backhand.init(9, 12, 3, dtype=dtype)
    orders = np.stack([rng.permutation(60) for _ in range(3)])
    rates = np.full((3, 4), 0.1)
    found = []
    for data in (sparse, full):
        loss, grads = engine.loss_and_gradients(params, data, 0.1)
        run = started(engine, params, data, make_optimizer("adam"), Objective(dropout=0.25))
        records = [run.advance(Block(17, rates, 0 * rates, order)) for order in (orders, None)]
        figures = [loss, *engine.evaluate(params, data), *run.evaluate(data), run.gradient()[0]]
        P = engine.predict_proba(params, data.X)
        found.append([np.array(figures), *grads, *states(run), *run.gradient()[1], P,
                      *(r.loss for r in records)])  # fmt: skip
    for a, b in zip(*found, strict=True):
        assert a.dtype == b.dtype
        assert relative_difference(a, b) <= (1e-12 if dtype is np.float64 else 1e-5)


def test_sparse_rows_can_be_chosen_like_dense_ones() -> None:
    X = sparse_rows(0, np.float64, np.int64, scipy.sparse.csr_array)
    data = Data(X, np.arange(60), np.arange(60.0))
    assert data.rows == 60
    mask = np.arange(60) % 7 == 0
    for rows in (slice(3, 30), slice(50, 99), np.array([5, 5, 59, 0]), mask, np.array([], int)):
        part = data.at(rows)
        assert np.array_equal(part.X.toarray(), X.toarray()[rows])
        assert np.array_equal(part.y, np.arange(60)[rows])
        assert part.rows == len(part.y) == len(part.sample_weight)


def test_sparse_rows_of_another_dtype_than_the_parameters(engine: Engine) -> None:
    X = sparse_rows(2, np.float64, np.int32, scipy.sparse.csr_matrix)
    params = backhand.init(9, 12, 3)
    expected = equations.forward(params, X.toarray().astype(np.float32)).P
    assert relative_difference(engine.predict_proba(params, X), expected) <= 1e-6
    whole = X.astype(np.int8)
    sparse, full = (engine.predict_proba(params, rows) for rows in (whole, whole.toarray()))
    assert relative_difference(sparse, full) <= 1e-6


def test_no_more_than_a_batch_is_made_dense(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    X = sparse_rows(3, np.float32, np.int32, scipy.sparse.csr_matrix)
    seen = [0]
    toarray = scipy.sparse.csr_matrix.toarray

    def watched(self, *arguments, **others):
        seen.append(self.shape[0])
        return toarray(self, *arguments, **others)

    monkeypatch.setattr(scipy.sparse.csr_matrix, "toarray", watched)
    data, params = Data(X, np.arange(60) % 3), backhand.init(9, 12, 3)
    run = started(engine, params, data, SGD())
    run.advance(Block(16, np.full((2, 4), 0.1), np.zeros((2, 4))))
    assert max(seen) == (0 if engine.name == "fused" else 16)
    monkeypatch.setattr(batching, "CHUNK_BYTES", 4000)
    run.gradient()
    run.evaluate(data)
    engine.predict_proba(params, X)
    assert max(seen) <= 16


def test_engines_do_not_import_scipy() -> None:
    script = (
        "import sys, numpy as np, backhand\n"
        "from backhand.engines import Block, Data, Objective, OptimizerState, make_engine\n"
        "from backhand.optimizers import SGD\n"
        "data = Data(np.ones((4, 2), np.float32), np.arange(4) % 2)\n"
        "for name in ('reference', 'fused'):\n"
        "    state = OptimizerState.initial(backhand.init(2, 3, 2), SGD())\n"
        "    run = make_engine(name, threads=1).start(state, data, SGD(), Objective(dropout=0.5))\n"
        "    run.advance(Block(4, np.ones((1, 1)), np.ones((1, 1))))\n"
        "    run.gradient()\n"
        "print('scipy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == "False\n", done.stderr


@pytest.mark.parametrize("name", ["reference", "torch"])
def test_the_number_of_threads_is_obeyed_and_put_back(name: str) -> None:
    """Also where several Python threads compute at once: the library gets its own number back."""
    if name == "torch":
        from backhand.engines.torch import TORCH_THREADS as setting
    else:
        setting = blas_threads()
    before = setting.read()
    setting.write(2)
    try:
        with make_engine(name, threads=1).computing():
            assert setting.read() == 1
        assert setting.read() == 2
        first, second = setting.limited(1), setting.limited(3)
        first.__enter__()
        second.__enter__()
        assert setting.read() == 3
        first.__exit__(None, None, None)
        second.__exit__(None, None, None)
        assert setting.read() == 2
    finally:
        setting.write(before)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("torhc",), "Did you mean 'torch'"),
        (("reference", "cuda"), "use engine='torch'"),
        (("torch", "cuda:99"), "torch cannot compute on device 'cuda:99'"),
        (("torch", "nonsense"), "torch cannot compute on device 'nonsense'"),
        (("auto", None, 0), "threads is 0"),
        (("auto", 1), "device is 1"),
        ((["fused"],), "Did you mean 'fused'"),
    ],
)
def test_wrong_engines_are_told(arguments, said) -> None:
    with pytest.raises(InputError, match=said):
        make_engine(*arguments)


def selected(data: Data, rows) -> tuple[Data, Data]:
    """The same rows twice: as a selection of a selection, and as a copy."""
    rest = np.sort(rows)
    return data.select(rest).select(np.searchsorted(rest, rows)), data.at(rows)


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
@pytest.mark.parametrize("kind", ["dense", "sparse", "columns", "bytes"])
def test_selected_rows_are_computed_with_as_their_copy_to_the_bit(
    engine: Engine, kind: str, dtype: type
) -> None:
    rng = np.random.default_rng(3)
    X = (9 * rng.standard_normal((90, 6)) * (rng.random((90, 6)) < 0.5)).astype(np.float32)
    X = {"dense": X, "sparse": scipy.sparse.csr_matrix(X), "columns": np.asfortranarray(X),
         "bytes": X.astype(np.int8)}[kind]  # fmt: skip
    data = Data(X, rng.integers(0, 3, 90), rng.random(90, np.float32))
    view, copy = selected(data, rng.permutation(90)[:41])
    assert view.X is data.X and view.y is data.y and view.sample_weight is data.sample_weight
    view, params = view._replace(numbers=view.numbers.astype(dtype)), backhand.init(6, 16, 3)
    order = np.stack([rng.permutation(41) for _ in range(3)])
    rates = np.full((3, 6), 0.1)
    results = []
    for rows in (view, copy):
        run = started(engine, params, rows, make_optimizer("adam"), Objective(dropout=0.2))
        found = [run.advance(Block(7, rates, 0.1 * rates, some)) for some in (order, None)]
        found += [run.gradient(), run.gradient(slice(3, 30)), run.gradient(order[0, :9], 0.1)]
        found += [run.state(), run.evaluate(rows), engine.evaluate(params, rows)]
        if kind != "bytes":
            found.append(engine.loss_and_gradients(params, rows, 0.1))
        results.append(bits(found))
    assert len(results[0]) > 20 and results[0] == results[1]


def bits(value) -> list[bytes]:
    """The bits of all arrays and numbers in nested tuples and lists."""
    if isinstance(value, tuple | list):
        return [leaf for part in value for leaf in bits(part)]
    return [np.asarray(value).tobytes()]


def test_rows_are_selected_by_slices_masks_and_numbers() -> None:
    data = Data(np.eye(6), np.arange(6), np.arange(6.0))
    odd = data.select(np.arange(6) % 2 == 1)
    assert (odd.rows, odd.labels.tolist(), odd.weights.tolist()) == (3, [1, 3, 5], [1, 3, 5])
    assert odd.select(slice(1, None)).labels.tolist() == [3, 5]
    again = odd.select(np.array([2, 0, 2, -3]))
    assert again.labels.tolist() == [5, 1, 5, 1] and again.numbers.nbytes == 16
    assert again.at(slice(0, 2)).X.tolist() == np.eye(6)[[5, 1]].tolist()
    assert data.labels is data.y and Data(data.X, data.y).select(slice(2)).weights is None
    none = np.zeros(6, bool)
    for rows in ([], [6], np.ones(5, bool), none, slice(4, 4), 3, [[1]], [0.5], "a", None):
        with pytest.raises(InputError, match="row"):
            data.select(rows)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("batch_size", [None, 16])
@pytest.mark.parametrize("kind", ["dense", "sparse"])
def test_a_block_measures_the_validation_rows_as_evaluate_does(
    engine: Engine, kind: str, batch_size: int | None, threads: int
) -> None:
    engine = make_engine(engine.name, threads=threads)
    rng, (d, H, N, E) = np.random.default_rng(5), (30, 300, 90, 5)
    X = rng.standard_normal((N, d)).astype(np.float32)
    X = scipy.sparse.csr_matrix(X * (X > 0)) if kind == "sparse" else X
    rows = Data(X, rng.integers(0, 3, N), rng.random(N, np.float32))
    training, held = rows.select(slice(0, 50)), rows.select(np.arange(N - 1, 40, -1))
    size, params, rule = batch_size or 50, backhand.init(d, H, 3), make_optimizer("adam")
    rates = np.full((E, -(-50 // size)), 0.01)
    order = None if batch_size is None else np.stack([rng.permutation(50) for _ in range(E)])
    objective, validated = Objective(l2=0.1, dropout=0.3, loss_cap=0.5), np.arange(E) % 2 == 0
    begin = OptimizerState.initial(params, rule)
    whole = engine.start(begin, training, rule, objective, held)
    found = whole.advance(Block(size, rates, rates, order, validated))
    run = engine.start(begin, training, rule, objective)
    for e in range(E):
        some = None if order is None else order[e : e + 1]
        alone = run.advance(Block(size, rates[:1], rates[:1], some))
        assert np.isnan([*alone.validation_loss, *alone.validation_accuracy]).all()
        assert bits([figures[e] for figures in found[:2]]) == bits([alone.loss, alone.accuracy])
        expected = run.evaluate(held) if validated[e] else (np.nan, np.nan)
        assert bits([figures[e] for figures in found[2:]]) == bits(expected)
    assert bits(whole.state()) == bits(run.state())


def test_a_block_ends_where_the_loss_ends_whatever_it_measures(engine: Engine) -> None:
    params, data, _ = single(random_problem(9, (20, 5, 8, 3)))
    run = engine.start(OptimizerState.initial(params, SGD()), data, SGD(), validation=data)
    rates = np.full((50, 1), 1e30)
    record = run.advance(Block(20, rates, 0 * rates, validated=np.ones(50, bool)))
    assert len({len(figures) for figures in record}) == 1 and len(record.loss) < 50
    assert not np.isfinite(record.loss[-1]) and np.isfinite(record.loss[:-1]).all()


def test_what_is_to_be_validated_is_checked(engine: Engine) -> None:
    params, data, _ = single(random_problem(9, (20, 5, 8, 3)))
    rates = np.full((2, 1), 0.1)
    begin = OptimizerState.initial(params, SGD())
    run = engine.start(begin, data, SGD())
    assert len(run.advance(Block(20, rates, rates, validated=np.zeros(2, bool))).loss) == 2
    with pytest.raises(InputError, match="the session has no validation rows"):
        run.advance(Block(20, rates, rates, validated=np.ones(2, bool)))
    run = engine.start(begin, data, SGD(), validation=data.select(slice(3)))
    for validated in (np.ones(3, bool), np.ones(2), np.ones((2, 1), bool), [True, True], 1):
        with pytest.raises(InputError, match=r"the block's validated is .* expected bools, \(2,\)"):
            run.advance(Block(20, rates, rates, validated=validated))
    for wrong in (data._replace(X=data.X[:, :3]), data._replace(y=data.y + 9), 3):
        with pytest.raises(InputError):
            engine.start(begin, data, SGD(), validation=wrong)
    labels = data.y.copy()
    run = engine.start(begin, data, SGD(), validation=data._replace(y=labels))
    labels[2] = 7
    if engine.name == "fused":
        with pytest.raises(InputError, match="class indices from 0 to 7"):
            run.advance(Block(20, rates, rates, validated=np.ones(2, bool)))
