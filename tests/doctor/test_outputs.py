"""Reading what comes back: names of several schools, orders that shapes tell, containers."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import backhand
from backhand.doctor import check
from backhand.doctor.frame.form import Form
from backhand.doctor.probe.arrays import given, shapes_of
from backhand.doctor.probe.names import meaning
from backhand.doctor.probe.order import ORDERS
from backhand.doctor.probe.outputs import read
from backhand.doctor.probe.problems import problems
from backhand.doctor.probe.refusal import Reason, Refusal

FIRST = problems()[0]
SHAPES = shapes_of(FIRST, Form())
NAMES = ("dW1", "db1", "dW2", "db2")


def correct(X, Y, W1, b1, W2, b2):
    params = backhand.Parameters(W1, b1, W2, b2)
    return backhand.backward(params, X, Y, backhand.forward(params, X))


GRADIENTS = {
    name: getattr(correct(FIRST.X, FIRST.Y, *FIRST.params), name) for name in NAMES
}  # fmt: skip


def found_in(returned: Any) -> dict[str, Any]:
    return read(returned, SHAPES)[0].values


def assert_gradients_in(returned: Any) -> None:
    values = found_in(returned)
    for name, value in GRADIENTS.items():
        np.testing.assert_array_equal(values[name], value)


@pytest.mark.parametrize("order", ORDERS, ids="-".join)
def test_shapes_tell_the_order_of_a_tuple(order: tuple[str, ...]) -> None:
    parts = [GRADIENTS[name] for name in order]
    assert_gradients_in(tuple(parts))
    assert_gradients_in([0.7, *parts])
    assert_gradients_in((*parts, 0.7))
    assert found_in((*parts, 0.7))["L"] == 0.7


@dataclass
class Pair:
    w: Any
    b: Any


class Net:
    def __init__(self, g: dict[str, Any]) -> None:
        self.W1, self.b1, self.W2, self.b2 = FIRST.params
        self.dW1, self.db1, self.dW2, self.db2 = g.values()


g = SimpleNamespace(**GRADIENTS)

CONTAINERS = {
    "lists of weights and biases": ([g.dW1, g.dW2], [g.db1, g.db2]),
    "lists of biases and weights": ([g.db1, g.db2], [g.dW1, g.dW2]),
    "pairs of layers": [(g.dW1, g.db1), (g.dW2, g.db2)],
    "dicts of layers": [{"dW": g.dW1, "db": g.db1}, {"dW": g.dW2, "db": g.db2}],
    "numbered layers": {1: {"dW": g.dW1, "db": g.db1}, 2: {"dW": g.dW2, "db": g.db2}},
    "named layers": {"up": {"w": g.dW1, "b": g.db1}, "down": {"w": g.dW2, "b": g.db2}},
    "dict of lists": {"dW": [g.dW1, g.dW2], "db": [g.db1, g.db2]},
    "nabla": {"nabla_w": [g.dW1, g.dW2], "nabla_b": [g.db1, g.db2]},
    "lists in lists": [part.tolist() for part in GRADIENTS.values()],
    "a dict in a pair": (0.7, {"W1": g.dW1, "b1": g.db1, "W2": g.dW2, "b2": g.db2}),
    "a tuple under a name": {"loss": 0.7, "grads": tuple(GRADIENTS.values())},
    "an object": Net(GRADIENTS),
    "dataclasses": [Pair(g.dW1, g.db1), Pair(g.dW2, g.db2)],
    "unknown names": {"to_hidden": g.dW1, "to_out": g.dW2, "off_h": g.db1, "off_o": g.db2},
    "names of other schools": {"∂W1": g.dW1, "grad_b1": g.db1, "W2_bar": g.dW2, "dL_db2": g.db2},
    "one vector": np.concatenate([part.ravel() for part in GRADIENTS.values()]),
    "one vector and a loss": (0.7, np.concatenate([part.ravel() for part in GRADIENTS.values()])),
}


@pytest.mark.parametrize("container", CONTAINERS)
def test_gradients_are_found_in_a_container(container: str) -> None:
    assert_gradients_in(CONTAINERS[container])


def test_a_vector_may_have_another_order() -> None:
    def weights_first(X, Y, W1, b1, W2, b2):
        found = correct(X, Y, W1, b1, W2, b2)
        return np.concatenate([found.dW1.T.ravel(), found.dW2.T.ravel(), found.db1, found.db2])

    assert check(weights_first).ok


def test_arrays_that_fit_nowhere_are_no_gradients() -> None:
    for returned in ((FIRST.X,) * 3, (FIRST.X,) * 4, {"a": FIRST.X}, (1.0, 2.0), FIRST.X):
        with pytest.raises(Refusal) as refusal:
            read(returned, SHAPES)
        assert refusal.value.reason is Reason.NO_GRADIENT


def test_gradients_among_other_values_are_found_by_their_shapes() -> None:
    P = np.full(FIRST.Y.shape, 0.25)
    for parts in permutations((g.dW1, g.dW2, P), 3):
        values = found_in(parts)
        np.testing.assert_array_equal(values["dW1"], g.dW1)
        np.testing.assert_array_equal(values["dW2"], g.dW2)
    assert read((P, *GRADIENTS.values()), SHAPES)[0].values["P"] is not None


@pytest.mark.parametrize(
    ("key", "school", "name"),
    [
        ("a1", "", "H1"),
        ("a1", "a is before the activation, z after it", "Z1"),
        ("delta2", "", "dS"),
        ("delta2", "the input is layer 1", "dZ1"),
        ("dhpreact", "", "dZ1"),
        ("dlogits", "", "dS"),
        ("coefficient", "", None),
        ("weights1_grad", "", "dW1"),
    ],
)
def test_names(key: str, school: str, name: str | None) -> None:
    assert meaning(key, school)[0] == name


def test_a_name_means_what_its_shape_allows() -> None:
    hidden, scores = np.ones(SHAPES["Z1"]), np.ones(SHAPES["S"])
    values = found_in({**GRADIENTS, "delta3": scores, "delta2": hidden})
    assert {"dS", "dZ1"} <= values.keys()
    values = found_in({**GRADIENTS, "delta2": scores, "delta1": hidden})
    assert {"dS", "dZ1"} <= values.keys()


def test_a_name_of_another_school_never_makes_correct_gradients_wrong() -> None:
    def bishop(X, Y, W1, b1, W2, b2):
        acts = backhand.forward(backhand.Parameters(W1, b1, W2, b2), X)
        found = correct(X, Y, W1, b1, W2, b2)._asdict()
        return {name: found[name] for name in NAMES} | {"a1": acts.Z1, "z1": acts.H1}

    report = check(bishop)
    assert report.ok and {"Z1", "H1"} <= {one.name for one in report.verdicts}


def test_a_value_of_the_usual_name_is_still_judged() -> None:
    def overwritten(X, Y, W1, b1, W2, b2):
        acts = backhand.forward(backhand.Parameters(W1, b1, W2, b2), X)
        found = correct(X, Y, W1, b1, W2, b2)._asdict()
        return {name: found[name] for name in NAMES} | {"Z1": acts.H1, "H1": acts.H1}

    assert not check(overwritten).ok


def test_gradients_that_are_none_are_not_written_yet() -> None:
    report = check(lambda X, Y, W1, b1, W2, b2: dict.fromkeys(NAMES))
    assert report.outcome == "not judged" and report.findings[0].id == "call.not_written"


def test_parameters_that_come_back_as_they_were_are_no_gradients() -> None:
    for f in (
        lambda X, Y, W1, b1, W2, b2: SimpleNamespace(W1=W1, b1=b1, W2=W2, b2=b2),
        lambda X, Y, params: dict(params.items()),
    ):
        assert [one.id for one in check(f).findings] == ["call.returns_inputs"]


def test_forward_values_alone_are_judged() -> None:
    def forward(X, W1, b1, W2, b2):
        return tuple(backhand.forward(backhand.Parameters(W1, b1, W2, b2), X))

    def of_names(X, Y, W1, b1, W2, b2):
        acts = backhand.forward(backhand.Parameters(W1, b1, W2, b2), X)
        return {"Z1": acts.Z1, "A1": acts.H1, "scores": acts.S, "probs": acts.P}

    for f in (forward, of_names):
        report = check(f)
        assert report.ok and [one.name for one in report.verdicts] == ["Z1", "H1", "S", "P"]

    def wrong(X, Y, W1, b1, W2, b2):
        return {"Z1": X @ W1 + b1, "H1": np.maximum(X @ W1, 0)}

    assert not check(wrong).ok


def test_the_arrays_of_a_form_have_the_shapes_that_are_expected() -> None:
    form = Form("columns", "column")
    arrays = given(FIRST, form)
    shapes = shapes_of(FIRST, form)
    assert all(arrays[name[1:]].shape == shapes[name] for name in NAMES)
    assert shapes["S"] == arrays["Y"].shape
