"""The lesson's notebook: run with right answers, with wrong ones, and with its blanks open."""

import contextlib
import io
import re

import numpy as np
import pytest

from backhand.lesson import Mark, Marker
from lesson.answers import RIGHT, WRONG
from lesson.cells import (
    BLANK,
    FOLDER,
    code_cells,
    copied_examples,
    filled,
    notebook,
    program,
    run,
)


def test_the_notebook_is_made_of_its_source() -> None:
    make = program("make")
    made = make.notebook(make.SOURCE.read_text())
    assert made == notebook(), "run python examples/lesson/make.py"


def test_paragraphs_and_items_are_a_line_each_and_spaces_are_single() -> None:
    text = "One\nparagraph.\n\n- An item\n  of two lines.\n- Another."
    joined = program("make").unwrapped(text)
    assert joined == "One paragraph.\n\n- An item of two lines.\n- Another."


def test_the_notebook_leaves_its_blanks_to_the_reader() -> None:
    assert [m[1] for cell in code_cells() for m in BLANK.finditer(cell)] == list(RIGHT)
    text = "".join("".join(cell["source"]) for cell in notebook()["cells"])
    spread = re.sub(r"\s+", "", text)
    assert [code for code in RIGHT.values() if re.sub(r"\s+", "", code) in spread] == []


def test_the_notebook_is_stored_without_outputs() -> None:
    cells = [cell for cell in notebook()["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells)
    assert len({cell["id"] for cell in notebook()["cells"]}) == len(notebook()["cells"])


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> dict:
    """What is known after the notebook has run with right answers, and what it printed.

    The comparison with torch, which takes seconds to import, is run in tests/slow.
    """
    scope: dict = {}
    printed = io.StringIO()
    folder = copied_examples(tmp_path_factory.mktemp("examples"))
    with contextlib.chdir(folder), contextlib.redirect_stdout(printed):
        for cell in code_cells():
            if "import torch" not in cell:
                run(filled(cell, RIGHT), scope)
    return {**scope, "printed": printed.getvalue(), "saved": (folder / "six-penguins.html")}


def test_with_right_answers_every_blank_is_correct(finished) -> None:
    assert finished["mark"].missing == []
    assert [blank.answers for blank in finished["mark"].blanks] == [1] * 7


def test_the_gradient_check_agrees_and_its_traps_are_traps(finished) -> None:
    slopes, difference, params = (finished[n] for n in ("slopes", "difference", "params"))
    grads = finished["mark"].backward(params, finished["X"], finished["Y"])
    for name in ("W2", "b2", "W1", "b1"):
        assert difference(getattr(grads, f"d{name}"), slopes(params, name)) < 1e-9
    errors = [difference(grads.dW1, slopes(params, "W1", eps)) for eps in (1e-1, 1e-5, 1e-12)]
    assert errors[0] > 1e-3 and errors[1] < 1e-9 and errors[2] > 1e-5
    right, left, central = (
        finished["right"],
        finished["left_of_it"],
        slopes(finished["kinked"], "b1"),
    )
    assert central[1] == pytest.approx((right + left) / 2, abs=0.01)
    assert abs(central[1] - right) > 0.05


def test_a_dead_unit_has_no_gradients(finished) -> None:
    grads = finished["mark"].backward(finished["dead"], finished["X"], finished["Y"])
    assert not grads.dW1[:, 2].any() and not grads.db1[2] and not grads.dW2[2].any()


def test_the_mistake_in_the_file_is_named(finished) -> None:
    assert "the ReLU mask tests dH1 instead of Z1" in finished["printed"]


def test_the_toy_run_comes_out_to_the_digit(finished) -> None:
    for line in (" 50      0.9842     0.625       0.9842     0.625",
                 "100      0.3256     0.969       0.3256     0.969",
                 "150      0.1020     1.000       0.1020     1.000",
                 "200      0.0477     1.000       0.0477     1.000",
                 " 50      0.4812     0.922       0.4812     0.922",
                 "200      0.0318     1.000       0.0318     1.000"):  # fmt: skip
        assert line in finished["printed"]


def test_a_table_of_ones_own_is_learned_and_train_gives_the_same_losses(finished) -> None:
    assert finished["correct"].mean() > 0.95
    assert np.allclose(finished["result"].history.loss, finished["history"][:, 0], rtol=1e-9)


def test_the_lesson_saves_a_page(finished) -> None:
    assert finished["saved"].read_text().startswith("<!doctype html>")


def answered(name: str, code: str, scope: dict) -> Mark:
    """The mark of an answer in the notebook's own cell."""
    (cell,) = (cell for cell in code_cells() if f"def my_{name}(" in cell)
    return run(filled(cell, {name: code}), scope)


def test_hints_grow_in_the_notebooks_own_cell() -> None:
    scope = {"mark": Marker(), "np": np}
    for attempt, (code, fault) in enumerate(list(WRONG["dW2"].items())[:3]):
        said = answered("dW2", code, scope)
        (own,) = (finding for finding in said.report.findings if finding.equation == "dW2")
        assert own.id == fault and said.hints == attempt
        assert ("ask yourself" in str(said)) == (attempt >= 1)
        assert ("dW2 = H1.T @ dS" in str(said)) == (own.mistake in str(said)) == (attempt >= 2)


@pytest.mark.slow  # 42 checks; tests/lesson/test_marker.py has one wrong answer for each gradient
@pytest.mark.parametrize("name", RIGHT)
def test_five_wrong_answers_are_named_in_the_notebooks_own_cell(name: str) -> None:
    scope = {"mark": Marker(), "np": np}
    for code, fault in WRONG[name].items():
        said = answered(name, code, scope)
        assert said.outcome == "wrong", code
        own = [finding for finding in said.report.findings if finding.equation == name]
        assert [finding.id for finding in own] == [fault]
    assert answered(name, RIGHT[name], scope).ok


def test_the_cells_up_to_the_gradient_check_run_with_blanks_open(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(copied_examples(tmp_path))
    scope: dict = {}
    for cell in code_cells():
        if "def slopes" in cell:
            break
        run(cell, scope)
    assert scope["mark"].missing == list(RIGHT)
    assert scope["dW1"][2, 3] == pytest.approx(scope["change"] / 0.001, rel=1e-3)


def test_what_the_text_counts_is_so(finished) -> None:
    text = (FOLDER / "lesson.md").read_text()
    parameters = sum(array.size for array in finished["params"])
    assert f"all {parameters} parameters" in text and f"{parameters} parameters can learn" in text
    assert f"the {finished['W1'].size - 1} others of W1" in text
