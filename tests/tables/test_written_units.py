"""Signs and units beside numbers: what is read is told where they differ, and what is not read."""

import shlex

import numpy as np
import pytest

from backhand.tables.reading.reader import read_table
from backhand.tables.schema.choices import ColumnChoices
from backhand.tables.schema.columns import Number
from backhand.tables.schema.fitting import fit_schema
from backhand.tables.schema.targets import read_target


def learn(path, query=None, **choices):
    table = read_table(path, query)
    rows = np.ones(table.rows, bool)
    schema, notes, _ = fit_schema(table, read_target(table, "t"), rows, ColumnChoices(**choices))
    return schema, [note for note in notes if note.column == "v"]


def written(folder, values):
    lines = [f'"{v}",{k % 7},{"ab"[k % 2]}' for k, v in enumerate(values)]
    (folder / "t.csv").write_text("\n".join(["v,x,t", *lines]) + "\n", encoding="utf-8")
    return folder / "t.csv"


VALUES = [k * 37 % 101 / 8 for k in range(60)]


@pytest.mark.parametrize(
    ("written_as", "told"),
    [
        (["{}%", "{}"], "30 of 60 numbers have a percent sign and count as hundredths"),
        (["{}%"], None),
        (["{}"], None),
        (["${}", "{} €", "$ {}"], "several currencies ($ 40, € 20)"),
        (["$ {}", "{}"], None),
    ],
)
def test_signs_that_differ_are_told(tmp_path, written_as, told) -> None:
    values = [written_as[k % len(written_as)].format(v) for k, v in enumerate(VALUES)]
    schema, notes = learn(written(tmp_path, values))
    assert isinstance(schema.columns[0], Number) and len(notes) == bool(told)
    assert all(told in note.what and note.advice for note in notes)


@pytest.mark.parametrize(
    ("written_as", "told"),
    [
        (["{} kg"], "('kg' 60)"),
        (["{}K"], "('K' 60)"),
        (["{} l/100km"], None),
        (["{} km/h"], "('km/h' 60)"),
        (["{} kg", "{} kg", "{} g"], "('kg' 40, 'g' 20)"),
        (["{} kg", "heavy"], None),
        (["x {}"], None),
        (["{}st", "{}nd"], None),
        (["{}a", "{}b", "{}c", "{}d"], None),
    ],
)
def test_numbers_with_a_unit_are_told(tmp_path, written_as, told) -> None:
    values = [written_as[k % len(written_as)].format(v) for k, v in enumerate(VALUES)]
    path = written(tmp_path, values)
    _, notes = learn(path)
    units = [note for note in notes if "looks like numbers" in note.what]
    assert len(units) == bool(told) and all(told in note.what for note in units)
    assert not any("with a unit" in note.what for note in learn(path, categorical=["v"])[1])


@pytest.mark.parametrize("comma", [False, True])
def test_the_advice_reads_the_numbers(tmp_path, comma) -> None:
    values = [f"{v} kg".replace(".", "," if comma else ".") for v in VALUES]
    path = written(tmp_path, values)
    (note,) = [note for note in learn(path)[1] if "looks like numbers" in note.what]
    option, query = shlex.split(note.advice)[:2]
    assert option == "--query"
    schema, _ = learn(path, query)
    assert isinstance(schema.columns[0], Number)
    assert schema.columns[0].decimal == ("," if comma else ".")
    assert np.isclose(schema.columns[0].mean, np.mean(VALUES))
