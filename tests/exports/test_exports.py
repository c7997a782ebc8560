"""What a model is exported to says what the model says, and is refused where it does not."""

import ast
import csv
import datetime
import decimal
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import duckdb
import numpy as np
import onnx
import onnxruntime
import pyarrow.parquet
import pytest
import torch
from typer.testing import CliRunner

import backhand
from backhand.cli.app import app
from backhand.equations import Parameters, forward
from backhand.errors import BackhandError, InputError, MissingDependencyError
from backhand.exports import numpy as to_numpy
from backhand.exports import numpy_template, onnx_schema, verify
from backhand.exports import onnx as to_onnx
from backhand.exports.numpy import export_numpy
from backhand.exports.onnx import export_onnx
from backhand.exports.torch import from_torch, to_torch
from backhand.model import Model
from backhand.tables import expressions
from backhand.tables.cells import MISSING
from backhand.tables.queries import chunks
from backhand.tables.reading.reader import read_table
from backhand.tables.schema.schema import Category, Date, Number, Schema
from backhand.tabular import Settings, fit_table, prepare_table

EXPORTS = {"onnx": (export_onnx, "m.onnx"), "numpy": (export_numpy, "m.py")}
TABLES = {
    "BreastCancer": "Class",
    "HouseVotes84": "Class",
    "LetterRecognition": "lettr",
    "PimaIndiansDiabetes2": "diabetes",
    "Soybean": "Class",
    "Vowel": "Class",
    "penguins": "species",
}


def session(path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options)


def run_onnx(path, columns):
    """Labels and P, of a dict of raw columns."""
    labels, P = session(path).run(None, columns)
    return labels, P


def imported(path):
    """The exported file as a module of its own."""
    spec = importlib.util.spec_from_file_location("exported", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def learned(path, target, query=None, **settings):
    """A model of a table, and the table."""
    table = read_table(path, query)
    settings = Settings(**({"epochs": 5, "hidden": 16} | settings))
    return fit_table(prepare_table(table, target, settings), settings)[0], table


def from_csv(path):
    """The columns of a CSV file as lists of texts."""
    with path.open(newline="", encoding="utf-8") as file:
        names, *rows = csv.reader(file)
    return dict(zip(names, zip(*rows, strict=True), strict=True))


def from_parquet(path):
    """The columns of a Parquet file as arrays."""
    table = pyarrow.parquet.read_table(path)
    return {name: table[name].to_numpy() for name in table.column_names}


def raw(schema, columns):
    """Columns of texts or arrays as an ONNX model of a table takes them."""
    given = {}
    for column in schema.columns:
        values = columns[column.name]
        if isinstance(column, Category):
            array = np.array(["" if v in MISSING else v for v in values], dtype=object)
        elif isinstance(values, np.ndarray):
            array = values.astype(np.float64)
        else:
            array = np.array([np.nan if v in MISSING else float(v) for v in values])
        given[column.name] = array[:, None]
    return given


def made_model(columns, classes=("a", "b", "c"), **more) -> Model:
    schema = Schema("t", tuple(columns))
    return Model(backhand.init(len(schema.features), 6, len(classes), seed=1), classes, schema)


def array_model(classes=(0, 1, 2), dtype=np.float32, scale=1.0) -> Model:
    params = backhand.init(4, 7, len(classes), seed=2, dtype=dtype)
    rng = np.random.default_rng(0)
    b1, b2 = rng.standard_normal(7).astype(dtype), rng.standard_normal(len(classes)).astype(dtype)
    W2 = (params.W2 * dtype(scale)).astype(dtype)
    return Model(Parameters(params.W1, b1, W2, b2), tuple(classes))


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
    assert told["year"] == "a number; nan where missing" and "'' where missing" in told["island"]


def test_a_model_of_arrays_has_nothing_but_the_network(tmp_path) -> None:
    for dtype, casts in ((np.float32, ["Cast"]), (np.float64, [])):
        export_onnx(array_model(dtype=dtype), tmp_path / "m.onnx")
        proto = onnx.load(tmp_path / "m.onnx")
        operators = [node.op_type for node in proto.graph.node]
        network = ["Gemm", "Relu", "Gemm", "Softmax"]
        assert operators == [*casts, *network, *casts, "ArgMax", "Gather"]
        assert [o.domain for o in proto.opset_import] == [""]


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
    for n in (0, 1):
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
    stamps = [np.datetime64("NaT" if v is None else v) for v in columns["moment"]]
    assert np.array_equal(module.predict_proba(columns | {"moment": np.array(stamps)}), expected)
    assert module.COLUMNS[1].number("1970-01-02 02:00:00+02") == 1.0
    with pytest.raises(ValueError, match=r"'day' holds '1/2/2020' in row 2; expected a date"):
        module.predict_proba(columns | {"day": ["2020-01-01", "1/2/2020"]})


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
    settings = Settings(epochs=5, hidden=8)
    prepared = prepare_table(table, "t", settings, categorical=["code"])
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


def test_the_python_file_tells_what_is_wrong(tmp_path) -> None:
    export_numpy(made_model([Number("n", 0, 1, True), Category("c", ("x",), True)]),
                 tmp_path / "m.py")  # fmt: skip
    module = imported(tmp_path / "m.py")
    for columns, said in (
        ({"n": [1]}, "no column 'c'"),
        ({"n": [1, "many"], "c": ["x", "x"]}, "'n' holds 'many' in row 2; expected a number"),
        ({"n": [1, np.inf], "c": ["x", "x"]}, "infinite number in row 2"),
    ):
        with pytest.raises(ValueError, match=said):
            module.predict_proba(columns)
    (tmp_path / "t.csv").write_text("n,c\n1,x\n2\n")
    for arguments, said in (
        (["t.csv"], "t.csv: row 2 has 1 values for 2 columns"),
        (["none.csv"], "No such file"),
        ([], "usage: python"),
    ):
        done = subprocess.run([sys.executable, "m.py", *arguments], cwd=tmp_path, text=True,
                              capture_output=True)  # fmt: skip
        assert done.returncode == 1 and said in done.stderr and "Traceback" not in done.stderr
    export_numpy(array_model(), tmp_path / "a.py")
    module = imported(tmp_path / "a.py")
    for X, said in ((np.ones(4), "expected"), (np.ones((2, 3)), "expected"),
                    (np.full((2, 4), np.nan), "not finite")):  # fmt: skip
        with pytest.raises(ValueError, match=said):
            module.predict_proba(X)


def test_the_python_file_reads_missing_values_of_all_kinds(tmp_path) -> None:
    pandas = pytest.importorskip("pandas")
    export_numpy(made_model([Number("n", 0, 1, True), Category("c", ("x",), True)]),
                 tmp_path / "m.py")  # fmt: skip
    module = imported(tmp_path / "m.py")
    for absent in (None, np.nan, np.float32("nan"), pandas.NA, pandas.NaT, *MISSING):
        encoded = module.encode({"n": [absent, 1], "c": [absent, "x"]})
        assert encoded.tolist() == [[0, 1, 0, 1], [1, 0, 1, 0]], absent
    frame = pandas.DataFrame({"n": [None, 1.0], "c": [None, "x"]})
    assert np.array_equal(module.encode(frame), encoded)
    masked = duckdb.sql("SELECT * FROM (VALUES (NULL, NULL), (1, 'x')) AS t(n, c)").fetchnumpy()
    assert np.array_equal(module.encode(masked), encoded)


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


def test_the_script_tells_in_a_sentence_what_it_cannot_read_or_write(tmp_path) -> None:
    export_numpy(made_model([Number("n", 0, 1, True)]), tmp_path / "m.py")
    (tmp_path / "t.csv").write_text("n\n" + "1\n" * 20_000, encoding="utf-8")
    run = [sys.executable, "m.py"]
    done = subprocess.run(
        [*run, "no.csv"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (1, "no.csv: No such file or directory\n")
    if Path("/dev/full").exists():
        with open("/dev/full", "w") as full:  # noqa: PTH123
            done = subprocess.run([*run, "t.csv"], cwd=tmp_path, stdout=full, check=False,
                                  stderr=subprocess.PIPE, text=True)  # fmt: skip
        said = "the predictions could not be written: No space left on device\n"
        assert (done.returncode, done.stderr) == (1, said)


def test_the_script_reads_csv_as_backhand_does(tmp_path) -> None:
    export_numpy(made_model([Number("n", 0, 1, True)]), tmp_path / "m.py")
    read = imported(tmp_path / "m.py").read_csv
    for text, columns in (
        ("n\n1\n\n3\n", {"n": ("1", "", "3")}),
        ('\ufeff"a,b";n\n1;2\n\n3;4\n', {"a,b": ("1", "3"), "n": ("2", "4")}),
        ('a\tn\n"x\ny"\t2\n', {"a": ("x\ny",), "n": ("2",)}),
        (",n\n1,2\n", {"column1": ("1",), "n": ("2",)}),
        ("a,n\n", {"a": [], "n": []}),
    ):
        (tmp_path / "t.csv").write_text(text, encoding="utf-8")
        assert read(tmp_path / "t.csv") == columns
    export_numpy(array_model(), tmp_path / "a.py")
    for heading in ("", "a,b,c,d\n"):
        (tmp_path / "t.csv").write_text(f"{heading}1,2,3,4\n5,6,7,8\n")
        assert imported(tmp_path / "a.py").read_csv(tmp_path / "t.csv").tolist() == [
            [1, 2, 3, 4], [5, 6, 7, 8]]  # fmt: skip


def test_the_python_file_is_tidy(tmp_path) -> None:
    columns = [Number("n", 0, 1, True), Date("d", 1.0, 2.0, False),
               Category("c", tuple(f"category {i}" for i in range(40)), True)]  # fmt: skip
    export_numpy(made_model(columns), tmp_path / "m.py")
    export_numpy(array_model(), tmp_path / "a.py")
    for name in ("m.py", "a.py"):
        text = (tmp_path / name).read_text()
        assert max(map(len, text.splitlines())) <= 100
        for line in ("Z1 = X @ W1 + b1", "H1 = np.maximum(0, Z1)", "S = H1 @ W2 + b2"):
            assert f"    {line}\n" in text
        lint = [sys.executable, "-m", "ruff", "check", "--isolated", "--line-length", "100"]
        if importlib.util.find_spec("ruff"):
            command = [*lint, "--select", "E,F,W,B,I,RET", tmp_path / name]
            done = subprocess.run(command, capture_output=True, text=True)
            assert done.returncode == 0, done.stdout


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
        with pytest.raises(BackhandError, match=r"differ .* by up to [\d.e-]+, more than 1e-06"):
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
    monkeypatch.setattr(module, name, lambda model, labels: build(broken, labels))
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
        with pytest.raises(BackhandError, match="other classes"):
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


def test_predictions_are_the_same_from_every_engine_to_the_last_digit() -> None:
    """Large logits: in float32, P would differ by more than 1e-6."""
    model = array_model(scale=200.0)
    X = np.random.default_rng(0).standard_normal((3000, 4)).astype(np.float32)
    exact = forward(Parameters(*(v.astype(np.float64) for v in model.params)), X).P
    for engine in ("fused", "reference", "torch"):
        P = model.predict_proba(X, engine)
        assert P.dtype == np.float32 and np.abs(P - exact).max() < 6e-8
    assert np.abs(forward(model.params, X).P - exact).max() > 1e-6
    assert np.array_equal(model.predict_proba(X.astype(np.float64)), model.predict_proba(X))


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
        assert wrote.startswith(f"Wrote {name}: largest difference") and use in how
    result = CliRunner().invoke(app, ["export", "p.safetensors", "--to", "numpy", "-o", "q.py"])
    assert (tmp_path / "q.py").read_bytes() == (tmp_path / "p.py").read_bytes()
    before = {p: p.read_bytes() for p in tmp_path.iterdir()}
    for arguments, said in (
        (("p.safetensors", "--to", "pmml"), "--to is 'pmml'; expected 'onnx' or 'numpy'"),
        (("p.safetensors",), "Missing option"),
        (("none.safetensors", "--to", "onnx"), "no model file"),
        (("p.safetensors", "--to", "onnx", "-o", "p.safetensors"), "must end in .onnx"),
        (("p.safetensors", "--to", "numpy", "-o", "data.csv"), "must end in .py"),
        (("p.safetensors", "--to", "numpy", "-o", "no/p.py"), "does not exist"),
    ):
        result = CliRunner().invoke(app, ["export", *arguments])
        assert result.exit_code == 2 and said in result.stderr and result.stdout == ""
    assert {p: p.read_bytes() for p in tmp_path.iterdir()} == before


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_torch_and_back(dtype) -> None:
    model = array_model(dtype=dtype)
    X = torch.from_numpy(np.random.default_rng(0).standard_normal((20, 4)).astype(dtype))
    state = torch.get_rng_state()
    net, with_softmax = to_torch(model), to_torch(model, softmax=True)
    assert torch.equal(torch.get_rng_state(), state), "no random number is drawn"
    assert [type(layer).__name__ for layer in net] == ["Linear", "ReLU", "Linear"]
    acts = forward(model.params, X.numpy())
    np.testing.assert_allclose(net(X).detach(), acts.S, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(with_softmax(X).detach(), acts.P, rtol=1e-5, atol=1e-6)
    for way in (net, with_softmax):
        assert all(p.requires_grad for p in way.parameters())
        for mine, back in zip(model.params, from_torch(way), strict=True):
            assert np.array_equal(mine, back) and back.dtype == dtype and back.flags.c_contiguous
    with torch.no_grad():
        params = from_torch(net)
        net[0].weight += 1
    assert np.array_equal(params.W1, model.params.W1)
    assert not np.array_equal(from_torch(net).W1, model.params.W1)


def test_torch_networks_that_mean_the_same() -> None:
    nn = torch.nn
    first, second = nn.Linear(4, 7, bias=False), nn.Linear(7, 3)
    net = nn.Sequential(nn.Dropout(0.2), first, nn.ReLU(), nn.Dropout(), second, nn.LogSoftmax(-1))
    params = from_torch(net.eval())
    assert not params.b1.any() and params.W1.shape == (4, 7)
    X = np.random.default_rng(0).standard_normal((5, 4)).astype(np.float32)
    expected = net(torch.from_numpy(X)).detach().exp().numpy()
    np.testing.assert_allclose(forward(params, X).P, expected, rtol=1e-5, atol=1e-6)


def test_torch_networks_that_are_others_are_told() -> None:
    nn = torch.nn
    a, b = nn.Linear(4, 7), nn.Linear(7, 3)
    hooked = nn.Sequential(nn.Linear(4, 7), nn.ReLU(), nn.Linear(7, 3))
    hooked[0].register_forward_hook(lambda module, given, output: 5 * output)
    with pytest.raises(InputError, match="output differs"):
        from_torch(hooked)
    for net, said in (
        (a, "is a Linear; expected nn.Sequential"),
        (nn.Sequential(a, nn.Tanh(), b), r"layer '1' of the network is Tanh\(\); expected ReLU"),
        (nn.Sequential(nn.Flatten(), a, nn.ReLU(), b), "layer '0' .* Flatten.*; expected Linear"),
        (nn.Sequential(a, nn.ReLU()), "ends after 2 layers"),
        (nn.Sequential(a, nn.ReLU(), b, nn.ReLU()), "layer '3' .* nothing behind"),
        (nn.Sequential(a, nn.ReLU(), b, nn.Softmax(0)), "of dim 1"),
        (nn.Sequential(a, nn.ReLU(), b, nn.Softmax(1), nn.Softmax(1)), "nothing behind"),
        (nn.Sequential(b, nn.ReLU(), a), "do not fit together"),
        (nn.Sequential(nn.LazyLinear(7), nn.ReLU(), b), "layer '0' .* LazyLinear"),
        (
            nn.Sequential(a, nn.ReLU(), nn.Linear(7, 3).half()),
            "layer '2' .* torch.float16; expected",
        ),
    ):
        with pytest.raises(InputError, match=said):
            from_torch(net)


@pytest.mark.filterwarnings("ignore:the classes:backhand.errors.BackhandWarning")  # Vowel: hAd, had
@pytest.mark.parametrize("name", [*TABLES, pytest.param("mnist_train", marks=pytest.mark.slow)])
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
    classes = np.array(model.classes)[expected.argmax(axis=1)].tolist()
    export_onnx(model, tmp_path / "m.onnx")
    export_numpy(model, tmp_path / "m.py")
    labels, P = run_onnx(tmp_path / "m.onnx", raw(model.schema, columns))
    assert np.abs(P - expected).max() <= 1e-6 and labels.tolist() == classes
    module = imported(tmp_path / "m.py")
    by_numpy = module.predict_proba(columns)
    assert np.abs(by_numpy - expected).max() <= 1e-6
    assert [module.CLASSES[i] for i in by_numpy.argmax(axis=1)] == classes
