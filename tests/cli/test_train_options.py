"""The options of `backhand train`: all settings, how they are shown, and which contradict."""

import json
import re
from dataclasses import fields

import numpy as np
import pandas as pd
import pytest

import backhand
from backhand.cli.train_options import TITLES
from backhand.table_settings import Settings
from backhand.training.config import TrainConfig
from helpers.command_line import run

QUICK = ("--quick", "--epochs", 3, "--hidden", 4, "--batch-size", 32)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working folder with the table `t.csv`, of three groups and ten days."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    x = rng.normal(size=120).round(2)
    table = pd.DataFrame({
        "x": x, "g": rng.choice(["p", "q", "r"], 120), "day": np.arange(120) // 12,
        "t": np.where(x + rng.normal(size=120) > 0.5, "a", "b"),
    })  # fmt: skip
    table.to_csv("t.csv", index=False)
    return tmp_path


def train(*arguments, expect=0):
    return run("train", "t.csv", "-t", "t", *QUICK, *arguments, expect=expect)


def test_every_setting_of_a_training_is_an_option_with_a_help() -> None:
    printed = run("train", "--help").stdout
    for declared in fields(Settings):
        option = "--" + declared.name.replace("_", "-")
        entry = re.search(rf"^  {option}\b.*?\s{{2,}}(\S.*)$", printed, re.MULTILINE | re.DOTALL)
        assert entry, f"{option} has no help"
    assert {f.name for f in fields(TrainConfig)} <= {f.name for f in fields(Settings)}
    titles = re.findall(r"^(\S.*):$", printed, re.MULTILINE)
    assert [
        *TITLES.values(),
        "File",
        "Columns",
        "Memory, disk and checkpoints",
        "Engine",
        "Workers",
    ] == titles[2:12]


GIVEN = {
    "--dropout 0.25": ("dropout", 0.25),
    "--class-weight balanced": ("class_weight", "balanced"),
    "--early-stopping --patience 4": ("early_stopping.patience", 4),
    "--early-stopping --tol 0.01": ("early_stopping.min_delta", 0.01),
    "--early-stopping --monitor validation_accuracy": (
        "early_stopping.monitor", "validation_accuracy"),
    "--early-stopping --validation-fraction 0.3": ("validation_fraction", 0.3),
    "--early-stopping --validation-every 2": ("validation_every", 2),
    "--optimizer nesterov --momentum 0.7": ("optimizer.momentum", 0.7),
    "--beta-1 0.8": ("optimizer.beta_1", 0.8),
    "--beta-2 0.99": ("optimizer.beta_2", 0.99),
    "--epsilon 0.001": ("optimizer.epsilon", 0.001),
    "--schedule invscaling --power-t 0.3": ("power_t", 0.3),
    "--early-stopping --schedule adaptive": ("schedule", "adaptive"),
    "--warmup 0.5": ("warmup", 0.5),
    "--l2 0.01": ("l2", 0.01),
    "--alpha 0.5": ("alpha", 0.5),
    "--no-shuffle": ("shuffle", False),
    "--group g": ("group", "g"),
    "--time day": ("time", "day"),
    "--cv 2": ("cv", 2),
    "--validation t.csv": ("validation", "t.csv"),
}  # fmt: skip


def test_what_is_given_is_in_the_model_and_changes_it(here) -> None:
    train("-o", "plain.safetensors")
    plain = backhand.load("plain.safetensors")
    for typed, (name, value) in GIVEN.items():
        train("-o", "m.safetensors", *typed.split(), "--engine", "reference")
        model = backhand.load("m.safetensors")
        assert model.hyperparameters[name] == value, typed
        differs = model.params.W1.shape != plain.params.W1.shape or not np.allclose(
            model.params.W1, plain.params.W1, rtol=1e-4
        )
        assert differs or typed == "--early-stopping --validation-every 2", typed
    assert "power_t 0.3" not in run("inspect", "m.safetensors").stdout
    train("-o", "m.safetensors", "--dropout", 0.25)
    assert "dropout 0.25" in run("inspect", "m.safetensors").stdout


CONTRADICTIONS = {
    "--cv 3 --test-size 0.1": "--cv and --test-size both say which rows are held out",
    "--cv 3 --validation t.csv": "--validation and --cv both say",
    "--validation t.csv --test-size 0.2": "--validation and --test-size both say",
    "--validation t.csv --group g": "--validation and --group both say",
    "--validation t.csv --time day": "--validation and --time both say",
    "--group g --time day": "--group and --time both say",
    "--momentum 0.5": "is of the optimizer momentum or nesterov, and the optimizer is adam",
    "--optimizer sgd --beta-1 0.5": "--beta-1 is of the optimizer adam",
    "--patience 3": "--patience is of early stopping; add --early-stopping",
    "--power-t 1": "add --schedule invscaling",
    "--schedule adaptive": "add --early-stopping",
    "--early-stopping --monitor loss --validation-fraction 0.1": "omit --validation-fraction",
    "--cv 3 --checkpoint c": "--cv has several; omit one",
    "--cv 1": "--cv is 1; expected an integer of 2 or more, at most 200",
    "--class-weight even": "--class-weight is 'even'. Available: 'balanced'",
    "--optimizer momentum --momentum 1": "momentum of momentum is 1.0; expected",
    "--dropout 1": "--dropout is 1.0; expected",
    "--early-stopping --patience 0": "patience is 0; expected",
    "--early-stopping --monitor recall": "--monitor is 'recall'. Available: 'validation_loss'",
    "--test-size 0.99": "--test-size is 0.99; expected",
    "--group t": "--group names the target",
    "--group g --keep g": "cannot be kept",
    "--time g": "holds texts such as 'p'",
    "--validation no.csv": "no.csv does not exist",
}  # fmt: skip


def test_what_contradicts_is_refused_in_one_sentence(here) -> None:
    for typed, said in CONTRADICTIONS.items():
        result = train(*typed.split(), expect=2)
        assert said in result.stderr and result.stderr.count("\n") == 1, (typed, result.stderr)
        assert not (here / "t.safetensors").exists() and not (here / "c").exists()


def test_the_report_says_how_the_rows_were_divided(here) -> None:
    said = {
        "--group g": " held out (1 of 3 groups of g)",
        "--time day": "96 to train on, 24 held out (day from 8 on)",
        "--validation t.csv": "120 to train on, 120 held out (all of t.csv)",
        "--early-stopping": "86 to train on, 10 for early stopping, 24 held out",
        "--cv 4": "120 to train on; before that, 4 folds",
        "--cv 3 --group g": "120 to train on; before that, 3 folds, by g",
    }
    for typed, line in said.items():
        printed = train(*typed.split()).stdout
        assert line in printed, (typed, printed)


def test_folds_are_reported_with_intervals_and_as_json(here) -> None:
    printed = train("--cv", 3).stdout
    line = re.search(r"^accuracy\s+([\d.]+)\s+([\d.]+) to ([\d.]+)", printed, re.MULTILINE)
    mean, low, high = map(float, line.groups())
    assert low < mean < high
    assert "The model that is saved is trained on all 120 rows." in printed
    events = [json.loads(line) for line in train("--cv", 3, "--json").stdout.splitlines()]
    names = [event["event"] for event in events]
    assert names.count("fold") == 3 and names[-1] == "result"
    figures = events[-1]["cross_validation"]["figures"]
    assert figures["accuracy"]["mean"] == pytest.approx(mean, abs=1e-4)
    assert (
        backhand.load("t.safetensors").metrics["held_out_accuracy"] == figures["accuracy"]["mean"]
    )


def test_early_stopping_says_which_epoch_it_kept(here) -> None:
    arguments = ("--early-stopping", "--patience", 2, "--epochs", 40, "--learning-rate", 0.1)
    printed = train(*arguments).stdout
    line = re.search(r"Stopped after (\d+) epochs; the model is that of epoch (\d+)", printed)
    stopped, best = map(int, line.groups())
    assert stopped == best + 2 < 40
    events = [json.loads(line) for line in train(*arguments, "--json").stdout.splitlines()]
    assert events[-1]["best_epoch"] == best
    measured = [event for event in events if event["event"] == "progress"]
    assert "validation_accuracy" in measured[-1] and "held_out_accuracy" not in measured[-1]


def test_another_tables_model_is_not_replaced_without_a_word(here) -> None:
    assert train("-o", "m.safetensors").stderr == ""
    assert train("-o", "m.safetensors", "--seed", 1).stderr == "", "of the same table"
    said = train("-o", "m.safetensors", "--drop", "g").stderr
    assert "m.safetensors, which will be replaced when training ends" in said
    assert "predicts 't' from 'day', 'g' and 'x'" in said and said.count("\n") == 1
    (here / "u.csv").write_text("x,u\n" + "1,a\n2,b\n" * 20)
    assert "replaced" in run("train", "u.csv", "-t", "u", "-o", "m.safetensors", *QUICK).stderr


def test_arguments_in_each_others_place_are_told(here) -> None:
    train("-o", "m.safetensors")
    for arguments, said in (
        (
            ("train", "--quick", "m.safetensors", "-t", "t"),
            "m.safetensors is a model file, and a table is",
        ),
        (
            ("train", "--quick", "t.csv", "-t", "t", "--validation", "m.safetensors"),
            "is a model file, and a",
        ),
        (("predict", "t.csv", "m.safetensors"), "m.safetensors is one; give the model first"),
        (("evaluate", "t.csv", "m.safetensors"), "m.safetensors is one; give the model first"),
        (("evaluate", "t.csv"), "t.csv is not a model file; give the .safetensors file that"),
        (("predict", "m.safetensors", "m.safetensors"), "is a model file; give a table after"),
    ):
        result = run(*arguments, expect=2)
        assert said in result.stderr and result.stderr.count("\n") == 1


def test_resuming_with_another_setting_is_refused(here) -> None:
    train("--checkpoint", "c", "--every", "1epochs", "--dropout", 0.1)
    train("--checkpoint", "c", "--resume", "--dropout", 0.1)
    for typed in ("--dropout 0.2", "--dropout 0.1 --class-weight balanced",
                  "--dropout 0.1 --group g", "--dropout 0.1 --time day"):  # fmt: skip
        said = train("--checkpoint", "c", "--resume", *typed.split(), expect=2).stderr
        assert "belongs to a training run with other" in said.splitlines()[-1]
