"""What the reports show, in consoles of several widths."""

import re
from dataclasses import replace

import numpy as np
import pytest
from rich.cells import cell_len
from rich.console import Console

import backhand
from backhand.cli.reports.chart import chart
from backhand.cli.reports.choice import show_choice
from backhand.cli.reports.evaluation import show_evaluation, show_words
from backhand.cli.reports.model import show_model
from backhand.cli.reports.names import fitting
from backhand.cli.reports.notes import note_lines
from backhand.cli.reports.output import section
from backhand.evaluation import Evaluation, Figure, Tally
from backhand.selection import Chosen, Trial
from backhand.tables.schema.columns import Date, Number
from backhand.tables.schema.notes import Note
from backhand.tables.schema.schema import Schema
from backhand.tabular.choice import choice_in_words, out_of_fold_in_words
from backhand.tabular.curves import curves_in_words
from backhand.training.history import History
from helpers.command_line import run

LONG = ["A", "B", "Emergency landing", "Engine shut down", "Aborted take-off", "Returned to gate"]


def evaluation(classes, rows: int = 600, seed: int = 0) -> Evaluation:
    rng, K = np.random.default_rng(seed), len(classes)
    y = rng.integers(0, K, rows) if rows > K else np.arange(rows) % K
    P = rng.random((rows, K), np.float32) + 0.5 * np.eye(K, dtype=np.float32)[y]
    tally = Tally(list(classes), np.bincount(y, minlength=K).tolist())
    tally.add(P / P.sum(axis=1, keepdims=True), y)
    return tally.result()


def shown(capsys, monkeypatch, width: int, found: Evaluation, **options) -> str:
    monkeypatch.setenv("COLUMNS", str(width))
    show_evaluation(found, "Accuracy", as_json=False, **options)
    return capsys.readouterr().out


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("classes", [["no", "yes"], LONG * 2, [f"c{k}" for k in range(12)]],
                         ids=["two", "long", "twelve"])  # fmt: skip
def test_every_class_is_in_the_matrix_and_no_line_is_too_wide(
    capsys, monkeypatch, width, classes
) -> None:
    classes = [f"{name}{k // 6 or ''}" for k, name in enumerate(classes)]
    found = evaluation(classes)
    printed = shown(capsys, monkeypatch, width, found)
    assert max(map(cell_len, printed.splitlines())) <= width
    blocks = printed[printed.index("Confusion matrix") :].split("\n\n")
    lines = [line.split() for block in blocks for line in block.splitlines()]
    counts = [cell for line in lines for cell in line if re.fullmatch(r"[\d,]+", cell)]
    assert sum(int(cell.replace(",", "")) for cell in counts) == found.rows


def test_many_classes_are_summed_up(capsys, monkeypatch) -> None:
    classes = [f"k{k}" for k in range(40)]
    found = evaluation(classes, 4000)
    printed = shown(capsys, monkeypatch, 80, found)
    assert len(printed.splitlines()) < 50 and "--all-classes" in printed
    assert "5 largest of 40 classes" in printed and "most frequent errors" in printed
    worst = min(found.per_class(), key=lambda row: row["f1"])["class"]
    assert re.search(rf"^{worst} ", printed, re.MULTILINE)
    every = shown(capsys, monkeypatch, 80, found, all_classes=True)
    assert all(re.search(rf"^{name} ", every, re.MULTILINE) for name in classes)
    assert "Confusion matrix" in every and "--all-classes" not in every
    assert max(map(len, every.splitlines())) <= 80


def test_the_baseline_and_the_training_figures_are_beside_the_accuracy(capsys, monkeypatch) -> None:
    found = evaluation(["no", "yes"])
    training = {"accuracy": 0.9876, "loss": 0.0123}
    beside = {"out of fold": {}, "training": training}
    printed = shown(capsys, monkeypatch, 80, found, beside=beside)
    base = found.baseline
    assert f"Always answering '{base.name}' would score {base.accuracy:.4f}" in printed
    low, high = found.figures["roc_auc"][1:]
    assert re.search(
        rf"ROC AUC +{found.figures['roc_auc'].value:.4f}  {low:.4f}–{high:.4f}", printed
    )
    assert "0.9876" in printed and "0.0123" in printed and "out of fold" not in printed
    assert "sample" not in printed


def test_names_are_told_apart_however_narrow() -> None:
    names = ["x" * 50 + "a" + "y" * 50, "x" * 50 + "b" + "y" * 50, "漢字" * 20, "short"]
    for width in (6, 12, 24, 200):
        found = fitting(names, width)
        assert len(set(found)) == len(names) and max(map(cell_len, found)) <= width
        assert found[-1] == "short"
    assert fitting(["Emergency landing"], 12) == ["Emergenc…ing"]
    assert fitting(["a\x1b[31m"], 20) == ["a\\x1b[31m"]


def test_lines_are_wrapped_between_words(capsys) -> None:
    words = [f"column_{k}" for k in range(30)]
    for width in (40, 80):
        out = Console(width=width, soft_wrap=True, highlight=False)
        section(out, "Table", "t.csv", [("numbers", ", ".join(words)), ("path", "x" * 100)])
        lines = capsys.readouterr().out.splitlines()
        assert all(line.startswith(" " * 14) for line in lines[2:] if line and "path" not in line)
        whole = " ".join(line.strip() for line in lines)
        assert ", ".join(words) in whole and "x" * 100 in whole
        assert max(len(line) for line in lines if "xxx" not in line) <= width


def test_the_words_are_explained_on_request(capsys, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    show_words()
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= 60
    for term in ("log loss", "ROC AUC", "balanced accuracy", "epoch", "held-out", "recall"):
        assert term in printed


def test_train_warns_in_the_report_and_in_json(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    rows = [f"{x:.3f},{'reason' if x > 1 else ''},{'yes' if x > 1 else 'no'}"
            for x in rng.standard_normal(300)]  # fmt: skip
    (tmp_path / "t.csv").write_text("x,why,t\n" + "\n".join(rows) + "\n")
    arguments = ("train", "--quick", "t.csv", "-t", "t", "--epochs", "10")
    printed = run(*arguments, "--explain-words").stdout
    assert "Column 'why' alone" in printed and "--drop 'why'" in printed
    assert printed.index("Warnings") < printed.index("Saved") < printed.index("Terms in the report")
    result = run(*arguments, "--json").stdout.splitlines()[-1]
    assert '"kind": "leak"' in result and '"training_loss"' in result and '"baseline"' in result
    judged = run("evaluate", "t.safetensors", "t.csv", "--explain-words").stdout
    assert "Always answering 'no' would score" in judged and "Terms in the report" in judged


def drawing(curves: dict, width: int = 70) -> list[str]:
    lines = chart(curves, "epoch", width)
    assert max(map(len, lines)) <= width + len("  epoch")
    return lines


def test_curves_have_axes_labels_and_marks() -> None:
    falling = np.linspace(1.1, 0.1, 200)
    rising = np.full(200, np.nan)
    rising[9::10] = np.linspace(0.6, 1.2, 20)
    lines = drawing({"training": falling, "held out": rising})
    assert lines[0].split() == ["●", "training,", "○", "held", "out"]
    assert lines[1].startswith("1.2 ┤") and lines[-3].startswith("  0 ┤")
    assert lines[-1].split() == ["1", "200", "epoch"]
    area = [line[5:] for line in lines[1:-2]]
    first, last = ([row for row, line in enumerate(area) if line[column : column + 1] == "●"]
                   for column in (0, 59))  # fmt: skip
    assert first[0] == 1 and last[-1] == 11, "1.1 and 0.1 of 1.2, in 12 steps"
    assert area[0].rstrip().endswith("○"), "the end of the rising curve is the top"


@pytest.mark.parametrize(
    "values",
    [[1.0], [0.0, 0.0], [np.nan, 2.0], [1e300, 1.0], [1e-9] * 3, list(range(5000))],
    ids=str,
)
def test_any_curve_can_be_drawn(values) -> None:
    lines = drawing({"training": np.array(values, float), "held out": np.full(len(values), np.nan)})
    assert "●" in "".join(lines[1:]) and "○" not in "".join(lines)


def test_nothing_is_drawn_without_numbers() -> None:
    assert chart({"training": np.full(3, np.nan)}, "epoch") == []


@pytest.mark.parametrize("stopping", [{}, {"stopping_rows": 10}], ids=["held out", "stopping"])
def test_inspect_names_the_rows_of_each_curve(capsys, monkeypatch, stopping) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    curves = [np.linspace(1.0, 0.2, 8), np.ones(8), np.linspace(0.9, 0.5, 8), np.ones(8)]
    metrics = {"held_out_loss": 0.5, "class_rows": [7, 3], **stopping}
    schema = Schema("t", (Number("x" * 50, 0.5, 2.0, True), Number("y", 0.5, 2.0, False)))
    model = backhand.Model(
        backhand.init(3, 4, 2), ("no", "yes"), schema, {"hidden": 4}, metrics, History(*curves)
    )
    show_model(model, "m.safetensors", as_json=False)
    printed = capsys.readouterr().out
    watched = "early stopping" if stopping else "held out"
    assert f"● training, ○ {watched}" in printed and f"loss, {watched}" in printed
    assert "class_rows" not in printed and "held_out_loss 0.5" in printed
    assert max(map(len, printed.splitlines())) <= 60 + len("  epoch")


def searched(epochs=8, **changed) -> backhand.Model:
    """A model of a search of 5 folds, whose networks ended after `epochs` and later."""
    trials = tuple(Trial(0.02, k, epochs + k, 6, 0.5, 0.75) for k in range(5))
    values = {
        "l2": 0.02, "networks": 2, "epochs": 6, "scale": 0.9, "rows": 50, "loss": 0.5,
        "calibrated_loss": 0.4567, "cut": False, "trials": trials,
    }  # fmt: skip
    curves = [np.linspace(1.0, 0.2, epochs)] * 4
    metrics = {"out_of_fold_rows": 50, "out_of_fold_accuracy": 0.75, "out_of_fold_loss": 0.4567}
    return backhand.Model(
        backhand.init(3, 4, 2), ("no", "yes"), None, {"hidden": 2}, metrics, History(*curves),
        chosen=Chosen(**values | changed),
    )  # fmt: skip


def test_inspect_says_what_the_curves_contain_and_where_they_end(capsys, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    show_model(searched(), "m.safetensors", as_json=False)
    printed = " ".join(capsys.readouterr().out.split())
    assert "● training (with penalty), ○ out of fold" in printed
    assert "The training loss contains the penalty" in printed
    assert "means of the 5 networks" in printed
    assert (
        "end after epoch 8, where the first of these networks ended, the last after epoch 12; each "
        "network that is averaged was trained for 6 epochs."
    ) in printed
    assert curves_in_words(searched(l2=0.0, trials=())) == ""
    assert "in 8 epochs, with penalty: mean of the networks of the search" in str(searched())
    assert "mean of the networks" not in str(searched(trials=()))


@pytest.mark.parametrize(("changed", "hyperparameters", "said"), [
    ({}, {}, "learned from four fifths of the rows. The saved network is the mean of 2 that"),
    ({"networks": 1}, {}, "The saved network learned from all"),
    ({"cut": True}, {}, "learned from a part of the rows"),
    ({}, {"time": "day"}, "learned from a part of the rows"),
    ({"scale": 0.0}, {}, None),
])  # fmt: skip
def test_the_choice_is_said_in_plain_words(capsys, changed, hyperparameters, said) -> None:
    model = replace(searched(**changed), hyperparameters=hyperparameters)
    show_choice(Console(width=100, soft_wrap=True, highlight=False), model.chosen, model, 1.24)
    printed = " ".join(capsys.readouterr().out.split())
    assert "search 1.2 s" in printed
    assert ("temperature 1.11 (1: nothing to correct)" in printed) == (said is not None)
    assert ("usually better" in printed) == (said is not None) and (said or "") in printed
    assert not out_of_fold_in_words(replace(model, chosen=None))


def test_a_temperature_of_1_corrects_nothing() -> None:
    words = dict(choice_in_words(searched(scale=1.0001).chosen, 4))
    assert words["temperature"] == "1 (nothing to correct)"


def test_what_was_chosen_is_one_line() -> None:
    assert repr(searched().chosen) == (
        "Chosen: λ 0.02, networks 2 of 6 epochs, temperature 1.11, out-of-fold loss 0.4567 "
        "(50 rows), trials 5"
    )
    assert "5       cut for lack of time" in str(searched(cut=True).chosen)


def test_a_calibration_error_of_chance_is_called_so(capsys, monkeypatch) -> None:
    found = evaluation(["no", "yes"])
    for low in (0.0, 0.01):
        figures = {**found.figures, "calibration_error": Figure(0.04, low, 0.1)}
        monkeypatch.setitem(vars(found), "figures", figures)
        printed = shown(capsys, monkeypatch, 80, found)
        assert ("no more than chance gives" in printed) == (low == 0)


def test_inspect_shows_dates_as_dates(capsys, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    schema = Schema("t", (
        Date("signup", 18632.4, 300.0, 0.0, "dmy", ("year", "week"), 17897.0, 19396.5),
        Date("at", 0.5, 0.2, 0.0, "", ("day",), 0.25, 0.75), Date("old", -700000.5, 2.0, 0.0),
    ))  # fmt: skip
    model = backhand.Model(
        backhand.init(schema.width, 4, 2), ("no", "yes"), schema, {"hidden": 4},
        {"class_rows": [7, 3]}, History(*[np.ones(1)] * 4),
    )  # fmt: skip
    show_model(model, "m.safetensors", as_json=False)
    printed = " ".join(capsys.readouterr().out.split())
    assert "signup (day first; time of year, day of week), at (time of day), old" in printed
    assert "signup date mean 2021-01-05, from 2019-01-01 to 2023-02-08, day first" in printed
    assert "at date mean 12:00, from 06:00 to 18:00" in printed
    assert "old date mean 0053-06-18 " in printed + " "


def test_several_columns_take_a_plural() -> None:
    notes = [Note(name, "numbers", "is read with a decimal comma") for name in "ab"]
    assert note_lines(notes) == [("note", "a, b: are read with a decimal comma")]
    assert note_lines(notes[:1]) == [("note", "a: is read with a decimal comma")]
