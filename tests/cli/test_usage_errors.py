"""Options and arguments that the parser refuses: one sentence each, with what was expected."""

import json
import os
import re
import sys

import pytest

import backhand
from backhand.__main__ import _run
from backhand.doctor.grading.points import parse_points
from backhand.doctor.probe.loading import load_function
from helpers.command_line import run

TABLE = "x,colour,t\n" + "".join(f"{i},red,{'ab'[i % 2]}\n" for i in range(20))

REFUSED = {
    "train t.csv -t t --epochs five": "--epochs is 'five'; expected an integer of 1 or more.",
    "train t.csv -t t --learning-rate 0,004":
        "--learning-rate is '0,004'; expected a number above 0, with a decimal point: 0.004.",
    "check --hints x": "--hints is 'x'; expected an integer.",
    "train t.csv -t t --test-size 20":
        "--test-size is 20.0; expected a number of 0 or more, at most 0.95.",
    "train t.csv -t t --lr 1": "there is no option --lr. Did you mean '--learning-rate'?",
    "train t.csv -t t --epoch 1": "there is no option --epoch. Did you mean '--epochs'?",
    "train -x": "there is no option -x; 'backhand train --help' lists those that there are.",
    "--foo": "there is no option --foo; 'backhand --help' lists those that there are.",
    "train t.csv -t": "-t has no value; expected --target COLUMN: column to predict.",
    "train t.csv -t t --quick=3": "--quick takes no value; expected --quick alone.",
    "train t.csv": "name the column to predict with --target COLUMN; t.csv has 'x', 'colour' "
                   "and 't'.",
    "compare t.csv": "name the column to predict with --target COLUMN; t.csv has 'x', 'colour' "
                     "and 't'.",
    "train t.csv colour":
        "train takes DATA alone, and 'colour' follows it. Did you mean --target colour?",
    "train t.csv u.csv -t t":
        "2 files are given where train takes one DATA; if the shell expanded a pattern, put it in "
        "quotes, such as '*.csv', and all its files are read as one table.",
    "inspect a b c": "inspect takes MODEL alone; leave out 'b' and 'c'.",
    "evaluate": "MODEL is missing; expected a .safetensors file that `train` has saved.",
    "export m": "--to is missing; expected --to FORMAT: onnx, for ONNX runtimes; numpy, a Python "
                "file that needs only NumPy.",
    "trai": "there is no command 'trai'. Did you mean 'train'?",
    "report": "there is no command 'report'; expected --report as an option of 'backhand train' "
              "or 'backhand evaluate'.",
}  # fmt: skip


@pytest.mark.parametrize("typed", REFUSED)
def test_what_is_wrong_is_told_in_one_sentence(tmp_path, monkeypatch, capsys, typed) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("t.csv", "u.csv"):
        (tmp_path / name).write_text(TABLE)
    monkeypatch.setattr(sys, "argv", ["backhand", *typed.split()])
    assert _run() == 2
    printed = capsys.readouterr()
    assert printed.err == f"backhand: {REFUSED[typed]}\n" and not printed.out


def test_settings_have_their_names_of_python_in_python() -> None:
    with pytest.raises(backhand.InputError, match=r"^test_size is 20; expected None or a number"):
        backhand.fit({"x": [1, 2], "t": [0, 1]}, "t", test_size=20)
    with pytest.raises(backhand.InputError, match=r"^members is of the search; omit it or quick"):
        backhand.fit({"x": [1, 2], "t": [0, 1]}, "t", quick=True, members=2)
    with pytest.raises(backhand.InputError, match=r"add early_stopping=True"):
        backhand.fit({"x": [1, 2], "t": [0, 1]}, "t", quick=True, patience=2)


def test_a_number_of_bytes_a_folder_and_a_pattern_say_what_was_meant(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "parts").mkdir()
    for name in ("a.parquet", "b.parquet", "c.txt"):
        (tmp_path / "parts" / name).write_text("")
    for given, said in {
        "parts": r"name a file in it, or a glob such as 'parts/\*.parquet'",
        "parts/*.csv": r"parts/\*.csv does not exist in .*; there are files that end in .parquet",
    }.items():
        with pytest.raises(backhand.InputError, match=said):
            backhand.read_table(given)
    with pytest.raises(backhand.InputError, match="the memory 200 bytes is too small; expected 64"):
        backhand.read_table("parts/a.parquet", memory="200")


REFUSED_COLUMNS = {
    "--keep foo": "no column 'foo'. Available: 'x' and 'colour'.",
    "--drop x,colour": "but 'x' and 'colour'; name each by itself",
    "--date-order ymd": "--date-order is 'ymd'; expected 'dmy' or 'mdy'.",
    "--optimizer adamw": "Did you mean 'adam'? Available: 'sgd', 'momentum', 'nesterov' and",
    "--output model.pkl": "model.pkl must not end in .pkl: it is a safetensors file",
    "--query SELECT_*_FROM_u": "Table with name u does not exist; DATA is the table data",
}


@pytest.mark.parametrize("typed", REFUSED_COLUMNS)
def test_what_is_wrong_with_a_choice_is_told(tmp_path, monkeypatch, typed) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text(TABLE)
    arguments = [one.replace("_", " ") for one in typed.split()]
    arguments[0] = typed.split()[0]
    assert REFUSED_COLUMNS[typed] in run("train", "t.csv", "-t", "t", *arguments, expect=2).stderr


def test_a_file_that_was_replaced_is_told_with_its_time(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text(TABLE)
    train = ("train", "t.csv", "-t", "t", "--quick", "--epochs", 1, "-o", "model.2")
    predict = ("predict", "model.2", "t.csv", "-o", "p.csv")
    assert "Saved model.2\n" in run(*train).stdout and "p.csv\n" in run(*predict).stderr
    for name in ("model.2", "p.csv"):
        os.utime(tmp_path / name, (0, 86_400 * 365))
    told = r" \(replaced the one of 1970-12-31 \d\d:00\)\n| \(replaced the one of 1971-01-01 .*\)\n"
    assert re.search(f"Saved model.2({told})", run(*train).stdout)
    assert re.search(f"p.csv({told})", run(*predict).stderr)
    (event,) = map(json.loads, run(*predict, "--json").stdout.splitlines())
    assert event["replaced"] > "2000"


def test_a_file_of_functions_is_answered_with_one_of_them(tmp_path) -> None:
    file = tmp_path / "net.py"
    file.write_text("def helper(x):\n    pass\n\n\ndef backward(X):\n    pass\n")
    with pytest.raises(backhand.InputError, match=r"such as .*net\.py:backward\.$"):
        load_function(str(file))
    with pytest.raises(backhand.InputError, match="dS is ''; expected dS=POINTS"):
        parse_points("dS")
    result = run("grade", f"{file}:backwards")
    assert "no submission has the function." in result.stderr
    assert "Did you mean 'backward'?" in result.stderr
