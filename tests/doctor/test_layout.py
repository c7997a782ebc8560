"""Lines of code in the layout of a function compute the same numbers, laid out as it has them."""

from __future__ import annotations

import itertools
import re
import warnings
from functools import cache
from typing import Any

import numpy as np
import pytest

from backhand.doctor.faults.dictionary import dictionary
from backhand.doctor.frame.form import Form
from backhand.doctor.frame.network import ACTIVATIONS, PAIRS, PENALTIES, REDUCED, Network
from backhand.doctor.probe.problems import PLAIN as SIZES
from backhand.doctor.probe.problems import problem
from backhand.doctor.report.layout import (
    COLUMN,
    NUMBER,
    ROW,
    TRANSPOSED,
    Symbol,
    in_layout,
    way_of,
    written,
)
from backhand.formulas import FAILURES, FUNCTIONS, LINES, as_namespace, compiled, derive

FORMS = [
    Form("columns", "column"),
    Form("columns", "flat"),
    Form("linear", "flat"),
    Form("linear", "row"),
    Form("rows", "row"),
    Form("rows", "column"),
]


def laid_out(name: str, value: Any, form: Form) -> Any:
    """A value of the equations as a function of this form has it."""
    way = way_of(name, form)
    if way == TRANSPOSED:
        return np.asarray(value).T
    if way == ROW:
        return np.reshape(value, (1, -1))
    return np.reshape(value, (-1, 1)) if way == COLUMN else value


@cache
def values_of(sizes: tuple[int, int, int, int], form: Form | None) -> dict[str, Any]:
    """Everything that a line may read; in a form, laid out as that has it."""
    given = problem("A", 3, sizes, "smooth").values(0.3, 0.25) | {"c": 0.7}
    values = derive(given, {}, {})[1]
    earlier = derive(problem("B", 4, sizes, "smooth").values(0.3, 0.25), {}, {})[1]
    if form:
        values, earlier = (
            {name: laid_out(name, value, form) for name, value in one.items()}
            for one in (values, earlier)
        )
    return values | dict.fromkeys(("before", "last", "first"), as_namespace(earlier))


def assert_same_numbers(name: str, code: str, form: Form) -> bool:
    """Whether the line can be written in the form; and if so, that it gives the same there."""
    translated = in_layout(name, code, form)
    if translated is None:
        return False
    assert ".T.T" not in translated
    for sizes in (SIZES, (4, 4, 4, 4)):
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                expected = eval(compiled(code), FUNCTIONS, values_of(sizes, None))
            except FAILURES:
                continue
            got = eval(compiled(translated), FUNCTIONS, values_of(sizes, form))
        if np.ndim(expected) == np.ndim(values_of(sizes, None)[name]):
            expected = laid_out(name, expected, form)
        elif form.layout == "columns":
            expected = np.transpose(expected)
        np.testing.assert_allclose(
            got, expected, rtol=1e-9, atol=1e-12, err_msg=f"{name} = {translated}"
        )
        return True
    raise AssertionError(f"{name} = {code} runs on no problem")


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_every_line_of_every_network(form: Form) -> None:
    lines = {}
    for activation, (output, loss), reduction, penalty, biases in itertools.product(
        ACTIVATIONS, PAIRS, REDUCED, PENALTIES, (True, False)
    ):
        network = Network(activation, 0.1, output, loss, reduction, biases, penalty)  # type: ignore[arg-type]
        lines |= {(name, line.code(penalty=True)): 0 for name, line in network.lines.items()}
    for name, code in lines:
        assert assert_same_numbers(name, code, form)


@pytest.mark.parametrize("form", FORMS[:3], ids=str)
def test_lines_of_the_dictionary(form: Form) -> None:
    lines = {
        (name, line.code(penalty=True)): 0
        for fault in dictionary()
        for name, line in fault.lines.items()
    }
    untranslated = [line for line in lines if not assert_same_numbers(*line, form)]
    assert all(re.search(r"reshape|cumsum", code) for _, code in untranslated)
    assert len(untranslated) < len(lines) / 50


def test_lines_are_as_people_write_them() -> None:
    columns, linear = Form("columns", "column"), Form("linear", "flat")
    assert in_layout("db1", "dZ1.sum(axis=0)", columns) == "dZ1.sum(axis=1, keepdims=True)"
    assert in_layout("dW2", "H1.T @ dS + l2 * W2", columns) == "dS @ H1.T + l2 * W2"
    assert in_layout("P", "softmax(S)", columns) == "softmax(S, axis=0)"
    assert in_layout("Z1", "X @ W1 + b1", Form("columns", "flat")) == "W1 @ X + b1[:, None]"
    assert in_layout("dW1", "X.T @ dZ1", linear) == "dZ1.T @ X"
    assert in_layout("dH1", "dS @ W2.T", linear) == "dS @ W2"
    assert in_layout("db2", "dS.sum(axis=0)", Form(biases="row")) == "dS.sum(axis=0, keepdims=True)"


def test_the_reference_form_has_the_lines_as_they_are() -> None:
    for name, line in LINES.items():
        assert in_layout(name, line.code(penalty=True), Form()) == line.code(penalty=True)


def test_symbols_of_a_function_replace_those_of_the_equations() -> None:
    own = {
        "dZ1": Symbol("dz1", TRANSPOSED),
        "N": Symbol("X.shape[1]", NUMBER),
        "W2": Symbol("self.W2", TRANSPOSED),
        "H1": Symbol("cache['A1']", TRANSPOSED),
    }
    form = Form("columns", "column")
    assert written("db1", "dZ1.sum(axis=0)", form, own) == "dz1.sum(axis=1, keepdims=True)"
    assert written("dS", "(P - Y) / N", form, own) == "(P - Y) / X.shape[1]"
    assert written("S", "H1 @ W2 + b2", form, own) == "self.W2 @ cache['A1'] + b2"


def test_a_line_that_is_not_known_is_not_written() -> None:
    assert in_layout("dS", "unknown(P) - Y", Form("columns", "column")) is None
