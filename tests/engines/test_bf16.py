"""Every engine that trains in bf16, against the equations in bf16."""

import numpy as np
import pytest
import scipy.sparse
from _pytest.mark.structures import ParameterSet

import backhand
from backhand import bf16, equations
from backhand.dropout import dropout_mask
from backhand.engines import (
    Block,
    Data,
    Engine,
    Objective,
    OptimizerState,
    make_engine,
    registry,
)
from backhand.equations import Parameters
from backhand.errors import InputError
from backhand.optimizers import OPTIMIZERS, SGD, Adam, make_optimizer, of_parameters
from backhand.support.differences import relative_difference
from helpers.gradient_checks import assert_close, gradients_of, random_problem, single
from helpers.sessions import started

ENGINES = [spec.name for spec in registry._registry.values() if "bf16" in spec.precisions]
TOLERANCE = 1e-4
"""Float32 sums of another order: by chance a sum is rounded to the other bf16 beside it. Leaving
out a rounding is four times as far off (`equations/test_bf16.py`)."""


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Engine:
    return make_engine(request.param, precision="bf16")


def problem_of(seed: int, shape: tuple[int, int, int, int] = (60, 20, 40, 5)):
    return single(random_problem(seed, shape))


SHAPES = [(60, 20, 40, 5), (1, 1, 1, 2), (33, 65, 129, 11)]
MORE_SHAPES = [(3, 2, 5, 3), (130, 7, 17, 2), (300, 31, 16, 20), (17, 300, 64, 10)]


def slow(*values: object) -> ParameterSet:
    return pytest.param(*values, marks=pytest.mark.slow)


@pytest.mark.parametrize("shape", [*SHAPES, *map(slow, MORE_SHAPES)])
@pytest.mark.parametrize("seed", [0, slow(1)])
def test_loss_and_gradients_agree_with_the_equations(engine: Engine, shape, seed: int) -> None:
    problem = problem_of(seed, shape)
    params, data, l2 = problem
    expected = gradients_of(bf16, problem)
    S = bf16.forward(params, data.X).S
    L = equations.cross_entropy(S, data.y, data.sample_weight) + equations.penalty(params, l2)
    loss, grads = engine.loss_and_gradients(*problem)
    assert relative_difference(loss, L) <= 1e-5
    assert all(g.dtype == np.float32 for g in grads)
    assert_close(grads, expected, TOLERANCE)


@pytest.mark.parametrize(
    ("rule", "dropout"),
    [("sgd", 0.0), ("adam", 0.375), *(slow(rule, p) for rule in OPTIMIZERS for p in (0.0, 0.375))],
)
def test_updates_are_those_of_the_equations(engine: Engine, rule: str, dropout: float) -> None:
    params, data, l2 = problem_of(4, (110, 20, 40, 5))
    optimizer, objective = make_optimizer(rule), Objective(dropout=dropout, dropout_seed=7)
    B, E = 3, 2
    rng = np.random.default_rng(0)
    block = Block(40, np.full((E, B), 0.02), np.full((E, B), l2),
                  np.stack([rng.permutation(110) for _ in range(E)]))  # fmt: skip
    run = started(engine, params, data, optimizer, objective)
    found = run.advance(block)

    theta, t = params, 0
    slots = OptimizerState.initial(params, optimizer).slots
    for e in range(E):
        losses, weights = [], []
        for b in range(B):
            X, y, w, _ = data.at(block.order[e, 40 * b : 40 * b + 40])
            t += 1
            M = dropout_mask(7, t, len(y), 40, dropout, np.float32) if dropout else None
            acts = bf16.forward(theta, X, M)
            losses.append(equations.cross_entropy(acts.S, y, w) + equations.penalty(theta, l2))
            weights.append(len(y) if w is None else w.sum())
            grads = bf16.backward(theta, X, y, acts, w, l2, M)
            theta, slots = optimizer.update(theta, grads, slots, 0.02, t)
        assert relative_difference(found.loss[e], np.average(losses, weights=weights)) <= 1e-5
    state = run.state()
    assert state.updates == t
    for a, b, start in zip(state.params, theta, params, strict=True):
        assert a.dtype == np.float32
        assert relative_difference(a - start, b - start) <= 10 * TOLERANCE


@pytest.mark.parametrize("seed", [0, *map(slow, range(1, 4))])
def test_gradients_of_halves_add_up(engine: Engine, seed: int) -> None:
    """What is rounded is rounded before it is divided by Σw, so the cut does not matter."""
    params, data, l2 = problem_of(seed, (90, 20, 40, 5))
    w = np.random.default_rng(seed).random(90).astype(np.float32)
    run = started(engine, params, data._replace(sample_weight=w), SGD(), Objective(l2=l2))
    loss, whole = run.gradient()
    halves = [slice(0, 37), np.arange(37, 90)]
    parts = [run.gradient(half) for half in halves]
    weights = [w[half].sum() for half in halves]
    assert relative_difference(loss, np.average([p[0] for p in parts], weights=weights)) < 1e-6
    for values in zip(whole, *(part[1] for part in parts), strict=True):
        assert (
            relative_difference(values[0], np.average(values[1:], axis=0, weights=weights)) < 1e-5
        )
    grads = engine.loss_and_gradients(params, data._replace(sample_weight=w), l2)[1]
    for a, b in zip(whole, of_parameters(grads), strict=True):
        assert relative_difference(a, b) <= TOLERANCE


def test_evaluating_is_in_bf16_and_predicting_is_not(engine: Engine) -> None:
    params, data, _ = problem_of(2, (500, 20, 40, 5))
    S = bf16.forward(params, data.X).S
    judged = equations.cross_entropy(S, data.y, data.sample_weight)
    run = started(engine, params, data, SGD(), validation=data)
    validated = run.advance(
        Block(500, np.full((1, 1), 1e-30), np.zeros((1, 1)), validated=np.ones(1, bool))
    ).validation_loss[0]
    for loss in (engine.evaluate(params, data)[0], run.evaluate(data)[0], validated):
        assert relative_difference(loss, judged) < 1e-5
    exact = equations.cross_entropy(equations.forward(params, data.X).S, data.y, data.sample_weight)
    assert relative_difference(judged, exact) > 1e-5
    P = make_engine(engine.name).predict_proba(params, data.X)
    assert np.array_equal(engine.predict_proba(params, data.X), P)


def test_small_updates_add_up_in_the_master_weights(engine: Engine) -> None:
    """Each is less than a hundredth of what a weight in bf16 could show."""
    params, data, _ = problem_of(3)
    run = started(engine, params, data, SGD())
    run.advance(Block(60, np.full((50, 1), 1e-4), np.zeros((50, 1))))
    moved = [a - b for a, b in zip(run.state().params, params, strict=True)]
    _, grads = engine.loss_and_gradients(params, data)
    for step, gradient in zip(moved, of_parameters(grads), strict=True):
        assert relative_difference(step, -5e-3 * gradient) < 0.02


def test_a_training_is_the_same_each_time_and_for_any_number_of_threads(engine: Engine) -> None:
    params, data, l2 = problem_of(5, (300, 30, 70, 4))
    rates = np.full((4, 3), 0.02)
    block, found = Block(100, rates, l2 + 0 * rates), []
    threads = (1, 2, 3) if engine.name == "fused" else (1, 1)
    for count in threads:
        one = make_engine(engine.name, threads=count, precision="bf16")
        run = started(one, params, data, Adam(), Objective(dropout=0.25))
        record = run.advance(block)
        found.append([record.loss, *run.state().params, *run.state().slots[1]])
    for other in found[1:]:
        assert all(map(np.array_equal, other, found[0]))


def test_blocks_and_restored_states_continue_to_the_bit(engine: Engine) -> None:
    params, data, _ = problem_of(6)
    rates = np.full((6, 2), 0.02)
    whole, parts = (started(engine, params, data, Adam()) for _ in range(2))
    whole.advance(Block(30, rates, 0 * rates))
    half = Block(30, rates[:3], 0 * rates[:3])
    parts.advance(half)
    resumed = engine.start(parts.state(), data, Adam())
    resumed.advance(half)
    other = started(engine, params, data, Adam())
    other.restore(parts.state())
    other.advance(half)
    for run in (resumed, other):
        assert all(map(np.array_equal, run.state().params, whole.state().params))


@pytest.mark.parametrize("dtype", [np.uint8, np.float64, slow(np.int32), slow(bool)])
def test_rows_of_any_real_dtype_are_rounded_from_float32(engine: Engine, dtype) -> None:
    params, data, _ = problem_of(7)
    X = (np.abs(data.X) * 100).astype(dtype)
    same = X.astype(np.float32)
    found, expected = (engine.loss_and_gradients(params, Data(x, data.y)) for x in (X, same))
    assert found[0] == expected[0] and np.array_equal(found[1].dW1, expected[1].dW1)
    run = started(engine, params, Data(X, data.y).select(slice(5, 50)), SGD())
    assert np.isfinite(run.advance(Block(7, np.full((1, 7), 1e-4), np.zeros((1, 7)))).loss).all()


def test_what_overflows_ends_the_block(engine: Engine) -> None:
    params, data, _ = problem_of(8)
    record = started(engine, params, data, SGD()).advance(
        Block(60, np.full((50, 1), 1e30), np.zeros((50, 1)))
    )
    assert len(record.loss) < 50
    assert np.isfinite(record.loss[:-1]).all() and not np.isfinite(record.loss[-1])


def test_the_first_class_may_be_fixed_and_rows_capped(engine: Engine) -> None:
    params, data, _ = problem_of(9)
    objective = Objective(first_class_fixed=True, loss_cap=0.01)
    run = started(engine, params, data, SGD(), objective)
    record = run.advance(Block(60, np.full((3, 1), 0.1), np.zeros((3, 1))))
    after = run.state().params
    assert (record.loss <= 0.0101).all()
    assert np.array_equal(after.W2[:, 0], params.W2[:, 0]) and after.b2[0] == params.b2[0]
    assert not np.array_equal(after.W2, params.W2)


def test_what_is_not_float32_or_not_dense_is_refused(engine: Engine) -> None:
    problem = random_problem(0, (9, 4, 5, 3))
    data = problem.data
    for call in (
        lambda: engine.loss_and_gradients(problem.params, data),
        lambda: engine.evaluate(problem.params, data),
        lambda: started(engine, problem.params, data, SGD()),
    ):
        with pytest.raises(InputError, match="the parameters are float64; precision='bf16'"):
            call()
    params = single(problem).params
    sparse = data._replace(X=scipy.sparse.csr_array(data.X))
    run = started(engine, params, data, SGD())
    for call in (
        lambda: engine.loss_and_gradients(params, sparse),
        lambda: engine.evaluate(params, sparse),
        lambda: started(engine, params, sparse, SGD()),
        lambda: started(engine, params, data, SGD(), validation=sparse),
        lambda: run.evaluate(sparse),
    ):
        with pytest.raises(InputError, match=r"X is sparse; precision='bf16' .* X.toarray\(\)"):
            call()
    assert engine.predict_proba(params, sparse.X).shape == (9, 3)


def test_divided_engines_and_members_keep_the_precision(engine: Engine) -> None:
    assert engine.precision == "bf16"
    assert [one.precision for one in engine.divided(3)] == ["bf16"] * len(engine.divided(3))
    assert make_engine(engine.name).precision == "auto"


def test_many_sessions_are_in_bf16_too(engine: Engine) -> None:
    """Torch stacks those that are alike: each is what it is alone, to rounding."""
    params, data, _ = problem_of(1, (80, 20, 40, 5))
    block = Block(40, np.full((2, 2), 0.02), np.zeros((2, 2)), validated=np.ones(2, bool))

    def sessions():
        return [
            started(engine, Parameters(*(v + 0.01 * m for v in params)), data, SGD(),
                    Objective(dropout=0.25, dropout_seed=m), data)
            for m in range(6)
        ]  # fmt: skip

    together, apart = sessions(), sessions()
    found = engine.advance_all(together, [block] * 6)
    for one, other, metrics in zip(together, apart, found, strict=True):
        alone = other.advance(block)
        assert relative_difference(metrics.loss, alone.loss) < 1e-5
        assert relative_difference(metrics.validation_loss, alone.validation_loss) < 1e-5
        for a, b in zip(one.state().params, other.state().params, strict=True):
            assert relative_difference(a, b) < TOLERANCE


def test_an_unknown_precision_is_named() -> None:
    with pytest.raises(InputError, match=r"precision is 'bf1'\. Did you mean 'bf16'\?"):
        make_engine("reference", precision="bf1")
    with pytest.raises(InputError, match="precision is 16"):
        backhand.make_engine(precision=16)  # type: ignore[arg-type]
