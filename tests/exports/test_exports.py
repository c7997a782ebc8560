"""An export predicts what the model predicts, and is refused where it does not."""

import ast
import csv
import datetime
import decimal
import json
import subprocess
import sys
from importlib.metadata import version

import numpy as np
import onnx
import pytest
from typer.testing import CliRunner

import backhand
from backhand.cli.app import app
from backhand.equations import Parameters, forward
from backhand.errors import BackhandError, InputError, MissingDependencyError
from backhand.exports import numpy as to_numpy
from backhand.exports import numpy_template, onnx_schema, verify
from backhand.exports import onnx as to_onnx
from backhand.exports.date_texts import FORMS, ORDERED, TIMES, in_form
from backhand.exports.numpy import export_numpy
from backhand.exports.onnx import export_onnx
from backhand.model import Model
from backhand.table_settings import Settings
from backhand.tables import expressions
from backhand.tables.cells.texts import MISSING
from backhand.tables.queries import chunks
from backhand.tables.reading.reader import read_table
from backhand.tables.schema.choices import ColumnChoices
from backhand.tables.schema.columns import Category, Date, Number
from backhand.tables.schema.schema import Schema
from backhand.tabular.training import fit_table, prepare_table
from helpers.exported_models import (
    array_model,
    from_csv,
    from_parquet,
    imported,
    learned,
    made_model,
    raw,
    run_onnx,
    session,
)

EXPORTS = {"onnx": (export_onnx, "m.onnx"), "numpy": (export_numpy, "m.py")}


LARGE = ("LetterRecognition", "mnist_train")

TABLES = {
    "BreastCancer": "Class",
    "HouseVotes84": "Class",
    "LetterRecognition": "lettr",
    "PimaIndiansDiabetes2": "diabetes",
    "Soybean": "Class",
    "Vowel": "Class",
    "penguins": "species",
}


@pytest.fixture(scope="module")
def trained():
    from conftest import PENGUINS

    return learned(PENGUINS, "species", epochs=30)


def test_penguins_through_onnx(tmp_path, trained, penguins) -> None:
    model, table = trained
    assert export_onnx(model, tmp_path / "m.onnx") <= 1e-6
    labels, P = run_onnx(tmp_path / "m.onnx", raw(model.schema, from_csv(penguins)))
    expected = model.predict_proba(table)
    assert P.dtype == np.float32 and np.abs(P - expected).max() <= 1e-6
    assert labels.tolist() == np.array(model.classes)[expected.argmax(axis=1)].tolist()


def test_penguins_through_one_python_file(tmp_path, trained, penguins) -> None:
    model, table = trained
    assert export_numpy(model, tmp_path / "m.py") <= 1e-6
    expected = model.predict_proba(table)
    classes = np.array(model.classes)[expected.argmax(axis=1)].tolist()
    module = imported(tmp_path / "m.py")
    P = module.predict_proba(from_csv(penguins))
    assert P.dtype == np.float32 and np.abs(P - expected).max() <= 1e-6
    assert module.predict(from_csv(penguins)).tolist() == classes
    command = [sys.executable, "-I", "-W", "error", tmp_path / "m.py", penguins]
    printed = subprocess.run(command, check=True, capture_output=True, text=True)
    assert printed.stderr == ""
    heading, *rows = csv.reader(printed.stdout.splitlines())
    assert heading == ["prediction", *(f"probability_{name}" for name in model.classes)]
    assert [row[0] for row in rows] == classes
    assert np.abs(np.array([row[1:] for row in rows], float) - expected).max() <= 1e-6


def test_the_onnx_file_is_plain_and_old_enough(tmp_path, trained) -> None:
    export_onnx(trained[0], tmp_path / "m.onnx")
    proto = onnx.load(tmp_path / "m.onnx")
    onnx.checker.check_model(proto, full_check=True)
    assert {o.domain: o.version for o in proto.opset_import} == {"": 13, "ai.onnx.ml": 2}
    assert proto.ir_version == 7
    operators = [node.op_type for node in proto.graph.node]
    start = operators.index("Gemm")
    assert operators[start : start + 4] == ["Gemm", "Relu", "Gemm", "Softmax"]
    properties = {p.key: p.value for p in proto.metadata_props}
    assert properties["backhand"] == backhand.__version__
    assert json.loads(properties["classes"]) == list(trained[0].classes)
    assert json.loads(properties["columns"])["island"] == "category"
    weights = {c.name: onnx.numpy_helper.to_array(c) for c in proto.graph.initializer}
    for name, value in trained[0].params._asdict().items():
        assert np.array_equal(weights[name], value)
    told = {i.name: i.doc_string for i in proto.graph.input}
    assert told["year"].endswith("nan where missing") and "'' where missing" in told["island"]


def test_a_model_of_arrays_has_nothing_but_the_network(tmp_path) -> None:
    for dtype, double, casts in (
        (np.float32, False, []),
        (np.float32, True, ["Cast"]),
        (np.float64, False, []),
        (np.float64, True, []),
    ):
        export_onnx(array_model(dtype=dtype), tmp_path / "m.onnx", double=double)
        proto = onnx.load(tmp_path / "m.onnx")
        operators = [node.op_type for node in proto.graph.node]
        network = ["Gemm", "Relu", "Gemm", "Softmax"]
        assert operators == [*casts, *network, *casts, "ArgMax", "Gather"]
        assert [o.domain for o in proto.opset_import] == [""]
        weights = onnx.numpy_helper.to_array(proto.graph.initializer[0])
        assert weights.dtype == (np.float64 if double else dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "classes",
    [
        (0, 1, 2),
        (-5, 3, 2**40),
        (0.5, 1.5, -2.0),
        (False, True),
        (np.False_, np.True_),
        ("x", "y", "ç ☃"),
        ("", "it's", '"""\n\\'),
        (1, 2.5, 3),
        (np.int32(4), np.int32(5)),
    ],
)
def test_models_of_arrays_and_classes_of_all_kinds(tmp_path, classes, dtype) -> None:
    model = array_model(classes, dtype)
    for export, name in EXPORTS.values():
        assert export(model, tmp_path / name) <= 1e-6
    X = np.random.default_rng(1).standard_normal((50, 4)).astype(dtype)
    P, expected = model.predict_proba(X), model.predict(X)
    labels, found = run_onnx(tmp_path / "m.onnx", {"X": X})
    module = imported(tmp_path / "m.py")
    for given, by in ((found, labels), (module.predict_proba(X), module.predict(X))):
        assert given.dtype == dtype and np.abs(given - P).max() <= 1e-6
        assert by.tolist() == expected.tolist()
        assert [type(v) for v in by.tolist()] == [type(v) for v in expected.tolist()]


def test_one_row_and_none(tmp_path) -> None:
    model = made_model([Number("n", 0.0, 1.0, True), Category("c", ("x", "y"), True)])
    for export, name in EXPORTS.values():
        export(model, tmp_path / name)
    module = imported(tmp_path / "m.py")
    ends = tuple(map(int, version("onnxruntime").split(".")[:2])) < (1, 29)  # at a graph of no rows
    for n in (1,) if ends else (0, 1):
        texts = np.full((n, 1), "x", dtype=object)
        labels, P = run_onnx(tmp_path / "m.onnx", {"n": np.ones((n, 1)), "c": texts})
        assert labels.shape == (n,) and P.shape == (n, 3)
        assert module.predict_proba({"n": [1.0] * n, "c": ["x"] * n}).shape == (n, 3)


HOSTILE = [
    "X", "prediction", "probabilities", "W1", "Z1", "S", "P", "numbers", "missing", "features",
    "one-hot", "classes", "$D", "${COLUMNS}", "{x}", "%s", "it's", '"', '"""', "'''", "\\", "a\nb",
    "a\rb", "☃", " ", "#", "\u2028", "'); raise SystemExit('code ran') #",
    '"""\nraise SystemExit("code ran")\n"""', "__import__('os')._exit(3)", "x" * 300,
]  # fmt: skip


def test_hostile_names_are_names(tmp_path) -> None:
    numbers = [Number(f"{name}", 0.5, 2.0, i % 2 == 0) for i, name in enumerate(HOSTILE)]
    texts = [Category(f"{name}!", tuple(sorted(HOSTILE)), True) for name in HOSTILE]
    model = made_model(numbers + texts, tuple(HOSTILE))
    for export, name in EXPORTS.values():
        assert export(model, tmp_path / name) <= 1e-6
    sample = verify.draw_sample(model, seed=5)
    names = [i.name for i in session(tmp_path / "m.onnx").get_inputs()]
    assert names == [column.name for column in model.schema.columns]
    outputs = [o.name for o in session(tmp_path / "m.onnx").get_outputs()]
    assert outputs == ["prediction_2", "probabilities_2"]
    labels, P = run_onnx(tmp_path / "m.onnx", to_onnx.feeds(model, sample))
    assert np.abs(P - sample.P).max() <= 1e-6
    module = imported(tmp_path / "m.py")
    assert module.predict(sample.columns).tolist() == labels.tolist()
    assert module.CLASSES == HOSTILE
    called = {
        node.func.id
        for node in ast.walk(ast.parse((tmp_path / "m.py").read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not called & {"SystemExit", "__import__"}


def test_an_empty_text_that_is_a_category_is_not_missing(tmp_path) -> None:
    columns = [Category("c", ("", "NA", "x"), True), Category("d", ("", "<missing>"), True),
               Category("e", ("", "x"), False)]  # fmt: skip
    model = made_model(columns)
    assert [onnx_schema.missing_text(c) for c in columns] == [
        "<missing>",
        "<<missing>>",
        "<missing>",
    ]
    for export, name in EXPORTS.values():
        assert export(model, tmp_path / name) <= 1e-6
    given = {"c": ["", "NA", "x", None, "null"], "d": ["", "<missing>", "new", None, "?"],
             "e": ["", "x", "new", None, "NA"]}  # fmt: skip
    encoded = imported(tmp_path / "m.py").encode(given)
    assert encoded[:, :4].argmax(axis=1).tolist() == [0, 1, 2, 3, 3]
    assert encoded[:, 4:7].tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 0], [0, 0, 1], [0, 0, 1]]
    assert encoded[:, 7:].tolist() == [[1, 0], [0, 1], [0, 0], [0, 0], [0, 0]]
    told = {i.name: i.doc_string for i in onnx.load(tmp_path / "m.onnx").graph.input}
    assert "'<missing>' where missing" in told["c"]


def both_agree(tmp_path, model, table, texts, for_onnx) -> None:
    """The exports of a model, given the columns, say what the model says of the table."""
    for export, name in EXPORTS.values():
        assert export(model, tmp_path / name) <= 1e-6
    expected = model.predict_proba(table)
    assert np.abs(imported(tmp_path / "m.py").predict_proba(texts) - expected).max() <= 1e-6
    assert np.abs(run_onnx(tmp_path / "m.onnx", for_onnx)[1] - expected).max() <= 1e-6


@pytest.mark.slow
def test_every_form_of_a_date_is_exported(tmp_path) -> None:
    rng, rows = np.random.default_rng(3), 120
    columns = {"t": ["a", "b"] * (rows // 2)}
    days = {}
    for i, form in enumerate(
        sorted({*FORMS, *ORDERED, *TIMES} - {"{Y}"})
    ):  # a year alone is a number
        order = ("dmy", "mdy")[i % 2]
        x = rng.uniform(0, 1, rows) if form in TIMES else rng.uniform(0, 18_000, rows)
        read = [in_form(form, day, order) for day in x]
        days[f"c{i}"], columns[f"c{i}"] = map(list, zip(*read, strict=True))
        for k in range(i % 5, rows, 5):
            days[f"c{i}"][k], columns[f"c{i}"][k] = np.nan, "NA"
    with (tmp_path / "t.csv").open("w", newline="") as file:
        csv.writer(file).writerows([columns, *zip(*columns.values(), strict=True)])
    model, table = learned(tmp_path / "t.csv", "t", epochs=2)
    dates = {column.name: column for column in model.schema.columns}
    assert set(dates) == set(days) and {c.kind for c in dates.values()} == {"date"}
    assert sum(len(c.cycles) == 3 for c in dates.values()) > 5
    both_agree(
        tmp_path, model, table, columns, {name: np.array(x)[:, None] for name, x in days.items()}
    )
    assert np.array_equal(imported(tmp_path / "m.py").encode(columns), model.schema.encode(table))


def test_dates_and_times(tmp_path) -> None:
    rows = [f"20{k % 30:02}-{k % 12 + 1:02}-{k % 28 + 1:02},1969-12-31 {k % 24:02}:30:15.25,"
            f"{k % 24:02}:0{k % 10}:00,{'ab'[k % 2]}" for k in range(60)]  # fmt: skip
    rows[3] = ",NA,?,a"
    (tmp_path / "t.csv").write_text("\n".join(["day,moment,hour,t", *rows]) + "\n")
    model, table = learned(tmp_path / "t.csv", "t")
    assert [column.kind for column in model.schema.columns] == ["date"] * 3
    days = {}
    for i, column in enumerate(model.schema.columns):
        (_, [values]), = chunks(table, [expressions.days(table, i, MISSING)])  # fmt: skip
        days[column.name] = np.ma.filled(values.astype(float), np.nan)
    texts = from_csv(tmp_path / "t.csv")
    both_agree(tmp_path, model, table, texts, {name: x[:, None] for name, x in days.items()})
    module = imported(tmp_path / "m.py")
    expected = module.predict_proba(texts)
    kinds = ("DATE", "TIMESTAMP", "TIME")
    cast = ", ".join(f"TRY_CAST(c{i} AS {kind})" for i, kind in enumerate(kinds))
    objects = table.connection.execute(f"SELECT {cast} FROM rows").fetchall()
    columns = dict(zip(days, zip(*objects, strict=True), strict=True))
    assert np.array_equal(module.predict_proba(columns), expected)
    assert np.array_equal(module.predict_proba(days), expected)
    stamps = [np.datetime64("NaT" if v is None else v, "us") for v in columns["moment"]]
    assert np.array_equal(module.predict_proba(columns | {"moment": np.array(stamps)}), expected)
    assert module.COLUMNS[1].number("1970-01-02 02:00:00+02") == 1.0
    assert np.isnan(module.COLUMNS[0].read(["2020-01-01", "some day"])).tolist() == [False, True]


def test_booleans_however_written(tmp_path) -> None:
    spelled = ["True", "true", "FALSE", "false", "fAlse", ""]
    rows = [f"{spelled[k % 6]},{k},{'ab'[k % 3 == 0]}" for k in range(60)]
    (tmp_path / "t.csv").write_text("\n".join(["f,n,t", *rows]) + "\n")
    model, table = learned(tmp_path / "t.csv", "t")
    assert model.schema.columns[0].categories == ("false", "true")
    texts = from_csv(tmp_path / "t.csv")
    both_agree(tmp_path, model, table, texts, raw(model.schema, texts))
    module = imported(tmp_path / "m.py")
    as_bool = [None if v == "" else v.lower() == "true" for v in texts["f"]]
    assert np.array_equal(module.predict_proba(texts | {"f": as_bool}), module.predict_proba(texts))


def test_numbers_that_are_names_and_numbers_that_are_texts(tmp_path) -> None:
    query = f"""SELECT (ARRAY[7.0, 8.5, -3])[1 + i % 3]::DOUBLE AS code, (i / 4)::VARCHAR AS n,
                (ARRAY['a', 'b'])[1 + i % 2] AS t FROM range(60) AS r(i) {""}"""
    table = read_table(None, query)
    settings = Settings(quick=True, epochs=5, hidden=8)
    prepared = prepare_table(table, "t", settings, ColumnChoices(categorical=("code",)))
    model, _ = fit_table(prepared, settings)
    assert prepared.schema.columns[0].categories == ("-3", "7", "8.5")
    codes = [(7.0, 8.5, -3)[i % 3] for i in range(60)]
    numbers = [str(i / 4) for i in range(60)]
    texts = np.array([[str(c)] for c in codes], dtype=object)
    for_onnx = {"code": texts, "n": np.array(numbers, float)[:, None]}
    both_agree(tmp_path, model, table, {"code": codes, "n": numbers}, for_onnx)
    module = imported(tmp_path / "m.py")
    as_texts = {"code": [str(float(c)) for c in codes], "n": [float(n) for n in numbers]}
    assert np.array_equal(
        module.predict_proba(as_texts), module.predict_proba({"code": codes, "n": numbers})
    )


def test_named_words_mean_missing_in_every_export(tmp_path) -> None:
    words = ("-999", "9.5", "TRUE", "1900-01-01", "x")
    columns = [Number("n", 0, 1, True), Date("d", 0, 1, True), Category("c", ("1", "None"), True)]
    for missing in (words, ("", *words)):
        params = backhand.init(7, 6, 2, seed=1)
        model = Model(params, ("a", "b"), Schema("t", tuple(columns), missing))
        export_numpy(model, tmp_path / "m.py")
        assert export_onnx(model, tmp_path / "m.onnx") <= 1e-6
        encode = imported(tmp_path / "m.py").encode
        absent = [None, np.nan, float("nan"), "-999", "-999.0", -999, -999.0, np.float32(-999),
                  decimal.Decimal("-999.00"), np.int64(-999), "9.5", 9.5, "True", "",
                  datetime.date(1900, 1, 1), "1900-01-01", "x"]  # fmt: skip
        for value in absent:
            X = encode({"n": [value, 1], "d": [value, "2020-01-31"], "c": [value, 1]})
            assert X[:, [1, 3, 6]].tolist() == [[1, 1, 1], [0, 0, 0]], value
        X = encode({"n": np.array([-999, 9]), "d": [None] * 2, "c": ["None", "1.0"]})
        assert X.tolist() == [[0, 1, 0, 1, 0, 1, 0], [9, 0, 0, 1, 1, 0, 0]]
        given = {"n": [[-999.0], [9.5], [9.0], [np.nan]], "d": [[-999.0], [1.0], [np.nan], [9.5]],
                 "c": [["-999.0"], ["true"], ["1"], [""]]}  # fmt: skip
        found = run_onnx(tmp_path / "m.onnx", {
            name: np.array(v, object if name == "c" else float) for name, v in given.items()
        })[1]  # fmt: skip
        rows = np.zeros((4, 7), np.float32)
        model.schema.encode_values(
            [np.array([np.nan, np.nan, 9, np.nan]), np.array([-999.0, 1, np.nan, 9.5]),
             np.array([-2, -2, 0, -2])], rows)  # fmt: skip
        assert np.abs(found - model.predict_proba(rows)).max() <= 1e-6


def wrong(params: Parameters) -> Parameters:
    return params._replace(W2=params.W2 * 1.01)


@pytest.mark.parametrize("kind", EXPORTS)
def test_what_differs_is_refused_and_nothing_is_left(tmp_path, monkeypatch, trained, kind) -> None:
    export, name = EXPORTS[kind]
    network, parameter = to_onnx._network, numpy_template.parameter
    if kind == "onnx":
        monkeypatch.setattr(to_onnx, "_network", lambda g, p, *more: network(g, wrong(p), *more))
    else:
        monkeypatch.setattr(to_numpy.template, "parameter", lambda n, v: parameter(n, v * 1.01))
    for model in (trained[0], array_model(), array_model(dtype=np.float64)):
        with pytest.raises(
            BackhandError, match=r"differ .* by up to [\d.e-]+, more than [\d.e-]+;"
        ):
            export(model, tmp_path / name)
        assert list(tmp_path.iterdir()) == []
    (tmp_path / name).write_text("what was there")
    with pytest.raises(BackhandError, match="it was not written"):
        export(array_model(), tmp_path / name)
    assert [p.name for p in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "what was there"


@pytest.mark.parametrize("part", ["mean", "std", "missing", "categories"])
@pytest.mark.parametrize("kind", EXPORTS)
def test_a_wrong_schema_is_refused(tmp_path, monkeypatch, kind, part) -> None:
    """Each part of a schema shows on the rows that are drawn."""
    right = made_model([Number("n", 1.0, 2.0, True), Category("c", ("x", "y"), True)])
    number, category = right.schema.columns
    columns = {
        "mean": (Number("n", 1.001, 2.0, True), category),
        "std": (Number("n", 1.0, 2.001, True), category),
        "missing": (number, Category("c", ("x", "y", "z"), False)),
        "categories": (number, Category("c", ("y", "x"), True)),
    }[part]
    broken = made_model(columns)
    module, name = (to_onnx, "to_proto") if kind == "onnx" else (to_numpy, "to_source")
    build = getattr(module, name)
    monkeypatch.setattr(
        module, name, lambda model, *more, **options: build(broken, *more, **options)
    )
    export, file = EXPORTS[kind]
    with pytest.raises(BackhandError, match="differ"):
        export(right, tmp_path / file)
    assert list(tmp_path.iterdir()) == []


def test_other_classes_and_no_numbers_are_refused() -> None:
    model = array_model()
    sample, labels = verify.draw_sample(model), verify.class_labels(model)
    best = [labels[i] for i in sample.P.argmax(axis=1)]
    assert verify.check_predictions(sample, labels, best, sample.P) == 0
    for predicted in ([*best[1:], best[0]], ["0"] * len(best)):
        with pytest.raises(BackhandError, match="classes differ"):
            verify.check_predictions(sample, labels, predicted, sample.P)
    for P, said in (
        (sample.P * np.float32(np.nan), "by up to nan"),
        (sample.P[1:], "it was not written"),
        (sample.P.astype(np.float64), "float64"),
    ):
        with pytest.raises(BackhandError, match=said):
            verify.check_predictions(sample, labels, best, P)


def test_what_does_not_run_is_refused(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(to_onnx, "IR_VERSION", 99)
    with pytest.raises(BackhandError, match="onnx or onnxruntime rejects"):
        export_onnx(array_model(), tmp_path / "m.onnx")
    monkeypatch.setattr(numpy_template, "NETWORK", "def forward(X): return Z1")
    with pytest.raises(BackhandError, match=r"does not run \(NameError"):
        export_numpy(array_model(), tmp_path / "m.py")
    assert list(tmp_path.iterdir()) == []


def test_the_rows_that_are_drawn_show_everything() -> None:
    columns = [Number("n", 5.0, 2.0, True),
               Category("c", tuple(f"{i:04}" for i in range(1000)), True)]  # fmt: skip
    model = made_model(columns)
    sample = verify.draw_sample(model)
    z = (sample.columns["n"] - 5.0) / 2.0
    assert np.isnan(z).any() and (z > 10).any() and (z < -10).any() and (abs(z) < 1).any()
    texts = sample.columns["c"].tolist()
    assert {None, *columns[1].categories} < set(texts) and len(set(texts)) == 1002
    assert np.array_equal(verify.draw_sample(model).X, sample.X)
    for scale in (1e-3, 1.0, 1e3):
        params = array_model(dtype=np.float64).params
        params = params._replace(W1=params.W1 * scale)
        Z1 = forward(params, verify.draw_sample(Model(params, (0, 1, 2))).X).Z1
        assert ((Z1 > 0).any(axis=0) & (Z1 < 0).any(axis=0)).all()


@pytest.mark.parametrize(("dtype", "within"), [(np.float32, 1e-6), (np.float64, 1e-12)])
def test_engines_and_exports_agree_to_the_rounding_of_their_dtype(tmp_path, dtype, within) -> None:
    model = array_model(dtype=dtype)
    X = np.random.default_rng(0).standard_normal((3000, 4)).astype(dtype)
    exact = forward(Parameters(*(v.astype(np.float64) for v in model.params)), X).P
    export_numpy(model, tmp_path / "m.py")
    found = [imported(tmp_path / "m.py").predict_proba(X)]
    for double in (False, True):
        export_onnx(model, tmp_path / "m.onnx", double=double)
        found.append(run_onnx(tmp_path / "m.onnx", {"X": X})[1])
    found += [model.predict_proba(X, engine) for engine in ("fused", "reference", "torch")]
    for P in found:
        assert P.dtype == dtype and np.abs(P - exact).max() <= within


def test_a_double_graph_of_float32_weights_is_exact_where_float32_is_not(tmp_path) -> None:
    model = array_model(scale=200.0)  # large logits: in float32, P moves by more than 1e-6
    X = np.random.default_rng(0).standard_normal((3000, 4)).astype(np.float32)
    exact = forward(Parameters(*(v.astype(np.float64) for v in model.params)), X).P
    for double in (False, True):
        export_onnx(model, tmp_path / "m.onnx", double=double)
        _, P = run_onnx(tmp_path / "m.onnx", {"X": X})
        assert (np.abs(P - exact).max() < 6e-8) == double
        assert (np.abs(P - exact).max(axis=1) <= verify.tolerances(model.params, X)).all()


def test_a_row_may_differ_by_the_rounding_of_its_own_sums_only() -> None:
    for dtype, least in ((np.float32, 1e-6), (np.float64, 1e-12)):
        model, X = array_model(dtype=dtype), np.ones((2, 4), dtype)
        X[1] *= 1e5
        near, far = verify.tolerances(model.params, X)
        assert near == least and 1e3 < far / np.finfo(dtype).eps < 1e6
    sample, labels = verify.draw_sample(model), verify.class_labels(model)
    best = [labels[i] for i in sample.P.argmax(axis=1)]
    row = int(np.argmax(sample.tolerance == least))
    with pytest.raises(BackhandError, match="up to 2e-12, more than 1e-12"):
        off = sample.P.copy()
        off[row] += 2e-12
        verify.check_predictions(sample, labels, best, off)


def test_programs_that_add_up_many_features_in_other_orders_agree() -> None:
    rng, d, H = np.random.default_rng(0), 10_000, 100
    params = backhand.init(d, H, 10)._replace(
        W1=rng.normal(0, 3 / np.sqrt(d), (d, H)).astype(np.float32),
        W2=rng.normal(0, 3 / np.sqrt(H), (H, 10)).astype(np.float32),
        b1=rng.normal(size=H).astype(np.float32),
    )
    model = Model(params, tuple(range(10)))
    sample = verify.draw_sample(model)
    P = model.predict_proba(sample.X, "reference")
    verify.check_predictions(sample, model.classes, P.argmax(axis=1).tolist(), P)
    wrong = model.params._replace(b2=params.b2 + np.float32(1e-3) * np.arange(10, dtype="f4"))
    P = Model(wrong, model.classes).predict_proba(sample.X)
    with pytest.raises(BackhandError, match="differ from the model"):
        verify.check_predictions(sample, model.classes, P.argmax(axis=1).tolist(), P)


def test_the_graph_grows_with_the_kinds_of_columns_only(tmp_path) -> None:
    def nodes(n: int) -> int:
        columns = [Number(f"n{i}", 0, 1, i % 2 == 0) for i in range(n)]
        columns += [Category(f"c{i}", ("n", "y"), i % 2 == 0) for i in range(n)]
        export_onnx(made_model(columns), tmp_path / "m.onnx")
        return len(onnx.load(tmp_path / "m.onnx").graph.node)

    assert nodes(4) == nodes(1500)


def test_features_keep_the_order_of_the_schema(tmp_path) -> None:
    columns = [
        Category("a", ("x", "y"), True), Number("b", 0, 1, True), Category("c", ("p",), True),
        Category("d", ("x", "y"), True), Number("e", 0, 1, False), Date("f", 0, 1, True),
    ]  # fmt: skip
    for order in (columns, columns[::-1], columns[3:] + columns[:3]):
        for export, name in EXPORTS.values():
            assert export(made_model(order), tmp_path / name) <= 1e-6


def test_what_cannot_be_exported_is_told(tmp_path) -> None:
    for classes in ((0.0, float("inf")), (0, 2**70)):
        for export, name in EXPORTS.values():
            with pytest.raises(InputError, match="cannot be exported"):
                export(array_model(classes), tmp_path / name)
    for name, said in (("", "column name ''"), ("a\0", "column name"), ("\ud800", "not Unicode")):
        with pytest.raises(InputError, match=said):
            export_onnx(made_model([Number(name, 0, 1, False)]), tmp_path / "m.onnx")
    with pytest.raises(InputError, match="hide Python's module csv"):
        export_numpy(array_model(), tmp_path / "csv.py")
    for export, _ in EXPORTS.values():
        with pytest.raises(InputError, match="is a folder"):
            export(array_model(), tmp_path)
        with pytest.raises(InputError, match="expected a Model"):
            export(3, tmp_path / "m")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("absent", ["onnx", "onnxruntime"])
def test_a_missing_extra_is_told(tmp_path, monkeypatch, absent) -> None:
    monkeypatch.setitem(sys.modules, absent, None)
    with pytest.raises(MissingDependencyError, match=f"needs {absent}, which is not installed"):
        export_onnx(array_model(), tmp_path / "m.onnx")
    backhand.save(array_model(), tmp_path / "m.safetensors")
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["export", "m.safetensors", "--to", "onnx"])
    assert result.exit_code == 2 and len(result.stderr.splitlines()) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["m.safetensors"]


def test_the_command(tmp_path, monkeypatch, trained, penguins) -> None:
    monkeypatch.chdir(tmp_path)
    backhand.save(trained[0], "p.safetensors")
    for to, name, use in (("onnx", "p.onnx", "onnxruntime"), ("numpy", "p.py", "python p.py")):
        result = CliRunner().invoke(app, ["export", "p.safetensors", "--to", to])
        assert result.exit_code == 0 and (tmp_path / name).exists()
        wrote, how = result.stdout.splitlines()
        assert wrote.startswith(f"Wrote {name}: ") and use in how
    result = CliRunner().invoke(app, ["export", "p.safetensors", "--to", "numpy", "-o", "q.py"])
    assert (tmp_path / "q.py").read_bytes() == (tmp_path / "p.py").read_bytes()
    command = ["export", "p.safetensors", "--to", "onnx", "--double", "-o", "double.onnx"]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0 and "which are computed in float32 and rounded" in done.stdout
    backhand.save(backhand.init(4, 8, 2, dtype=np.float64), "f64.safetensors")
    weights = {
        name: onnx.numpy_helper.to_array(next(c for c in proto.graph.initializer if c.name == "W1"))
        for name in ("p.onnx", "double.onnx")
        for proto in [onnx.load(name)]
    }
    assert {name: W1.dtype for name, W1 in weights.items()} == {
        "p.onnx": np.float32, "double.onnx": np.float64
    }  # fmt: skip
    before = {p: p.read_bytes() for p in tmp_path.iterdir()}
    for arguments, said in (
        (("p.safetensors", "--to", "pmml"), "--to is 'pmml'; expected 'onnx' or 'numpy'"),
        (("p.safetensors",), "Missing option"),
        (("p.safetensors", "--to", "numpy", "--double"), "--double is for --to onnx"),
        (("f64.safetensors", "--to", "onnx", "--double"), "leave out --double"),
        (("none.safetensors", "--to", "onnx"), "does not exist"),
        (("p.safetensors", "--to", "onnx", "-o", "p.safetensors"), "must end in .onnx"),
        (("p.safetensors", "--to", "numpy", "-o", "data.csv"), "must end in .py"),
        (("p.safetensors", "--to", "numpy", "-o", "no/p.py"), "does not exist"),
    ):
        result = CliRunner().invoke(app, ["export", *arguments])
        assert result.exit_code == 2 and said in result.stderr and result.stdout == ""
    assert {p: p.read_bytes() for p in tmp_path.iterdir()} == before


@pytest.mark.filterwarnings("ignore:the classes:backhand.errors.BackhandWarning")  # Vowel: hAd, had
@pytest.mark.parametrize("name", [
    pytest.param(name, marks=pytest.mark.slow if name in LARGE else ())
    for name in (*TABLES, *LARGE[1:])
])  # fmt: skip
def test_real_tables_from_their_raw_columns(shared, tmp_path, name) -> None:
    if name == "mnist_train":
        path = shared / f"{name}.parquet"
        columns = from_parquet(path)
        model, table = learned(path, "label", epochs=3, hidden=128)
    else:
        path = shared / f"{name}.csv"
        columns = from_csv(path)
        model, table = learned(path, TABLES[name], epochs=None, hidden=128)
    expected = model.predict_proba(table)
    within = verify.tolerances(model.params, model.schema.encode(table))
    export_onnx(model, tmp_path / "m.onnx")
    export_numpy(model, tmp_path / "m.py")
    labels, P = run_onnx(tmp_path / "m.onnx", raw(model.schema, columns))
    module = imported(tmp_path / "m.py")
    best = [module.CLASSES.index(label) for label in labels.tolist()]
    by_numpy = module.predict_proba(columns)
    for found, classes in ((P, best), (by_numpy, by_numpy.argmax(axis=1))):
        assert (np.abs(found - expected).max(axis=1) <= within).all()
        reached = np.take_along_axis(expected, np.array(classes)[:, None], axis=1)[:, 0]
        assert (reached >= expected.max(axis=1) - 2 * within).all()
