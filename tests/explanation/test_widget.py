"""The widget without a notebook: what crosses the comm, and what is refused."""

from __future__ import annotations

import doctest
import re
from importlib import import_module
from typing import Any

import numpy as np
import pytest

import backhand
from backhand.explanation.cells import cell_name, cell_of
from backhand.explanation.problem import Problem

pytest.importorskip("anywidget")

import ipywidgets
import traitlets

from backhand.explanation.widget import NetworkWidget

N, D, H, K = 5, 4, 6, 3
SIZES = {"n": N, "i": D, "h": H, "k": K}


def problem(count: int = N, **settings: Any) -> Problem:
    rng = np.random.default_rng(count)
    params = backhand.init(d=D, H=H, K=K, dtype=np.float64)
    Y = np.eye(K)[rng.integers(0, K, count)]
    return Problem(params, rng.standard_normal((count, D)), Y, **settings)


class Notebook:
    """The other end of a widget's comm: what it received, and what it sends."""

    def __init__(self, widget: NetworkWidget, monkeypatch: pytest.MonkeyPatch) -> None:
        self.widget = widget
        self.received: list[tuple[dict[str, Any], list[bytes]]] = []
        monkeypatch.setattr(widget.comm, "publish_msg", self.publish_msg)

    def publish_msg(
        self, msg_type: str, data: dict[str, Any] | None = None, metadata: Any = None,
        buffers: Any = None, **keys: Any,
    ) -> None:  # fmt: skip
        if data and data.get("method") == "update":
            self.received.append((data, [bytes(b) for b in buffers or []]))

    def names(self) -> list[list[str]]:
        """The traits in each message."""
        return [sorted(data["state"]) for data, _ in self.received]

    def array(self, name: str) -> np.ndarray:
        """An array of the last message."""
        data, buffers = self.received[-1]
        at = data["buffer_paths"].index([name, "float64"])
        return np.frombuffer(buffers[at], "<f8").reshape(data["state"][name]["shape"])

    def send(self, **arrays: np.ndarray) -> None:
        """A change on the page."""
        state = {name: {"shape": list(array.shape)} for name, array in arrays.items()}
        self.send_state(state, [[name, "float64"] for name in arrays],
                        [memoryview(array.tobytes()) for array in arrays.values()])  # fmt: skip

    def send_state(self, state: dict[str, Any], paths: Any = (), buffers: Any = ()) -> None:
        data = {"method": "update", "state": state, "buffer_paths": list(paths)}
        self.widget._handle_msg({"content": {"data": data}, "buffers": list(buffers)})


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> Notebook:
    return Notebook(NetworkWidget(problem()), monkeypatch)


def test_the_script_and_the_style_are_those_of_the_page_and_the_script_exports_render(
    notebook: Notebook,
) -> None:
    script = notebook.widget.get_state("_esm")["_esm"]
    assert script.rstrip().endswith("export default { render: $widget.render };")
    assert "const $equations = " in script
    assert "import {" not in script
    assert ".backhand" in notebook.widget.get_state("_css")["_css"]


def test_an_array_that_is_assigned_in_python_reaches_the_page_once_in_float64(
    notebook: Notebook,
) -> None:
    W1 = np.arange(D * H, dtype=np.float32).reshape(D, H)
    notebook.widget.W1 = W1
    assert notebook.names() == [["W1"]]
    np.testing.assert_array_equal(notebook.array("W1"), W1)


def test_the_same_numbers_again_are_not_sent(notebook: Notebook) -> None:
    notebook.widget.W1 = notebook.widget.W1.copy()
    assert notebook.received == []


def test_an_array_that_the_page_changes_is_read_in_python_and_is_not_sent_back(
    notebook: Notebook,
) -> None:
    seen: list[np.ndarray] = []
    notebook.widget.observe(lambda change: seen.append(change["new"]), names="b1")
    b1 = np.linspace(-1, 1, H)
    notebook.send(b1=b1)
    np.testing.assert_array_equal(notebook.widget.b1, b1)
    np.testing.assert_array_equal(notebook.widget.problem.params.b1, b1)
    np.testing.assert_array_equal(seen, [b1])
    assert notebook.received == []


def test_numbers_of_a_diverged_training_come_from_the_page_and_can_be_replaced(
    notebook: Notebook,
) -> None:
    b2 = np.array([np.nan, np.inf, -np.inf])
    notebook.send(b2=b2)
    np.testing.assert_array_equal(notebook.widget.b2, b2)
    notebook.widget.b1 = np.ones(H)
    np.testing.assert_array_equal(notebook.array("b1"), np.ones(H))
    assert "float64" in notebook.widget.problem.to_json()["b2"]


def test_the_number_of_updates_is_read_and_cannot_be_assigned(notebook: Notebook) -> None:
    notebook.send_state({"updates": 7})
    assert notebook.widget.updates == 7
    with pytest.raises(traitlets.TraitError, match="read-only"):
        notebook.widget.updates = 3


def test_the_selected_entry_is_a_text_in_python_and_a_cell_on_the_page(
    notebook: Notebook,
) -> None:
    notebook.widget.selected = "dW1[3, 2]"
    assert notebook.received[-1][0]["state"] == {"selected": {"name": "dW1", "index": [3, 2]}}
    notebook.send_state({"selected": {"name": "new b2", "index": [1]}})
    assert notebook.widget.selected == "new b2[1]"
    notebook.send_state({"selected": {"name": "L", "index": []}})
    assert notebook.widget.selected == "L"
    notebook.send_state({"selected": None})
    assert notebook.widget.selected is None


def test_all_parameters_can_be_assigned_in_one_message(notebook: Notebook) -> None:
    notebook.widget.params = backhand.init(d=D, H=H, K=K, seed=3, dtype=np.float64)
    assert notebook.names() == [["W1", "W2"]]  # the biases are 0 before and after


def test_another_problem_of_other_shapes_is_one_message_with_its_names(
    notebook: Notebook,
) -> None:
    notebook.send_state({"updates": 7})
    notebook.widget.selected = "X[4,0]"
    notebook.received.clear()
    notebook.widget.problem = problem(2, rows=("a", "b"), sample_weight=np.ones(2))
    assert len(notebook.received) == 1
    state = notebook.received[0][0]["state"]
    assert {"X", "Y", "sample_weight", "contents", "selected", "updates"} <= set(state)
    assert state["contents"]["problem"]["rows"] == ["a", "b"]
    assert (state["selected"], state["updates"]) == (None, 0)
    assert notebook.widget.problem.X.shape == (2, D)
    assert notebook.widget.problem.rows == ("a", "b")


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("W1", np.ones((D, H + 1)), r"W1 is \(4, 7\); expected \(4, 6\)"),
        ("b1", np.ones((1, H)), r"b1 is \(1, 6\); expected 1 dimension\."),
        ("X", np.ones((N + 1, D)), r"X is \(6, 4\); expected \(5, 4\).* assign `problem`"),
        ("Y", [["a"]], r"Y is \[\['a'\]\]; expected an array of numbers"),
        ("W2", None, "W2 is None; expected an array of numbers"),
        ("mask", np.ones(H), r"mask is \(6,\); expected 2 dimensions"),
        ("b1", np.full(H, np.nan), r"b1\[0\] is nan; expected finite numbers"),
        ("W2", np.full((H, K), np.inf), r"W2\[0,0\] is inf; expected finite numbers"),
        ("Y", np.ones((N, K)), r"row 0 of y is \[1.0, 1.0, 1.0\]; expected a one-hot row"),
        ("sample_weight", -np.ones(N), "sample_weight must be numbers of 0 or more"),
        ("mask", -np.ones((N, H)), "mask holds a number below 0"),
        ("learning_rate", -1, "learning_rate is -1; expected a number of 0 or more"),
        ("learning_rate", np.inf, "learning_rate is inf; expected a number of 0 or more"),
        ("l2", np.nan, "l2 is nan; expected a number of 0 or more"),
        ("selected", "dW1[4,0]", r"feature i in 0\.\.3 and hidden unit h in 0\.\.5"),
        ("selected", 3, "3 is not the name of an entry"),
        ("W2", np.ones((H, K), complex), "W2 is an array of complex128; expected an array of num"),
        ("b1", np.ma.masked_all(H), "b1: a masked array has 6 masked entries of 6"),
    ],
)
def test_what_does_not_fit_is_refused_and_changes_nothing(
    notebook: Notebook, name: str, value: Any, expected: str
) -> None:
    before = getattr(notebook.widget, name)
    with pytest.raises(backhand.InputError, match=expected):
        setattr(notebook.widget, name, value)
    with pytest.raises(traitlets.TraitError):
        setattr(notebook.widget, name, value)
    assert getattr(notebook.widget, name) is before
    assert notebook.received == []


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("params", None, "params is of type NoneType; expected Parameters"),
        ("params", (1, 2), "params is of type tuple; expected Parameters"),
        ("params", backhand.init(D, H + 1, K), r"W1 is \(4, 7\); expected \(4, 6\)"),
        ("problem", None, "problem is of type NoneType; expected a Problem"),
    ],
)
def test_parameters_and_problems_of_another_kind_or_size_are_refused(
    notebook: Notebook, name: str, value: Any, expected: str
) -> None:
    before = notebook.widget.W1
    with pytest.raises(backhand.InputError, match=expected):
        setattr(notebook.widget, name, value)
    np.testing.assert_array_equal(notebook.widget.W1, before)
    assert notebook.received == []


def test_an_example_that_the_reader_chooses_is_the_problem_in_python(notebook: Notebook) -> None:
    other = problem(2, title="another", classes=("a", "b", "c"))
    contents = {**notebook.widget.contents, "problem": other.to_json()}
    arrays = {"X": other.X, "Y": other.Y}
    state = {name: {"shape": list(array.shape)} for name, array in arrays.items()}
    notebook.send_state(
        {"contents": contents, "selected": None, **state},
        [[name, "float64"] for name in arrays],
        [memoryview(array.tobytes()) for array in arrays.values()],
    )
    found = notebook.widget.problem
    assert (found.title, found.classes, found.X.shape) == ("another", ("a", "b", "c"), (2, D))
    assert [name for names in notebook.names() for name in names if name in arrays] == []


def test_a_problem_that_does_not_fit_together_is_refused_and_changes_nothing(
    notebook: Notebook,
) -> None:
    good = notebook.widget.problem
    bad = Problem(good.params, good.X[:2], good.Y[:3])
    with pytest.raises(backhand.InputError, match=r"is \(\d, \d\); expected"):
        notebook.widget.problem = bad
    np.testing.assert_array_equal(notebook.widget.X, good.X)
    np.testing.assert_array_equal(notebook.widget.Y, good.Y)


def test_a_trace_is_taken_as_its_problem_and_an_entry_stays_within_its_shapes(
    notebook: Notebook,
) -> None:
    notebook.widget.selected = "dW1[3,5]"
    notebook.widget.problem = backhand.explain(example="xor")
    assert notebook.widget.selected is None and notebook.widget.W1.shape == (2, 4)
    notebook.widget.get_state()
    with pytest.raises(backhand.InputError, match="out of range"):
        notebook.widget.selected = "dW1[3,5]"


def test_a_tensor_that_requires_its_gradient_is_taken() -> None:
    torch = pytest.importorskip("torch")
    params = backhand.init(D, H, K)
    tensors = [torch.tensor(array, requires_grad=True) for array in params]
    trace = backhand.explain(backhand.Parameters(*tensors), np.ones((2, D)), [0, 1])
    np.testing.assert_array_equal(trace["W1"], params.W1)
    widget = NetworkWidget(problem())
    widget.b1 = torch.ones(H, requires_grad=True)
    np.testing.assert_array_equal(widget.b1, np.ones(H))


def test_an_array_cannot_be_changed_in_place_unnoticed(notebook: Notebook) -> None:
    with pytest.raises(ValueError, match="read-only"):
        notebook.widget.W1[0, 0] = 1.0


def test_the_callers_array_stays_writeable_and_is_not_shared() -> None:
    given = problem()
    widget = NetworkWidget(given)
    given.X[0, 0] = 7.0
    assert widget.X[0, 0] != 7.0


def test_the_trace_is_that_of_the_problem_as_it_stands(notebook: Notebook) -> None:
    with pytest.raises(backhand.InputError, match="made without a trace"):
        _ = notebook.widget.trace
    widget = NetworkWidget(problem(), trace_of=lambda now: ("trace", now))
    widget.b1 = np.ones(H)
    word, now = widget.trace
    assert word == "trace"
    np.testing.assert_array_equal(now.params.b1, np.ones(H))


def test_a_message_that_does_not_fit_is_logged_and_changes_nothing(
    notebook: Notebook, caplog: pytest.LogCaptureFixture
) -> None:
    notebook.send(b1=np.ones(H + 1), b2=np.ones(K))
    assert "b1 is (7,); expected (6,)" in caplog.text
    np.testing.assert_array_equal(notebook.widget.b1, np.zeros(H))
    np.testing.assert_array_equal(notebook.widget.b2, np.zeros(K))


def test_it_is_an_ordinary_widget_of_notebooks(notebook: Notebook) -> None:
    assert isinstance(notebook.widget, ipywidgets.DOMWidget)
    assert "application/vnd.jupyter.widget-view+json" in notebook.widget._repr_mimebundle_()[0]


def test_the_style_changes_nothing_outside_of_the_page(notebook: Notebook) -> None:
    style = re.sub(r"/\*.*?\*/", "", notebook.widget.get_state("_css")["_css"], flags=re.DOTALL)
    selectors = [one.strip() for one in re.findall(r"(?:^|[{};])([^{};@]+)\{", style)]
    while any("(" in one for one in selectors):  # :is(…, …) is a part of one selector
        selectors = [re.sub(r"\(([^()]*)\)", lambda inner: f" {inner[1].replace(',', ' ')} ", one)
                     for one in selectors]  # fmt: skip
    assert len(selectors) > 100
    outside = {
        part.strip()
        for one in selectors
        for part in one.split(",")
        if ".backhand" not in part and not re.fullmatch(r"from|to|[\d.]+%", part.strip())
    }
    assert outside == set()


@pytest.mark.parametrize("module", ["cells", "widget"])
def test_examples_print_what_they_show(module: str) -> None:
    found = doctest.testmod(import_module(f"backhand.explanation.{module}"))
    assert found.attempted > 0
    assert found.failed == 0


@pytest.mark.parametrize(
    ("text", "cell"),
    [("dW1[3,5]", ("dW1", (3, 5))), (" new W1 [ 0, 2 ] ", ("new W1", (0, 2))),
     ("L", ("L", ())), ("b1[0]", ("b1", (0,)))],
)  # fmt: skip
def test_an_entry_is_found_by_its_name(text: str, cell: Any) -> None:
    assert cell_of(text, SIZES) == cell
    assert cell_of(cell_name(cell), SIZES) == cell


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("dW9[1]", "there is no value 'dW9'"),
        ("dW1", r"expected dW1\[i,h\] with feature i in 0\.\.3 and hidden unit h in 0\.\.5"),
        ("dW1[1]", r"expected dW1\[i,h\]"),
        ("dW1[-1,0]", r"expected dW1\[i,h\]"),
        ("b2[3]", r"class k in 0\.\.2"),
        ("L[0]", "L alone: it is one number"),
        ("dW1[1,2", "is not the name of an entry"),
    ],
)
def test_what_names_no_entry_is_refused_with_what_there_is(text: str, expected: str) -> None:
    with pytest.raises(backhand.InputError, match=expected):
        cell_of(text, SIZES)
