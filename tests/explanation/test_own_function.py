"""A function of one's own beside the equations: where numbers first differ, what is known."""

from __future__ import annotations

import json
from base64 import b64decode
from functools import cache
from typing import Any

import numpy as np
import pytest

from backhand.errors import InputError
from backhand.explanation.explain import explain
from backhand.explanation.own_function import Compared, OwnFunction
from backhand.explanation.trace.trace import Trace
from backhand.formulas import LINES, Line, derive


def softmax(S: Any) -> Any:
    E = np.exp(S - S.max(axis=1, keepdims=True))
    return E / E.sum(axis=1, keepdims=True)


def right(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    dS = (softmax(H1 @ W2 + b2) - Y) / len(X)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(axis=0), "dW2": H1.T @ dS, "db2": dS.sum(axis=0)}


def without_mask(X, Y, W1, b1, W2, b2):
    H1 = np.maximum(X @ W1 + b1, 0)
    dS = (softmax(H1 @ W2 + b2) - Y) / len(X)
    dZ1 = dS @ W2.T
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(axis=0), "dW2": H1.T @ dS, "db2": dS.sum(axis=0)}


def penalised_without_l2_in_dW2(X, Y, W1, b1, W2, b2, l2):
    found = right(X, Y, W1, b1, W2, b2)
    return {**found, "dW1": found["dW1"] + l2 * W1}


def of_tanh(X, Y, W1, b1, W2, b2):
    H1 = np.tanh(X @ W1 + b1)
    dS = (softmax(H1 @ W2 + b2) - Y) / len(X)
    dZ1 = dS @ W2.T * (1 - H1)
    return X.T @ dZ1, dZ1.sum(axis=0), H1.T @ dS, dS.sum(axis=0)


def in_columns(X, Y, W1, b1, W2, b2):
    found = right(X.T, Y.T, W1.T, b1.ravel(), W2.T, b2.ravel())
    return {name: value.T if value.ndim == 2 else value[:, None] for name, value in found.items()}


def of_one_output(X, y, W1, b1, W2, b2):
    H1 = np.maximum(X @ W1 + b1, 0)
    P = 1 / (1 + np.exp(-(H1 @ W2 + b2)[:, 0]))
    dS = ((P - y) / len(X))[:, None]
    dZ1 = dS @ W2.T * (H1 > 0)
    return X.T @ dZ1, dZ1.sum(axis=0), H1.T @ dS, dS.sum(axis=0)


def without_biases(X, Y, W1, W2):
    H1 = np.maximum(X @ W1, 0)
    dS = (softmax(H1 @ W2) - Y) / len(X)
    return {"dW1": X.T @ (dS @ W2.T * (H1 > 0)), "dW2": H1.T @ dS}


def strange(X, Y, W1, b1, W2, b2):
    found = right(X, Y, W1, b1, W2, b2)
    return {**found, "dW1": np.sin(7 * found["dW1"]) + 3}


@cache
def own_of(f: Any) -> tuple[Trace, OwnFunction]:
    trace = explain(f)
    assert trace.own is not None
    json.dumps(trace.page_contents(), allow_nan=False)
    assert f.__name__ in repr(trace)
    return trace, trace.own


def test_a_right_function_parts_nowhere() -> None:
    trace, own = own_of(right)
    assert own.parts_at == ""
    assert own.report.ok
    assert own.is_standard
    assert own.lines == own.right_lines == {}
    assert all(one.alike for one in own.compared)
    for one in own.compared:
        np.testing.assert_allclose(one.got, np.asarray(trace[one.name]), rtol=1e-9, atol=1e-12)


def test_a_missing_mask_parts_at_dZ1_and_later_gradients_inherit_it() -> None:
    trace, own = own_of(without_mask)
    assert own.parts_at == "dZ1"
    assert own.lines == {"dZ1": "dH1"}
    state = {one.name: (one.alike, one.inherited, one.returned) for one in own.compared}
    assert state["dH1"] == (True, False, False)
    assert state["dZ1"] == (False, False, False)
    assert state["dW1"] == (False, True, True)
    assert state["dW2"] == (True, False, True)
    dH1 = next(one.got for one in own.compared if one.name == "dZ1")
    np.testing.assert_allclose(dH1, np.asarray(trace["dH1"]))


def test_an_entry_has_the_functions_number_beside_it_and_where_the_values_first_differ() -> None:
    trace, own = own_of(without_mask)
    dW1 = next(one for one in own.compared if one.name == "dW1")
    place = np.unravel_index(np.argmax(np.abs(dW1.got - dW1.expected)), dW1.got.shape)
    got, entry = dW1.got[place], trace["dW1"][*place]
    assert f"gave {got:.6g}, expected {entry.value:.6g}" in str(entry)
    assert "dW1 is inherited: the values first differ at dZ1" in entry.beside
    assert entry.beside in entry._repr_html_()
    found = entry.to_dict()["own"]
    assert (found["got"], found["expected"], found["first"]) == (got, entry.value, "dZ1")
    open_here = np.argwhere(np.asarray(trace["Z1"]) > 0)[0]
    assert "the same here; the values first differ here, at dZ1" in trace["dZ1"][*open_here].beside
    assert trace["dW2"][0, 0].beside.endswith(", as expected")
    assert trace["X"][0, 0].beside == "" and "own" not in trace["X"][0, 0].to_dict()


def test_an_entry_of_another_network_is_compared_with_that_network() -> None:
    trace, _ = own_of(of_tanh)
    assert trace["H1"][0, 0].beside.endswith("as expected of its own network")
    trace, _ = own_of(of_one_output)
    assert trace["S"][0, 1].beside == "" and "gave" in trace["dW1"][0, 0].beside


def test_the_difference_is_relative_to_the_larger_norm_and_defined_below_the_table() -> None:
    _, own = own_of(without_mask)
    for one in own.compared:
        sizes = [float(np.linalg.norm(values)) for values in (one.expected, one.got)]
        assert np.isclose(one.error, np.linalg.norm(one.expected - one.got) / max(sizes))
    assert "difference: ‖expected - got‖ / max(‖expected‖, ‖got‖)" in str(own)
    assert "difference:" not in str(own_of(right)[1])


def test_the_function_is_called_with_the_penalty_that_it_takes() -> None:
    trace, own = own_of(penalised_without_l2_in_dW2)
    assert trace.problem.l2 > 0
    assert own.parts_at == "dW2"
    assert own.lines == {"dW2": "H1.T @ dS"}


@pytest.mark.parametrize("f", [penalised_without_l2_in_dW2, of_tanh])
def test_the_lines_give_the_numbers_of_the_function(f: Any) -> None:
    trace, own = own_of(f)
    p = trace.problem
    N, d, (H, K) = *p.X.shape, p.params.W2.shape
    given = {"X": p.X, "Y": p.Y, **p.params._asdict(), "N": N, "d": d, "H": H, "K": K, "l2": p.l2,
             "eta": 0.1}  # fmt: skip
    assert own.lines is not None
    changed = {name: Line(code) for name, code in own.lines.items()}
    gave, _ = derive(given, changed, {}, lines=LINES)
    for one in own.compared:
        np.testing.assert_allclose(one.got, gave[one.name], rtol=1e-9, atol=1e-12)


def test_another_network_is_compared_with_its_own_equations() -> None:
    _, own = own_of(of_tanh)
    assert not own.is_standard
    assert "tanh" in own.frame
    assert own.parts_at == "dZ1"
    assert own.right_lines == {"H1": "tanh(Z1)", "dZ1": "dH1 * (1 - H1**2)"}
    assert own.lines == {"H1": "tanh(Z1)", "dZ1": "dH1 * (1 - H1)"}
    assert "another network" in str(own)


def test_another_layout_is_shown_in_that_of_the_equations() -> None:
    trace, own = own_of(in_columns)
    assert own.is_standard
    assert own.parts_at == ""
    dW1 = next(one for one in own.compared if one.name == "dW1")
    assert dW1.got.shape == trace["dW1"].shape
    assert "columns" in str(own)


def test_without_biases_the_trace_has_biases_of_0() -> None:
    trace, own = own_of(without_biases)
    assert own.parts_at == ""
    for one in own.compared:
        np.testing.assert_allclose(one.got, np.asarray(trace[one.name]), rtol=1e-9, atol=1e-12)


def test_one_sigmoid_output_is_a_softmax_of_two_in_the_trace() -> None:
    trace, own = own_of(of_one_output)
    assert own.parts_at == ""
    assert not own.is_standard
    np.testing.assert_allclose(
        np.asarray(trace["dW1"]), next(o.got for o in own.compared if o.name == "dW1"), rtol=1e-9
    )


def test_what_the_doctor_cannot_name_has_no_lines_and_no_invented_values() -> None:
    _, own = own_of(strange)
    assert own.lines is None
    assert own.parts_at == "dW1"
    assert all(one.returned for one in own.compared)


def test_numbers_that_are_not_finite_are_kept_and_json_has_them() -> None:
    got = np.array([np.nan, np.inf, 1.0])
    one = Compared("db2", np.zeros(3), got, True, False, float("inf"), False)
    found = json.loads(json.dumps(one.to_json(), allow_nan=False))
    assert found["error"] is None
    numbers = np.frombuffer(b64decode(found["got"]["float64"]), "<f8")
    np.testing.assert_array_equal(numbers, got)


def test_a_function_that_gives_nothing_is_an_error_with_the_reason() -> None:
    def unwritten(X, Y, W1, b1, W2, b2):
        raise NotImplementedError

    with pytest.raises(InputError, match=r"unwritten gave no values to compare: .*backhand\.check"):
        explain(unwritten)


def test_the_findings_are_those_of_the_doctor() -> None:
    _, own = own_of(without_mask)
    (finding,) = own.to_json()["findings"]
    assert finding["id"] == "dZ1.mask.missing"
    assert finding["mistake"] in str(own)
