"""Standard streams of every kind, and what a finished training survives."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

import backhand
from backhand.cli.reports.output import json_line
from backhand.cli.written_output import INCOMPLETE
from backhand.errors import InputError, OutputError
from backhand.support.visible_text import printable
from backhand.tabular import learning
from backhand.training.checkpoints import file_format
from helpers.command_line import run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="files and signals of POSIX")

BACKHAND = f"{sys.executable} -m backhand"
FUNCTION = "def f(X, y, W1, b1, W2, b2):\n    return {'dW1': W1 * 0}\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A table with characters that few encodings have, its model, and a function to check."""
    path = tmp_path_factory.mktemp("surroundings")
    rows = "".join(f"{i},{i % 7},{('жук', 'hé')[i % 2]}\n" for i in range(60))
    (path / "t.csv").write_text("größe,z,t\n" + rows, encoding="utf-8")
    (path / "f.py").write_text(FUNCTION)
    run(
        "train", "--quick", path / "t.csv", "-t", "t", "--epochs", "2", "-o", path / "m.safetensors"
    )
    return path


class Command(NamedTuple):
    """Arguments, the exit code they have where all is well, and the file they write."""

    arguments: str
    code: int = 0
    output: str = ""


COMMANDS = {
    "train": Command("train {f}/t.csv -t t --quick --epochs 2 -o new.safetensors", 0,
                     "new.safetensors"),
    "train json": Command("train {f}/t.csv -t t --quick --epochs 2 --json -o new.safetensors", 0,
                          "new.safetensors"),
    "predict": Command("predict {f}/m.safetensors {f}/t.csv"),
    "predict to a file": Command("predict {f}/m.safetensors {f}/t.csv -o p.csv", 0, "p.csv"),
    "evaluate": Command("evaluate {f}/m.safetensors {f}/t.csv"),
    "inspect": Command("inspect {f}/m.safetensors"),
    "inspect json": Command("inspect {f}/m.safetensors --json"),
    "export": Command("export {f}/m.safetensors --to numpy -o e.py", 0, "e.py"),
    "check": Command("check {f}/f.py:f", 1),
    "compare": Command("compare --epochs 2 --every 1"),
    "bench": Command("bench --quick --shape 8,2,2,2"),
    "help": Command("--help"),
    "help of train": Command("train --help"),
    "version": Command("--version"),
    "wrong input": Command("inspect none.safetensors", 2),
    "wrong option": Command("inspect --none", 2),
}  # fmt: skip


class Surroundings(NamedTuple):
    """How a shell starts a command; whether standard output is lost, as 1 is then its exit code."""

    shell: str
    lost: bool = False


SURROUNDINGS = {
    "utf-8": Surroundings("PYTHONIOENCODING=utf-8 {command}"),
    "latin-1": Surroundings("PYTHONIOENCODING=latin-1 {command}"),
    "ascii": Surroundings("PYTHONIOENCODING=ascii:strict {command}"),
    "cp1252": Surroundings("PYTHONIOENCODING=cp1252 {command}"),
    "LANG=C": Surroundings("LANG=C LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0 {command}"),
    "unbuffered": Surroundings("PYTHONUNBUFFERED=1 {command}"),
    "warnings are errors": Surroundings("PYTHONWARNINGS=error {command}"),
    "stdout closed": Surroundings("{command} >&-"),
    "stderr closed": Surroundings("{command} 2>&-"),
    "all closed": Surroundings("{command} <&- >&- 2>&-"),
    "stdout full": Surroundings("{command} >/dev/full", lost=True),
    "stderr full": Surroundings("{command} 2>/dev/full"),
    "no reader": Surroundings("( {command}; echo $? >code ) | true; exit $(cat code)", lost=True),
}

QUICK = {("inspect", "ascii"), ("inspect json", "ascii"), ("train", "latin-1"),
         ("help of train", "latin-1"), ("train", "all closed"), ("wrong input", "stderr full"),
         ("wrong option", "stderr full"), ("train json", "stdout full")}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "where"),
    [
        pytest.param(name, where, marks=[] if (name, where) in QUICK else pytest.mark.slow)
        for name in COMMANDS
        for where in SURROUNDINGS
    ],
)
def test_a_command_ends_as_it_should_whatever_its_streams_are(folder, tmp_path, name, where):
    command, surroundings = COMMANDS[name], SURROUNDINGS[where]
    line = f"{BACKHAND} {command.arguments.format(f=folder)}"
    done = subprocess.run(surroundings.shell.format(command=line), shell=True, cwd=tmp_path,
                          capture_output=True, timeout=300, check=False)  # fmt: skip
    said = done.stderr.decode(errors="replace")
    assert "Traceback" not in said and "internal error" not in said and "ignored in" not in said, (
        said
    )
    prints = command.code != 2 and name != "predict to a file"
    expected = 1 if surroundings.lost and prints else command.code
    if name == "predict" and where in ("stdout closed", "all closed"):
        expected = 2  # all that it would do is to print
    assert done.returncode == expected, said
    if surroundings.lost and name.startswith("train"):
        # It is known before the first epoch, or the reader left by then.
        assert not (tmp_path / command.output).exists()
    elif command.output and not surroundings.lost:
        assert (tmp_path / command.output).exists()
    if name.endswith("json") and done.returncode == 0 and done.stdout:
        printed = done.stdout.decode(where if where in ("latin-1", "cp1252") else "utf-8")
        events = [json.loads(line) for line in printed.splitlines()]
        assert name == "train json" or events[0]["classes"] == ["hé", "жук"]


def test_nothing_invisible_reaches_a_terminal() -> None:
    odd = "a\x1b[31m\u202e\u2066\u200b\u00ad\u3164\uffa0\u2800\ufe0f\U000e0101\u0085\ud800\n"
    shown = printable(odd)
    assert shown.isascii() and shown.isprintable() and shown.startswith("a\\x1b[31m\\u202e")
    assert printable("größe, жук, 漢字, नमस्ते") == "größe, жук, 漢字, नमस्ते"
    line = json_line({"name": odd[:-2] + "жук"}, "utf-8")
    assert line.isprintable() and "жук" in line and "\\u202e" in line
    assert json.loads(line) == {"name": odd[:-2] + "жук"}
    assert json_line({"name": "жук 🐞"}, "latin-1").isascii()
    assert json.loads(json_line({"name": "жук 🐞"}, "latin-1")) == {"name": "жук 🐞"}


def test_names_are_escaped_and_cut_wherever_they_are_printed(folder, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    name = "a\x1b[31m\u202eb"
    for arguments in (("train", "--quick", folder / "t.csv", "-t", "t", "--epochs", "1", "-o",
                       f"{name}.st"),
                      ("predict", folder / "m.safetensors", folder / "t.csv", "-o", f"{name}.csv"),
                      ("export", folder / "m.safetensors", "--to", "numpy", "-o", f"{name}.py"),
                      ("inspect", f"{name}.st"), ("inspect", f"{name}.none"),
                      ("train", "--quick", folder / "t.csv", "-t", name)):  # fmt: skip
        done = run(*arguments, expect=None)
        assert "\x1b" not in done.output and "\u202e" not in done.output
    (tmp_path / "long.csv").write_text("x" * 10**5 + ",t\n" + "1,a\n2,b\n" * 9)
    for target in ("y", "t"):
        done = run("train", "--quick", "long.csv", "-t", target, "--epochs", "1", "-o",
                   "long.safetensors", expect=None)  # fmt: skip
        assert len(done.output) < 3000
    assert len(run("inspect", "long.safetensors").output) < 3000


@pytest.mark.parametrize("class_", ["b" * 1001])
def test_what_saving_would_refuse_is_refused_before_the_first_epoch(tmp_path, class_) -> None:
    rows = "".join(f"{i / 7},{('a', class_)[i % 2]}\n" for i in range(40))
    (tmp_path / "t.csv").write_text("x,t\n" + rows)
    done = run("train", "--quick", tmp_path / "t.csv", "-t", "t", "--epochs", "2", "--json",
               "-o", tmp_path / "m.safetensors", expect=2)  # fmt: skip
    assert "1,001" in done.stderr
    assert '"progress"' not in done.stdout


def test_a_category_and_a_history_that_no_file_holds_are_refused_before_the_first_epoch(
    tmp_path, monkeypatch
) -> None:
    from backhand.table_settings import Settings
    from backhand.tabular.training import fit_table, prepare_table

    def train(*_, **__):
        pytest.fail("it trains")

    monkeypatch.setattr("backhand.tabular.learning.train_data", train)
    categories = ("u" * (2**20 + 1), "v")
    rows = "".join(f"{categories[i % 2]},{'ab'[i // 2 % 2]}\n" for i in range(8))
    (tmp_path / "t.csv").write_text("x,t\n" + rows)
    settings = Settings(quick=True, epochs=1, test_size=0.0)
    prepared = prepare_table(backhand.read_table(tmp_path / "t.csv"), "t", settings)
    with pytest.raises(InputError, match="1,048,577"):
        fit_table(prepared, settings)
    (tmp_path / "t.csv").write_text("x,t\n" + rows.replace("u", ""))
    settings = Settings(quick=True, epochs=2_000_000, test_size=0.0)
    prepared = prepare_table(backhand.read_table(tmp_path / "t.csv"), "t", settings)
    with pytest.raises(InputError, match="2,000,000 epochs"):
        fit_table(prepared, settings)


def test_the_model_is_saved_before_it_is_evaluated_and_reported(
    folder, tmp_path, monkeypatch
) -> None:
    def fails(*_, **__):
        raise MemoryError

    output = tmp_path / "m.safetensors"
    arguments = ("train", "--quick", folder / "t.csv", "-t", "t", "--epochs", "1", "-o", output)
    for place in (
        "backhand.tabular.training.Tally",
        "backhand.cli.reports.training.show_evaluation",
    ):
        with monkeypatch.context() as patch:
            patch.setattr(place, fails)
            done = run(*arguments, expect=1)
        assert (
            "not enough memory" in done.stderr and f"The model is saved in {output}" in done.stderr
        )
        assert "class_rows" in backhand.load(output).metrics
        output.unlink()


def test_a_model_that_cannot_be_saved_where_it_was_wanted_is_kept(
    folder, tmp_path, monkeypatch
) -> None:
    """Its folder is removed while it is trained."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "refuge").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "refuge"))
    train = learning.train_data

    def and_remove(*arguments, **options):
        result = train(*arguments, **options)
        (tmp_path / "sub").rmdir()
        return result

    monkeypatch.setattr(learning, "train_data", and_remove)
    output = tmp_path / "sub" / "m.safetensors"
    done = run(
        "train", "--quick", folder / "t.csv", "-t", "t", "--epochs", "2", "-o", output, expect=1
    )
    assert "The trained model is in" in done.stderr
    (kept,) = (tmp_path / "refuge").glob("backhand-model-*/m.safetensors")
    assert str(kept) in done.stderr and backhand.load(kept).sizes[2] == 2


def test_where_a_model_can_be_saved_nowhere_nothing_is_left(tmp_path, monkeypatch) -> None:
    from backhand.cli.train import save_or_rescue

    def full(*_):
        raise OutputError("no space is left.")

    monkeypatch.setattr("backhand.model.save", full)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(OutputError, match=r"^no space is left\.$"):
        save_or_rescue(None, tmp_path / "m")
    assert not list(tmp_path.iterdir())


def test_a_reader_that_leaves_at_the_last_line_loses_no_model(folder, tmp_path) -> None:
    """All epochs are done: the model is saved, and then the lost output is reported."""
    script = """
import backhand.cli.reports.progress as progress
def lost(training):
    raise BrokenPipeError(32, "Broken pipe")
progress.print_line = lost
from backhand.__main__ import main
main()
"""
    output = tmp_path / "m.safetensors"
    done = subprocess.run(
        [sys.executable, "-c", script, "train", folder / "t.csv", "-t", "t", "--epochs", "1",
         "--json", "-o", output], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert backhand.load(output).metrics["held_out_rows"]


def started(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "backhand", "train", "--quick", str(folder / "t.csv"), "-t", "t",
         "--json", "--epochs", "1000000", "--threads", "1", *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_when_the_reader_closes_the_pipe_training_ends_with_a_checkpoint(folder, tmp_path) -> None:
    kept = tmp_path / "kept"
    process = started(
        folder, "--checkpoint", kept, "--every", "1h", "-o", tmp_path / "m.safetensors"
    )
    assert any('"progress"' in line for line in process.stdout)
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) == 1
    assert str(kept) in said and "Traceback" not in said
    assert len(list(kept.glob("checkpoint*"))) == 1


def test_what_a_callback_raises_loses_no_training(tmp_path) -> None:
    def fails(progress):
        if progress.epoch == 3:
            raise ZeroDivisionError("of the callback's own")

    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((40, 3)), np.arange(40) % 2
    options = {"epochs": 5, "callbacks": [fails]}
    keep = backhand.Checkpoint(tmp_path / "kept", "1h")
    with pytest.raises(ZeroDivisionError) as raised:
        backhand.train(backhand.init(3, 4, 2), X, y, **options, checkpoint=keep)
    assert "3 of 5 epochs" in raised.value.__notes__[0]
    found = [file_format.read(path)[1] for path in (tmp_path / "kept").glob("checkpoint*")]
    assert [header["done"] for header in found] == [3]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=lambda n: n.name)
def test_a_signal_ends_a_training_with_its_own_exit_code(folder, tmp_path, number) -> None:
    kept = tmp_path / "kept"
    process = started(
        folder, "--checkpoint", kept, "--every", "1h", "-o", tmp_path / "m.safetensors"
    )
    assert any('"progress"' in line for line in process.stdout)
    process.send_signal(number)
    process.send_signal(signal.SIGHUP)  # the same wish, not another
    _, said = process.communicate(timeout=60)
    assert process.returncode == 128 + number and "--resume" in said
    assert len(list(kept.glob("checkpoint*"))) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM])
def test_a_reader_that_pauses_does_not_hold_up_a_signal(folder, tmp_path, number) -> None:
    rows = "".join(f"{i},{i % 7}\n" for i in range(300_000))
    (tmp_path / "long.csv").write_text("größe,z\n" + rows, encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "backhand", "predict", str(folder / "m.safetensors"),
         str(tmp_path / "long.csv")], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout.read(1)
    process.send_signal(number)
    try:
        assert process.wait(60) == 128 + number
        assert process.stderr.read() == (f"backhand: interrupted; {INCOMPLETE}.\n")
    finally:
        process.kill()
        process.stdout.close()
        process.stderr.close()


def test_nohup_is_respected(folder, tmp_path) -> None:
    line = f"trap '' HUP; exec {BACKHAND} inspect {folder}/m.safetensors --json"
    process = subprocess.Popen(["sh", "-c", line], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    time.sleep(0.1)
    os.kill(process.pid, signal.SIGHUP)
    out, said = process.communicate(timeout=60)
    assert process.returncode == 0 and json.loads(out)["H"], said
