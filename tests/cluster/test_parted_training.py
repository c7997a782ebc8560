"""`PartedEngine` and its sessions keep the contract of engines, on rows in parts."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backhand
from backhand.cluster import parted_engine
from backhand.cluster.connect import connect
from backhand.cluster.parted_data import PartedData, parted, share_out
from backhand.cluster.parted_engine import PartedEngine
from backhand.cluster.transport import Transport
from backhand.engines import Data, Objective, OptimizerState, Session, make_engine
from backhand.errors import BackhandError, InputError
from backhand.optimizers import SGD
from backhand.support.differences import largest_difference, relative_difference
from backhand.training.lbfgs import minimise
from helpers.gradient_checks import Problem, random_problem
from helpers.parted_training import Case, differing, same

SHAPE = (41, 5, 9, 3)
PENALISED = Objective(l2=0.1)


def weighted_problem() -> Problem:
    problem = random_problem(3, SHAPE)
    w = np.random.default_rng(0).random(41)
    w[20:30] = 0  # two parts weigh nothing
    return problem._replace(data=problem.data._replace(sample_weight=w))


@pytest.fixture
def transport() -> Iterator[Transport]:
    with connect(3) as found:
        yield found


@pytest.fixture
def there(transport: Transport) -> PartedData:
    return parted(transport, weighted_problem().data, 8)


def begin(
    engine: Any, data: Any, optimizer: Any = None, objective: Objective = PENALISED
) -> Session:
    state = OptimizerState.initial(weighted_problem().params, optimizer)
    session: Session = engine.start(state, data, optimizer, objective)
    return session


def test_the_gradient_is_that_of_one_machine(there: PartedData) -> None:
    data = weighted_problem().data
    objective = Objective(l2=0.1, alpha=2.0, dropout=0.5, loss_cap=0.1, first_class_fixed=True)
    ours = begin(PartedEngine(there.parts), there, objective=objective)
    plain = begin(make_engine(), data, objective=objective)
    for rows in (None, slice(3, 17), np.array([40, 2, 2, 19])):
        for l2 in (None, 0.5):
            (loss, dtheta), (expected, gradient) = ours.gradient(rows, l2), plain.gradient(rows, l2)
            assert relative_difference(loss, expected) < 1e-13
            assert largest_difference(dtheta, gradient) < 1e-13
    for rows, match in ((slice(22, 28), "weight 0"), (np.array([41]), "row numbers")):
        with pytest.raises(InputError, match=match):
            ours.gradient(rows)


def test_sums_of_some_rows_are_those_of_one_machine_sorted_by_part(there: PartedData) -> None:
    data = weighted_problem().data
    rows = np.array([40, 1, 12, 3, 25])
    found = begin(PartedEngine(there.parts), there).sums(rows, 2)
    expected = begin(make_engine(), data).sums(np.sort(rows), 2)
    assert largest_difference(found.gradient, expected.gradient) < 1e-13
    assert relative_difference(found[1:], expected[1:]) < 1e-13


def test_lbfgs_needs_one_reduction_a_step_and_has_the_same_bits() -> None:
    params, data, _ = weighted_problem()
    found = []
    for workers in (1, 3):
        with connect(workers) as transport:
            there = parted(transport, data, None)
            session = begin(PartedEngine(there.parts), there)
            found.append(minimise(session, params, iterations=6))
    assert all(map(same, found[0].params, found[1].params))
    plain = minimise(begin(make_engine(), data), params, iterations=6)
    assert relative_difference(found[0].loss, plain.loss) < 1e-6


def test_rows_are_evaluated_where_they_are_or_here(there: PartedData) -> None:
    params, data, _ = weighted_problem()
    engine = PartedEngine(there.parts)
    session = begin(engine, there)
    few = data.at(slice(0, 3))
    for rows in (there, there.select(np.arange(7, 21)), share_out(there.parts, few, "few")):
        expected = make_engine().evaluate(params, rows.at(slice(0, rows.rows)))
        assert session.evaluate(rows) == pytest.approx(expected, rel=1e-13)
        assert engine.evaluate(params, rows) == session.evaluate(rows)
    assert session.evaluate(few) == make_engine().evaluate(params, few)
    for evaluate in (session.evaluate, lambda rows: engine.evaluate(params, rows)):
        with pytest.raises(InputError, match="not all of them 0"):
            evaluate(there.select(slice(22, 28)))
    assert session.evaluate(share_out(there.parts, few, "few"))[1] in (0, 1 / 3, 2 / 3, 1)


def test_plain_validation_rows_may_stay_with_the_driver() -> None:
    case = Case({"epochs": 3}, validated=True)
    with connect(2) as transport:
        data = case.shared_out(transport)
        result = case.train(PartedEngine(data.parts), data, case.rows(31, 2))
    expected = case.parted(1)
    assert all(map(same, result.params, expected.params))
    found, others = result.history.validation_loss, expected.history.validation_loss
    assert found == pytest.approx(others, rel=1e-6)


@pytest.mark.parametrize("l2", [0.0, 0.5])
def test_a_training_that_diverges_ends_as_on_one_machine(l2: float) -> None:
    case = Case({"optimizer": "sgd", "learning_rate": 1e6, "epochs": 20, "l2": l2})
    errors = []
    for train in (case.plain, lambda: case.parted(1), lambda: case.parted(3)):
        with pytest.raises(backhand.DivergenceError) as caught:
            train()
        errors.append(caught.value)
    assert len({str(error) for error in errors}) == 1
    assert all(map(same, errors[1].params, errors[2].params))


def test_a_number_that_is_not_finite_is_named_by_its_row(transport: Transport) -> None:
    case = Case({"epochs": 2})
    rows = case.rows(97, 0)
    rows.X[70, 2] = np.inf
    data = parted(transport, rows, 16)
    with pytest.raises(BackhandError, match="inf at row 70, column 2"):
        case.train(PartedEngine(data.parts), data, None)


def test_a_checkpoint_of_other_parts_is_not_resumed(tmp_path: Path) -> None:
    case = Case({"epochs": 2})
    case.parted(2, checkpoint=backhand.Checkpoint(tmp_path, "1epochs"))
    again = backhand.Checkpoint(tmp_path, resume=True)
    assert differing(case.parted(3, checkpoint=again), case.parted(1)) == []
    with pytest.raises(InputError, match=r"by workers, in 8 parts, and here .* in 1 parts"):
        Case({"epochs": 2}, lengths=(97,)).parted(2, checkpoint=again)
    with pytest.raises(InputError, match="and here they are summed up without workers"):
        case.plain(checkpoint=again)


def test_arguments_that_do_not_fit_are_rejected_before_anything_is_sent(there: PartedData) -> None:
    session = begin(PartedEngine(there.parts), there, SGD())
    block = backhand.engines.Block(8, np.ones((1, 2)), np.zeros((1, 2)))
    with pytest.raises(InputError, match="a number for each batch"):
        session.advance(block)
    with pytest.raises(InputError, match="no optimizer"):
        begin(PartedEngine(there.parts), there).advance(block)
    with pytest.raises(InputError, match="W1"):
        small = random_problem(0, (2, 4, 9, 3)).params
        session.restore(OptimizerState(small, (), 0))


def test_the_engine_is_that_of_its_name_with_the_number_of_parts(there: PartedData) -> None:
    engine, plain = PartedEngine(there.parts, "reference"), make_engine("reference")
    assert engine.name == "reference" and engine.divided(4) == [engine]
    assert engine.depends_on() == {**plain.depends_on(), "parts": "8"}
    engine.prepare(np.float32, lambda _: None)
    params, data, l2 = weighted_problem()
    assert (
        engine.loss_and_gradients(params, data, l2)[0]
        == (plain.loss_and_gradients(params, data, l2)[0])
    )
    assert same(engine.predict_proba(params, data.X), plain.predict_proba(params, data.X))
    assert same(begin(engine, data).gradient()[1].W1, begin(plain, data).gradient()[1].W1)


def test_a_worker_with_another_cpu_is_warned_of(
    there: PartedData, monkeypatch: pytest.MonkeyPatch
) -> None:
    def of_another(*_: object) -> tuple[int, dict[str, str]]:
        return 0, {**make_engine("fused").depends_on(), "CPU": "another"}

    monkeypatch.setattr(parted_engine, "_depends_on", of_another)
    with pytest.warns(backhand.BackhandWarning, match="this process has CPU another"):
        PartedEngine(there.parts, "fused").depends_on()


W = np.where(np.arange(41) < 20, 1.0, 0.0)
Y = np.arange(41) % 3
WRONG: dict[str, dict[str, Any]] = {
    "a label": {"y": np.where(Y == 1, 9, Y)},
    "a negative label": {"y": Y - 1},
    "labels that are not whole": {"y": Y / 2},
    "a negative weight": {"sample_weight": W - 0.5},
    "a weight that is not a number": {"sample_weight": np.where(W, np.nan, 1)},
    "weights of 0": {"sample_weight": 0 * W},
    "selected weights of 0": {"sample_weight": W, "numbers": np.arange(25, 40)},
    "rows that there are none of": {"numbers": np.arange(30, 42)},
    "columns": {"X": np.ones((41, 4))},
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("which", ["training", "validation", "evaluated"])
def test_what_is_wrong_in_rows_is_refused_as_on_one_machine(
    transport: Transport, which: str, wrong: dict[str, Any]
) -> None:
    params, (X, _, _, _), _ = weighted_problem()
    right, some = Data(X, Y), Data(X, Y)._replace(**wrong)
    numbers = some.numbers
    there = parted(transport, some._replace(numbers=None), 8)
    there = there._with(numbers=numbers)
    state, said = OptimizerState(params, (), 0), []
    engine = PartedEngine(there.parts)
    both = (make_engine(), some, right), (engine, there, parted(transport, right, 8))
    for engine, rows, others in both:
        with pytest.raises(InputError) as caught:
            if which == "training":
                engine.start(state, rows, None)
            elif which == "validation":
                engine.start(state, others, None, validation=rows)
            else:
                engine.evaluate(params, rows)
        said.append(str(caught.value))
    assert said[0] == said[1]
