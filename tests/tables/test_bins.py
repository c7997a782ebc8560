"""Numbers encoded by bins: how they are fitted, what they encode, and how the search takes them."""

import json
import re

import numpy as np
import pytest
from sklearn.tree import DecisionTreeClassifier

import backhand
from backhand.engines import Data
from backhand.exports.numpy import export_numpy
from backhand.exports.onnx import export_onnx
from backhand.report_page.partial_dependence import original
from backhand.table_settings import Settings
from backhand.tables.array_store import ArrayStore
from backhand.tables.reading.frames import as_table
from backhand.tables.schema.bins import fit_bins
from backhand.tables.schema.columns import Category, Date, Number, column_from_json
from backhand.tables.schema.schema import Schema
from backhand.tabular import binning
from backhand.tabular.binning import with_bins
from backhand.tabular.training import prepare_table
from helpers.command_line import run
from helpers.exported_models import made_model

BINNED = Number("x", 3.0, 2.0, 0.1, bins=(0.0, 1.0, 3.0, 7.0))
FAST = {"epochs": 30, "hidden": 8, "batch_size": 32, "learning_rate": 0.03}

pytestmark = pytest.mark.filterwarnings("ignore::backhand.BackhandWarning")


def encoded(column, values):
    out = np.empty((len(values), column.width), np.float32)
    column.encode(np.array(values, float), out)
    return out


def wavy(rows=400, seed=0):
    """Columns whose class depends on a number in waves, which bins say and its size does not."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(0, 8, rows).round(2)
    values = np.where(rng.random(rows) < 0.05, np.nan, x)
    return {
        "x": values, "c": rng.choice(["p", "q"], rows),
        "t": np.where((np.floor(x / 2) % 2 == 0) ^ (rng.random(rows) < 0.05), "even", "odd"),
    }  # fmt: skip


def trees_edges(x, y):
    tree = DecisionTreeClassifier(
        max_leaf_nodes=8, min_samples_leaf=max(10, len(x) // 100), min_impurity_decrease=1e-4,
        random_state=0,
    ).fit(x[:, None], y).tree_  # fmt: skip
    return np.unique([x.min(), *tree.threshold[tree.children_left >= 0], x.max()])


@pytest.mark.parametrize("seed", range(20))
def test_edges_are_the_cuts_of_scikit_learns_tree(seed) -> None:
    rng = np.random.default_rng(seed)
    n, K = int(rng.integers(15, 3000)), int(rng.integers(2, 6))
    x = rng.integers(0, rng.choice([3, 30, 5000]), n) / 8
    y = (np.floor(x / (0.5 + 3 * rng.random())) + (rng.random(n) < 0.2)).astype(np.int64) % K
    found = fit_bins(x, y)
    if len(np.unique(x)) > 1:
        assert np.array_equal(found, trees_edges(x, y))
    assert len(found) <= 9 and found == fit_bins(x[::-1], y[::-1]), "whatever the order"


def test_few_values_have_few_bins() -> None:
    y = np.arange(200) % 2
    assert fit_bins(np.zeros(200), y) == () and fit_bins(np.zeros(0), y[:0]) == ()
    assert fit_bins(y.astype(float), y) == (0, 0.5, 1), "two values"
    assert fit_bins(np.arange(200.0), np.zeros(200, int)) == (0, 199), "one class"
    assert fit_bins(np.arange(19.0), np.arange(19) // 10) == (0, 18), "too few rows for two bins"


def test_a_number_is_its_place_in_each_bin() -> None:
    assert BINNED.width == 4
    assert BINNED.features == ["x in 0 to 1", "x in 1 to 3", "x in 3 to 7", "x is missing"]
    values = [0, 0.5, 1, 2, 5, 7, 9, -0.5, np.nan]
    expected = [
        [0, 0, 0, 0], [0.5, 0, 0, 0], [1, 0, 0, 0], [1, 0.5, 0, 0], [1, 1, 0.5, 0],
        [1, 1, 1, 0], [1, 1, 1.5, 0], [-0.5, 0, 0, 0], [1, 1, 0, 1],
    ]  # fmt: skip
    assert encoded(BINNED, values).tolist() == expected
    decoded = BINNED.decode(encoded(BINNED, values))
    assert np.allclose(decoded, [*values[:-1], 3.0], atol=1e-6), "missing is the mean"
    far = encoded(BINNED, [1e308, -1e308, np.inf])
    assert far.tolist() == [[1, 1, 2, 0], [-1, 0, 0, 0], [1, 1, 0, 1]]
    one = Number("x", 0.0, 1.0, 0.0, bins=(0.0, 2.0))
    assert encoded(one, [-9, 0, 1, 9]).tolist() == [[-1], [0], [0.5], [2]]


def test_a_page_shows_the_tables_own_numbers() -> None:
    values = [0.25, 1.5, 6.0]
    block = encoded(BINNED, values).astype(float)
    assert np.allclose(original(BINNED, block), values)
    date = Date("d", 18000.0, 100.0, 0.0, cycles=("week",))
    assert np.allclose(original(date, encoded(date, [18010.0]).astype(float)), [18010])


def test_bins_in_a_model_file_are_checked() -> None:
    schema = Schema("t", (BINNED, Number("y", 0.0, 1.0, 0.0)))
    assert Schema.from_json(json.loads(json.dumps(schema.to_json()))) == schema
    entry = json.loads(json.dumps(schema.to_json()))["columns"][0]
    for wrong in (
        [1.0], [1.0, 1.0], [2.0, 1.0], [0.0, float("nan")], [0.0, float("inf")], ["0", "1"], None,
        "01", 3, [0.0, True], list(range(10)), [0, 10**400], [[0.0], [1.0]], {"0": 1, "1": 2},
    ):  # fmt: skip
        with pytest.raises(backhand.InputError, match="column 1 of its schema needs as `bins`"):
            column_from_json(1, entry | {"bins": wrong})


def test_bins_reach_from_the_least_to_the_largest_number() -> None:
    rng = np.random.default_rng(0)
    raw = np.append(rng.integers(0, 40, 500) / 10, 900.0)
    number = Number("x", float(raw.mean()), float(raw.std()), 0.0, least=0.0, most=900.0)
    schema = Schema("t", (Category("c", ("p", "q"), 0.0), number))
    X = np.zeros((501, 3), np.float32)
    number.encode(raw, X[:, 2:])
    y = (raw > 2.05).astype(np.int64)
    (same, column) = with_bins(schema, Data(X, y), 2).columns
    assert same == schema.columns[0]
    assert column.bins[0] == 0.0 and column.bins[-1] == 900.0
    assert np.isclose(column.bins[1], 2.05, atol=1e-4)


@pytest.mark.parametrize(("export", "file"), [(export_onnx, "m.onnx"), (export_numpy, "m.py")])
def test_exports_encode_bins(tmp_path, export, file) -> None:
    rng = np.random.default_rng(1)
    many = tuple(np.sort(rng.normal(5, 3, 9)).tolist())
    columns = [
        Number("n", 5.0, 3.0, 0.2, bins=many), Category("c", ("x", "y"), True),
        Number("s", 1.0, 2.0, 0.1), Date("d", 18000.0, 100.0, 0.1, cycles=("year",)),
        Number("b", 0.3, 0.5, 0.0, bins=(0.0, 1.0)), Number("k", 5.0, 3.0, 0.0, ",", bins=many),
    ]  # fmt: skip
    for order in (columns, columns[::-1]):
        assert export(made_model(order), tmp_path / file) <= 1e-6


def test_the_search_takes_bins_where_they_have_the_lower_loss(tmp_path, monkeypatch) -> None:
    import pandas as pd

    monkeypatch.chdir(tmp_path)
    pd.DataFrame(wavy()).to_csv("t.csv", index=False)
    settings = [f"--{name.replace('_', '-')}={value}" for name, value in FAST.items()]
    out = run("train", "t.csv", "-t", "t", *settings, "--report", "r.html").stdout
    model = backhand.load("t.safetensors")
    assert model.hyperparameters["number_encoding"] == "bins"
    compared = model.chosen.encodings
    assert compared.chosen == "bins" and [name for name, _ in compared.losses] == [
        "standard", "bins"]  # fmt: skip
    losses = dict(compared.losses)
    assert losses["bins"] < losses["standard"]
    words = " ".join(out.split())
    assert re.search(r"numbers by bins: out-of-fold loss [\d.]+, standardised [\d.]+ "
                     rf"\({compared.folds} folds\)", words)  # fmt: skip
    assert "numbers standardised, or by bins: 11 features" in words
    assert re.search(r"\d\s+bins; missing\s+values", run("inspect", "t.safetensors").stdout)
    assert "by bins: out-of-fold" in (tmp_path / "r.html").read_text()
    fitted = backhand.fit(wavy(), "t", **FAST)
    for a, b in zip(fitted.params, model.params, strict=True):
        assert np.array_equal(a, b), "from a file or from columns, with a page or without"
    assert fitted.evaluation.accuracy > 0.8
    asked = backhand.fit(wavy(), "t", number_encoding="bins", **FAST)
    assert asked.chosen.encodings is None and asked.schema == fitted.schema
    for a, b in zip(fitted.params, asked.params, strict=True):
        assert np.array_equal(a, b), "the comparison changes no bit of what is chosen"


def test_a_page_of_a_table_encoded_by_bins_is_of_the_models_rows(tmp_path) -> None:
    data = wavy()
    model = backhand.fit(data, "t", report=tmp_path / "r.html", **FAST)
    assert model.hyperparameters["number_encoding"] == "bins"
    text = (tmp_path / "r.html").read_text()
    assert "x" in text and "Mean probability" in text


def test_numbers_stay_standardised_where_bins_say_nothing_or_are_not_asked_for() -> None:
    two = {
        "x": np.random.default_rng(1).integers(0, 2, 100),
        "t": np.where(np.random.default_rng(0).random(100) < 0.5, "a", "b"),
    }
    for data, settings in (
        (two, {}), (wavy(), {"number_encoding": "standard"}), (wavy(), {"quick": True}),
        ({"c": wavy()["c"], "t": wavy()["t"]}, {"number_encoding": "bins"}),
    ):  # fmt: skip
        with as_table(data) as table:
            prepared = prepare_table(table, "t", Settings(**settings))
        assert prepared.binned is None and list(prepared.encodings(Settings(**settings))) == [
            "standard"]  # fmt: skip


def test_large_tables_stay_standardised_unless_bins_are_asked_for(tmp_path, monkeypatch) -> None:
    for large, found in ((10_000, True), (1000, False)):
        monkeypatch.setattr(binning, "LARGE", large)
        with as_table(wavy()) as table:
            prepared = prepare_table(table, "t", Settings())
        assert (prepared.binned is not None) == found
    asked = Settings(quick=True, early_stopping=True, number_encoding="bins")
    with as_table(wavy()) as table:
        prepared = prepare_table(table, "t", asked, matrices=ArrayStore(0, tmp_path))
    binned = prepared.binned
    assert isinstance(binned.training.X, np.memmap)
    assert binned.training.y is prepared.training.y and binned.stopping.rows
    assert list(prepared.encodings(asked)) == ["bins"]


def test_a_single_run_a_second_table_and_a_cross_validation_take_bins() -> None:
    model = backhand.fit(
        wavy(), "t", quick=True, number_encoding="bins", class_weight="balanced",
        validation=wavy(200, seed=1), **FAST | {"epochs": 40},
    )  # fmt: skip
    assert model.evaluation.accuracy > 0.8 and model.evaluation.rows == 200
    P = model.predict_proba(wavy(200, seed=1))
    assert np.isclose(
        model.evaluation.accuracy,
        np.mean(np.array(model.classes)[P.argmax(axis=1)] == wavy(200, seed=1)["t"]),
    )
    validated = backhand.fit(wavy(), "t", cv=2, **FAST)
    assert validated.evaluation.rows == 400 and validated.evaluation.accuracy > 0.55


def test_an_unknown_encoding_is_refused() -> None:
    with pytest.raises(backhand.InputError, match="number_encoding is 'tree'"):
        Settings(number_encoding="tree")
