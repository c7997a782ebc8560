"""A row's prediction is the same whatever stands before, behind and beside it, in any format.

`check_table(seed, folder)` draws a small table and a model of it, and predicts some of its rows
again: alone, among others, in CSV, JSON lines and Parquet, in one file and in three, whose types
differ; by the command line's own functions, the exported NumPy file and the exported ONNX model.
"""

from __future__ import annotations

import csv
import json
import warnings
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import onnxruntime

from backhand.errors import BackhandWarning
from backhand.exports.numpy import to_source
from backhand.exports.onnx import to_proto
from backhand.exports.verify import class_labels
from backhand.model import Model
from backhand.table_settings import Settings
from backhand.tables.reading.reader import read_table
from backhand.tables.schema.choices import ColumnChoices
from backhand.tables.schema.columns import Category
from backhand.tabular.prediction import predict_table
from backhand.tabular.training import fit_table, prepare_table

TOLERANCE = 1e-6
"""Of P: a sum in another order. Features are compared bit by bit."""

NUMBERS = [["0", "1", "2", "7"], ["0.5", "1.5", "2", "7.0"], ["-3", "12.25", "1e3", "+4", " 5"],
           ["9007199254740993", "0.1", "1e-7"]]  # fmt: skip
TEXTS = [["7.0", "7", "XL", "M"], ["True", "FALSE", "true"], ["1.1", "1.10", "1.2"],
         ["x", "y", "é,"], ["01", "1", "a"], ["7", "8", "9.5", "1e16", "x"]]  # fmt: skip
DATES = [["2020-01-31", "2021-02-01", "2019-12-31"],
         ["2020-01-31 13:00:00", "2020-02-01", "2020/3/1"],
         ["2020-01-31T13:00:00.25Z", "2020-02-01 01:00:00+02", "2020-02-02 00:00:00 UTC"],
         ["12:30", "23:59:59.5", "1:00:00"]]  # fmt: skip
WORDS = ["", "", "NA", "None", "?"]


def check_table(seed: int, folder: Path) -> int:
    """Draw a table, and hold all ways of predicting its rows against each other; how many.

    Raises
    ------
    AssertionError
        If two ways differ.
    """
    rng = np.random.default_rng(seed)
    columns, kinds = _draw(rng)
    rows = len(columns["t"])
    everything = np.arange(rows)
    whole = _write_csv(folder / "all.csv", columns, everything)
    model = _trained(whole, kinds)
    X, P, labels = _by_command(model, str(whole), folder)
    checks = 0
    for name, given, chosen in _variants(rng, folder, columns, kinds, everything):
        found = _by_command(model, given, folder)
        _same(f"seed {seed}: {name}", found, (X[chosen], P[chosen], labels[chosen]))
        checks += 1
    module: dict[str, Any] = {"__name__": "exported"}
    exec(to_source(model, class_labels(model)), module)
    for path in (whole, folder / "some.csv"):
        chosen = everything if path is whole else np.load(folder / "some.npy")
        given = module["read_csv"](path)
        found = (module["encode"](given), module["predict_proba"](given), module["predict"](given))
        _same(f"seed {seed}: NumPy, {path.name}", found, (X[chosen], P[chosen], labels[chosen]))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    proto = to_proto(model, class_labels(model)).SerializeToString()
    session = onnxruntime.InferenceSession(proto, options)
    predicted, by_onnx = session.run(None, _for_onnx(model, columns, module))
    _same(f"seed {seed}: ONNX", (X, by_onnx, predicted), (X, P, labels))
    return checks + 3


def _draw(rng: np.random.Generator) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Columns as texts, and of each whether it is a "number", a "text" or a "date"."""
    rows = int(rng.integers(12, 30))
    pools = {"number": NUMBERS, "text": TEXTS, "date": DATES}
    kinds = {f"{kind[0]}{i}": kind for i, kind in enumerate(
        [*rng.choice(list(pools), int(rng.integers(1, 4))), "number", "text"])}  # fmt: skip
    columns = {}
    for name, kind in kinds.items():
        pool = pools[kind][rng.integers(len(pools[kind]))]
        values = [str(v) for v in rng.choice(pool, rows)]
        if rng.random() < 0.5:
            values = [v if rng.random() < 0.8 else str(rng.choice(WORDS)) for v in values]
        columns[name] = values
    classes = [["a", "b"], ["1.1", "1.10"], ["0", "1"], ["1.0", "0.0"], ["True", "False"],
               ["None", "x"]][rng.integers(6)]  # fmt: skip
    columns["t"] = [classes[i % 2] for i in range(rows)]
    return columns, kinds


def _trained(path: Path, kinds: dict[str, str]) -> Model:
    settings = Settings(quick=True, epochs=2, hidden=5, test_size=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BackhandWarning)
        texts = [name for name, kind in kinds.items() if kind == "text"]
        prepared = prepare_table(
            read_table(path, memory="64MB"), "t", settings, ColumnChoices(categorical=tuple(texts))
        )
        return fit_table(prepared, settings, engine="reference")[0]


def _by_command(model: Model, data: str, folder: Path) -> tuple[Any, Any, Any]:
    """X, P and the predicted classes, as `backhand predict` reads and writes them."""
    table = read_table(data, memory="64MB", once=True)
    X = model.schema.encode(table)
    predict_table(model, table, folder / "out.csv", "reference")
    table.close()
    with (folder / "out.csv").open(newline="", encoding="utf-8") as file:
        names, *rows = csv.reader(file)
    K = len(model.classes)
    assert names[-K - 1] == "prediction"
    P = np.array([[np.float32(v) for v in row[-K:]] for row in rows])
    return X, P, np.array([row[-K - 1] for row in rows])


def _variants(rng, folder, columns, kinds, everything):
    """Names, files and rows of ways to have some rows in a file."""
    some = rng.permutation(everything)[: int(rng.integers(1, len(everything)))]
    np.save(folder / "some.npy", some)
    yield "CSV, some", str(_write_csv(folder / "some.csv", columns, some)), some
    alone = rng.integers(len(everything), size=1)
    yield "CSV, alone", str(_write_csv(folder / "alone.csv", columns, alone)), alone
    yield "JSON", str(_write_json(folder / "some.jsonl", columns, kinds, some)), some
    yield "Parquet", str(_write_parquet(folder / "some.parquet", columns, kinds, some, rng)), some
    three = rng.permutation(everything)
    writers = {
        "csv": lambda path, part: _write_csv(path, columns, part),
        "jsonl": lambda path, part: _write_json(path, columns, kinds, part),
        "parquet": lambda path, part: _write_parquet(path, columns, kinds, part, rng),
    }
    for ending, write in writers.items():
        for i, part in enumerate(np.array_split(three, 3)):
            write(folder / f"part{i}.{ending}", part)
        yield f"three files, {ending}", str(folder / f"part*.{ending}"), three


def _write_csv(path: Path, columns: dict[str, list[str]], chosen: Any) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows([columns[name][i] for name in columns] for i in chosen)
    return path


def _write_json(
    path: Path, columns: dict[str, list[str]], kinds: dict[str, str], chosen: Any
) -> Path:
    """Numbers, booleans and null as such, wherever JSON has them."""

    def value(name: str, text: str) -> Any:
        if text == "":
            return None
        if kinds.get(name) == "number" and text not in WORDS:
            return int(text) if text.strip().lstrip("+-").isdigit() else float(text)
        if text.lower() in ("true", "false"):
            return text.lower() == "true"
        return text

    lines = [json.dumps({name: value(name, columns[name][i]) for name in columns}) for i in chosen]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _write_parquet(
    path: Path, columns: dict[str, list[str]], kinds: dict[str, str], chosen: Any, rng: Any
) -> Path:
    """Each column of the narrowest type of its family that these few rows allow, or of a wider."""
    names = list(columns)
    values = {name: [columns[name][i] or None for i in chosen] for name in names}
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        cells = []
        for i, name in enumerate(names):
            present = [v for v in values[name] if v is not None and v not in WORDS]
            kind = "VARCHAR"
            if kinds.get(name) == "number":
                values[name] = [v if v in present else None for v in values[name]]
                fits = {t: f"SELECT bool_and(TRY_CAST(v AS {t}) IS NOT NULL AND "
                           f"TRY_CAST(v AS {t}) = CAST(v AS DOUBLE)) FROM (SELECT unnest($v) AS v)"
                        for t in ("SMALLINT", "BIGINT")}  # fmt: skip
                whole = [t for t, sql in fits.items()
                         if present and all(v.strip().lstrip("+-").isdigit() for v in present)
                         and connection.execute(sql, {"v": present}).fetchall()[0][0]]  # fmt: skip
                kind = str(rng.choice([*whole, "DOUBLE"]))
            cells.append(f"CAST(c{i} AS {kind}) AS {name}")
        unnested = ", ".join(f"unnest(CAST($c{i} AS VARCHAR[])) AS c{i}" for i in range(len(names)))
        selected = f"SELECT {', '.join(cells)} FROM (SELECT {unnested})"
        connection.execute(
            f"COPY ({selected}) TO '{path}' (FORMAT parquet)",
            {f"c{i}": values[name] for i, name in enumerate(names)},
        )
    return path


def _for_onnx(
    model: Model, columns: dict[str, list[str]], module: dict[str, Any]
) -> dict[str, Any]:
    """Numbers as the exported file reads them, texts as they stand in the file."""
    given: dict[str, Any] = {}
    for i, column in enumerate(model.schema.columns):
        values = columns[column.name]
        if isinstance(column, Category):
            given[column.name] = np.array(values, dtype=object)[:, None]
        else:
            given[column.name] = module["COLUMNS"][i].read(values)[:, None]
    return given


def _same(what: str, found: tuple[Any, Any, Any], expected: tuple[Any, Any, Any]) -> None:
    (X, P, labels), (known_X, known_P, known) = found, expected
    assert np.array_equal(X, known_X), f"{what}: other features\n{X}\n{known_X}"
    assert np.abs(P - known_P).max(initial=0) <= TOLERANCE, f"{what}: other probabilities"
    assert [str(v) for v in labels] == [str(v) for v in known], f"{what}: other classes"
