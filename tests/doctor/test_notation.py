"""Equations as a function writes them: its own names, its layout, the calls of its library."""

from __future__ import annotations

import re

import numpy as np
import numpy as xp
import pytest

from backhand.doctor.faults import dictionary
from backhand.doctor.frame.form import Form
from backhand.doctor.frame.network import Network
from backhand.doctor.report.layout import COLUMN, FLAT, NUMBER, PLAIN, ROW, TRANSPOSED, Symbol
from backhand.doctor.report.notation import (
    Notation,
    name_of_numpy,
    symbol,
    with_library,
    without_dimension,
)
from backhand.formulas import LINES

COLUMNS = Form("columns", "column")


def test_a_line_is_written_in_the_layout_and_names_of_the_function() -> None:
    notation = Notation(COLUMNS, penalty=False)
    assert notation.statement("db1", LINES["db1"]) == "db1 = dZ1.sum(axis=1, keepdims=True)"
    own = {"dZ1": Symbol("dz1", TRANSPOSED), "db1": Symbol("grads['db1']", COLUMN)}
    assert notation.in_own_names("db1", LINES["db1"], own) == "dz1.sum(axis=1, keepdims=True)"
    flat = without_dimension(COLUMNS)
    assert notation.statement("db1", LINES["db1"], flat) == "db1 = dZ1.sum(axis=1)"
    assert not notation.as_rows


def test_a_new_value_may_have_the_name_of_the_one_before() -> None:
    own = {"W1": Symbol("self.W1", PLAIN), "dW1": Symbol("dW1", PLAIN),
           "eta": Symbol("lr", NUMBER)}  # fmt: skip
    written = Notation(Form(), penalty=False).in_own_names("new W1", LINES["new W1"], own)
    assert written == "self.W1 - lr * dW1"


def test_a_function_without_dH1_has_its_line_inside_that_of_dZ1() -> None:
    own = {"Z1": Symbol("z", PLAIN), "W2": Symbol("W2", PLAIN), "dS": Symbol("delta", PLAIN)}
    notation = Notation(Form(), penalty=False)
    written = notation.in_own_names("dZ1", LINES["dZ1"], own, dH1=LINES["dH1"])
    assert written == "delta @ W2.T * (z > 0)"
    other = own | {"dH1": Symbol("dh", PLAIN)}
    written = notation.in_own_names("dZ1", LINES["dZ1"], other, dH1=LINES["dH1"])
    assert written == "dh * (z > 0)"


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("dZ1", {"dH1": Symbol("d", PLAIN), "Z1": Symbol("d", PLAIN)}),  # one name for two values
        ("dZ1", {"dH1": Symbol("d", PLAIN)}),  # no name for Z1
        ("P", {"S": Symbol("z", PLAIN)}),  # NumPy has no softmax
    ],
)
def test_what_cannot_be_pasted_is_not_written(name, own) -> None:
    assert Notation(Form(), penalty=False).in_own_names(name, LINES[name], own) is None


def test_a_constant_of_the_penalty_is_written_as_its_number() -> None:
    line = Network(strength=0.01).lines["dW1"]
    assert Notation(COLUMNS, penalty=True, numbers={"l2": "0.01"}).code("dW1", line) == (
        "dZ1 @ X.T + 0.01 * W1"
    )


def test_a_symbol_has_the_way_of_its_value() -> None:
    matrix, vector = np.arange(12.0).reshape(3, 4), np.arange(3.0)
    square = matrix[:, :3]
    for value, right, way in (
        (matrix, matrix, PLAIN), (matrix.T, matrix, TRANSPOSED), (square.T, square, TRANSPOSED),
        (square, square, PLAIN), (vector, vector, FLAT), (vector[None], vector, ROW),
        (vector[:, None], vector, COLUMN), (5, 5.0, NUMBER),
    ):  # fmt: skip
        assert symbol("x", value, right) == Symbol("x", way)
    assert symbol("x", matrix.ravel(), matrix) is None
    column = vector[:, None]
    assert symbol("p", vector, column) is None
    assert symbol("p", vector, column, flat=True) == Symbol("p", PLAIN)


def test_no_parentheses_surround_a_line() -> None:
    lines = Network("tanh", output="sigmoid", loss="binary_cross_entropy", reduction="sum").lines
    assert Notation(Form(), penalty=False).statement("dS", lines["dS"]) == "dS = P - Y"
    assert Notation(Form(), penalty=False).statement("dS", LINES["dS"]) == "dS = (P - Y) / N"


def test_functions_of_numpy_are_called_by_what_the_module_calls_it() -> None:
    assert xp is np and name_of_numpy(lambda: 0) in {"np", "xp"}
    assert name_of_numpy(len) == "np"
    assert with_library("H1 = maximum(Z1, 0)**2", "xp") == "H1 = xp.maximum(Z1, 0)**2"
    assert with_library("P = softmax(S, axis=0)", "np") == "P = softmax(S, axis=0)"


@pytest.mark.parametrize(
    "network",
    [Network(), Network("gelu", output="sigmoid", loss="squared_error", reduction="elements")],
    ids=str,
)
def test_devices_of_the_dictionary_are_not_shown(network: Network) -> None:
    notation = Notation(Form(), penalty=True)
    shown = [notation.faulty(name, line) for fault in dictionary(network)
             for name, line in fault.lines.items()]  # fmt: skip
    device = r"\* 0\b(?!\.)|without_row|(?<![\w.])0 \*"
    assert not [line for line in shown if re.search(device, line)]
    assert shown.count("") < len(shown) / 20
    assert "dH1 = dS.sum(axis=1, keepdims=True)" in shown
