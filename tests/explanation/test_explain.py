"""What `explain` takes: parameters, models, files and tables; and what it says of wrong ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backhand
from backhand.errors import InputError, MissingFileError
from backhand.explanation.explain import explain
from backhand.explanation.trace.trace import Trace
from helpers.optional_packages import optional

pd = optional("pandas")

PENGUINS = Path(__file__).parents[2] / "examples" / "penguins.csv"


@pytest.fixture(scope="module")
def params() -> backhand.Parameters:
    return backhand.init(3, 4, 2, seed=1)


@pytest.fixture(scope="module")
def X() -> Any:
    return np.random.default_rng(0).standard_normal((5, 3))


@pytest.fixture(scope="module")
def fitted() -> Any:
    return backhand.fit(PENGUINS, "species", hidden=6, epochs=3, drop=["year"])


def labels(trace: Trace) -> list[int]:
    found: list[int] = trace.problem.Y.argmax(axis=1).tolist()
    return found


def test_parameters_of_float32_are_explained_in_float64(
    params: backhand.Parameters, X: Any
) -> None:
    trace = explain(params, X.astype(np.float32), np.array([0, 1, 1, 0, 1]))
    assert all(trace[name].array.dtype == np.float64 for name in trace)
    exact = backhand.Parameters(*(a.astype(np.float64) for a in params))
    Z1 = backhand.forward(exact, X.astype(np.float32).astype(np.float64)).Z1
    np.testing.assert_array_equal(np.asarray(trace["Z1"]), Z1)


def test_results_models_classifiers_and_files_are_one(X: Any, tmp_path: Path) -> None:
    y = np.array([0, 1, 1, 0, 1])
    classifier = backhand.MLPClassifier(hidden_layer_sizes=(4,), max_iter=3, random_state=0)
    with pytest.warns(Warning, match="converge"):
        classifier.fit(X, np.array(["no", "yes"])[y])
    model, path = classifier.to_model(), tmp_path / "model.safetensors"
    backhand.save(model, path)
    traces = [explain(source, X, y)
              for source in (classifier, model, path, str(path), model.params)]  # fmt: skip
    assert len({float(trace["L"]) for trace in traces}) == 1
    assert traces[0].problem.classes == ("no", "yes")
    result = backhand.train(model.params, X, y, epochs=1)
    assert float(explain(result, X, y)["L"]) == float(explain(result.params, X, y)["L"])


@pytest.mark.parametrize(
    "y",
    [
        [0, 1, 1, 0, 1],
        np.array([0, 1, 1, 0, 1]),
        ["no", "yes", "yes", "no", "yes"],
        pd.Series(["no", "yes", "yes", "no", "yes"]),
        np.eye(2)[[0, 1, 1, 0, 1]],
        np.array([[0], [1], [1], [0], [1]]),
        [False, True, True, False, True],
    ],
)
def test_classes_are_indices_names_or_one_hot(params: backhand.Parameters, X: Any, y: Any) -> None:
    assert labels(explain(backhand.Model(params, ("no", "yes")), X, y)) == [0, 1, 1, 0, 1]


def test_classes_that_are_numbers_are_found_by_their_names_first(
    params: backhand.Parameters, X: Any
) -> None:
    model = backhand.Model(params, (1, 2))
    assert labels(explain(model, X, [1, 2, 2, 1, 2])) == [0, 1, 1, 0, 1]
    assert labels(explain(model, X, [0, 1, 1, 0, 1])) == [0, 1, 1, 0, 1]


def test_some_rows_are_the_first_ones_or_those_named(params: backhand.Parameters, X: Any) -> None:
    y = [0, 1, 1, 0, 1]
    weights = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    first = explain(params, X, y, rows=2, sample_weight=weights)
    some = explain(params, X, y, rows=[3, 1], sample_weight=weights)
    np.testing.assert_array_equal(np.asarray(first["X"]), X[:2])
    np.testing.assert_array_equal(np.asarray(some["X"]), X[[3, 1]])
    assert labels(some) == [0, 1]
    assert np.asarray(some["w"]).tolist() == [4 / 6, 2 / 6]
    assert some.problem.rows == ("X[3]", "X[1]")
    assert len(explain(params, X, y, rows=100)["X"]) == 5


def test_rows_of_a_table_are_encoded_as_the_model_reads_them(fitted: Any) -> None:
    chosen = [2, 40, 0, 300]
    trace = explain(fitted, PENGUINS, rows=chosen)
    frame = pd.read_csv(PENGUINS).iloc[chosen]
    P = np.asarray(trace["P"])
    np.testing.assert_allclose(P, fitted.predict_proba(frame), rtol=1e-5)
    assert [fitted.classes[k] for k in labels(trace)] == frame["species"].tolist()
    assert trace.problem.features == tuple(fitted.schema.features)
    assert trace.problem.rows[:2] == ("table row 3", "table row 41")
    island = trace.problem.features.index("island = Dream")
    assert "column 'island' of the table, 1 where it is 'Dream'" in str(trace["X"][1, island])
    again = explain(fitted, frame)
    np.testing.assert_array_equal(np.asarray(again["P"]), P)
    alone = explain(fitted, frame.drop(columns="species"), frame["species"])
    assert labels(alone) == labels(trace)


def test_a_row_of_a_table_without_a_class_is_an_error_that_names_it(fitted: Any) -> None:
    frame = pd.read_csv(PENGUINS).iloc[:4].copy()
    frame.loc[2, "species"] = "Emperor"
    with pytest.raises(InputError, match=r"row 3 of the data frame.*'species'.*'Gentoo'"):
        explain(fitted, frame)
    assert len(explain(fitted, frame, rows=[0, 1, 3])["X"]) == 3


def test_a_file_of_many_rows_is_not_explained_as_a_whole(fitted: Any) -> None:
    frame = pd.concat([pd.read_csv(PENGUINS)] * 3)
    with pytest.raises(InputError, match=r"1,032 rows; at most 1,000.*rows=8"):
        explain(fitted, frame)
    assert len(explain(fitted, frame, rows=3)["X"]) == 3


def test_names_of_features_come_from_a_data_frame(params: backhand.Parameters, X: Any) -> None:
    frame = pd.DataFrame(X, columns=["age", "height", "weight"])
    trace = explain(params, frame, [0, 1, 1, 0, 1])
    assert trace["dW1"][2, 0].place == "feature 2 (weight), hidden unit 0"


WRONG = [
    ({"X": np.zeros((2, 3))}, "y is missing"),
    ({}, r"X is missing.*explain\(model, X, y\)"),
    ({"X": np.zeros((2, 4)), "y": [0, 1]}, "X has 4 columns where W1 expects 3"),
    ({"X": np.zeros((2, 3)), "y": [0, 1, 1]}, "y has 3 rows.*each of the 2 rows"),
    ({"X": np.zeros((2, 3)), "y": [0, 2]}, r"y holds 2; .* of the model \(0, 1\), .*0\.\.1"),
    ({"X": np.zeros((2, 3)), "y": ["0", "maybe"]}, "y holds 'maybe'"),
    ({"X": np.zeros((2, 3)), "y": 1}, "y has the type int"),
    ({"X": np.zeros((2, 3)), "y": [[0], [0, 1]]}, "rows of y are of several lengths"),
    ({"X": np.zeros((2, 3)), "y": [[1, 1], [0, 1]]}, "row 0 of y is"),
    ({"X": np.full((2, 3), np.nan), "y": [0, 1]}, "X holds nan at row 0, column 0"),
    ({"X": np.zeros((2, 3)), "y": [0, 1], "rows": 0}, "rows is 0; expected an integer"),
    ({"X": np.zeros((2, 3)), "y": [0, 1], "rows": [0, 2]}, r"row 2 does not exist: .* 0\.\.1"),
    ({"X": np.zeros((2, 3)), "y": [0, 1], "rows": "all"}, "rows is 'all'; expected a number"),
    ({"X": np.zeros((2, 3)), "y": [0, 1], "l2": -1}, "l2 is -1; expected a number of 0 or more"),
    ({"X": np.zeros((2, 3)), "y": [0, 1], "learning_rate": "big"}, "learning_rate is 'big'"),
    ({"X": np.zeros((2, 3)), "y": [0, 1], "sample_weight": [1.0]}, "sample_weight has 1 entries"),
    ({"X": np.zeros((2, 3)), "y": [0, 1], "sample_weight": [0.0, -1.0]}, "numbers of 0 or more"),
    ({"X": np.zeros((2, 3)), "y": [0, 1], "mask": np.ones((2, 3))}, r"mask is \(2, 3\); expected"),
    ({"X": np.zeros((2, 3)), "y": [0, 1], "mask": -np.ones((2, 4))}, "mask holds a number below 0"),
    ({"X": np.zeros((2, 3)), "y": [0, 1], "target": "class"}, "target is for tables"),
    ({"X": np.zeros((2, 3)), "y": [0, 1], "example": "xor"}, "example is given with a model"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "said"), WRONG)
def test_a_wrong_argument_is_an_error_that_says_what_was_expected(
    params: backhand.Parameters, arguments: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        explain(params, **arguments)


def test_a_wrong_source_is_an_error_that_says_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a dict cannot be explained; expected Param"):
        explain({}, [[1.0]], [0])  # type: ignore[arg-type]
    with pytest.raises(MissingFileError):
        explain(tmp_path / "none.safetensors", [[1.0]], [0])
    with pytest.raises(InputError, match="X is given without a model"):
        explain(X=[[1.0]])
    with pytest.raises(InputError, match=r"example is 'dogs'.*'penguins'"):
        explain(example="dogs")
    with pytest.raises(InputError, match="l2 is given with a function"):
        explain(lambda X: None, l2=0.1)


def test_numbers_that_float64_cannot_hold_are_an_error(params: backhand.Parameters) -> None:
    large = backhand.Parameters(*(np.float64(1e200) + array for array in params))
    with pytest.raises(InputError, match=r"Z1 is not finite.*too large"):
        explain(large, np.full((2, 3), 1e200), [0, 1])


def test_what_is_given_stays_writable_and_unchanged(params: backhand.Parameters, X: Any) -> None:
    before = X.copy()
    exact = backhand.Parameters(*(array.astype(np.float64) for array in params))
    trace = explain(exact, X, [0, 1, 1, 0, 1])
    assert X.flags.writeable
    assert exact.W1.flags.writeable
    np.testing.assert_array_equal(X, before)
    X[0, 0] += 1
    assert np.asarray(trace["X"])[0, 0] == before[0, 0]
    X[0, 0] -= 1


def test_the_example_has_one_dead_unit_and_the_page_has_the_others() -> None:
    trace = explain()
    active = (np.asarray(trace["Z1"]) > 0).sum(axis=0)
    assert active.tolist() == [1, 2, 0, 6, 2, 2, 6, 5]
    contents = trace.page_contents()
    assert [one["title"] for one in contents["examples"]] == [
        "24 penguins, two measurements", "Exclusive or",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("example", "updates"), [("penguins", 100), ("two measurements", 100), ("xor", 300)]
)
def test_training_an_example_gets_every_row_right(example: str, updates: int) -> None:
    p = explain(example=example).problem
    params, y = p.params, p.Y.argmax(axis=1)
    for _ in range(updates):
        acts = backhand.forward(params, p.X)
        params = backhand.sgd(params, backhand.backward(params, p.X, y, acts), p.learning_rate)
    assert backhand.accuracy(backhand.forward(params, p.X).S, y) == 1


def test_the_name_is_the_function_whatever_is_imported_first() -> None:
    assert backhand.explain(example="xor")["dW1"].shape == (2, 4)


def test_features_of_an_array_have_the_names_that_are_given() -> None:
    params, X, y = backhand.init(2, 3, 2), np.ones((2, 2)), np.array([0, 1])
    trace = backhand.explain(params, X, y, features=["height", "weight"])
    assert "feature 1 (weight)" in str(trace["dW1"][1, 0])
    with pytest.raises(InputError, match="features is 1 names; expected a sequence of 2 names"):
        backhand.explain(params, X, y, features=["height"])


def test_a_page_opens_with_the_entry_that_is_named(tmp_path: Path) -> None:
    backhand.explain().save(tmp_path / "page.html", selected="dW1[3,7]")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert '"selected": {"name": "dW1", "index": [3, 7]}' in page
    with pytest.raises(InputError, match="out of range"):
        backhand.explain().save(tmp_path / "page.html", selected="dW1[9,9]")
