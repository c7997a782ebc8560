"""`backhand.fit`: the command line's training from Python, on whatever holds a table."""

import io
import json

import numpy as np
import pandas as pd
import polars as pl
import pytest

import backhand
from helpers.command_line import run

pytestmark = pytest.mark.filterwarnings("ignore::backhand.BackhandWarning")
"""What few epochs give is warned of."""

QUICK = {"quick": True, "epochs": 3, "hidden": 5}


@pytest.fixture
def rows(tmp_path):
    """A table of 240 rows, as columns and as a CSV file."""
    rng = np.random.default_rng(0)
    size = rng.normal(size=240).round(3)
    colour = rng.choice(["red", "blue", "green"], 240)
    columns = {
        "size": size, "colour": colour, "place": np.repeat(np.arange(24), 10),
        "year": np.sort(rng.integers(2000, 2024, 240)),
        "ripe": np.where((size > 0) & (colour == "red"), "yes", "no"),
    }  # fmt: skip
    path = tmp_path / "fruit.csv"
    pd.DataFrame(columns).to_csv(path, index=False)
    return columns, path


SETTINGS = {
    "plain": {},
    "a group": {"group": "place", "early_stopping": True, "patience": 2},
    "time": {"time": "year", "test_size": 0.3, "drop": ["year"]},
    "folds": {"cv": 3, "class_weight": "balanced", "dropout": 0.2},
    "columns": {"categorical": ["place", "year"], "missing": ["red"], "seed": 3},
    "rules": {"optimizer": "momentum", "momentum": 0.5, "schedule": "constant", "shuffle": False},
}


def options(settings) -> list[object]:
    """The settings as they are typed."""
    typed: list[object] = []
    for name, value in settings.items():
        option = "--" + name.replace("_", "-")
        for one in value if isinstance(value, list) else [value]:
            typed += {True: [option], False: [option.replace("--", "--no-", 1)]}.get(
                one if isinstance(one, bool) else None, [option, one]
            )
    return typed


@pytest.mark.parametrize("name", SETTINGS)
def test_the_model_is_that_of_the_command_line(rows, tmp_path, name) -> None:
    _, path = rows
    settings = QUICK | SETTINGS[name]
    run("train", path, "-t", "ripe", "-o", tmp_path / "typed.safetensors", *options(settings))
    backhand.save(backhand.fit(path, "ripe", **settings), tmp_path / "called.safetensors")
    typed, called = ((tmp_path / f"{n}.safetensors").read_bytes() for n in ("typed", "called"))
    assert typed == called


@pytest.mark.parametrize(
    "make", [dict, pd.DataFrame, pl.DataFrame, lambda c: pl.DataFrame(c).to_arrow()]
)
def test_a_frame_gives_the_model_of_its_file(rows, make) -> None:
    columns, path = rows
    model = backhand.fit(make(columns), "ripe", **QUICK)
    ours, theirs = model.params, backhand.fit(path, "ripe", **QUICK).params
    assert all(map(np.array_equal, ours, theirs))
    for data in (make(columns), path, columns):
        assert model.predict(data).tolist() == model.predict(path).tolist()


TARGETS = {
    "whole numbers": ("int64", [0, 1]), "few bits": ("uint8", [0, 1]), "booleans": ("bool", [0, 1]),
    "with a missing one": ("float64", [0, 1, np.nan]), "halves": ("float64", [0, 0.5]),
    "single": ("float32", [2.5, 3]), "nullable": ("Int64", [7, 12, None]),
    "nullable booleans": ("boolean", [True, False, None]),
}  # fmt: skip


@pytest.mark.parametrize("kind", TARGETS)
def test_the_classes_have_the_type_of_the_target(rows, tmp_path, kind) -> None:
    dtype, values = TARGETS[kind]
    frame = pd.DataFrame({"size": rows[0]["size"]})
    frame["t"] = pd.array(values * (240 // len(values)), dtype=dtype)
    frame["size"] += 9 * frame["t"].astype("float64").fillna(0)
    known = frame[frame["t"].notna()]
    model = backhand.fit(frame, "t", quick=True, hidden=8, epochs=30, learning_rate=0.02)
    right = model.predict(known) == known["t"]
    assert right.mean() > 0.7
    evaluation = backhand.fit(frame, "t", validation=frame, **QUICK).evaluation
    assert evaluation is not None and evaluation.unlabelled == 240 - len(known)

    frame.to_parquet(tmp_path / "t.parquet")
    frame.to_csv(tmp_path / "t.csv", index=False)
    saved = tmp_path / "t.safetensors"
    backhand.save(model, saved)
    assert backhand.load(saved).classes == model.classes
    for name in ("t.parquet", "t.csv"):  # typed, and texts
        told = json.loads(run("evaluate", saved, tmp_path / name, "--json").stdout)
        assert told["accuracy"] == pytest.approx(right.mean()) and told["rows"] == len(known)
    written = pd.read_csv(io.StringIO(run("predict", saved, tmp_path / "t.parquet").stdout))
    assert (written["prediction"].to_numpy() == model.predict(frame)).all()
    assert list(written)[3:] == [f"probability_{name}" for name in told["classes"]]


def test_warnings_show_the_line_of_the_caller(rows) -> None:
    columns, path = rows
    doubtful = columns | {"ripe": np.where(np.arange(240) == 7, "Yes", columns["ripe"])}
    with pytest.warns(backhand.BackhandWarning) as warned:
        model = backhand.fit(doubtful, "ripe", validation=path, **QUICK)
        model.predict(columns | {"colour": ["black"] * 240})
    sentences = [str(warning.message) for warning in warned]
    for some in ("only one row", "by upper and lower case", "were never seen"):
        assert any(some in sentence for sentence in sentences)
    assert {warning.filename for warning in warned} == {__file__}


def test_the_model_has_its_figures_and_notes(rows, tmp_path) -> None:
    columns, _ = rows
    model = backhand.fit(columns | {"same": np.ones(240)}, "ripe", **QUICK)
    assert model.evaluation is not None and model.evaluation.rows == 48
    assert model.metrics["held_out_accuracy"] == model.evaluation.accuracy
    assert [note.column for note in model.notes] == ["same"]
    backhand.save(model, tmp_path / "m.safetensors")
    loaded = backhand.load(tmp_path / "m.safetensors")
    assert loaded.evaluation is None and loaded.notes == () and loaded.metrics == model.metrics


def test_a_second_table_is_held_out(rows) -> None:
    columns, path = rows
    model = backhand.fit(path, "ripe", validation=columns, **QUICK)
    assert model.metrics["training_rows"] == 240 == model.metrics["held_out_rows"]
    assert model.hyperparameters["validation"] == "the dict"
    assert backhand.fit(path, "ripe", validation=path, **QUICK).hyperparameters[
        "validation"] == str(path)  # fmt: skip


def test_a_query_selects_rows_of_a_file(rows) -> None:
    columns, path = rows
    model = backhand.fit(path, "ripe", query="SELECT * FROM data WHERE year < 2010", **QUICK)
    few = (columns["year"] < 2010).sum()
    assert model.metrics["training_rows"] + model.metrics["held_out_rows"] == few


def test_a_dropped_column_may_hold_anything(rows) -> None:
    columns, _ = rows
    model = backhand.fit(columns | {"odd": [object()] * 240}, "ripe", drop="odd", **QUICK)
    assert "odd" not in [column.name for column in model.schema.columns]


def test_callbacks_are_called_and_checkpoints_resumed(rows, tmp_path) -> None:
    _, path = rows
    epochs = []
    folder = tmp_path / "saved"
    first = backhand.fit(path, "ripe", **QUICK, callbacks=[lambda p: epochs.append(p.epoch)],
                         checkpoint=backhand.Checkpoint(folder, "1epochs"))  # fmt: skip
    again = backhand.fit(path, "ripe", **QUICK, checkpoint=backhand.Checkpoint(folder, resume=True))
    assert epochs == [1, 2, 3] and all(map(np.array_equal, first.params, again.params))
    with pytest.raises(backhand.InputError, match=r"other data: rows"):
        backhand.fit(path, "ripe", **QUICK, early_stopping=True,
                     checkpoint=backhand.Checkpoint(folder, resume=True))  # fmt: skip


WRONG = {
    "a misspelt setting": ({"lerning_rate": 1}, TypeError, "lerning_rate"),
    "a setting of another kind": ({"hidden": "x"}, backhand.InputError, "hidden is 'x'"),
    "a rule's constant": ({"momentum": 0.5}, backhand.InputError, "optimizer is adam"),
    "a query on columns": ({"query": "SELECT 1"}, backhand.InputError, "query= is for files"),
    "no column": ({"group": "plaice"}, backhand.InputError, "Did you mean 'place'"),
    "folds and a checkpoint": (
        {"cv": 2, "checkpoint": backhand.Checkpoint("x")}, backhand.InputError, "cv has several"),
    "a device of an engine": (
        {"engine": backhand.make_engine("reference"), "threads": 1}, backhand.InputError,
        "give them to `make_engine`"),
    "callbacks that are none": ({"callbacks": [1]}, backhand.InputError, "list of callables"),
    "no date order": ({"date_order": "ymd"}, backhand.InputError, "'ymd'"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_wrong_arguments_are_errors_in_a_sentence(rows, name) -> None:
    columns, _ = rows
    settings, error, said = WRONG[name]
    with pytest.raises(error, match=said):
        backhand.fit(columns, "ripe", **{**QUICK, **settings})


@pytest.mark.parametrize("data", [None, 3, [[1, 2]], np.ones((3, 2)), {}])
def test_what_holds_no_table_is_an_error(data) -> None:
    with pytest.raises(backhand.InputError, match=r"expected|no input|no column"):
        backhand.fit(data, "y", **QUICK)


def test_a_report_is_written_and_replaces_no_input(rows, tmp_path) -> None:
    columns, path = rows
    backhand.fit(columns, "ripe", **QUICK, report=tmp_path / "page.html")
    assert "<html" in (tmp_path / "page.html").read_text()[:200]
    with pytest.raises(backhand.InputError, match=r"fruit\.csv"):
        backhand.fit(path, "ripe", **QUICK, report=path)


def test_a_file_is_read_as_it_is_stated(rows, tmp_path) -> None:
    _, path = rows
    bare = tmp_path / "fruit.data"
    bare.write_text(path.read_text().split("\n", 1)[1])
    stated = {"format": "csv", "header": False, "validation": bare, **QUICK}
    model = backhand.fit(bare, "column5", **stated)
    assert model.evaluation.rows == 240
    with pytest.raises(backhand.InputError, match="header= is for files"):
        backhand.fit({"x": [1, 2]}, "x", header=False)


@pytest.mark.parametrize("split", [{}, {"cv": 3}], ids=str)
def test_what_the_report_warns_of_is_a_warning(rows, split) -> None:
    columns, _ = rows
    leak = {"told": np.where(columns["ripe"] == "yes", "sold", "kept")}
    with pytest.warns(backhand.BackhandWarning, match="Column 'told' alone gives the class") as w:
        backhand.fit(columns | leak, "ripe", **QUICK, **split)
    assert {warning.filename for warning in w} == {__file__}
    codes = {"code": [f"0{i % 5}" for i in range(240)]}
    with pytest.warns(backhand.BackhandWarning, match="column 'code' is not read as numbers") as w:
        backhand.fit(columns | codes, "ripe", **QUICK, **split)
    assert {warning.filename for warning in w} == {__file__}
