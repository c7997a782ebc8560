"""What the figures of a training warn of."""

from dataclasses import replace

import numpy as np
import pytest

import backhand
from backhand.engines import Data
from backhand.evaluation import Tally
from backhand.table_settings import Settings
from backhand.tables.reading.frames import as_table
from backhand.tables.schema.columns import Category, Date, Number
from backhand.tables.schema.schema import Schema
from backhand.tabular import leaks, sampling, twins
from backhand.tabular.advice import advise
from backhand.tabular.drift import drifts, orders
from backhand.tabular.overfitting import fit_of
from backhand.tabular.training import fit_table, prepare_table
from backhand.training.history import History


def trained(columns: dict, target: str = "t", **settings) -> list:
    """The warnings of a training on these columns."""
    with as_table(columns, set(columns)) as table:
        prepared = prepare_table(
            table, target, Settings(quick=True, **{"epochs": 5, "hidden": 8} | settings)
        )
    model, evaluation = fit_table(
        prepared, Settings(quick=True, **{"epochs": 5, "hidden": 8} | settings)
    )
    return advise(prepared, model, evaluation)


def kinds(found: list) -> list[str]:
    return [advice.kind for advice in found]


def noise(n: int, d: int, seed: int = 0) -> dict[str, np.ndarray]:
    X = np.random.default_rng(seed).standard_normal((n, d))
    return {f"x{i}": X[:, i] for i in range(d)}


def test_what_is_no_better_than_the_commonest_class_is_told_with_the_figures() -> None:
    columns = noise(400, 30)
    found = trained(
        {**columns, "t": np.where(np.arange(400) % 10, "good", "bad")}, epochs=100, hidden=64
    )
    assert kinds(found)[:3] == ["baseline", "overfit", "imbalance"]
    assert "0.9000 of always answering 'good'" in found[0].what and "l2=" in found[0].advice
    assert "is higher than the 0.3251" in found[0].what
    assert "on the held-out rows, where it was" in found[1].what
    assert "90.0 % of the held-out rows are 'good'" in found[2].what
    assert "early_stopping=True" in found[1].advice and "class_weight='balanced'" in found[2].advice


def test_a_learning_rate_that_is_too_high_is_said_to_be() -> None:
    columns = noise(400, 4)
    columns["t"] = np.where(columns["x0"] > 0, "a", "b")
    (found,) = (one for one in trained(columns, learning_rate=100.0) if one.kind == "baseline")
    assert found.advice.startswith("The learning rate 100 is too high: in training the loss rose")
    assert "guessing gives 0.6931" in found.advice and "default is 0.004" in found.advice
    columns["t"] = np.where(np.arange(400) % 3, "a", "b")  # nothing to learn, but by heart
    others = trained(columns, learning_rate=0.05, epochs=100, l2=0.0)
    assert others and not any("too high" in one.advice for one in others)


@pytest.mark.parametrize(("n", "epochs"), [(40, 300), (200, 60)])
def test_more_epochs_are_not_advised_where_rows_are_learned_by_heart(n, epochs) -> None:
    y = np.random.default_rng(1).integers(0, 2, n)
    columns = {**noise(n, 20), "t": np.where(y, "a", "b")}
    found = trained(columns, epochs=epochs, hidden=64)
    assert "overfit" in kinds(found)
    assert not any("more epochs" in one.advice for one in found)
    regular = trained(columns, epochs=epochs, hidden=64, l2=0.02)
    assert all("l2=0.2" in one.advice for one in regular if one.kind == "overfit")


def test_learned_by_heart_is_told_without_a_curve_too() -> None:
    columns = {**noise(200, 20), "t": np.where(np.random.default_rng(1).random(200) < 0.5, *"ab")}
    settings = Settings(quick=True, epochs=60, hidden=64)
    with as_table(columns, set(columns)) as table:
        prepared = prepare_table(table, "t", settings)
    model, evaluation = fit_table(prepared, settings)
    assert fit_of(model, evaluation).epoch > 0
    assert fit_of(replace(model, history=History()), evaluation)[::2] == ("too many", 0)


def test_more_epochs_are_not_advised_once_the_loss_falls_no_more() -> None:
    rng = np.random.default_rng(0)
    columns = {"x": rng.standard_normal(2000), "t": np.where(rng.random(2000) < 0.5, "a", "b")}
    (found,) = trained(columns, epochs=40, hidden=2)
    assert found.kind == "baseline" and "columns say little about the target" in found.advice
    assert "more epochs" not in found.advice


def test_a_model_that_always_gives_one_answer_is_told() -> None:
    y = np.where(np.arange(400) % 20, "ok", "fraud")
    found = trained({**noise(400, 1), "t": y}, epochs=2)
    assert found[0].what.startswith("The model always answers 'ok'. Loss ")
    assert "Accuracy" not in found[0].what and "of the 4 others, 0 are" in found[1].what
    y = np.where(np.arange(400) % 80, "ok", "fraud")
    found = trained({**noise(400, 1), "t": y}, epochs=2)
    assert any("the only other row is not predicted correctly" in one.what for one in found)


def test_what_was_done_already_is_not_advised() -> None:
    columns = {**noise(400, 30), "t": np.where(np.arange(400) % 10, "good", "bad")}
    found = trained(columns, epochs=30, class_weight="balanced", early_stopping=True)
    assert "overfit" not in kinds(found) and "imbalance" in kinds(found)
    assert not any("early_stopping" in one.advice or "class_weight" in one.advice for one in found)


def test_a_good_model_is_not_warned_of() -> None:
    columns = noise(400, 3)
    y = np.where(columns["x0"] + columns["x1"] > 0, "a", "b")
    assert trained({**columns, "t": y}, epochs=30) == []
    (found,) = trained({**columns, "t": y}, epochs=1)
    assert found.kind == "baseline" and "more epochs" in found.advice


def test_a_column_that_decides_the_class_is_told() -> None:
    columns = noise(400, 3)
    y = np.where(columns["x0"] + 2 * np.random.default_rng(1).standard_normal(400) > 1, "yes", "no")
    reason = np.where(y == "yes", np.where(np.arange(400) % 2, "price", "moved"), None)
    found = trained({**columns, "reason": reason, "t": y}, epochs=30)
    assert kinds(found) == ["leak"] and "Column 'reason' alone" in found[0].what
    assert "drop='reason'" in found[0].advice


def deciding(values: np.ndarray, y: np.ndarray, column=None) -> list[str]:
    X, half = values.astype(np.float32), len(y) // 2
    schema = Schema("t", (column or Number("x", 0, 1, False),))
    return [c.column for c in leaks.deciding_columns(
        schema, Data(X[:half], y[:half]), Data(X[half:], y[half:]))]  # fmt: skip


def test_which_columns_decide_the_class() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((1000, 1)), rng.integers(0, 2, 1000)
    assert deciding(y[:, None] * 2 - 1 + 0.1 * x, y) == ["x"]
    assert deciding(y[:, None] + 0.3 * x, y) == [], "95 % right is an honest predictor"
    assert deciding(x, y) == []
    missing = np.concatenate([x * (y == 0)[:, None], y[:, None]], axis=1)
    assert deciding(missing, y, Number("x", 0, 1, True)) == ["x"], "missing says it"
    rare = (rng.random(1000) < 0.01).astype(int)
    assert deciding(x, rare) == [], "99 % is what the commonest class has"
    assert deciding(rare[:, None] + 0.1 * x, rare) == ["x"]
    codes = rng.integers(0, 400, 1000)
    assert deciding(np.eye(400)[codes], codes % 2, Category("x", tuple("c" * 400), False)) == [], (
        "learned by heart on the training rows, but not on the others")  # fmt: skip


def test_rows_on_both_sides_of_the_split_are_told() -> None:
    columns = {name: np.repeat(x, 4) for name, x in noise(150, 3).items()}
    y = np.where(np.random.default_rng(1).random(150) < 0.5, "a", "b").repeat(4)
    found = trained({**columns, "t": y}, epochs=100, hidden=64)
    assert "twins" in kinds(found) and "group=COLUMN" in found[kinds(found).index("twins")].advice
    near = {name: x + 0.03 * np.random.default_rng(2).standard_normal(600)
            for name, x in columns.items()}  # fmt: skip
    found = trained({**near, "t": y}, epochs=1)
    assert "groups" in kinds(found) and "near copies" in found[kinds(found).index("groups")].what


def copied(columns: dict[str, np.ndarray], share: float) -> tuple[Schema, Data, Data]:
    """A schema of numbers, 800 training rows and 200 others, some of them copies of the former."""
    X = np.stack(list(columns.values()), axis=1).astype(np.float32)
    X[800 : 800 + int(200 * share)] = X[: int(200 * share)]
    schema = Schema("t", tuple(Number(name, 0, 1, False) for name in columns))
    y = np.zeros(1000, int)
    return schema, Data(X[:800], y[:800]), Data(X[800:], y[800:])


@pytest.mark.parametrize(
    ("values", "share", "chance"),
    [
        ([3, 2, 3], 0, True),
        ([10_000], 0.2, True),  # nothing but its value tells a copy
        ([5000, 2], 0, True),
        ([3] * 4 + [200], 0, True),
        ([1e9, 2, 4], 0.2, False),
        ([8] * 10, 0.2, False),
        ([1e9] * 5, 0.2, False),
        ([3, 2, 3], 1.0, True),
    ],
)
def test_rows_of_few_values_are_equal_by_chance(values, share, chance) -> None:
    rng = np.random.default_rng(0)
    columns = {f"x{i}": rng.integers(0, int(n), 1000) for i, n in enumerate(values)}
    assert twins.by_chance(*copied(columns, share)) == chance


def test_votes_of_the_same_party_are_no_copies() -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 600)
    votes = (rng.random((16, 600)) < 0.05) ^ y.astype(bool)
    columns = {f"v{i}": np.where(vote, "y", "n") for i, vote in enumerate(votes)}
    y ^= rng.random(600) < 0.05
    assert "twins" not in kinds(trained({**columns, "t": np.array(["d", "r"])[y]}))


@pytest.mark.parametrize("d", [1, 2, 5, 30])
def test_smooth_rows_have_no_near_copies(d) -> None:
    X = np.random.default_rng(d).standard_normal((1500, d)).astype(np.float32)
    y = np.zeros(1500, int)
    assert twins.near(Data(X[:1200], y[:1200]), Data(X[1200:], y[1200:]))[0] < twins.GROUPED


def test_twins_are_found_whatever_rows_are_between(monkeypatch) -> None:
    monkeypatch.setattr(twins, "CACHED", 5 * 7)
    rng = np.random.default_rng(0)
    X = rng.standard_normal((300, 5)).astype(np.float32)
    held = np.concatenate([X[[0, 99, 299]], X[:27] + np.float32(1e-3)])
    tally = Tally(["a", "b"])
    tally.add(np.tile(np.float32([0.9, 0.1]), (30, 1)), np.array([0] * 15 + [1] * 15))
    y = np.zeros(300, int)
    schema = Schema("t", tuple(Number(f"x{i}", 0, 1, False) for i in range(5)))
    found = twins.exact(schema, Data(X, y), Data(held, y[:30]), tally.result().scores)
    assert found.matters and found.share == pytest.approx(0.1) and found.accuracy == 1
    assert found.others == pytest.approx(12 / 27)


def test_few_rows_and_a_quantity_are_told() -> None:
    columns = noise(600, 2)
    age = np.repeat(np.arange(20, 61), [14] * 40 + [40])
    age[:4] = 61
    found = trained({**columns, "age": age}, target="age", epochs=1)
    assert {"few rows", "quantity"} <= set(kinds(found))
    quantity = found[kinds(found).index("quantity")]
    assert "'age' looks like a quantity" in quantity.what and "20 to 6" in quantity.what


def in_time(day: np.ndarray, y: np.ndarray, late: float = -9.0) -> tuple:
    """A schema of one date, training rows, and a held-out row."""
    rows = Data(day.astype(np.float32)[:, None], y.astype(int))
    return Schema("t", (Date("day", 0, 1, False),)), rows, Data(np.float32([[late]]), np.array([0]))


def test_a_share_that_changes_with_time_is_told() -> None:
    rng = np.random.default_rng(0)
    day, chance = rng.standard_normal((2, 1000))
    assert drifts(*in_time(day, chance > 0), ["no", "yes"]) == []
    (found,) = drifts(*in_time(day, 1.5 * day + chance > 0), ["no", "yes"])
    change = found.last - found.first
    assert found.column == "day" and (change if found.name == "yes" else -change) > 0.3
    assert drifts(*in_time(day, 1.5 * day + chance > 0, late=9.0), ["no", "yes"]) == []


def test_rows_in_the_order_of_a_column_are_told() -> None:
    day = np.repeat(np.arange(100), 5) / 50 - 1
    assert orders(*in_time(day, day > 0)) == ["day"]
    assert orders(*in_time(day, day > 0, late=9.0)) == [], "the latest are held out already"
    assert orders(*in_time(day[::-1], day > 0)) == []
    assert orders(*in_time(day > 0, day > 0)) == [], "two values"
    assert orders(*in_time(day[::6], day[::6] > 0)) == [], "few rows"


def test_a_draw_is_even_and_bounded() -> None:
    data = Data(np.arange(40_000, dtype=np.float32)[:, None], np.arange(40_000))
    assert sampling.sampled(data, 50_000) is data
    some = sampling.sampled(data, 1000)
    assert 900 <= some.rows <= 1000 and len(set(some.y)) == some.rows
    assert (np.diff(some.y) > 0).all() and (np.histogram(some.y, 8, (0, 40_000))[0] > 40).all()
    wide = Data(np.zeros((100, sampling.VALUES // 50), np.int8), np.zeros(100, int))
    assert sampling.sampled(wide).rows == 50


def test_the_model_keeps_what_the_figures_are_compared_with(tmp_path) -> None:
    columns = {**noise(100, 2), "t": np.where(np.arange(100) % 4, "a", "b")}
    with as_table(columns, set(columns)) as table:
        prepared = prepare_table(table, "t", Settings(quick=True, epochs=2, hidden=4))
    model, evaluation = fit_table(prepared, Settings(quick=True, epochs=2, hidden=4))
    P = model.predict_proba(prepared.training.X)
    right = P.argmax(axis=1) == prepared.training.y
    assert model.metrics["training_accuracy"] == right.mean()
    assert model.metrics["class_rows"] == [60, 20] and evaluation.baseline.name == "a"
    backhand.save(model, tmp_path / "m")
    assert backhand.load(tmp_path / "m").metrics == model.metrics
