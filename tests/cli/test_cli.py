"""The commands, as a user types them: what they print, write and refuse."""

import csv
import io
import json
import os
import pty
import re
import subprocess
import sys
import time

import duckdb
import numpy as np
import pytest

import backhand
from backhand.cli.glossary import GLOSSARY, TERMS
from backhand.cli.written_output import NOTHING
from helpers.command_line import run

QUICK = ("--quick", "--epochs", "5")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def model(here, penguins):
    run("train", penguins, "--target", "species", "-o", "m.safetensors", *QUICK)
    return here / "m.safetensors"


def write(path, text: str):
    path.write_text(text)
    return path


def test_the_demo_reaches_its_accuracy_and_shows_what_it_did(here, penguins) -> None:
    printed = run("train", "--quick", penguins, "--target", "species").stdout
    assert float(re.search(r"Held-out accuracy ([\d.]+)", printed)[1]) >= 0.97
    for said in ("344", "3: Adelie 152, Chinstrap 68, Gentoo 124", "island (3), sex (2)", "sex 11",
                 "15 features → 128 hidden (ReLU) → 3 classes", "275 to train on, 69 held out",
                 "precision", "Confusion matrix", "Saved penguins.safetensors",
                 "backhand predict penguins.safetensors"):  # fmt: skip
        assert said in printed, said
    assert "\x1b" not in printed, "no colours and no bar where output is no terminal"
    assert [p.name for p in here.iterdir()] == ["penguins.safetensors"]


def test_training_again_gives_the_same_bytes(here, penguins) -> None:
    for name in ("a", "b", "c"):
        seed = ("--seed", 1) if name == "c" else ()
        run("train", penguins, "-t", "species", "-o", f"{name}.safetensors", *QUICK, *seed)
    a, b, c = ((here / f"{name}.safetensors").read_bytes() for name in "abc")
    assert a == b != c


def test_json_is_one_object_per_line(here, penguins) -> None:
    printed = run("train", penguins, "-t", "species", "--json", *QUICK).stdout
    events = [json.loads(line) for line in printed.splitlines()]
    slow = {"loading", "reading", "preparing"}  # on a busy machine
    events = [event for event in events if event["event"] not in slow]
    names = [event["event"] for event in events]
    assert names[:2] == ["table", "model"] and names[-1] == "result"
    assert set(names[2:-1]) == {"progress"} and events[-2]["epoch"] == 5
    assert events[0]["classes"] == {"Adelie": 152, "Chinstrap": 68, "Gentoo": 124}
    assert events[-1]["output"] == "penguins.safetensors"
    assert 0 <= events[-2]["held_out_accuracy"] <= 1
    assert 0 <= events[-1]["held_out"]["accuracy"] <= 1
    for command in (("evaluate", "penguins.safetensors", penguins, "--json"),
                    ("inspect", "penguins.safetensors", "--json")):  # fmt: skip
        assert len(run(*command).stdout.splitlines()) == 1
    assert json.loads(run("inspect", "penguins.safetensors", "--json").stdout)["H"] == 128


def test_predict_adds_columns_to_the_rows(model, penguins, here) -> None:
    rows = list(csv.DictReader(io.StringIO(run("predict", model, penguins).stdout)))
    original = list(csv.DictReader(penguins.read_text().splitlines()))
    assert len(rows) == len(original) == 344
    assert list(rows[0]) == [*original[0], "prediction", "probability_Adelie",
                             "probability_Chinstrap", "probability_Gentoo"]  # fmt: skip
    assert [row["island"] for row in rows] == [row["island"] for row in original]
    P = np.array([[float(row[f"probability_{c}"]) for c in backhand.load(model).classes]
                  for row in rows])  # fmt: skip
    np.testing.assert_allclose(P.sum(axis=1), 1, rtol=1e-5)
    predicted = np.array(backhand.load(model).classes)[P.argmax(axis=1)]
    assert [row["prediction"] for row in rows] == predicted.tolist()
    for name in ("p.csv", "p.parquet", "p.csv.gz"):
        run("predict", model, penguins, "-o", name)
        found = duckdb.sql(f"SELECT prediction FROM '{here / name}'").fetchall()
        assert [row[0] for row in found] == predicted.tolist()
    few = run("predict", model, penguins, "--query", "SELECT * FROM data LIMIT 3").stdout
    assert len(few.splitlines()) == 4


def test_predict_gives_back_names_and_classes_as_they_are(here) -> None:
    nasty = 'a"; DROP TABLE rows; --'
    table = io.StringIO()
    csv.writer(table).writerows([(nasty, "t"), *((k, ("it's", 'q"')[k % 2]) for k in range(20))])
    write(here / "t.csv", table.getvalue())
    run("train", "t.csv", "-t", "t", *QUICK)
    rows = list(csv.reader(io.StringIO(run("predict", "t.safetensors", "t.csv").stdout)))
    assert rows[0] == [nasty, "t", "prediction", "probability_it's", 'probability_q"']
    assert {row[2] for row in rows[1:]} <= {"it's", 'q"'} and len(rows) == 21


@pytest.mark.filterwarnings("ignore:the classes:backhand.errors.BackhandWarning")
def test_predict_keeps_classes_and_columns_apart_that_differ_by_case(here) -> None:
    write(
        here / "t.csv",
        "a,A,t\n" + "".join(f"{k},{k % 3},{('hid', 'hId')[k % 2]}\n" for k in range(20)),
    )
    run("train", "t.csv", "-t", "t", *QUICK)
    printed = run("predict", "t.safetensors", "t.csv").stdout
    assert printed.splitlines()[0] == "a,A,t,prediction,probability_hId,probability_hid"
    result = run("predict", "t.safetensors", "t.csv", "-o", "p.parquet", expect=2)
    assert "differ by upper and lower case only" in result.stderr
    assert not (here / "p.parquet").exists()


def test_predict_writes_a_csv_file_back_to_the_character(here, model, penguins) -> None:
    rows = run("predict", model, penguins).stdout.splitlines()
    assert [row.rsplit(",", 4)[0] for row in rows] == penguins.read_text().splitlines()
    odd = ["12345678901234567890123,0.640,1e3,01/02/2024,NA,007,True,\"a,\"\"b\"",
           "9007199254740993,.5,2,13/02/2024,?,08,False,None"]  # fmt: skip
    good = "bill_length_mm,bill_depth_mm,flipper_length_mm,body_mass_g,year,island,sex"
    lines = [f"{row},39.1,18.7,181,3750,2007,Dream,male" for row in odd]
    write(here / "t.csv", "\n".join([f"id,x,y,d,country,z,b,q,{good}", *lines]) + "\n")
    printed = run("predict", model, "t.csv").stdout.splitlines()
    assert [row.rsplit(",", 4)[0] for row in printed[1:]] == lines


def test_evaluate_counts_rows_of_unknown_or_missing_classes(model, penguins, here) -> None:
    assert "(344 " not in run("evaluate", model, penguins).stdout
    query = """SELECT * REPLACE (CASE WHEN year = 2007 THEN NULL
               WHEN year = 2008 AND island = 'Dream' THEN 'Emperor' ELSE species END AS species)
               FROM data"""
    shown = json.loads(run("evaluate", model, penguins, "--query", query, "--json").stdout)
    assert shown["unlabelled"] == 110 and shown["unknown"] == 34 and shown["rows"] == 234
    assert shown["accuracy"] <= 200 / 234


def test_inspect_shows_the_whole_model(model) -> None:
    printed = run("inspect", model).stdout
    for said in ("W1 15×128", "Adelie, Chinstrap, Gentoo", "bill_length_mm", "held_out_accuracy",
                 "learning_rate", "numpy", "Loss by epoch", "○ held out", "penalty"):  # fmt: skip
        assert said in printed, said


def test_compare_prints_the_reference_run() -> None:
    lines = run("compare", "--reference-run").stdout.splitlines()
    assert lines[:8] == [
        "by hand   epoch  50 | loss 0.9842 | acc 0.625",
        "by hand   epoch 100 | loss 0.3256 | acc 0.969",
        "by hand   epoch 150 | loss 0.1020 | acc 1.000",
        "by hand   epoch 200 | loss 0.0477 | acc 1.000",
        "autograd  epoch  50 | loss 0.4812 | acc 0.922",
        "autograd  epoch 100 | loss 0.1280 | acc 1.000",
        "autograd  epoch 150 | loss 0.0550 | acc 1.000",
        "autograd  epoch 200 | loss 0.0318 | acc 1.000",
    ]
    assert re.fullmatch(r"by hand   200 epochs in [\d.]+ ms, [\d,]+ µs per epoch", lines[8])


@pytest.mark.parametrize("extra", [(), ("--l2", 0.01), ("--engine", "torch")])
def test_compare_finds_both_ways_equal(extra, penguins) -> None:
    for data in ((), (penguins, "-t", "species", "--learning-rate", 0.1)):
        printed = run("compare", *data, "--dtype", "float64", "--epochs", 25, "--every", 10,
                      "--json", *extra).stdout  # fmt: skip
        reports = [json.loads(line) for line in printed.splitlines()]
        assert [report["epoch"] for report in reports] == [10, 20, 25]
        for report in reports:
            assert report["gradients"] < 1e-11 and report["weights"] < 1e-12
            for figure in ("loss", "accuracy"):
                assert np.isclose(report["by_hand"][figure], report["autograd"][figure], rtol=1e-12)
    printed = run("compare", "--epochs", 2, *extra).stdout
    assert "largest difference" in printed and "1 thread each" in printed


GOOD = "n,c,t\n" + "".join(f"{k},{'xy'[k % 2]},{'ab'[k // 3 % 2]}\n" for k in range(40))

# What a sentence is about is looked for, not its words: those are the business of the tests of the
# package that raises it.
WRONG_TABLES = {
    "empty file": ("", "t.csv"),
    "header only": ("n,c,t\n", "t.csv"),
    "no target": ("n,c,tt\n1,x,a\n2,y,b\n", "'tt'"),
    "one class": ("n,c,t\n1,x,a\n2,y,a\n", "'a'"),
    "regression": ("n,t\n" + "".join(f"{k},{k * 0.7}\n" for k in range(400)), "--categorical 't'"),
    "ragged": ("n,c,t\n1,x,a\n2,y\n3,x,b\n", "line 3"),
    "not UTF-8": (b"n,c,t\n1,x,a\n2,\xe9,b\n", "line 3"),
    "binary": (bytes(range(256)) * 20, "t.csv"),
}


@pytest.mark.parametrize("name", WRONG_TABLES)
def test_wrong_tables_are_one_sentence_and_exit_2(here, name) -> None:
    text, said = WRONG_TABLES[name]
    (here / "t.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    result = run("train", "--quick", "t.csv", "-t", "t", expect=2)
    assert said in result.stderr and result.stderr.startswith("backhand: ")
    assert len(result.stderr.splitlines()) == 1 and result.stdout == ""
    assert [p.name for p in here.iterdir()] == ["t.csv"], "nothing was written"


WRONG_CALLS = {
    "no such file": (("train", "--quick", "none.csv", "-t", "t"), "none.csv"),
    "nothing to read": (("train", "--quick", "-t", "t"), "query"),
    "no such model": (("predict", "none.safetensors", "t.csv"), "none.safetensors"),
    "not a model": (("predict", "t.csv", "t.csv"), ".safetensors"),
    "other safetensors": (("inspect", "other.safetensors"), "'w'"),
    "a column missing": (("predict", "m.safetensors", "less.csv"), "'c'"),
    "to evaluate, no target": (("evaluate", "m.safetensors", "less.csv"), "'t'"),
    "an unknown engine": (("train", "--quick", "t.csv", "-t", "t", "--engine", "gpu"), "'gpu'"),
    "an unknown rule": (("train", "--quick", "t.csv", "-t", "t", "--optimizer", "x"), "'x'"),
    "no epochs": (("train", "--quick", "t.csv", "-t", "t", "--epochs", 0), "--epochs is 0"),
    "no hidden units": (("train", "--quick", "t.csv", "-t", "t", "--hidden", 0), "--hidden is 0"),
    "all held out": (
        ("train", "--quick", "t.csv", "-t", "t", "--test-size", 1),
        "--test-size is 1",
    ),
    "drop nothing": (("train", "--quick", "t.csv", "-t", "t", "--drop", "N"), "'n'"),
    "output a folder": (("train", "--quick", "t.csv", "-t", "t", "-o", "."), "model file ."),
    "output nowhere": (("train", "--quick", "t.csv", "-t", "t", "-o", "no/m"), "no/m"),
    "odd ending": (("predict", "m.safetensors", "t.csv", "-o", "p.xls"), ".parquet"),
    "twice predicted": (("predict", "m.safetensors", "again.csv"), "'prediction'"),
    "an SQL that writes": (("train", "--quick", "--query", "DROP TABLE x", "-t", "t"), "SELECT"),
    "output an input": (("train", "--quick", "t.csv", "-t", "t", "-o", "./t.csv"), "t.csv"),
    "output the input": (("predict", "m.safetensors", "t.csv", "-o", "t.csv"), "t.csv"),
    "no class known": (("evaluate", "m.safetensors", "t.csv", "-t", "n"), "'a' and 'b'"),
    "drop and use": (
        ("train", "--quick", "t.csv", "-t", "t", "--drop", "n", "--categorical", "n"),
        "'n'",
    ),
    "own data": (("compare", "--reference-run", "t.csv"), "--reference-run"),
    "no data": (("compare", "-t", "t"), "--target"),
    "an odd dtype": (("compare", "--dtype", "half"), "'half'"),
    "no option": (("train", "t.csv"), "--target"),
}


@pytest.mark.parametrize("name", WRONG_CALLS)
def test_wrong_calls_are_reported_and_exit_2(here, name) -> None:
    write(here / "t.csv", GOOD)
    write(here / "less.csv", "n\n1\n")
    write(here / "again.csv", "n,c,prediction\n1,x,a\n")
    run("train", "t.csv", "-t", "t", "-o", "m.safetensors", *QUICK)
    from safetensors.numpy import save_file

    save_file({"w": np.ones(2)}, here / "other.safetensors")
    before = {p: p.read_bytes() for p in here.iterdir()}
    arguments, said = WRONG_CALLS[name]
    result = run(*arguments, expect=2)
    assert said in result.stderr and "Traceback" not in result.output
    assert result.stdout == ""
    assert {p: p.read_bytes() for p in here.iterdir()} == before, "nothing was written"


def test_divergence_exits_1_and_saves_nothing(here) -> None:
    write(here / "t.csv", GOOD)
    result = run("train", "--quick", "t.csv", "-t", "t", "--optimizer", "sgd", "--learning-rate",
                 1e30, "--l2", 1, expect=1)  # fmt: skip
    assert "epoch" in result.stderr and result.stdout.count("accuracy") == 0
    assert [p.name for p in here.iterdir()] == ["t.csv"]


def test_an_unexpected_error_is_no_traceback(here, monkeypatch) -> None:
    def broken(*args, **kwargs):
        raise RuntimeError("boom")

    monkeypatch.setattr("backhand.tables.reading.reader.read_table", broken)
    write(here / "t.csv", GOOD)
    result = run("train", "--quick", "t.csv", "-t", "t", expect=1)
    assert "internal error: RuntimeError: boom" in result.stderr
    assert "BACKHAND_TRACEBACK" in result.stderr and "Traceback" not in result.stderr
    monkeypatch.setenv("BACKHAND_TRACEBACK", "1")
    raised = run("train", "--quick", "t.csv", "-t", "t", expect=1).exception
    assert isinstance(raised, RuntimeError)


def test_an_interrupt_exits_130_and_leaves_nothing(here, penguins) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "backhand", "train", "--quick", penguins, "-t", "species", "--json",
         "--epochs", "1000000"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    for line in process.stdout:
        if '"progress"' in line:
            break
    process.send_signal(2)
    _, said = process.communicate(timeout=10)
    assert process.returncode == 130 and said == f"backhand: interrupted; {NOTHING}.\n"
    assert list(here.iterdir()) == []


@pytest.mark.parametrize("seconds", [0.2, 0.4, 0.7, 1.0])
def test_an_interrupt_at_any_moment_is_no_traceback(here, seconds) -> None:
    write(here / "t.csv", "n,t\n" + "".join(f"{k / 4},{'ab'[k % 2]}\n" for k in range(300_000)))
    process = subprocess.Popen(
        [sys.executable, "-m", "backhand", "train", "--quick", "t.csv", "-t", "t", "--epochs",
         "100000"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    time.sleep(seconds)
    process.send_signal(2)
    _, said = process.communicate(timeout=60)
    if said.startswith("Exception ignored in: <function _get_module_lock"):
        pytest.skip("the interrupt fell into a callback of Python's importing, which swallows it")
    # Before the first line of Backhand's own runs, Python itself answers.
    assert process.returncode in (130, -2), said
    assert "internal error" not in said and (process.returncode == -2 or "Traceback" not in said)
    assert [p.name for p in here.iterdir()] == ["t.csv"]


@pytest.mark.parametrize("arguments", ["--help", "inspect {m}", "predict {m} {p}"])
def test_a_full_output_is_reported(here, model, penguins, arguments) -> None:
    command = f"{sys.executable} -m backhand {arguments.format(m=model, p=penguins)} > /dev/full"
    result = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=60)
    assert result.returncode == 1
    assert result.stderr == "backhand: the output could not be written: No space left on device.\n"


def test_control_characters_of_others_do_not_reach_the_terminal(here) -> None:
    rows = "".join(json.dumps({"a\x1b[31m": k, "t": ("\x1b[1mx", "[bold]y")[k % 2]}) + "\n"
                   for k in range(20))  # fmt: skip
    write(here / "t.jsonl", rows)
    for command in (("train", "t.jsonl", "-t", "t", *QUICK), ("inspect", "t.safetensors")):
        printed = run(*command).stdout
        assert "\x1b" not in printed and "\\x1b[1mx" in printed and "[bold]y" in printed
    assert "\x1b" not in run("train", "--quick", "t.jsonl", "-t", "\x1b", expect=2).stderr


def test_a_closed_pipe_causes_no_traceback(here, model, penguins) -> None:
    command = f"{sys.executable} -m backhand predict {model} {penguins} | head -1"
    result = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=60)
    assert result.stdout.startswith("species,") and "Traceback" not in result.stderr


def test_a_terminal_sees_a_progress_bar(here, penguins) -> None:
    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "backhand", "train", "--quick", str(penguins), "-t", "species"]
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "120"}
    process = subprocess.Popen(command, stdout=follower, stderr=follower, env=environment)
    os.close(follower)
    seen = b""
    while True:
        try:
            part = os.read(leader, 65536)
        except OSError:
            break
        if not part:
            break
        seen += part
    assert process.wait(timeout=60) == 0
    assert re.search(r"epoch \d+/100", seen.decode())
    for said in ("loss", "accuracy", "held-out", "rows/s", "left"):
        assert said in seen.decode()


def test_help_answers_for_every_command() -> None:
    assert "train" in run("--help").stdout
    for command in (
        "train",
        "predict",
        "evaluate",
        "inspect",
        "explain",
        "export",
        "compare",
        "bench",
    ):
        printed = run(command, "--help").stdout
        assert "Usage" in printed and "--help" in printed
        listed = printed[printed.index("Options:") :]
        entries = re.split(r"\n  (?=-)", listed)[1:]
        assert len(entries) >= 2
        for entry in entries:
            assert len(re.split(r"\s{2,}", entry)) > 1, f"{entry} has no help"
    assert run("--version").stdout == f"backhand {backhand.__version__}\n"


def test_help_imports_nothing_heavy() -> None:
    """What keeps `--help` within half a second, without asserting a time."""
    script = "import sys, backhand.cli.app; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout
    loaded = set(modules.split())
    assert not loaded & {"numpy", "duckdb", "sklearn", "torch", "safetensors", "numba", "scipy"}


@pytest.mark.parametrize("option", [("--every", "3s"), ("--resume",)], ids=lambda o: o[0])
def test_options_of_checkpoints_without_a_checkpoint_are_refused(here, penguins, option) -> None:
    result = run("train", "--quick", penguins, "-t", "species", *option, expect=2)
    assert option[0] in result.stderr and "--checkpoint DIR" in result.stderr


def test_the_glossary_explains_every_term_of_the_report(here, penguins) -> None:
    printed = run("train", penguins, "-t", "species", "--epochs", 5).stdout.lower()
    assert TERMS.keys() >= {"held-out rows", "hidden", "softmax", "epoch", "loss", "f1"}
    for term in TERMS.keys() - {"bf16"}:  # which stands there with --precision bf16
        assert term.lower().removesuffix(" rows") in printed, f"{term} is not in the report"
    shown = run("train", "--help").stdout
    assert all(line in shown for line in GLOSSARY.splitlines()[2:])
