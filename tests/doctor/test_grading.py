"""`backhand grade`: which submissions, points, hints, tables and pages."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

import backhand
from backhand.doctor.grading.borrowed import remarks_on
from backhand.doctor.grading.grade import Graded
from backhand.doctor.grading.pages import write_pages
from backhand.doctor.grading.points import earned, parse_points
from backhand.doctor.grading.submissions import Submission, find_submissions
from backhand.doctor.report.hints import OF_BOTH
from backhand.errors import InputError
from backhand.formulas import softmax

SOURCE = """
import numpy as np


def backward(X, Y, W1, b1, W2, b2):
    H1 = np.maximum(X @ W1 + b1, 0)
    E = np.exp(H1 @ W2 + b2)
    dS = (E / E.sum(axis=1, keepdims=True) - Y) / len(X)
    dZ1 = dS @ W2.T * (H1 > 0)
    return X.T @ dZ1, dZ1.sum(0), H1.T @ dS, dS.sum(0)
"""


def without_the_mean(X, Y, W1, b1, W2, b2):
    H1 = (X @ W1 + b1).clip(0)
    dS = softmax(H1 @ W2 + b2) - Y
    dZ1 = dS @ W2.T * (H1 > 0)
    return X.T @ dZ1, dZ1.sum(0), H1.T @ dS, dS.sum(0)


def unheard_of(X, Y, W1, b1, W2, b2):
    H1 = (X @ W1 + b1).clip(0)
    dS = (softmax(H1 @ W2 + b2) - Y) / len(X)
    dZ1 = dS @ W2.T * (H1 > 0)
    return X.T @ dZ1, dZ1.sum(0), (H1.T @ dS) ** 3 + 0.7, dS.sum(0)


def graded(file: str, f, points: str = "dS=2,dW1=1") -> Graded:
    report = backhand.check(f)
    return Graded(Submission(file, f.__name__), report, earned(report, parse_points(points)), [])


def test_files_folders_and_patterns_are_graded_once_and_in_order(tmp_path: Path) -> None:
    for name in ("b.py", "a.ipynb", "deep/c.py", "notes.txt", ".hidden/d.py", "__pycache__/e.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    found = find_submissions([f"{tmp_path}:f", f"{tmp_path}/*.py:f", f"{tmp_path}/b.py:Net.g"])
    assert [(Path(one.file).name, one.function) for one in found] == [
        ("a.ipynb", "f"), ("b.py", "Net.g"), ("b.py", "f"), ("c.py", "f"),
    ]  # fmt: skip
    assert find_submissions([f"{tmp_path}/[b].py"], "f") == find_submissions([f"{tmp_path}/b.py:f"])


@pytest.mark.parametrize(
    ("place", "detail"), [("a.py", "--function"), ("nothing/*.py:f", "no .py or .ipynb file")]
)
def test_what_names_no_submission_is_an_error(place: str, detail: str) -> None:
    with pytest.raises(InputError, match=detail):
        find_submissions([place])


def test_points_are_given_for_what_is_correct_given_its_inputs() -> None:
    points = parse_points("Z1=1, dS=2,dZ1=1,dW1=1,dW2=1,L=3,update=4")
    assert earned(backhand.check(without_the_mean), points) == {
        "Z1": 1, "dS": 0, "dZ1": 1, "dW1": 1, "dW2": 1, "L": 0, "update": 0,
    }  # fmt: skip
    assert earned(backhand.check(unheard_of), points) == {
        "Z1": 1, "dS": 2, "dZ1": 1, "dW1": 1, "dW2": 0, "L": 0, "update": 0,
    }  # fmt: skip
    assert not any(earned(backhand.check(lambda X: None), points).values())
    not_judged = replace(backhand.check(without_the_mean), outcome="not judged", findings=[])
    assert not any(earned(not_judged, points).values())


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("dw1=1", "Did you mean 'dW1'"),
        ("dW1=1,dW1=2", "twice"),
        ("dW1=-1", "0 or more"),
        ("dW1=nan", "0 or more"),
        ("dW1", "0 or more"),
    ],
)
def test_points_that_are_wrong_are_an_error(text: str, detail: str) -> None:
    with pytest.raises(InputError, match=detail):
        parse_points(text)


def test_hints_tell_the_equation_the_question_or_all() -> None:
    report = backhand.check(without_the_mean)
    said = [str(report.hinted(hints)) for hints in (0, 1, 2)]
    assert "dS is wrong." in said[0] and "dS is wrong." in said[1]
    asked = OF_BOTH["dS", "scale"]
    assert "?" not in said[0] and f"ask yourself {asked}" in " ".join(said[1].split())
    assert not any("1/N" in text or "P - Y" in text for text in said[:2])
    assert said[2] == str(report)
    with pytest.raises(AssertionError, match="dS is wrong") as error:
        backhand.assert_gradients(without_the_mean, hints=0)
    assert "1/N" not in str(error.value)
    with pytest.raises(InputError, match="0, 1 or 2"):
        report.hinted(3)


@pytest.mark.parametrize(
    ("source", "borrows"),
    [
        ("import backhand as bh", ["imports backhand, which computes gradients"]),
        ("from backhand import backward", ["imports backhand, which computes gradients"]),
        ("import torch\ndef backward(X): loss.backward()", ["imports torch and calls backward"]),
        ("import jax\nf = jax.grad(g)", ["imports jax and calls grad"]),
        ("import torch\ndef backward(X): layer.backward(X)", []),
        ("import numpy\ndef grad(X): pass\ngrad(1)", []),
        ("def f(:", []),
    ],
)
def test_gradients_of_a_library_are_remarked_on(
    tmp_path: Path, source: str, borrows: list[str]
) -> None:
    (tmp_path / "a.py").write_text(source)
    found = remarks_on(str(tmp_path / "a.py"))
    assert len(found) == len(borrows)
    assert all(one.startswith(start) for one, start in zip(found, borrows, strict=True))
    (tmp_path / "a.ipynb").write_text(
        json.dumps({"cells": [{"cell_type": "code", "source": source}]})
    )
    assert remarks_on(str(tmp_path / "a.ipynb")) == found


def test_pages_are_escaped_and_told_apart(tmp_path: Path) -> None:
    names = ["<script>alert(1)</script>.py", "a/b.py", "a_b.py", "INDEX", "\udc80.py"]
    all_of_them = [graded(name, without_the_mean) for name in names]
    write_pages(tmp_path / "pages", all_of_them, hints=0)
    pages = {path.name: path.read_text() for path in (tmp_path / "pages").iterdir()}
    assert len(pages) == len(names) + 1
    assert not any("<script>" in page for page in pages.values())
    assert "a_b_py.html" in pages and "a_b_py-2.html" in pages
    index = pages.pop("index.html")
    assert index.count("<tr>") == len(names) + 1 and all(
        f'href="{name}"' in index for name in pages
    )
    assert not any("1/N" in page for page in pages.values())


def test_no_cell_of_the_table_is_a_formula(tmp_path: Path) -> None:
    from backhand.cli.reports.grading import write_csv

    write_csv(tmp_path / "t.csv", [graded("=1+1.py", without_the_mean)])
    (row,) = csv.DictReader((tmp_path / "t.csv").read_text().splitlines())
    assert row["file"] == "'=1+1.py" and row["dS"] == "0" and row["sum"] == "1"
    before = (tmp_path / "t.csv").read_bytes()
    write_csv(tmp_path / "t.csv", [graded("=1+1.py", without_the_mean)])
    assert (tmp_path / "t.csv").read_bytes() == before
