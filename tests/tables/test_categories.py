"""Rare categories share one; so do values that training never saw. The exports agree."""

import itertools

import duckdb
import numpy as np
import onnxruntime
import pytest

import backhand
from backhand.exports.numpy import to_source
from backhand.exports.onnx import to_proto
from backhand.model import Model
from backhand.tables.reading.reader import read_table
from backhand.tables.schema.choices import ColumnChoices
from backhand.tables.schema.columns import Category
from backhand.tables.schema.fitting import fit_schema
from backhand.tables.schema.schema import Schema
from backhand.tables.schema.targets import read_target


def learn(values, training=None, **choices):
    rows = ", ".join(f"({'NULL' if v is None else repr(v)}, {k % 2})" for k, v in enumerate(values))
    table = read_table(query=f"SELECT * FROM (VALUES {rows}) AS r(c, t)")
    training = np.ones(table.rows, bool) if training is None else training
    schema, notes, _ = fit_schema(
        table, read_target(table, "t"), training, ColumnChoices(**choices)
    )
    return schema.columns[0], notes


def test_two_or_more_rare_values_are_pooled() -> None:
    column, notes = learn([*"aaabb", "c"])
    assert column == Category("c", ("a", "b", "c"), False) and notes == []
    column, (note,) = learn([*"aaabbb", "c", "d"])
    assert column == Category("c", ("a", "b"), 0, other=0.25)
    assert note.kind == "categories"
    assert note.what.startswith("2 of its 4 values are categories; the rest, 25.0 %")
    assert column.features == ["c = a", "c = b", "c is another"]


@pytest.mark.parametrize(("rows", "kept", "pooled"), [(300, 2, 1), (4000, 4, 3), (20_000, 10, 9)])
def test_what_is_rare_depends_on_the_rows(rows, kept, pooled) -> None:
    values = ["k"] * kept + ["p"] * pooled + ["q"] * pooled
    values += [f"big{i % 3}" for i in range(rows - len(values))]
    column, _ = learn(values)
    assert column.categories == ("big0", "big1", "big2", "k") and column.other


def test_the_most_frequent_are_kept_and_ties_do_not_depend_on_the_rows() -> None:
    values = [f"v{k:03}" for k in range(150) for _ in range(3 + (k < 60))]
    column, (note,) = learn(values)
    assert len(column.categories) == 100 and column.other
    assert column.categories == tuple(f"v{k:03}" for k in range(100))
    assert note.what.startswith("100 of its 150 values are categories; the rest, 29.4 %")
    assert learn(values[::-1])[0] == column


def test_held_out_rows_have_no_say() -> None:
    training = np.array([1] * 8 + [0] * 8, bool)
    column, _ = learn([*"aaabbbcd", *"ccccdddd"], training)
    assert column.categories == ("a", "b") and column.other


def test_if_all_are_rare_the_first_are_kept() -> None:
    column, _ = learn([f"v{k:03}" for k in range(150)], categorical=["c"])
    assert column.categories == tuple(f"v{k:03}" for k in range(100)) and column.other


COLUMNS = [
    Category("c", ("x", "y", "7"), missing, other)
    for missing, other in itertools.product((False, True), repeat=2)
]
GIVEN = ["x", "7.0", "new", "", "NA", "Y"]


@pytest.mark.parametrize("column", COLUMNS, ids=lambda c: f"missing={c.missing}, other={c.other}")
def test_every_way_to_encode_knows_the_other_category(tmp_path, column) -> None:
    model = Model(backhand.init(column.width, 3, 2), ("a", "b"), Schema("t", (column,)))
    names = ["c", "c is another", "c is missing"]
    expected = []
    for value in ("x", "7", names[1], names[2], names[2], names[1]):
        name = value if value in names else f"c = {value}"
        expected.append([float(feature == name) for feature in column.features])
    path = tmp_path / "t.csv"
    path.write_text("c,d\n" + "".join(f"{value},1\n" for value in GIVEN))
    table = read_table(path)
    X = model.schema.encode(table)
    assert X.tolist() == expected
    typed = read_table(query="SELECT * FROM (VALUES ('x'), ('7.0'), ('new'), (NULL), ('NA'), "
                             "('Y')) AS r(c)")  # fmt: skip
    assert np.array_equal(model.schema.encode(typed), X)
    module: dict = {"__name__": "exported"}
    exec(to_source(model, ["a", "b"]), module)
    assert np.array_equal(module["encode"]({"c": GIVEN}), X)
    assert np.array_equal(module["encode"]({"c": [*GIVEN[:3], None, float("nan"), "Y"]}), X)
    session = onnxruntime.InferenceSession(to_proto(model, ["a", "b"]).SerializeToString())
    texts = np.array(GIVEN, dtype=object)[:, None]
    _, P = session.run(None, {"c": texts})
    np.testing.assert_allclose(P, model.predict_proba(X), atol=1e-6)
    assert backhand.export_numpy(model, tmp_path / "m.py") <= 1e-6
    assert backhand.export_onnx(model, tmp_path / "m.onnx") <= 1e-6


def test_columns_alike_but_for_the_other_category_share_no_node(tmp_path) -> None:
    columns = tuple(
        Category(f"c{i}", ("x", "y"), column.missing, column.other)
        for i, column in enumerate([*COLUMNS, *COLUMNS])
    )
    schema = Schema("t", columns)
    model = Model(backhand.init(schema.width, 3, 2), ("a", "b"), schema)
    assert backhand.export_onnx(model, tmp_path / "m.onnx") <= 1e-6
    assert backhand.export_numpy(model, tmp_path / "m.py") <= 1e-6
    assert Schema.from_json(schema.to_json()) == schema


def test_a_million_names_cost_little_memory(tmp_path) -> None:
    path = tmp_path / "t.parquet"
    duckdb.sql(f"COPY (SELECT 'name' || (k // 3) AS c, k % 2 AS t FROM range(300_000) AS r(k)) "
               f"TO '{path}'")  # fmt: skip
    table = read_table(path, memory="64MB")
    schema = fit_schema(table, read_target(table, "t"), np.ones(table.rows, bool)).schema
    assert len(schema.columns[0].categories) == 100 and schema.columns[0].other
