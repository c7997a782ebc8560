"""What is learned of a table's columns does not depend on the parts in which its rows are."""

from __future__ import annotations

import runpy
import sys
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from backhand.errors import InputError
from backhand.tables.group_split import count_groups
from backhand.tables.reading.reader import read_table
from backhand.tables.schema.choices import ColumnChoices
from backhand.tables.schema.fitting import fit_schema
from backhand.tables.schema.missing_values import count_missing
from backhand.tables.schema.targets import read_target
from backhand.tables.table import Table
from backhand.tables.time_split import time_column
from helpers.cut_tables import CutTable

ROUNDED = ("mean", "std", "missing", "other")
"""Fields of a column whose last digits depend on the parts."""

N = 240


class Learned(NamedTuple):
    """What is compared."""

    classes: Any
    columns: Any
    notes: Any
    counts: Any
    warned: list[str]


def learned(table: Table, target: str) -> Learned | str:
    """The target, the schema of two thirds of the rows, and missing values; or what was wrong."""
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            y = read_target(table, target)
            fitted = fit_schema(table, y, np.arange(table.rows) % 3 > 0)
        except InputError as error:
            return str(error)
        columns = [
            (type(column), {k: pytest.approx(v, rel=1e-9, abs=1e-12) if k in ROUNDED else v
                            for k, v in vars(column).items()})
            for column in fitted.schema.columns
        ]  # fmt: skip
        counts = fitted.present, count_missing(table, fitted.schema, fitted.present)
    said = sorted(str(warning.message) for warning in warned)
    notes = [*y.notes, *fitted.notes]
    return Learned((y.classes, y.labels, y.y.tolist()), columns, notes, counts, said)


def check(path: Path | str, target: str, *parts: int, **options: Any) -> Learned | str:
    """Check that a table is understood alike in so many parts, and return what is."""
    table = read_table(path, **options)
    found = learned(table, target)
    for count in parts:
        cut = CutTable(table, count)
        assert learned(cut, target) == found, f"{path} in {count} parts"
        cut.close()
    table.close()
    return found


def write(folder: Path, *names: str) -> Path:
    """A table with a column of each kind that is told of, or with those that are named."""
    rows = []
    for i in range(N):
        cells = {
            "y": "no" if i % 3 else "yes", "row": i, "user_id": i % 130 * 7,
            "x": f"{i * 37 % 101}.5", "sold": f"{i % 9},{i % 10}",
            "price": f"{1 + i % 7}.{i % 900 + 100}",
            "day": f"{1 + i % 28:02d}/{1 + i % 12:02d}/2021", "at": f"{i % 24:02d}:30",
            "age": -999 if i % 50 == 7 else i % 60 + 20, "zip": f"0{i % 90 + 1000}",
            "weight": f"{i % 80 + 1} kg", "share": f"{i % 90}%" if i % 2 else f"{i % 90}",
            "few": "many" if i % 20 == 3 else i % 5, "name": f"person {i} of the town",
            "city": f"c{i * i % 61}", "flag": i % 4 == 0, "flat": "same", "gone": "",
            "mixed": "n/a" if i % 9 == 4 else "??" if i == 200 else i % 83,
        }  # fmt: skip
        rows.append({name: str(cells[name]) for name in names or cells})
    lines = [";".join(rows[0]), *(";".join(row.values()) for row in rows)]
    (folder / "t.csv").write_text("\n".join(lines) + "\n")
    return folder / "t.csv"


def test_columns_are_understood_in_parts(tmp_path) -> None:
    found = check(write(tmp_path, "y", "sold", "few"), "y", 2)
    assert isinstance(found, Learned)
    assert {note.column for note in found.notes} == {"sold", "few"}


@pytest.mark.slow
def test_a_table_with_columns_of_all_kinds_is_understood_in_parts(tmp_path) -> None:
    found = check(write(tmp_path), "y", 1, 3, 7)
    assert isinstance(found, Learned)
    told = {note.column for note in found.notes}
    assert told >= {"row", "user_id", "sold", "age", "zip", "weight", "share", "few", "name",
                    "mixed", "flat", "gone"}  # fmt: skip


def test_rows_are_divided_by_group_and_time_as_if_in_one_part(tmp_path) -> None:
    table = read_table(write(tmp_path, "y", "x", "city"))
    cut, chosen = CutTable(table, 2), np.arange(N) % 4 > 0
    found = []
    for some in (table, cut):
        target = read_target(some, "y")
        time = time_column(some, "x", target, ColumnChoices())
        cuts = time.cuts(chosen, (0.5, 0.3, 0.2))
        found.append((
            cuts, time.parts(cuts).tolist(), time.spelled(cuts[0]),
            count_groups(some, "city", ("",), chosen),
        ))  # fmt: skip
    assert found[0] == found[1]


def test_changes_from_training_are_found_in_all_parts(tmp_path) -> None:
    path = write(tmp_path, "y", "few", "city", "x")
    table = read_table(path)
    schema = fit_schema(table, read_target(table, "y"), np.ones(N, bool)).schema
    other = path.read_text().replace(";c1", ";q1").replace("2.5\n", "2000.5\n")
    path.write_text(other.replace("3.5\n", "three\n").replace(";many;", ";;"))
    other_table, found = read_table(path), []
    for some in (other_table, CutTable(other_table, 2)):
        changes = schema.count_changes()
        for _ in schema.encoded_chunks(other_table, changes=changes):
            pass
        found.append(changes.found(some))
    assert found[0] == found[1]
    assert {change.kind for change in found[0]} == {"unseen", "missing", "far", "unreadable"}


SHARED = {
    "BreastCancer": "Class", "HouseVotes84": "Class", "LetterRecognition": "lettr",
    "PimaIndiansDiabetes2": "diabetes", "Soybean": "Class", "Vowel": "Class",
    "penguins": "species",
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", SHARED)
def test_real_tables_are_understood_in_parts(shared, name) -> None:
    assert isinstance(check(shared / f"{name}.csv", SHARED[name], 1, 3, 7), Learned)


@pytest.mark.slow
def test_tables_that_people_have_are_understood_in_parts(tmp_path, monkeypatch) -> None:
    script = Path(__file__).parents[3] / "shared" / "cases" / "tables" / "make_inputs.py"
    if not script.is_file():
        pytest.skip(f"{script} is not there")
    monkeypatch.setattr(sys, "argv", [str(script), str(tmp_path)])
    runpy.run_path(str(script), run_name="__main__")
    understood = 0
    for path in sorted(tmp_path.iterdir()):
        try:
            names = read_table(path).names
        except InputError:  # one that cannot be read
            continue
        understood += isinstance(check(path, names[-1], 1, 3, 7), Learned)
    assert understood > 20
