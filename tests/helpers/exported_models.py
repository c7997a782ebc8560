"""Models for the tests of exports, and exported files as they are used."""

import csv
import importlib.util

import numpy as np
import onnxruntime
import pyarrow.parquet

import backhand
from backhand.equations import Parameters
from backhand.model import Model
from backhand.table_settings import Settings
from backhand.tables.cells.texts import MISSING
from backhand.tables.reading.reader import read_table
from backhand.tables.schema.columns import Category
from backhand.tables.schema.schema import Schema
from backhand.tabular.training import fit_table, prepare_table


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
    settings = Settings(quick=True, **({"epochs": 5, "hidden": 16} | settings))
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
