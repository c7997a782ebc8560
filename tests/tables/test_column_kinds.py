"""What a column holds is decided by all rows, and what was decided is told with the way out."""

import json

import duckdb
import numpy as np
import pytest
from typer.testing import CliRunner

from backhand.cli.app import app
from backhand.errors import InputError
from backhand.table_settings import Settings
from backhand.tables.reading.reader import read_table
from backhand.tables.schema.choices import ColumnChoices
from backhand.tables.schema.columns import Category
from backhand.tables.schema.fitting import fit_schema
from backhand.tables.schema.notes import Note
from backhand.tables.schema.schema import Schema
from backhand.tables.schema.targets import read_target
from backhand.tabular.prediction import evaluate_table
from backhand.tabular.training import fit_table, prepare_table


def written(folder, **columns):
    """A CSV file of the columns and a target t of two classes."""
    names, rows = [*columns, "t"], zip(*columns.values(), strict=True)
    lines = [",".join([*map(str, row), "ab"[k % 2]]) for k, row in enumerate(rows)]
    (folder / "t.csv").write_text("\n".join([",".join(names), *lines]) + "\n", encoding="utf-8")
    return folder / "t.csv"


def learn(path, query=None, **choices) -> tuple[Schema, list[Note]]:
    table = read_table(path, query)
    chosen = ColumnChoices(**choices)
    target = read_target(table, "t")
    return fit_schema(table, target, np.ones(table.rows, bool), chosen)[:2]


def kinds(schema: Schema) -> dict[str, str]:
    return {column.name: column.kind for column in schema.columns}


MEASURED = [f"{k * 37 % 101 / 8}" for k in range(60)]


@pytest.mark.parametrize(("words", "kind"), [(0, "number"), (1, "number"), (29, "number"),
                                             (30, "category"), (59, "category")])  # fmt: skip
def test_there_is_no_share_of_numbers_at_which_training_ends(tmp_path, words, kind) -> None:
    values = ["abc"[k % 3] for k in range(words)] + (MEASURED[:25] * 3)[words:60]
    schema, notes = learn(written(tmp_path, v=values, x=MEASURED))
    assert kinds(schema) == {"v": kind, "x": "number"}
    told = [note for note in notes if note.column == "v" and note.kind == f"{kind}s"]
    if kind == "number" and words:
        (note,) = told
        what = "value is not a number" if words == 1 else f"{words} of 60 values are not numbers"
        assert what.split()[-1] in note.what and "'a'" in note.what
        assert note.advice.startswith("--categorical 'v'")
        assert np.isfinite(schema.columns[0].mean) and schema.columns[0].missing
    forced, _ = learn(tmp_path / "t.csv", numeric=["v"])
    assert kinds(forced)["v"] == "number" and forced.columns[0].missing == words / 60
    assert kinds(learn(tmp_path / "t.csv", categorical=["v"])[0])["v"] == "category"


def test_few_values_with_words_among_them_are_categories(tmp_path) -> None:
    children = ["0", "1", "2", "3+", "0", "1"] * 10
    schema, (note,) = learn(written(tmp_path, children=children))
    assert schema.columns == (Category("children", ("0", "1", "2", "3+"), False),)
    assert (
        note.kind == "categories"
        and "words are among few values" in note.what
        and "'3+'" in note.what
    )
    assert note.advice.startswith("--numeric 'children'")
    schema, (note,) = learn(tmp_path / "t.csv", numeric=["children"])
    assert kinds(schema) == {"children": "number"} and schema.columns[0].missing
    assert note.what.startswith("10 of 60 values are not numbers")
    slip = [*(["0", "1", "2"] * 20)[1:], "oops"]
    assert kinds(learn(written(tmp_path, children=slip))[0]) == {"children": "number"}


def test_true_and_false_among_numbers_are_numbers(tmp_path) -> None:
    path = written(tmp_path, b=["true", "FALSE", "1", "", "0"] * 12, c=["true", "false"] * 30)
    schema, notes = learn(path)
    assert kinds(schema) == {"b": "number", "c": "category"} and notes == []
    assert schema.columns[0].mean == 0.5


def test_leading_zeros_keep_codes_apart(tmp_path) -> None:
    path = written(tmp_path, zip=["01730", "1730", "10730"] * 10)
    schema, (note,) = learn(path)
    assert schema.columns[0].categories == ("01730", "10730", "1730")
    assert "'01730'" in note.what and note.advice.startswith("--numeric 'zip'")
    assert kinds(learn(path, numeric=["zip"])[0]) == {"zip": "number"}


def test_free_text_is_named_as_such(tmp_path) -> None:
    said = [f"the parcel {k} came {k % 7} days late" for k in range(30)]
    _, (note,) = learn(written(tmp_path, remark=said, x=MEASURED[:30]))
    assert note.kind == "dropped" and "free text (about 7 words each)" in note.what
    assert "--query" in note.advice and "embeddings" in note.advice
    schema, notes = learn(tmp_path / "t.csv", keep=["remark"])
    assert len(schema.columns[0].categories) == 30 and notes == []


def test_words_have_letters(tmp_path) -> None:
    numbers = [f"+44 20 {7000 + k} {1234 + 7 * k}" for k in range(30)]
    _, (note,) = learn(written(tmp_path, phone=numbers, x=MEASURED[:30]))
    assert note.what == "looks like an identifier: 30 distinct values in 30 training rows"


NUL = ["a\0b", "c", "d"] * 20


@pytest.mark.parametrize("values", [
    NUL, ["1"] * 59 + ["late"], ["inf"] * 60, ["x" * 2000 + str(k) for k in range(60)],
    ["01/02/2020"] * 60,
])  # fmt: skip
def test_a_dropped_column_is_not_read(tmp_path, values) -> None:
    path = written(tmp_path, v=values, x=MEASURED)
    schema, notes = learn(path, drop=["v"])
    assert kinds(schema) == {"x": "number"} and notes == []
    assert kinds(learn(path, "SELECT x, t FROM data")[0]) == {"x": "number"}


def test_a_nul_byte_counts_only_where_it_is_used(tmp_path) -> None:
    remarks = [f"remark {k} a\0b" for k in range(60)]
    _, (note,) = learn(written(tmp_path, v=remarks, x=MEASURED))
    assert note.kind == "dropped"
    with pytest.raises(InputError, match="NUL byte in row 1"):
        learn(written(tmp_path, v=NUL, x=MEASURED))


@pytest.mark.parametrize(("choices", "said"), [
    ({"numeric": ["v"]}, "column 'v' of .* holds no number .'a' 10, 'b' 10.; remove --numeric 'v'"),
    ({"numeric": ["s"]}, "'s' .* STRUCT.* cannot be used; remove --numeric 's'.*--query"),
    ({"keep": ["s"]}, "remove --keep 's'"),
    ({"categorical": ["s"]}, "remove --categorical 's'"),
    ({"keep": ["t"]}, "'t' is the target; --keep"),
    ({"numeric": ["t"]}, "'t' is the target; --numeric"),
    ({"keep": ["w"]}, "no column 'w'"),
    ({"keep": ["v"], "drop": ["v"]}, "both dropped and kept"),
    ({"numeric": ["v"], "categorical": ["v"]}, "both numeric and categorical"),
])  # fmt: skip
def test_a_choice_that_cannot_be_is_refused(tmp_path, choices, said) -> None:
    path = tmp_path / "t.parquet"
    duckdb.sql(f"""COPY (SELECT ['a', 'b'][k % 2 + 1] AS v, {{'k': k}} AS s, k % 7 AS x,
        k % 3 AS t FROM range(20) AS r(k)) TO '{path}'""")
    with pytest.raises(InputError, match=said):
        learn(path, **choices)


def test_a_constant_is_kept_if_that_is_said(tmp_path) -> None:
    path = written(tmp_path, n=["5"] * 60, c=["x"] * 60, x=MEASURED)
    schema, notes = learn(path)
    assert kinds(schema) == {"x": "number"}
    assert {note.column: note.what for note in notes} == {
        "n": "is constant (5)", "c": "is constant ('x')",
    }  # fmt: skip
    schema, _ = learn(path, keep=["n", "c"])
    assert kinds(schema) == {"n": "number", "c": "category", "x": "number"}


def test_account_numbers_are_not_called_constant(tmp_path) -> None:
    accounts = [4_000_000_000_000_014 + 7 * (k % 30) for k in range(60)]
    schema, (note,) = learn(written(tmp_path, account=accounts, x=MEASURED))
    assert "varies only beyond the precision" in note.what and kinds(schema) == {"x": "number"}
    assert note.advice.startswith("--categorical 'account'")
    schema, notes = learn(tmp_path / "t.csv", categorical=["account"])
    assert len(schema.columns[0].categories) == 30 and notes == []


@pytest.mark.parametrize(("values", "code"), [
    (["-999", "1", "2", "3", "4", "5"] * 10, "-999"),
    ([*map(str, range(20, 70)), *["999"] * 10], "999"),
    ([*(str(k % 40 + 1) for k in range(40)), *["-1"] * 20], "-1"),
    ([*(str(k % 5) for k in range(50)), *["-9"] * 10], "-9"),
    (["99999.0", *(f"{k * 1.5}" for k in range(56)), *["99999.0"] * 3], "99999"),
])  # fmt: skip
def test_a_number_that_looks_like_missing_is_told(tmp_path, values, code) -> None:
    path = written(tmp_path, v=values, x=MEASURED)
    (note,) = (note for note in learn(path)[1] if note.column == "v")
    assert note.kind == "missing" and note.what.startswith(f"{code} in ")
    assert note.advice.startswith(f"--missing {code} ")
    assert [n for n in learn(path, missing=[code])[1] if n.kind == "missing"] == []


@pytest.mark.parametrize("values", [
    [str(k % 3 - 1) for k in range(60)],  # -1, 0, 1
    ["0", "1"] * 30,
    [str(k % 100) for k in range(60)],
    [str(k % 30 - 1) for k in range(60)],
    [*map(str, range(40, 99)), "99"],
    [*(str(k % 50) for k in range(58)), "999", "999"],  # an outlier, not a code
    ["-9", "9"] * 30,
])  # fmt: skip
def test_ordinary_extremes_are_no_code(tmp_path, values) -> None:
    notes = learn(written(tmp_path, v=values, x=MEASURED))[1]
    assert [note for note in notes if note.kind == "missing"] == []


def test_nearly_nothing_and_nothing_at_all(tmp_path) -> None:
    path = written(tmp_path, v=["3", "4", *[""] * 58], w=[""] * 60, x=MEASURED)
    prepared = prepare_table(read_table(path), "t", Settings(quick=True, epochs=1, test_size=0))
    assert kinds(prepared.schema) == {"v": "number", "x": "number"}
    told = {note.column: note for note in prepared.notes}
    assert told["v"].kind == "missing" and told["v"].what == "is missing in 58 of 60 rows"
    assert told["w"].kind == "dropped"


def target_notes(values, **options) -> list[Note]:
    unnested = ", ".join(f"({v})" for v in values)
    table = read_table(query=f"SELECT v AS t FROM (VALUES {unnested}) AS r(v)")
    return read_target(table, "t", **options).notes


AGES = [18 + round(40 * (k / 400) ** 2) for k in range(400)]


@pytest.mark.parametrize(("values", "quantity"), [
    (AGES, True),
    ([k / 2 for k in range(15) for _ in range(9)], True),
    ([k % 26 for k in range(260)], False),  # labels that are numbered
    ([k % 100 + 1 for k in range(1000)], False),
    ([3, 4, 5, 6, 7, 8, 9] * 20, False),
    ([k * 1000 for k in range(30)] * 3, False),  # codes
])  # fmt: skip
def test_a_target_that_looks_like_a_quantity_is_told(values, quantity) -> None:
    notes = target_notes(values)
    assert len(notes) == quantity
    if quantity:
        assert notes[0].kind == "target" and "looks like a quantity" in notes[0].what
        assert "--query" in notes[0].advice and "--categorical 't'" in notes[0].advice
    assert target_notes(values, categorical=True) == []


def test_what_was_found_is_printed_and_in_json(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    rng = np.random.default_rng(0)
    N = 120
    score = rng.integers(1, 6, N)
    written(
        tmp_path, rownames=range(1, N + 1), score=np.where(rng.random(N) < 0.1, -999, score),
        children=rng.choice(["0", "1", "3+"], N), zip=rng.choice(["01730", "1730"], N),
        weight=[*(f"{v:.3f}" for v in rng.normal(size=N - 1)), "heavy"],
        name=[f"v{k}" if k < 10 else "often" for k in range(N)],
        said=[f"the parcel came {k} days late" for k in range(N)], nothing=[""] * N,
        seldom=[*["1", "2"], *[""] * (N - 2)],
    )  # fmt: skip
    command = [
        "train",
        "--quick",
        "t.csv",
        "-t",
        "t",
        "--epochs",
        "1",
        "--hidden",
        "2",
        "--test-size",
        "0",
    ]
    result = CliRunner().invoke(app, [*command, "--json"])
    assert result.exit_code == 0, result.output
    (table,) = (e for e in map(json.loads, result.stdout.splitlines()) if e["event"] == "table")
    assert {(note["column"], note["kind"]) for note in table["notes"]} == {
        ("rownames", "dropped"), ("score", "missing"), ("children", "categories"),
        ("zip", "categories"), ("weight", "numbers"), ("name", "categories"), ("said", "dropped"),
        ("nothing", "dropped"), ("seldom", "missing"),
    }  # fmt: skip
    advised = {n["column"]: n["advice"].split(" ")[0] for n in table["notes"] if n["advice"]}
    assert advised == {
        "rownames": "--keep", "score": "--missing", "children": "--numeric", "zip": "--numeric",
        "weight": "--categorical", "said": "use", "seldom": "--drop",
    }  # fmt: skip
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    lines = result.stdout.split("Model")[0].splitlines()
    assert max(map(len, lines)) <= 80
    told = " ".join(" ".join(lines).split())
    for note in table["notes"]:
        assert f"{note['column']}: {note['what']}" in told and note["advice"] in told


def test_row_numbers_do_not_mislead(tmp_path) -> None:
    """Sorted by class, row numbers alone would name it; new rows are numbered anew."""
    rng = np.random.default_rng(0)
    lengths = np.concatenate([rng.normal(mean, 0.4, 50) for mean in (0, 2, 4)])
    kinds_of_rows = np.repeat(["p", "q", "r"], 50)

    def table(rows):
        lines = [f"{k},{lengths[i]:.3f},{kinds_of_rows[i]}" for k, i in enumerate(rows, 1)]
        (tmp_path / "t.csv").write_text("\n".join(["rownames,length,t", *lines]) + "\n")
        return read_table(tmp_path / "t.csv")

    settings = Settings(quick=True, epochs=200, hidden=8, test_size=0)
    prepared = prepare_table(table(range(150)), "t", settings)
    assert kinds(prepared.schema) == {"length": "number"}
    model, _ = fit_table(prepared, settings, engine="reference")
    assert evaluate_table(model, table(rng.permutation(150)[:60])).evaluation.accuracy > 0.9
