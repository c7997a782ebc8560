"""Every engine against the equations, step by step, and what the contract promises."""

import numpy as np
import pytest

from backhand import equations
from backhand.autograd import relative_difference
from backhand.engines import Block, Data, Engine, arrays, make_engine
from backhand.engines.reference import blas_threads
from backhand.engines.torch import TORCH_THREADS
from backhand.equations import Parameters
from backhand.errors import InputError
from backhand.optimizers import OPTIMIZERS, SGD, make_optimizer, of_parameters
from gradient_checks import Problem, assert_close, gradients_of, random_problem

ENGINES = ["reference", "fused", "torch"]


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Engine:
    return make_engine(request.param)


def single(problem: Problem) -> Problem:
    params, (X, y, w), l2 = problem
    return Problem(
        Parameters(*(p.astype(np.float32) for p in params)),
        Data(X.astype(np.float32), y, None if w is None else w.astype(np.float32)),
        l2,
    )


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
    run = engine.start(params, data, optimizer)
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
    whole = engine.start(params, data, SGD())
    long = whole.advance(Block(30, rates, 0 * rates))
    parts = engine.start(params, data, SGD())
    short = [parts.advance(Block(30, rates[:3], 0 * rates[:3])) for _ in range(4)]
    assert np.array_equal(long.loss, np.concatenate([r.loss for r in short]))
    for a, b in zip(whole.state().params, parts.state().params, strict=True):
        assert np.array_equal(a, b)


def test_restore_goes_back_to_the_bit(engine: Engine) -> None:
    params, data, _ = single(random_problem(8, (20, 5, 8, 3)))
    block = Block(20, np.full((5, 1), 0.01), np.zeros((5, 1)))
    run = engine.start(params, data, make_optimizer("adam"))
    run.advance(block)
    state = run.state()
    first = run.advance(block)
    run.restore(state)
    second = run.advance(block)
    assert np.array_equal(first.loss, second.loss)
    assert state.updates == 5


def test_a_block_ends_after_the_first_loss_that_is_not_finite(engine: Engine) -> None:
    params, data, _ = single(random_problem(9, (20, 5, 8, 3)))
    run = engine.start(params, data, SGD())
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
    monkeypatch.setattr(arrays, "CHUNK_BYTES", 2000)
    assert len(list(arrays.chunks(params, 50))) > 5
    assert relative_difference(engine.predict_proba(params, data.X), whole) <= 1e-14
    assert relative_difference(engine.evaluate(params, data), judged) <= 1e-12
    w = np.random.default_rng(0).random(50)
    S = equations.forward(params, data.X).S
    expected = equations.cross_entropy(S, data.y, w), equations.accuracy(S, data.y, w)
    assert (
        relative_difference(engine.evaluate(params, data._replace(sample_weight=w)), expected)
        <= 1e-12
    )


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, bool, np.float64])
def test_rows_of_any_real_dtype_are_computed_in_the_parameters(engine: Engine, dtype) -> None:
    params, data, _ = single(random_problem(12, (20, 5, 8, 3)))
    X = (np.abs(data.X) * 2).astype(dtype)
    X.setflags(write=False)
    P = engine.predict_proba(params, X)
    assert P.dtype == np.float32
    assert relative_difference(P, equations.forward(params, X.astype(np.float32)).P) <= 1e-6
    run = engine.start(params, Data(X, data.y), SGD())
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
    run = engine.start(params, data, SGD())
    record = run.advance(Block(3, np.full((1, 10000), 1e-30), np.zeros((1, 10000))))
    assert record.accuracy[0] == 1 / 3
    assert abs(record.loss[0] / np.log(np.float32(3)) - 1) < 1e-7
    assert engine.evaluate(params, data)[1] == 1 / 3


@pytest.mark.parametrize("name", ["reference", "torch"])
def test_the_number_of_threads_is_obeyed_and_put_back(name: str) -> None:
    """Also where several Python threads compute at once: the library gets its own number back."""
    setting = TORCH_THREADS if name == "torch" else blas_threads()
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
        (("reference", "cuda"), "take engine='torch'"),
        (("torch", "cuda:99"), "torch cannot compute on device 'cuda:99'"),
        (("torch", "nonsense"), "torch cannot compute on device 'nonsense'"),
        (("auto", None, 0), "threads is 0"),
    ],
)
def test_wrong_engines_are_told(arguments, said) -> None:
    with pytest.raises(InputError, match=said):
        make_engine(*arguments)
