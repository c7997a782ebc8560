"""What results look like: one line in a session, a few when printed, a form for notebooks."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backhand
from backhand.support import display

PARAMS = backhand.init(d=3, H=50, K=2, seed=0)
X = np.random.default_rng(0).standard_normal((60, 3)).astype(np.float32)
Y = (X[:, 0] > 0).astype(int)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    trained = backhand.train(PARAMS, X, Y, validation=(X, Y), epochs=40, learning_rate=0.1)
    acts = backhand.forward(PARAMS, X)
    path = tmp_path_factory.mktemp("results") / "a.csv"
    path.write_text("x<b>,y\n1,a\n2,b\n")
    model = backhand.Model(trained.params, ("a", "b" * 500))
    found = [trained, trained.history, PARAMS, acts, backhand.backward(PARAMS, X, Y, acts),
             model, backhand.read_table(path)]  # fmt: skip
    return {type(one).__name__: one for one in found}


NAMES = ("TrainResult", "History", "Parameters", "Activations", "Gradients", "Model", "Table")


@pytest.mark.parametrize("name", NAMES)
def test_results_are_one_line_or_a_few_and_have_a_form_for_notebooks(
    results: dict[str, Any], name: str
) -> None:
    line, text, form = repr(results[name]), str(results[name]), results[name]._repr_html_()
    assert "\n" not in line and line.startswith(name) and len(line) <= 120
    lines = text.splitlines()
    assert lines[0].startswith(name) and 1 < len(lines) < 10 and max(map(len, lines)) <= 120
    assert form.startswith("<div>") and "<script" not in form and "color:" not in form


def test_summaries_say_shapes_dtypes_and_figures(results: dict[str, Any]) -> None:
    assert repr(PARAMS) == "Parameters (float32): W1 (3, 50), b1 (50,), W2 (50, 2), b2 (2,)"
    assert str(PARAMS).splitlines()[:2] == ["Parameters (float32)", "  W1  (3, 50)"]
    assert "[0. 0.]" in str(PARAMS) and "dZ1  (60, 50)" in str(results["Gradients"])
    mixed = PARAMS._replace(b2=PARAMS.b2.astype(np.float64), W2=None)
    assert "b2 (2,) float64" in repr(mixed) and "W2  NoneType" in str(mixed)
    loss = results["History"].loss
    assert f": loss {loss[0]:.4g} to {loss[-1]:.4g}, accuracy" in repr(results["History"])
    words = next(line for line in str(results["History"]).splitlines() if " loss " in line).split()
    assert words == ["loss", f"{loss[0]:.4g}", f"{loss[-1]:.4g}", f"{loss.min():.4g}",
                     f"{loss.argmin() + 1}"]  # fmt: skip
    assert "validation_accuracy" in str(results["TrainResult"])
    assert "<polyline" in results["TrainResult"]._repr_html_()
    assert "2 rows" in repr(results["Table"]) and "'x<b>'  read as text" in str(results["Table"])
    assert "x&lt;b&gt;" in results["Table"]._repr_html_()


def test_nothing_that_may_be_in_a_result_breaks_its_summary() -> None:
    assert repr(backhand.History()) == "History of 0 epochs"
    undefined = np.full(3, np.nan)
    history = backhand.History(undefined, undefined, undefined, undefined)
    assert repr(history) == "History of 3 epochs" and "<svg" not in history._repr_html_()
    assert "and 94 more" in repr(backhand.Model(PARAMS, tuple(map(str, range(100)))))
    assert display.some([np.int64(1), np.str_("\x1b[31m")]) == r"1, '\x1b[31m'"


def test_a_table_is_read_where_duckdb_cannot_draw_its_bar(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a notebook without ipywidgets, its setting cannot even be turned off."""
    import duckdb

    class Connection:
        def __init__(self, connection: Any) -> None:
            self.connection = connection

        def execute(self, query: str, *parameters: Any) -> Any:
            if query.startswith("SET enable_progress_bar"):
                raise duckdb.InvalidInputException("required package 'ipywidgets' is missing")
            return self.connection.execute(query, *parameters)

        def __getattr__(self, name: str) -> Any:
            return getattr(self.connection, name)

    connect = duckdb.connect
    monkeypatch.setattr(duckdb, "connect", lambda **given: Connection(connect(**given)))
    (tmp_path / "a.csv").write_text("x,y\n1,a\n")
    assert backhand.read_table(tmp_path / "a.csv").rows == 1
