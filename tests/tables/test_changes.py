"""What is different from training is told, and rows that were trained on are recognised."""

from __future__ import annotations

import io
import json
import warnings

import numpy as np
import pytest

import backhand
from backhand.errors import BackhandWarning, InputError
from backhand.evaluation import Evaluation
from backhand.table_settings import Settings
from backhand.tables.reading.reader import read_table
from backhand.tables.row_sketch import SIZE, Overlap, RowSketch, Sketching
from backhand.tables.schema.choices import ColumnChoices
from backhand.tabular.prediction import (
    Evaluated,
    evaluate_table,
    predict_table,
    print_predictions,
)
from backhand.tabular.training import fit_table, prepare_table
from helpers.command_line import run

N = 120


def rows(seed: int = 0, **columns) -> str:
    """A table of a plan, months, a date, a rarely missing number and a class."""
    rng = np.random.default_rng(seed)
    found = {
        "plan": rng.choice(["month", "year"], N),
        "months": rng.normal(30, 10, N).round(6),
        "day": np.datetime64("2020-01-01") + rng.integers(0, 300, N),
        "score": np.where(rng.random(N) < 0.1, "", rng.normal(size=N).round(6).astype(str)),
        "t": rng.choice(["no", "yes"], N),
    } | columns
    lines = [",".join(found), *(",".join(map(str, row)) for row in zip(*found.values()))]  # noqa: B905
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("changes")


@pytest.fixture(scope="module")
def model(folder) -> backhand.Model:
    (folder / "t.csv").write_text(rows())
    settings = Settings(quick=True, epochs=1, hidden=4)
    prepared = prepare_table(read_table(folder / "t.csv"), "t", settings)
    return fit_table(prepared, settings, engine="reference")[0]


def changes(folder, model, **columns):
    (folder / "new.csv").write_text(rows(1, **columns))
    return evaluate_table(model, read_table(folder / "new.csv", once=True)).changes


def test_rows_like_those_of_training_are_predicted_without_a_word(folder, model) -> None:
    assert changes(folder, model) == []


CASES = {
    "unseen": ({"plan": ["MONTH"] * 90 + ["year"] * (N - 90)}, "plan", 90,
               "plan: 90 of 120 values were never seen in training ('MONTH' 90)"),
    "missing": ({"months": [""] * N}, "months", N,
                "months: 120 of 120 values are missing, none in training"),
    "mostly missing": ({"score": [""] * 100 + ["0.5"] * 20}, "score", 100,
                       "score: 100 of 120 values are missing, 8.3 % in training"),
    "missing category": ({"plan": ["NA"] * 2 + ["year"] * (N - 2)}, "plan", 2,
                         "plan: 2 of 120 values are missing, none in training"),
    "far": ({"months": [3000] * 2 + [30] * (N - 2)}, "months", 2,
            "months: 2 of 120 values are more than 10 standard deviations from training's mean "
            "('3000' 2)"),
    "far dates": ({"day": ["1890-01-01"] * N}, "day", N, "('1890-01-01' 120)"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_change_is_told_with_its_number_and_examples(folder, model, case) -> None:
    columns, name, count, said = CASES[case]
    (change,) = changes(folder, model, **columns)
    assert (change.column, change.count, change.rows) == (name, count, N) and said in str(change)
    assert change.share == count / N and json.loads(json.dumps(change.to_json()))["count"] == count


@pytest.mark.parametrize(("texts", "count"), [(["old"], 1), (["old", "", "-"], 1), (["x"] * 5, 5)])
def test_a_text_among_numbers_is_told_though_training_had_missing_values(
    folder, model, texts, count
) -> None:
    """Missing values may be as many by chance; a text that is neither is never chance."""
    (change,) = changes(folder, model, score=texts + ["0.5"] * (N - len(texts)))
    assert (change.column, change.kind, change.count) == ("score", "unreadable", count)
    with pytest.raises(InputError, match=f"score: {count} of 120 values (is|are) not"):
        evaluate_table(model, read_table(folder / "new.csv", once=True), strict=True)


@pytest.mark.parametrize("given", [
    np.array([["year", "30", "2020-03-01", "0"]]), [["year", 30, "2020-03-01", 0.0]],
    np.zeros((2, 4)), [1.0, 2.0],
], ids=["texts", "a row", "numbers", "one dimension"])  # fmt: skip
def test_an_array_is_told_what_a_model_of_a_table_takes(model, given) -> None:
    said = r"trained on a table, and X is an array .* columns 'plan', 'months', 'day' and 'score'"
    with pytest.raises(InputError, match=said):
        model.predict(given)
    with pytest.raises(InputError, match=said):
        backhand.explain(model, given, [0])
    assert len(model.predict(np.zeros((2, model.schema.width)))) == 2


def test_a_row_of_single_values_is_told_how_to_write_them(model) -> None:
    row = {"plan": "year", "months": 30.0, "day": "2020-03-01", "score": 0.5}
    with pytest.raises(InputError, match=r"column 'plan' is of type str; .* \['year'\] for one"):
        model.predict(row)


def test_missing_values_of_any_type_are_no_texts(folder, model) -> None:
    given = {"plan": ["year"] * 3, "months": [30.0] * 3, "day": ["2020-03-01"] * 3}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for score in ([0.0, None, 1.0], np.array([0.0, np.nan, 1.0]), ["0", "n/a", ""]):
            model.predict(given | {"score": score})
    with pytest.warns(BackhandWarning, match=r"column score: 1 of 3 values .* \('old' 1\)\."):
        model.predict(given | {"score": ["old", "1", "n/a"]})


def test_a_named_number_means_missing_in_each_spelling(folder) -> None:
    named = np.where(np.arange(N) % 4, "1.5", "-999")
    named[:40] = np.arange(40)
    (folder / "named.csv").write_text(rows(score=named))
    choices = ColumnChoices(missing=("-999",))
    settings = Settings(quick=True, epochs=1, hidden=2)
    prepared = prepare_table(read_table(folder / "named.csv"), "t", settings, choices)
    model = fit_table(prepared, settings, engine="reference")[0]
    assert changes(folder, model, score=["-999.00", "-999"] + ["1.5"] * (N - 2)) == []
    (change,) = changes(folder, model, score=["-999.00", "old"] + ["1.5"] * (N - 2))
    assert change.examples == (("old", 1),)


def test_dates_in_the_other_order_are_told_with_those_that_are_read_wrongly(folder) -> None:
    day = np.arange(N) % 28 + 1
    (folder / "dmy.csv").write_text(rows(day=[f"{d:02}/03/2019" for d in day]))
    settings = Settings(quick=True, epochs=1, hidden=2)
    prepared = prepare_table(read_table(folder / "dmy.csv"), "t", settings)
    model = fit_table(prepared, settings, engine="reference")[0]
    months = [f"03/{d:02}/2019" for d in day]
    unread = sum(d > 12 for d in day)
    (change,) = (c for c in changes(folder, model, day=months) if c.kind == "unreadable")
    said = f"{N - unread} are read with the day first, wrongly if it is the month ("
    assert change.count == unread and said in str(change)


def test_strict_makes_an_error_of_it_and_writes_nothing(folder, model) -> None:
    (folder / "new.csv").write_text(rows(1, plan=["other"] * N))
    table = read_table(folder / "new.csv")
    out = io.BytesIO()
    for job in (
        lambda: evaluate_table(model, table, strict=True),
        lambda: predict_table(model, table, folder / "p.csv", strict=True),
        lambda: print_predictions(model, table, out, strict=True),
    ):
        with pytest.raises(InputError, match="plan: 120 of 120 values were never seen"):
            job()
    assert not (folder / "p.csv").exists() and out.getvalue() == b""
    assert len(predict_table(model, table, folder / "p.csv").changes) == 1


def test_a_model_in_python_warns(folder, model) -> None:
    given = {"plan": ["year", "?!"], "months": [30.0, 31.0], "day": ["2020-03-01"] * 2,
             "score": [0.0, None]}  # fmt: skip
    with pytest.warns(BackhandWarning, match=r"column plan: 1 of 2 values .* \('\?!' 1\)\."):
        model.predict(given)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.predict(given | {"plan": ["year", "month"]})


def test_rows_that_were_trained_on_are_recognised_in_any_format(folder, model) -> None:
    known = read_table(folder / "t.csv")
    assert evaluate_table(model, known).trained_on == pytest.approx(0.8, abs=0.02)
    shuffled = read_table(folder / "t.csv", "SELECT * FROM data ORDER BY months")
    assert evaluate_table(model, shuffled).trained_on == pytest.approx(0.8, abs=0.02)
    (folder / "new.csv").write_text(rows(1))
    assert evaluate_table(model, read_table(folder / "new.csv")).trained_on == 0
    backhand.save(model, folder / "m.safetensors")
    assert backhand.load(folder / "m.safetensors").training_rows == model.training_rows


def test_the_share_is_estimated_from_a_sample_of_many_rows() -> None:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20_000, 3)).astype(np.float32), rng.integers(0, 2, 20_000)
    sketching = Sketching()
    for start in range(0, 10_000, 3000):  # the parts make no difference
        part = slice(start, min(start + 3000, 10_000))
        sketching.add(X[part], y[part])
    sketch = sketching.result()
    once = Sketching()
    once.add(X[:10_000][::-1], y[:10_000][::-1])
    assert once.result() == sketch and len(sketch.hashes) == SIZE
    for first, expected in ((0, 1.0), (5000, 0.5), (10_000, 0.0)):
        overlap = Overlap(sketch)
        overlap.add(X[first : first + 10_000], y[first : first + 10_000])
        assert overlap.share == pytest.approx(expected, abs=0.05)
    few = Overlap(sketch)
    few.add(X[:1], y[:1])
    assert np.isnan(few.share) or few.share == 1


def test_rows_that_are_equal_by_chance_are_not_taken_for_those_of_training() -> None:
    """Three values of one column: every row equals one of training."""
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 30, (900, 1)).astype(np.float32), rng.integers(0, 2, 900)
    sketching = Sketching()
    sketching.add(X[:300], y[:300])
    sketch, chance = sketching.result(), Overlap(sketching.result())
    chance.add(X[300:600], y[300:600])
    assert chance.equal > 0.9
    others = Overlap(RowSketch(sketch.hashes, chance.equal))
    others.add(X[600:], y[600:])
    assert others.share == 0


DAMAGED = (
    "", 5, {"hashes": "AAAA", "by_chance": 0.0}, {"hashes": ""}, {"hashes": "", "by_chance": 2},
    {"hashes": "AAA=", "by_chance": 0}, {"hashes": "A" * 10_000, "by_chance": 0},
    {"hashes": "AAAAAAAAAAAAAAAAAAAAAA==", "by_chance": 0},
)  # fmt: skip


@pytest.mark.parametrize("value", DAMAGED)
def test_a_damaged_digest_is_refused(value) -> None:
    with pytest.raises(InputError, match="digest of training rows"):
        RowSketch.from_json(value)


@pytest.mark.parametrize(
    ("share", "told"),
    [
        (np.nan, ""),
        (0.02, "the model was trained on about 2 % of these rows."),
        (0.4, "so the figures partly say how well it knows them; on rows held out"),
        (1.0, "on all of these rows, so the figures say how well it knows them, not how good"),
    ],
)
def test_what_a_share_of_known_rows_means(share, told) -> None:
    evaluation = Evaluation(["a", "b"], np.eye(2, dtype=np.int64), 0.1)
    found = Evaluated(evaluation, [], share, {}).about_training({"held_out_accuracy": 0.5})
    assert told in found and bool(told) == bool(found)
    assert ("figures" in found) == (share > 0.1)


def test_the_command_line_tells_it(folder, model) -> None:
    backhand.save(model, folder / "m.safetensors")
    told = run("evaluate", folder / "m.safetensors", folder / "t.csv", "--json")
    assert "trained on about 80 % of these rows" in told.stderr
    assert f"{model.metrics['held_out_accuracy']:.4f}" in told.stderr
    assert json.loads(told.stdout)["trained_on"] == pytest.approx(0.8, abs=0.02)
    (folder / "new.csv").write_text(rows(1, plan=["other"] * N))
    told = run("predict", folder / "m.safetensors", folder / "new.csv")
    assert "plan: 120 of 120 values were never seen in training ('other' 120)" in told.stderr
    told = run("predict", folder / "m.safetensors", folder / "new.csv", "--strict", expect=2)
    assert told.exit_code == 2 and "--strict" in told.stderr and not told.stdout
    told = run("predict", folder / "m.safetensors", folder / "new.csv", "--json", expect=2)
    assert told.exit_code == 2 and "--output" in told.stderr
    written = folder / "out.csv"
    told = run("predict", folder / "m.safetensors", folder / "new.csv", "--json", "-o", written)
    assert json.loads(told.stdout)["changes"][0]["examples"] == {"other": 120}


def test_what_is_different_in_the_second_table_of_a_training_is_told(folder, model) -> None:
    train, new = folder / "t.csv", folder / "second.csv"
    new.write_text(rows(1, months=["many", *[30] * (N - 1)], plan=["week", *["year"] * (N - 1)]))
    words = ["is not a number and counts as missing ('many' 1)", "was never seen in training"]
    arguments = ["train", "--quick", train, "-t", "t", "--validation", new, "--epochs", 1,
                 "--hidden", 2, "-o", folder / "second.safetensors"]  # fmt: skip
    told = run(*arguments)
    assert all(word in " ".join(told.stderr.split()) for word in words), told.stderr
    events = map(json.loads, run(*arguments, "--json").stdout.splitlines())
    table = next(event for event in events if event["event"] == "table")
    assert [change["kind"] for change in table["changes"]] == ["unseen", "unreadable"]
    with pytest.warns(BackhandWarning) as warned:
        backhand.fit(train, "t", quick=True, validation=new, epochs=1, hidden=2)
    said = [str(w.message) for w in warned if w.filename == __file__]
    assert all(any(word in sentence for sentence in said) for word in words)
