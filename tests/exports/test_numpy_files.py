"""Models as one Python file: what it reads, what it refuses, and how it looks."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import duckdb
import numpy as np
import pytest

from backhand.exports.numpy import export_numpy
from backhand.tables.cells.texts import MISSING
from backhand.tables.schema.columns import Category, Date, Number
from helpers.exported_models import array_model, imported, made_model


def test_the_python_file_tells_what_is_wrong(tmp_path) -> None:
    export_numpy(made_model([Number("n", 0, 1, True), Category("c", ("x",), True)]),
                 tmp_path / "m.py")  # fmt: skip
    module = imported(tmp_path / "m.py")
    for columns, said in (
        ({"n": [1]}, "no column 'c'"),
        ({"c": ["x"]}, "no column 'n'"),
    ):
        with pytest.raises(ValueError, match=said):
            module.predict_proba(columns)
    (tmp_path / "t.csv").write_text("n,c\n1,x\n2\n")
    for arguments, said in (
        (["t.csv"], "t.csv: row 2 has 1 values for 2 columns"),
        (["none.csv"], "No such file"),
        ([], "usage: python"),
        (["--help"], "usage: python"),
    ):
        done = subprocess.run([sys.executable, "m.py", *arguments], cwd=tmp_path, text=True,
                              capture_output=True)  # fmt: skip
        assert done.returncode == 1 and said in done.stderr and "Traceback" not in done.stderr
    export_numpy(array_model(), tmp_path / "a.py")
    module = imported(tmp_path / "a.py")
    for X, said in ((np.ones(4), "expected"), (np.ones((2, 3)), "expected"),
                    (np.full((2, 4), np.nan), "not finite")):  # fmt: skip
        with pytest.raises(ValueError, match=said):
            module.predict_proba(X)


def test_the_python_file_reads_missing_values_of_all_kinds(tmp_path) -> None:
    pandas = pytest.importorskip("pandas")
    export_numpy(made_model([Number("n", 0, 1, True), Category("c", ("x",), True)]),
                 tmp_path / "m.py")  # fmt: skip
    module = imported(tmp_path / "m.py")
    for absent in (None, np.nan, np.float32("nan"), pandas.NA, pandas.NaT, *MISSING):
        encoded = module.encode({"n": [absent, 1], "c": [absent, "x"]})
        assert encoded.tolist() == [[0, 1, 0, 1], [1, 0, 1, 0]], absent
    for unread in ("many", "1.2.3", np.inf, "-inf", object(), 10**400):
        assert module.encode({"n": [unread], "c": ["x"]}).tolist() == [[0, 1, 1, 0]]
    frame = pandas.DataFrame({"n": [None, 1.0], "c": [None, "x"]})
    assert np.array_equal(module.encode(frame), encoded)
    masked = duckdb.sql("SELECT * FROM (VALUES (NULL, NULL), (1, 'x')) AS t(n, c)").fetchnumpy()
    assert np.array_equal(module.encode(masked), encoded)


def test_the_script_tells_in_a_sentence_what_it_cannot_read_or_write(tmp_path) -> None:
    export_numpy(made_model([Number("n", 0, 1, True)]), tmp_path / "m.py")
    (tmp_path / "t.csv").write_text("n\n" + "1\n" * 20_000, encoding="utf-8")
    run = [sys.executable, "m.py"]
    done = subprocess.run(
        [*run, "no.csv"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (1, "no.csv: No such file or directory\n")
    if Path("/dev/full").exists():
        with open("/dev/full", "w") as full:  # noqa: PTH123
            done = subprocess.run([*run, "t.csv"], cwd=tmp_path, stdout=full, check=False,
                                  stderr=subprocess.PIPE, text=True)  # fmt: skip
        said = "the predictions could not be written: No space left on device\n"
        assert (done.returncode, done.stderr) == (1, said)


def test_the_script_reads_csv_as_backhand_does(tmp_path) -> None:
    export_numpy(made_model([Number("n", 0, 1, True)]), tmp_path / "m.py")
    read = imported(tmp_path / "m.py").read_csv
    for text, columns in (
        ("n\n1\n\n3\n", {"n": ("1", "", "3")}),
        ('\ufeff"a,b";n\n1;2\n\n3;4\n', {"a,b": ("1", "3"), "n": ("2", "4")}),
        ('a\tn\n"x\ny"\t2\n', {"a": ("x\ny",), "n": ("2",)}),
        (",n\n1,2\n", {"column1": ("1",), "n": ("2",)}),
        ("a,n\n", {"a": [], "n": []}),
    ):
        (tmp_path / "t.csv").write_text(text, encoding="utf-8")
        assert read(tmp_path / "t.csv") == columns
    export_numpy(array_model(), tmp_path / "a.py")
    for heading in ("", "a,b,c,d\n"):
        (tmp_path / "t.csv").write_text(f"{heading}1,2,3,4\n5,6,7,8\n")
        assert imported(tmp_path / "a.py").read_csv(tmp_path / "t.csv").tolist() == [
            [1, 2, 3, 4], [5, 6, 7, 8]]  # fmt: skip


def test_the_python_file_is_tidy(tmp_path) -> None:
    columns = [Number("n", 0, 1, True), Date("d", 1.0, 2.0, False),
               Category("c", tuple(f"category {i}" for i in range(40)), True)]  # fmt: skip
    export_numpy(made_model(columns), tmp_path / "m.py")
    export_numpy(array_model(), tmp_path / "a.py")
    for name in ("m.py", "a.py"):
        text = (tmp_path / name).read_text()
        assert max(map(len, text.splitlines())) <= 100
        for line in ("Z1 = X @ W1 + b1", "H1 = np.maximum(0, Z1)", "S = H1 @ W2 + b2"):
            assert f"    {line}\n" in text
        lint = [sys.executable, "-m", "ruff", "check", "--isolated", "--line-length", "100"]
        if importlib.util.find_spec("ruff"):
            command = [*lint, "--select", "E,F,W,B,I,RET", tmp_path / name]
            done = subprocess.run(command, capture_output=True, text=True)
            assert done.returncode == 0, done.stdout
