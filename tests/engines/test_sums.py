"""`Session.sums`: what some rows add to a batch of the next update, by every engine."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from backhand import equations
from backhand.dropout import dropout_mask
from backhand.engines import Block, Data, Engine, Objective, Session, Sums, make_engine
from backhand.equations import Parameters
from backhand.errors import InputError
from backhand.optimizers import SGD, of_parameters
from backhand.support.differences import largest_difference, relative_difference
from helpers.gradient_checks import Problem, random_problem, single
from helpers.optional_packages import optional
from helpers.sessions import started

scipy = optional("scipy.sparse")

ENGINES = ["reference", "fused", "torch"]
OBJECTIVE = Objective(l2=0.25, dropout=0.4, dropout_seed=7)


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Engine:
    return make_engine(request.param)


def weighted_problem(seed: int = 0) -> Problem:
    """Rows of which some weigh 0."""
    problem = random_problem(seed, (23, 5, 9, 4))
    w = np.random.default_rng(seed).random(23)
    w[[3, 8]] = 0
    return problem._replace(data=problem.data._replace(sample_weight=w))


def added(*some: Sums) -> Sums:
    gradient = Parameters(*map(sum, zip(*(one.gradient for one in some), strict=True)))
    return Sums(gradient, *(sum(one[n] for one in some) for n in range(1, 4)))


def same_bits(one: Sums, other: Sums) -> bool:
    return one[1:] == other[1:] and all(map(np.array_equal, one.gradient, other.gradient))


def by_equations(problem: Problem, rows: NDArray[np.int64], mask: NDArray[np.float64]) -> Sums:
    params, data, _ = problem
    X, y, w, _ = data.at(rows)
    acts = equations.forward(params, X, mask)
    weight = len(rows) if w is None else w.sum()
    loss = equations.cross_entropy(acts.S, y, w) * weight
    dtheta = of_parameters(equations.backward(params, X, y, acts, w, 0.0, mask))
    gradient = Parameters(*(weight * d for d in dtheta))
    return Sums(gradient, loss, equations.accuracy(acts.S, y, w) * weight, weight)


@pytest.mark.parametrize("dropout", [0.0, 0.4])
def test_sums_of_pieces_of_a_batch_are_those_of_the_equations(
    engine: Engine, dropout: float
) -> None:
    problem = weighted_problem()
    objective = replace(OBJECTIVE, dropout=dropout)
    order = np.random.default_rng(0).permutation(23)
    mask = dropout_mask(7, 3, 23, 9, dropout, np.float64)
    for case, tolerance in ((problem, 1e-13), (single(problem), 1e-5)):
        session = started(engine, case.params, case.data, SGD(), objective)
        session.restore(session.state()._replace(updates=2))
        pieces = [session.sums(order[a:b], a) for a, b in ((0, 4), (4, 20), (20, 23))]
        expected = by_equations(problem, order, mask)
        found = added(*pieces)
        assert all(g.dtype == case.params.W1.dtype for g in pieces[0].gradient)
        assert largest_difference(found.gradient, expected.gradient) < tolerance
        assert relative_difference(found[1:], expected[1:]) < tolerance


def test_sums_with_the_penalty_and_apply_are_an_update_of_advance(engine: Engine) -> None:
    params, data, _ = weighted_problem()
    objective = replace(OBJECTIVE, first_class_fixed=True)
    block = Block(23, np.full((1, 1), 0.5), np.full((1, 1), 0.25))
    one, other = (started(engine, params, data, SGD(), objective) for _ in range(2))
    figures = one.advance(block)
    found = added(other.sums(slice(0, 9)), other.sums(slice(9, 23), 9))
    dtheta = Parameters(*(g / found.weight for g in found.gradient))
    assert not dtheta.W2[:, 0].any() and not dtheta.b2[0]
    penalised = dtheta._replace(W1=dtheta.W1 + 0.25 * params.W1, W2=dtheta.W2 + 0.25 * params.W2)
    other.apply(penalised, 0.5)
    assert largest_difference(other.parameters(), one.parameters()) < 1e-14
    loss = found.loss / found.weight + float(equations.penalty(params, 0.25))
    assert relative_difference(loss, figures.loss[0]) < 1e-14
    assert relative_difference(found.hits / found.weight, figures.accuracy[0]) < 1e-14


def test_without_dropout_sums_are_the_gradient_times_the_weight(engine: Engine) -> None:
    params, data, _ = weighted_problem()
    session = started(engine, params, data, None)
    loss, dtheta = session.gradient(slice(2, 20))
    found = session.sums(slice(2, 20))
    assert relative_difference(found.loss / found.weight, loss) < 1e-14
    assert largest_difference(tuple(g / found.weight for g in found.gradient), dtheta) < 1e-14


def test_rows_that_weigh_nothing_add_zeros(engine: Engine) -> None:
    params, data, _ = weighted_problem()
    found = started(engine, params, data, None, OBJECTIVE).sums(np.array([3, 8, 3]))
    assert not any(map(np.any, found.gradient)) and found[1:] == (0, 0, 0)
    assert [g.shape for g in found.gradient] == [p.shape for p in params]


def test_sums_change_nothing_and_are_the_same_bits_again(engine: Engine) -> None:
    params, data, _ = weighted_problem()
    session = started(engine, params, data, SGD(), OBJECTIVE)
    one = session.sums(slice(0, 20), 3)
    assert same_bits(one, session.sums(slice(0, 20), 3))
    assert all(map(np.array_equal, session.parameters(), params))
    assert session.state().updates == 0
    assert not same_bits(one, session.sums(slice(0, 20), 4))


def test_rows_of_other_data_have_the_sums_that_they_have_as_the_sessions_own(
    engine: Engine,
) -> None:
    params, data, _ = weighted_problem()
    own = started(engine, params, data, None, OBJECTIVE)
    other = started(engine, params, data.at(slice(0, 1)), None, OBJECTIVE)
    rows = np.array([4, 22, 3, 4])
    expected = own.sums(rows, 5)
    assert same_bits(expected, other.sums(rows, 5, data))
    assert same_bits(expected, other.sums(slice(1, 5), 5, data.select([9, *rows])))
    sparse = data._replace(X=scipy.sparse.csr_array(data.X))
    of_sparse = other.sums(rows, 5, sparse)
    assert largest_difference(of_sparse.gradient, expected.gradient) < 1e-14


def test_hits_of_unweighted_rows_are_a_whole_number(engine: Engine) -> None:
    params, data, _ = single(random_problem(0, (23, 5, 9, 4)))
    data = data._replace(sample_weight=None)
    found = started(engine, params, data, None).sums(slice(0, 21))
    S = equations.forward(params, data.X).S
    assert found.hits == (S.argmax(1) == data.y)[:21].sum() and found.weight == 21


def test_no_row_counts_more_than_the_loss_cap(engine: Engine) -> None:
    params, data, _ = weighted_problem()
    capped = Objective(loss_cap=0.5)
    found = started(engine, params, data, None, capped).sums()
    losses = equations.row_losses(equations.forward(params, data.X).S, data.y)[:, 0]
    w = data.sample_weight
    assert w is not None
    assert relative_difference(found.loss, (w * np.minimum(losses, 0.5)).sum()) < 1e-14


def test_of_other_rows_neither_labels_nor_indices_are_looked_at(engine: Engine) -> None:
    params, data, _ = weighted_problem()
    session = started(engine, params, data, None)
    y = data.y.copy()
    y[5] = 99
    wrong = data._replace(y=y)
    assert same_bits(session.sums(slice(0, 5), 0, wrong), session.sums(slice(0, 5)))
    with pytest.raises(InputError, match="y"):
        session.sums(slice(0, 6), 0, wrong)
    sparse = scipy.sparse.csr_array(data.X)
    sparse.indices[-1] = 99
    wrong = data._replace(X=sparse)
    session.sums(slice(0, 22), 0, wrong)
    with pytest.raises(InputError, match="indices point elsewhere"):
        session.sums(np.array([22]), 0, wrong)


@pytest.mark.parametrize(
    ("rows", "first", "match"),
    [
        (slice(0, 0), 0, "expected one row or more"),
        (np.array([23]), 0, "row numbers from 23"),
        (slice(0, 3), -1, "first is -1"),
        (slice(0, 3), 1.5, "first is 1.5"),
    ],
)
def test_rows_and_positions_that_are_none_are_rejected(
    engine: Engine, rows: object, first: int, match: str
) -> None:
    params, data, _ = weighted_problem()
    session: Session = started(engine, params, data, None)
    with pytest.raises(InputError, match=match):
        session.sums(rows, first)


@pytest.mark.parametrize(
    "change",
    [
        {"y": np.zeros(3, np.int64)},
        {"X": np.zeros((23, 4))},
        {"sample_weight": np.full(23, -1.0)},
        {"numbers": np.array([23])},
    ],
)
def test_other_data_that_do_not_fit_are_rejected(
    engine: Engine, change: dict[str, NDArray[np.float64]]
) -> None:
    params, data, _ = weighted_problem()
    session = started(engine, params, data, None)
    with pytest.raises(InputError):
        session.sums(slice(0, 1), 0, data._replace(**change))


def test_bf16_sums_of_the_fused_engine_are_those_of_the_reference() -> None:
    params, data, _ = single(weighted_problem())
    found = [
        started(make_engine(name, precision="bf16"), params, data, None, OBJECTIVE)
        .sums(slice(4, 20), 6)
        for name in ("fused", "reference")
    ]  # fmt: skip
    assert largest_difference(found[0].gradient, found[1].gradient) < 1e-3
    assert relative_difference(found[0][1:], found[1][1:]) < 1e-5


@pytest.mark.parametrize("rows", [1, 31, 128, 129, 700, 3000])
def test_sums_of_the_fused_engine_do_not_depend_on_threads(rows: int) -> None:
    rng = np.random.default_rng(rows)
    X, y = rng.standard_normal((rows, 300)).astype(np.float32), rng.integers(0, 7, rows)
    params = single(random_problem(0, (2, 300, 130, 7))).params
    one, three = (
        started(make_engine("fused", threads=n), params, Data(X, y), None, OBJECTIVE).sums(None, 9)
        for n in (1, 3)
    )
    assert same_bits(one, three)
    reference = started(make_engine("reference"), params, Data(X, y), None, OBJECTIVE)
    expected = reference.sums(None, 9)
    assert largest_difference(one.gradient, expected.gradient) < 1e-5
    assert one.hits == expected.hits
