"""Every kind of the shared cases of tables: what a person expects is what is printed.

Each is trained, most with a few epochs, and exported; the exported file must predict as the model.
"""

from __future__ import annotations

import re
import runpy
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

import backhand
from helpers.command_line import run

pytestmark = pytest.mark.slow


class Case(NamedTuple):
    """A table, its target, what is printed of it, and options."""

    file: str
    target: str
    said: str
    options: tuple[str, ...] = ("--epochs", "5")
    exit: int = 0


DEFAULT: tuple[str, ...] = ()
"""The options of a case whose figures count."""

CASES = (
    # Texts that mean missing
    Case("none_as_class.csv", "status", r"classes +3: Mild \d+, None 316, Severe \d+"),
    Case("none_as_class.parquet", "status", r"classes +3: Mild \d+, None 316, Severe \d+"),
    Case("none_quoted.csv", "status", r"classes +3:"),
    Case("na_as_class.csv", "region", r"classes +3: ASIA \d+, EU \d+, NA 316"),
    Case("none_as_category.csv", "y", r"missing +garage 205"),
    # Small noisy tables
    Case("noisy.csv", "outcome", r"(?s)Always answering 'good' would score 0\.9400, loss 0\.2270.*"
         r"accuracy +0\.9300 .* 0\.9992.*lower than the 0\.9400 of always answering", DEFAULT),
    Case("leak.csv", "churned", "(?s)Column 'cancel_reason' alone gives the class of 100.0 %"),
    Case("groups.csv", "sick", "(?s)--group"),
    Case("time.csv", "late", "(?s)--time 'day'"),
    Case("age.csv", "age", "(?s)age.*quantity"),
    Case("sentinel.csv", "y", "-999 in 63 rows looks like a code for missing"),
    # Types from the first rows
    Case("late.csv", "y", r"(?s)code.*'T'"),
    Case("late.csv", "y", r"numbers +1: x", ("--drop", "code", "--epochs", "5")),
    Case("late.csv", "y", r"categories +1: code", ("--categorical", "code", "--epochs", "5")),
    Case("late.csv", "y", r"numbers +1: x",
         ("--query", "select x, y from data", "--epochs", "5")),
    Case("late_shuffled.csv", "y", r"(?s)code.*'T'"),
    # Row counters
    Case("rownames.csv", "kind", r"dropped +rownames: looks like a row number"),
    # Columns that are nearly numbers
    Case("one_space.csv", "y", r"missing +total 1"),
    Case("six_marks.csv", "y", r"'#DIV/0!' 1, '-' 1, '\\N' 1, 'na' 1, 'none' 1"),
    Case("three_plus.csv", "y", r"children: is not read as numbers"),
    Case("zip_plus_four.csv", "kind",
         r"zip: 1 of 1,000 values is not a number.*'98115-4820'.*--categorical 'zip'"),
    Case("dollars.csv", "y", r"numbers +2: x1, charge"),
    Case("percents.csv", "y", r"numbers +2:"),
    Case("leading_zeros.csv", "y", r"zip: is not read as numbers, since codes such as '01730'"),
    Case("versions.csv", "y", r"classes +3: 1\.1 \d+, 1\.10 \d+, 1\.2 \d+"),
    Case("decimal_comma.csv", "y", r"decimal comma"),
    # Dates
    *(Case(f"dates_{form}.csv", "y", r"dates +1: day")
      for form in ("iso", "us", "british", "dotted", "words", "slashed")),
    # Many categories, many classes
    Case("many_categories.csv", "y", r"(?s)c1 \(100\).*c1: 100 of its 1,325 values are categories"),
    Case("nine_classes.csv", "y", r"(?s)Confusion.*A .*B .*C .*D .*E "),
    Case("four_hundred_classes.csv", "y", r"(?s)400.*--all-classes", ("--epochs", "1")),
    # Reading
    Case("no_header.csv", "a", "line 1.* looks like data.*--no-header", (), 2),
    Case("no_header_twice.csv", "a", "line 1.* looks like data.*--no-header", (), 2),
    Case("names_twice.csv", "y", "(?s)several columns named 'x2'.*'x2_2'"),
    Case("names_twice.csv", "y", r"numbers +1: x1",
         ("--query", "select x1, y from data", "--epochs", "5")),
    Case("nul.csv", "y", r"numbers +\d", ("--drop", "remark", "--epochs", "5")),
    Case("nul.csv", "y", "dropped +remark"),
    Case("commas.txt", "y", r"rows +\d"),
    Case("latin1.csv", "y", "--encoding", (), 2),
    Case("latin1.csv", "y", r"rows +\d", ("--encoding", "latin-1", "--epochs", "5")),
    Case("one_column.csv", "y", "no column beside the target 'y'", (), 2),
    Case("twins.jsonl", "y", r"numbers +2: X, x\n"),
)  # fmt: skip


@pytest.fixture(scope="module")
def cases(tmp_path_factory) -> Path:
    """The folder of all inputs."""
    folder = tmp_path_factory.mktemp("cases")
    script = Path(__file__).parents[3] / "shared" / "cases" / "tables" / "make_inputs.py"
    if not script.is_file():
        pytest.skip(f"{script} is not there")
    given, sys.argv = sys.argv, [str(script), str(folder)]
    try:
        runpy.run_path(str(script), run_name="__main__")
    finally:
        sys.argv = given
    return folder


@pytest.mark.filterwarnings("ignore::backhand.errors.BackhandWarning")
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.file}:{' '.join(case.options)}")
def test_what_a_person_expects_is_printed(cases, tmp_path, monkeypatch, case) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    output = tmp_path / "m.safetensors"
    told = run("train", "--quick", cases / case.file, "-t", case.target, "-o", output,
               *case.options, expect=case.exit)  # fmt: skip
    assert re.search(case.said, re.sub(r"\n {10,}", " ", told.output)), told.output
    if case.exit == 0 and "--query" not in case.options:
        check_export(cases / case.file, output, tmp_path, case.options)


def check_export(data: Path, output: Path, folder: Path, options: tuple[str, ...]) -> None:
    """The exported file reads the same CSV, and its probabilities are those of `predict`."""
    if data.suffix not in (".csv", ".txt") or "--encoding" in options:
        return
    run("export", output, "--to", "numpy", "-o", folder / "m.py")
    printed = StringIO()
    given, sys.argv = sys.argv, ["m.py", str(data)]
    try:
        with redirect_stdout(printed):
            module = runpy.run_path(str(folder / "m.py"))
        columns = module["read_csv"](str(data))
    finally:
        sys.argv = given
    P = backhand.load(output).predict_proba(str(data))
    assert np.array_equal(module["predict_proba"](columns), P)
