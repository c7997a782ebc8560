"""A training on a table that workers share: its rows, or the networks of its search."""

import numpy as np
import pytest

import backhand
from backhand.cluster.in_process import InProcess
from backhand.cluster.parted_data import parted
from backhand.cluster.parted_engine import PartedEngine
from backhand.engines import Data, make_engine
from backhand.evaluation import Tally
from backhand.tables.schema.columns import Number
from backhand.tables.schema.schema import Schema
from backhand.tabular import twins
from backhand.tabular.sampling import sampled
from backhand.tabular.sketching import sketch_of
from backhand.tabular.training import tally_rows

pytestmark = pytest.mark.filterwarnings("ignore::backhand.BackhandWarning")
"""What few epochs give is warned of."""


@pytest.fixture
def workers():
    with_two = InProcess(2)
    yield with_two
    with_two.close()


def rows(n: int, seed: int = 0) -> Data:
    """Rows of a few values, so that many are equal."""
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 3, (n, 4)).astype(np.float32)
    return Data(X, rng.integers(0, 3, n))


def model() -> backhand.Model:
    return backhand.Model(backhand.init(4, 5, 3, seed=1), ("a", "b", "c"))


def test_the_digest_of_rows_does_not_depend_on_their_parts(workers) -> None:
    training, held_out = rows(700), rows(200, 1)
    there = parted(workers, training, 64), parted(workers, held_out, 64)
    assert sketch_of(*there) == sketch_of(training, held_out)
    assert sketch_of(*there).by_chance > 0


def test_copies_of_training_rows_are_found_in_all_parts(workers) -> None:
    training, held_out = rows(300), rows(100, 1)
    tally = Tally(["a", "b", "c"])
    schema = Schema("t", tuple(Number(f"x{i}", 0, 1, missing=False) for i in range(4)))
    tally_rows(model(), held_out, make_engine("reference"), [tally])
    scores = tally.result().scores
    there = parted(workers, training, 64), parted(workers, held_out, 64)
    found = twins.exact(schema, *there, scores)
    assert found == twins.exact(schema, training, held_out, scores)
    assert 0 < found.share < 1


def test_the_figures_of_rows_do_not_depend_on_the_number_of_workers(monkeypatch, workers) -> None:
    monkeypatch.setattr("backhand.evaluation.scores.MOST_ROWS", 50)
    data, numbers = rows(300), np.flatnonzero(np.arange(600) % 2)
    there, found = parted(workers, data, 64), []
    for some, engine in ((data, make_engine("fused")), (there, PartedEngine(there.parts, "fused"))):
        tally = Tally(["a", "b", "c"])
        tally_rows(model(), some, engine, [tally], numbers)
        found.append(tally.result())
    one, other = found
    assert (one.confusion == other.confusion).all()
    assert other.loss == pytest.approx(one.loss, rel=1e-12)
    assert len(other.scores.y) == 50
    for name in ("P", "y", "rows", "complete"):
        assert np.array_equal(getattr(one.scores, name), getattr(other.scores, name)), name


def test_a_draw_of_rows_in_parts_is_that_of_rows_here(workers) -> None:
    data = rows(3000)
    there = parted(workers, data, 64)
    for most in (500, 5000):
        one, other = sampled(data, most), sampled(there, most)
        assert np.array_equal(one.X, other.X) and np.array_equal(one.y, other.y)
