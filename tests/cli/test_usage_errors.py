"""Options and arguments that the parser refuses: one sentence each, with what was expected."""

import sys

import pytest

import backhand
from backhand.__main__ import _run

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
