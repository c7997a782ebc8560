"""Functions in notebooks: cells are run one by one, and one that fails is named."""

import json
from pathlib import Path

import pytest

from backhand.doctor.probe.loading import load_function
from backhand.doctor.probe.refusal import Reason, Refusal
from backhand.errors import InputError


def notebook(folder: Path, *cells: str) -> str:
    """Write a notebook, and name the function `f` in it."""
    path = folder / "week1.ipynb"
    text = [{"cell_type": "markdown", "source": "# Week 1"}] + [
        {"cell_type": "code", "source": cell.splitlines(keepends=True)} for cell in cells
    ]
    path.write_text(json.dumps({"cells": text, "nbformat": 4}))
    return f"{path}:f"


def test_what_only_a_notebook_reads_is_passed_over(tmp_path: Path) -> None:
    f, failed = load_function(
        notebook(
            tmp_path,
            "%matplotlib inline\n!pip install numpy\nfiles = !ls\nimport numpy as np\nnp?",
            "%%bash\nrm -rf nothing",
            "%%time\nif True:\n    %timeit 1\ny = 3",
            "z = (7\n% 4)",
            "display(y)\ndef f(X):\n    return np.array([later(y), z])",
            "def later(y): return y + ONE\nONE = 1\nwhile True: pass",
        )
    )
    assert f(None).tolist() == [4, 3] and failed == []


def test_a_cell_that_fails_is_named(tmp_path: Path) -> None:
    f, failed = load_function(
        notebook(tmp_path, "x = 1\ny = open('no.csv')", "def f(X): return x", "raise SystemExit(0)")
    )
    assert f(None) == 1
    assert len(failed) == 1 and failed[0].startswith("cell 1 of ")
    assert failed[0].endswith("No such file or directory: 'no.csv' (line 2)")


def test_without_the_function_the_cell_that_failed_is_the_reason(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match=r"cell 1 of .*ZeroDivisionError.*no cell makes 'f'") as error:
        load_function(notebook(tmp_path, "1 / 0\ndef f(X): pass"))
    assert error.value.reason is Reason.IMPORT_RAISES
    with pytest.raises(InputError, match="Did you mean 'F'"):
        load_function(notebook(tmp_path, "def F(X): pass"))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"cells": 3}', "[" * 10**5, "\x00"])
def test_what_is_no_notebook_is_not_judged(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.ipynb").write_text(text)
    with pytest.raises(Refusal, match="not a notebook"):
        load_function(f"{tmp_path / 'a.ipynb'}:f")
