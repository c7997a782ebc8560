"""Entries by index and by name, and how traces, values and entries are displayed."""

from __future__ import annotations

import doctest
import importlib
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backhand
from backhand.equations import Parameters
from backhand.errors import InputError, MissingDependencyError
from backhand.explanation.explain import explain
from backhand.explanation.trace.entry import Entry
from backhand.explanation.trace.trace import Trace
from backhand.explanation.trace.value import Value
from helpers.optional_packages import optional

pd = optional("pandas")

TABLE = """\
dW1[3,7] = -0.00169166   feature 3 (body mass), hidden unit 7
  dW1 = X.T @ dZ1   with X (8, 4), dZ1 (8, 8)
  dW1[i,h] = Σ_n X[n,i] · dZ1[n,h]
  summed over the rows n, which X and dZ1 share; i and h remain

  row n  X[n,3]   dH1[n,7]  Z1 > 0   dZ1[n,7]    product
  0       -1.26  -0.034034     yes  -0.034034   0.042883
  1       -0.31   0.029220      no          0          0
  2        0.58  -0.006450     yes  -0.006450  -0.003741
  3        0.43  -0.052803      no          0          0
  4       -0.87   0.054790     yes   0.054790  -0.047668
  5        1.47  -0.018499      no          0          0
  6       -1.38  -0.039485     yes  -0.039485   0.054489
  7       -0.84   0.056732     yes   0.056732  -0.047655
                               sum = dW1[3,7]  -0.001692

3 of 8 terms are 0 because Z1 is not above 0 there.
Without these masks, the terms would sum to -0.060649."""


@pytest.fixture(scope="module")
def trace() -> Trace:
    return explain()


@pytest.fixture(scope="module")
def wide() -> Trace:
    rng = np.random.default_rng(0)
    return explain(backhand.init(60, 5, 3), rng.standard_normal((3, 60)), [0, 1, 2])


def test_the_table_of_an_entry_has_every_number_of_its_sum(trace: Trace) -> None:
    assert str(trace["dW1"][3, 7]) == TABLE


def test_an_entry_is_found_by_its_name_as_text(trace: Trace) -> None:
    assert trace.entry("dW1[3,7]") == trace["dW1"][3, 7]
    assert trace.entry(" new b1[ 2 ] ").label == "new b1[2]"
    assert trace.entry("L").value == float(trace["L"])


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("dW1[3,8]", "out of range"),
        ("dW1[3]", "expected dW1\\[i,h\\]"),
        ("dW3[0,0]", "no value 'dW3'"),
        ("dW1[a,b]", "expected dW1\\[i,h\\]"),
        ("dW1[3,7", "not the name of an entry"),
        ("M[0,0]", "no value 'M'"),
        ("newW1[0,0]", "Did you mean 'new W1'"),
        ("dw1[0,0]", "Did you mean 'dW1'"),
        ("gradient", "Expected one of: X, Y, w, .*, new b2"),
    ],
)
def test_a_wrong_name_is_an_error_that_says_what_exists(trace: Trace, cell: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        trace.entry(cell)


def test_an_index_gives_an_entry_and_a_wrong_one_an_error(trace: Trace) -> None:
    dW1 = trace["dW1"]
    assert dW1[-1, -1].index == (3, 7)
    assert trace["b2"][np.int64(2)].index == (2,)
    assert trace["L"][()].label == "L"
    with pytest.raises(InputError, match=r"dW1\[4, 0\] does not exist: dW1 is \(4, 8\)"):
        dW1[4, 0]
    with pytest.raises(InputError, match="has 1 index; expected 2 indices"):
        dW1[0]
    with pytest.raises(InputError, match=r"numpy\.asarray"):
        dW1[:, 0]
    with pytest.raises(InputError, match="Did you mean 'dW1'"):
        trace["dw1"]
    with pytest.raises(InputError, match=re.escape("expected trace['dW1'][0, 2], or trace.entry(")):
        trace["dW1[0,2]"]
    with pytest.raises(InputError, match=r"is out of range; expected dW1\[i,h\]"):
        trace["dW1[99,0]"]


def test_a_value_is_an_array_for_numpy(trace: Trace) -> None:
    dW1 = trace["dW1"]
    assert np.asarray(dW1).shape == dW1.shape == (4, 8)
    assert np.asarray(dW1, np.float32).dtype == np.float32
    assert float(np.linalg.norm(dW1)) > 0
    with pytest.raises(ValueError, match="read-only"):
        np.asarray(dW1)[0, 0] = 1
    copy = np.array(dW1)
    copy[0, 0] = 1  # a copy is one's own


def test_iterating_over_a_value_gives_its_numbers_as_numpy_does(trace: Trace) -> None:
    b1, W1 = np.asarray(trace["b1"]), np.asarray(trace["W1"])
    assert list(trace["b1"]) == b1.tolist() and max(trace["b1"]) == b1.max()
    np.testing.assert_array_equal(list(trace["W1"]), W1)
    assert W1[1, 2] in trace["W1"] and 1e9 not in trace["W1"]


def test_of_many_terms_the_largest_are_shown_and_the_others_summed(wide: Trace) -> None:
    entry = wide["Z1"][1, 2]
    text = str(entry).splitlines()
    shown = [line for line in text if line[2:3].isdigit()]
    products = sorted((abs(term.value) for term in entry.terms), reverse=True)
    assert len(shown) == 24
    assert [abs(float(line.split()[-1])) for line in shown] == pytest.approx(
        products[:24], abs=1e-4
    )
    (rest,) = [line for line in text if "36 smaller terms" in line]
    places = {int(line.split()[0]) for line in shown}
    left = sum(term.value for at, term in enumerate(entry.terms) if at not in places)
    assert float(rest.split()[-1]) == pytest.approx(left, abs=1e-4)


def inactive(l2: float = 0.0, trained: float = 0.0, rows: int = 40) -> Trace:
    """A trace of a model of which the hidden units 0 and 1 are inactive."""
    rng = np.random.default_rng(0)
    params = backhand.init(3, 8, 2)
    params.b1[:2] = -100
    model = backhand.Model(params, ("a", "b"), hyperparameters={"l2": trained})
    return explain(model, rng.standard_normal((rows, 3)), rng.integers(0, 2, rows), l2=l2)


@pytest.mark.parametrize(("cell", "named"), [
    ("dW1[0,0]", "dW1[0,2], dW1[0,3], dW1[0,4] and "), ("db1[1]", "db1[2], db1[3], db1[4] and "),
    ("dW2[0,1]", "dW2[2,1], dW2[3,1], dW2[4,1] and "),
])  # fmt: skip
def test_where_a_unit_is_inactive_entries_of_active_ones_are_named(cell: str, named: str) -> None:
    text = str(inactive().entry(cell))
    assert f"Hidden unit {cell[4]} is inactive: Z1 is not above 0 in any of the 40 rows." in text
    assert f"Not 0, since their units are active: {named}" in text
    assert "16 other terms" in text  # all are 0: none is smaller than those shown
    assert "inactive" not in str(inactive()["dW1"][0, 2])


def test_with_a_penalty_the_mask_does_not_set_the_entry_to_0() -> None:
    entry = inactive(l2=0.5, rows=1)["dW1"][0, 0]
    assert entry.value != 0 and "the mask of ReLU sets the term to 0." in str(entry)
    assert "the mask of ReLU sets it to 0." in str(inactive(rows=1)["H1"][0, 0])


def test_a_trace_without_the_penalty_of_training_says_so() -> None:
    said = "Trained with the penalty λ 0.02; l2=0.02 (--l2 0.02) adds it."
    without = inactive(trained=0.02)
    assert all(said in str(shown) for shown in (without, without["dW1"][0, 3], without["L"][()]))
    assert said not in str(without["db1"][3]) and "adds it" not in str(inactive(0.02, 0.02))
    assert "here λ is 0.1." in str(inactive(l2=0.1, trained=0.02)["dW2"][3, 0])


@pytest.mark.parametrize("cell", ["db2[1]", "P[0,1]", "S[2,0]", "losses[3]", "L", "dH1[1,2]"])
def test_the_numbers_of_a_sum_stand_below_each_other(trace: Trace, cell: str) -> None:
    table = str(trace.entry(cell)).split("\n\n")[1].splitlines()
    assert len({len(line) for line in table}) == 1


def test_a_mask_is_only_mentioned_where_a_term_would_be_another_without_it() -> None:
    params = Parameters(np.array([[1.0, -1.0], [1.0, -1.0]]), np.zeros(2), np.eye(2), np.zeros(2))
    trace = explain(params, np.array([[1.0, 0.0], [0.5, 0.0], [1.0, -2.0]]), np.array([0, 1, 1]))
    assert "2 of 3 terms are 0" in str(trace["dW1"][0, 1])
    assert "1 of 3 terms is 0" in str(trace["dW1"][0, 0])
    assert "above 0 there" not in str(trace["dW1"][1, 1])  # X is 0 in the rows that are shut out
    assert all(str(term.value) != "-0.0" for term in trace["dW1"][1, 1].terms)


def test_equal_weights_stand_beside_the_equations_with_what_they_are(trace: Trace) -> None:
    assert "L = (w * losses).sum()   with losses (8,), w = 1 / N\n" in str(trace["L"][()])
    assert "dS = (P - Y) / N   with P (8, 3), Y (8, 3), w = 1 / N\n" in str(trace["dS"][0, 0])


def test_a_data_frame_has_a_row_per_term(trace: Trace) -> None:
    frame = trace["dW1"][3, 7].to_frame()
    assert frame["product"].sum() == pytest.approx(trace["dW1"][3, 7].value, rel=1e-12)
    assert frame["row n"].tolist() == list(range(8))
    assert frame["Z1 > 0"].dtype == bool
    softmax = trace["P"][2, 1].to_frame()
    assert softmax["name"].tolist() == ["Adelie", "Chinstrap", "Gentoo"]
    shares = softmax["exp"] / softmax["exp"].sum()
    assert shares.tolist() == pytest.approx(np.asarray(trace["P"])[2].tolist())
    assert isinstance(trace["X"][0, 0].to_frame(), pd.DataFrame)


def test_a_data_frame_without_pandas_is_an_error_that_says_how(
    trace: Trace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    with pytest.raises(MissingDependencyError, match="pip install pandas"):
        trace["dW1"][3, 7].to_frame()


def test_what_is_given_says_so(trace: Trace) -> None:
    assert "given, not computed" in str(trace["X"][0, 0])
    assert "1 / N" in str(trace["w"][0])
    assert trace["X"][0, 0].back() == []


@pytest.mark.parametrize("example", ["penguins", "two measurements", "xor"])
def test_every_entry_has_a_text_and_html_and_json(example: str) -> None:
    trace = explain(example=example, l2=0.1)
    for name in trace:
        value = trace[name]
        entry = value[tuple(size - 1 for size in value.shape)]
        assert entry.label in str(entry)
        assert entry.label in entry._repr_html_()
        assert name in str(value)
        assert name in value._repr_html_()
        json.dumps(entry.to_dict(), allow_nan=False)
    assert repr(trace).startswith("Trace: N ")
    assert all(name in str(trace) for name in trace)
    assert max(map(len, str(trace).splitlines())) <= 80


def test_names_of_other_people_are_escaped_in_html() -> None:
    X = pd.DataFrame({"<b>a</b>": [1.0, 2.0]})
    trace = explain(backhand.init(1, 2, 2), X, [0, 1])
    assert "<b>a" not in trace["dW1"][0, 0]._repr_html_() + trace["W1"]._repr_html_()
    assert "<b>a" in trace["dW1"][0, 0].place


def test_json_has_the_problem_and_every_value(trace: Trace) -> None:
    found = json.loads(json.dumps(trace.to_json(), allow_nan=False))
    dW1 = found["values"]["dW1"]
    assert np.reshape(dW1["numbers"], dW1["shape"]).tolist() == np.asarray(trace["dW1"]).tolist()
    assert found["values"]["L"]["shape"] == []
    assert found["equations"]["dW1"] == "X.T @ dZ1"
    assert found["problem"]["title"] == "Eight penguins"


def test_a_page_is_written_whole_and_only_as_html(trace: Trace, tmp_path: Path) -> None:
    trace.save(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "Eight penguins" in page
    assert "Exclusive or" in page  # the other examples
    with pytest.raises(InputError, match=r"\.html"):
        trace.save(tmp_path / "page.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def test_a_page_can_be_called_html_in_capitals_and_needs_a_path(
    trace: Trace, tmp_path: Path
) -> None:
    trace.save(tmp_path / "page.HTML")
    assert (tmp_path / "page.HTML").is_file()
    with pytest.raises(InputError, match="the page is to be written to a NoneType; expected a pa"):
        trace.save(None)  # type: ignore[arg-type]


@pytest.mark.parametrize("public", [explain, Entry, Value, Trace])
def test_the_examples_of_the_docstrings_run(public: Any) -> None:
    found = doctest.testmod(
        importlib.import_module(public.__module__), optionflags=doctest.ELLIPSIS
    )
    assert found.attempted
    assert not found.failed


def test_a_wide_network_is_taken_apart_where_it_is_looked_at() -> None:
    rng = np.random.default_rng(0)
    trace = explain(backhand.init(784, 256, 10), rng.random((20, 784)), rng.integers(0, 10, 20))
    assert len(trace["Z1"][3, 200].terms) == 784
    assert len(trace["X"][0, 5].forward_of()) == 256 + 256
    assert max(map(len, str(trace["dW1"][5, 3]).splitlines())) <= 80
    assert "760 smaller terms" in str(trace["Z1"][3, 200])
    assert str(trace["W1"]).endswith("\n  (200,704 numbers, not shown)")
