"""How a function may be called: the candidate forms, and the one that is found."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import backhand
from backhand.doctor import check
from backhand.doctor.frame.form import Form
from backhand.doctor.probe.arrays import canonical, given
from backhand.doctor.probe.forms import forms_of
from backhand.doctor.probe.problems import problems
from backhand.doctor.probe.signature import arguments_of
from backhand.doctor.probe.tries import tries


def in_rows(X, Y, W1, b1, W2, b2):
    params = backhand.Parameters(W1, b1, W2, b2)
    return backhand.backward(params, X, Y, backhand.forward(params, X))


def in_columns(X, Y, W1, b1, W2, b2):
    found = in_rows(X.T, Y.T, W1.T, b1[:, 0], W2.T, b2[:, 0])
    return found.dW1.T, found.db1[:, None], found.dW2.T, found.db2[:, None]


def forms_for(f: Any, **declared: str) -> list[Form]:
    return forms_of(arguments_of(f), declared)


def test_every_combination_is_a_form_and_the_usual_one_is_first() -> None:
    forms = forms_for(in_rows)
    assert forms[0] == Form() and len(forms) == len(set(forms))
    assert {(f.layout, f.biases, f.labels) for f in forms if f.outputs == "K"} == {
        (layout, biases, labels)
        for labels in ("one_hot", "indices")
        for layout in ("rows", "columns", "linear")
        for biases in ("flat", "row", "column")
    }  # fmt: skip
    assert {f.labels for f in forms if f.outputs == "one"} == {"column", "flat"}


def test_parameters_decide_which_forms_there_are() -> None:
    assert forms_for(lambda X, y, W1, b1, W2, b2: None)[0].labels == "indices"
    assert {f.biases for f in forms_for(lambda X, Y, W1, W2: None)} == {"none"}
    containers = {f.container for f in forms_for(lambda X, Y, params: None)}
    assert containers == {"named", "dict", "vector"}
    declared = forms_for(in_rows, layout="columns", labels="one_hot")
    assert {(f.layout, f.labels) for f in declared} == {("columns", "one_hot")}
    with pytest.raises(backhand.InputError):
        forms_for(in_rows, layout="rws")


@pytest.mark.parametrize("form", forms_for(in_rows), ids=str)
def test_what_is_given_in_a_form_comes_back_from_it(form: Form) -> None:
    problem = problems(form.outputs)[0]
    arrays = given(problem, form)
    for name, theta in problem.params._asdict().items():
        np.testing.assert_array_equal(canonical(f"d{name}", arrays[name], form), theta)
    np.testing.assert_array_equal(canonical("H1", arrays["X"], form), problem.X)


def test_one_output_is_of_two_classes() -> None:
    for problem in problems("one"):
        assert problem.params.W2.shape[1] == problem.Y.shape[1] == 1
        assert set(problem.Y[:, 0]) == {0.0, 1.0}


def test_once_the_shapes_fit_only_the_labels_vary() -> None:
    called = list(tries(in_columns, forms_for(in_columns), 10.0))
    returned = [one.function.form for one in called if one.called]
    assert returned[0] == Form("columns", "column")
    assert {(form.layout, form.biases) for form in returned} == {("columns", "column")}


def test_the_forms_share_one_time_limit() -> None:
    calls = []

    def raises(X, Y, params):
        calls.append(1)
        raise ValueError

    assert len(list(tries(raises, forms_for(raises), 0.0))) == len(calls) < 2


def test_a_form_that_fits_is_called_on_all_problems_before_another_is_tried() -> None:
    """A function may remember what it was called with."""
    labels = []

    def doubled(X, Y, W1, b1, W2, b2):
        labels.append(Y.shape)
        one_hot = Y if Y.ndim == 2 else np.eye(len(b2))[Y]
        return 2 * in_rows(X, one_hot, W1, b1, W2, b2).dW1, b1, W2, b2

    first, second = list(tries(doubled, forms_for(doubled), 10.0))[:2]
    assert (first.function.form.labels, second.function.form.labels) == ("one_hot", "indices")
    assert [len(shape) for shape in labels[:10]] == [2] * 5 + [1] * 5
    assert len(first.calls.returned) == 5


def test_several_choices_at_once_are_found() -> None:
    def columns_and_indices(X, Y, params):
        params["Z1"] = params["W1"] @ X
        one_hot = np.eye(len(params["b2"]))[Y].T
        names = ("W1", "b1", "W2", "b2")
        gradients = in_columns(X, one_hot, *(params[name] for name in names))
        return dict(zip(("dW1", "db1", "dW2", "db2"), gradients, strict=True))

    assert check(columns_and_indices).ok


def test_one_hot_labels_may_be_called_y() -> None:
    def one_hot(X, y, W1, b1, W2, b2):
        assert y.shape == (len(X), len(b2))
        return in_rows(X, y, W1, b1, W2, b2)._asdict()

    assert check(one_hot).ok


def test_equal_sizes_are_tried_in_every_layout() -> None:
    def square_columns(X, Y, W1, b1, W2, b2):
        assert len(b1) == len(b2) and b1.ndim == 2
        return in_columns(X, Y, W1, b1, W2, b2)

    report = check(square_columns)
    assert all(verdict.ok for verdict in report.verdicts) and report.verdicts


def test_known_names_are_taken_first_and_the_rest_by_order() -> None:
    def meant(f: Any) -> dict[str, str]:
        return {one.name: one.meaning for one in arguments_of(f)}

    def of(X_batch, W1, b1, W2, b2, Y_batch, reg_strength, m): ...
    def by_order(features, t, A, a, B, b): ...
    def weights_first(inputs, t, wa, wb, ba, bb): ...
    def one_container(x, y, network): ...

    assert meant(of) == {"X_batch": "X", "W1": "W1", "b1": "b1", "W2": "W2", "b2": "b2",
                         "Y_batch": "Y", "reg_strength": "l2", "m": "N"}  # fmt: skip
    assert [*meant(by_order).values()] == ["X", "y", "W1", "b1", "W2", "b2"]
    assert [*meant(weights_first).values()] == ["X", "y", "W1", "W2", "b1", "b2"]
    assert meant(one_container)["network"] == "params"


def test_a_refusal_names_the_parameter_that_was_not_understood() -> None:
    def momentum(X, Y, W1, b1, W2, b2, velocity): ...

    (finding,) = check(momentum).findings
    assert finding.id == "call.parameters"
    assert "'velocity'" in finding.mistake and "'W1'" not in finding.mistake


def test_the_refusal_that_is_shown_is_that_of_the_form_that_came_furthest() -> None:
    def columns_with_a_slip(X, Y, W1, b1, W2, b2):
        Z1 = W1 @ X + b1
        H1 = np.maximum(Z1, 0)
        raise KeyError(f"the slip, at {H1.shape}")

    (finding,) = check(columns_with_a_slip).findings
    assert "the slip" in finding.mistake


def test_one_that_is_not_written_yet_is_called_once() -> None:
    calls = []

    def stub(X, Y, W1, b1, W2, b2):
        calls.append(1)
        raise NotImplementedError

    assert check(stub).outcome == "not judged" and len(calls) == 1
