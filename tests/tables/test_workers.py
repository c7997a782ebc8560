"""A training on a table that workers share: its rows, or the networks of its search."""

import random
import shutil
from contextlib import closing
from dataclasses import replace

import duckdb
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
from helpers.lossy_workers import LossyWorkers

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


SMALL = {"hidden": 4, "epochs": 2, "batch_size": 16, "learning_rate": 0.02}


def columns(n: int = 240) -> dict[str, np.ndarray]:
    """Columns of which `t` is the target, `g` a group and `day` a time."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=n).round(3)
    x[::9] = np.nan
    t = np.where(np.nan_to_num(x) + rng.normal(size=n) > 0.4, "a", "b").astype(object)
    t[rng.random(n) < 0.05], t[5] = None, "c"  # a class of one part only, below
    days = np.datetime64("2024-01-01") + rng.integers(0, 300, n)
    return {
        "x": x, "size": rng.choice(["s", "m", "l"], n), "g": rng.integers(0, 40, n),
        "day": days.astype("datetime64[us]"), "t": t,
    }  # fmt: skip


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A folder with the rows in five uneven Parquet files and five CSV files."""
    folder = tmp_path_factory.mktemp("files")
    frame = columns()
    with duckdb.connect() as connection:
        connection.register("frame", {**frame, "row": np.arange(len(frame["t"]))})
        connection.execute("SET threads = 1")
        for i, (first, last) in enumerate([(0, 30), (30, 90), (90, 130), (130, 200), (200, 240)]):
            rows = f"SELECT * EXCLUDE (row) FROM frame WHERE row >= {first} AND row < {last}"
            connection.execute(f"COPY ({rows}) TO '{folder}/p{i}.parquet' (FORMAT parquet)")
        for i in range(5):
            rows = f"SELECT * EXCLUDE (row) FROM frame WHERE row // 48 = {i}"
            connection.execute(f"COPY ({rows}) TO '{folder}/c{i}.csv'")
    return folder


@pytest.fixture
def here(tmp_path, files, monkeypatch):
    """The current folder, which has these files."""
    shutil.copytree(files, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def same(one: backhand.Model, other: backhand.Model) -> bool:
    """Whether two models are equal in all that is in their files, to the bit."""
    plain = [replace(model, params=None, history=None, versions={}) for model in (one, other)]
    arrays = [[*model.params, *vars(model.history).values()] for model in (one, other)]
    return plain[0] == plain[1] and all(
        np.array_equal(a, b, equal_nan=True) for a, b in zip(*arrays, strict=True)
    )


def test_networks_that_workers_share_are_those_of_one_machine() -> None:
    settings = {**SMALL, "members": 2, "number_encoding": "standard"}
    one = backhand.fit(columns(), "t", **settings)
    assert same(one, backhand.fit(columns(), "t", **settings, workers=2))


def test_a_model_is_the_same_with_any_number_of_workers_that_share_rows(here) -> None:
    three = "p[0-2].parquet"
    one, other = (backhand.fit(three, "t", **SMALL, quick=True, workers=n) for n in (1, 2))
    assert same(one, other)
    assert one.hyperparameters["parts"] == 3


CONFIGURATIONS = {
    "a search": {},
    "groups": {"group": "g", "members": 2},
    "time": {"time": "day", "members": 2},
    "another table": {"validation": "c*.csv", "quick": True},
    "early stopping": {"quick": True, "early_stopping": True, "patience": 1, "epochs": 6},
    "weights and dropout": {"quick": True, "class_weight": "balanced", "dropout": 0.3},
    "bins": {"quick": True, "number_encoding": "bins"},
    "momentum, a schedule, no shuffling": {
        "quick": True, "optimizer": "momentum", "schedule": "invscaling", "shuffle": False},
    "large batches": {"quick": True, "batch_size": 10_000, "alpha": 0.1},
    "NumPy": {"quick": True, "engine": "reference"},
    "bf16": {"quick": True, "precision": "bf16"},
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("data", ["p*.parquet", "c*.csv"])
@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_no_setting_makes_the_bits_depend_on_the_workers(here, name, data) -> None:
    settings = {**SMALL, "share": "rows", **CONFIGURATIONS[name]}
    one, *others = (backhand.fit(data, "t", workers=n, **settings) for n in (1, 2, 3, 5))
    assert all(same(one, other) for other in others)
    del settings["share"]
    alone = backhand.fit(data, "t", **settings)
    assert one.evaluation.rows == alone.evaluation.rows
    assert one.metrics["class_rows"] == alone.metrics["class_rows"]
    if "dropout" not in settings:  # which units are dropped follows the order of the rows
        loss = pytest.approx(alone.metrics["held_out_loss"], rel=0.02 if "bf16" in name else 1e-4)
        assert one.metrics["held_out_loss"] == loss


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", ["another table", "weights and dropout", "groups"])
def test_workers_that_are_lost_while_they_read_or_train_change_no_bit(
    here, monkeypatch, name, seed
) -> None:
    settings = {**SMALL, "share": "rows", **CONFIGURATIONS[name]}
    whole = backhand.fit("p*.parquet", "t", workers=1, **settings)
    draw = random.Random(seed)
    transport = LossyWorkers(3, lambda worker, _: draw.random() < (0.03 if worker else 0.0), 9)
    monkeypatch.setattr("backhand.tabular.sharing.connect", lambda *_: closing(transport))
    lossy = backhand.fit("p*.parquet", "t", workers=3, **settings)
    assert same(whole, lossy)
    assert transport.losses


class Broken(Exception):
    pass


def fail(progress) -> None:
    if progress.epoch == 5:
        raise Broken


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2, 5])
def test_a_run_resumes_with_another_number_of_workers_and_not_without_any(here, workers) -> None:
    settings = {**SMALL, "quick": True, "epochs": 12, "early_stopping": True}
    whole = backhand.fit("p*.parquet", "t", workers=3, **settings)
    saved = backhand.Checkpoint("saved", "1000s", resume=True)
    with pytest.raises(Broken):
        backhand.fit(
            "p*.parquet", "t", workers=3, **settings, checkpoint=saved, callbacks=[fail]
        )  # fmt: skip
    with pytest.raises(backhand.InputError, match=r"Resume with workers: workers=1"):
        backhand.fit("p*.parquet", "t", **settings, checkpoint=saved)
    with pytest.raises(backhand.InputError, match="Resume with the same files"):
        backhand.fit("p[1-4].parquet", "t", workers=2, **settings, checkpoint=saved)
    resumed = backhand.fit("p*.parquet", "t", workers=workers, **settings, checkpoint=saved)
    assert same(whole, resumed)


WRONG = {
    "workers is 0; expected": {"workers": 0},
    "ray needs workers": {"ray": "auto"},
    "share needs workers": {"share": "rows"},
    "share is 'columns'": {"workers": 2, "share": "columns"},
    "only one network": {"workers": 2, "share": "networks", "quick": True},
    "a query makes its rows on one machine": {
        "workers": 2, "quick": True, "query": "SELECT * FROM data"},
    "cv trains on each fold's rows": {"workers": 2, "quick": True, "cv": 3},
    "workers that share rows make engines of their own": {
        "workers": 2, "quick": True, "engine": make_engine("reference")},
}  # fmt: skip


@pytest.mark.parametrize("said", WRONG)
def test_what_cannot_be_shared_is_refused_with_what_to_do(here, said) -> None:
    with pytest.raises(backhand.InputError) as error:
        backhand.fit("p*.parquet", "t", **SMALL, **WRONG[said])
    assert said in str(error.value)


def test_data_in_memory_have_networks_to_share_and_no_rows() -> None:
    with pytest.raises(backhand.InputError, match=r"rows of files, which data of type dict is not"):
        backhand.fit(columns(), "t", **SMALL, quick=True, workers=2)
