"""The types that texts get in a query and in a Parquet file: without losing a digit."""

import csv
import math

import pytest

from backhand.tables.queries import all_rows
from backhand.tables.reading.reader import read_table
from backhand.tables.schema.column_types import FIRST, typed

COLUMNS = {
    "BIGINT": (["1", "-20", " 7 ", "NA", "9223372036854775807"], [1, -20, 7, None, 2**63 - 1]),
    "DOUBLE": (["0.5", "-1", "NaN", "1e300", " 0", "-0.0"], [0.5, -1.0, None, 1e300, 0.0, 0.0]),
    "DATE": (["2020-01-31", " 2020-02-29 ", "-"], ["2020-01-31", "2020-02-29", None]),
    "TIME": (["12:30:00", "4:05", "?"], ["12:30:00", "04:05:00", None]),
    "TIMESTAMP WITH TIME ZONE": (
        ["2020-01-31 12:30:00", "2020-01-31T12:30:00+01", "null"],
        ["2020-01-31 12:30:00+00", "2020-01-31 11:30:00+00", None],
    ),
}
TEXTS = {
    "codes": ["10", "07"], "codes after a space": ["10", " 07"], "words": ["1", "one"],
    "only missing": ["nan", "NA"], "a day that is none": ["2020-01-31", "2020-02-30"],
    "too large": ["1", "9223372036854775808x"],
}  # fmt: skip


def table_of(folder, columns):
    with (folder / "t.csv").open("w", newline="") as file:
        csv.writer(file).writerows([columns, *zip(*columns.values(), strict=True)])
    return read_table(folder / "t.csv")


def cycled(texts, rows: int) -> list[str]:
    return [texts[k % len(texts)] for k in range(rows)]


@pytest.mark.parametrize(
    "rows", [FIRST + 30, *(pytest.param(n, marks=pytest.mark.slow) for n in (12, FIRST))]
)
def test_columns_get_the_narrowest_type_of_all_their_texts(tmp_path, rows) -> None:
    given = {kind: cycled(texts, rows) for kind, (texts, _) in COLUMNS.items()}
    given |= {name: cycled(texts, rows) for name, texts in TEXTS.items()}
    table = table_of(tmp_path, given)
    cells = typed(table)
    kinds = all_rows(table, f"SELECT {', '.join(f'typeof({c})' for c in cells)} FROM rows")[0]
    assert kinds == (*COLUMNS, *["VARCHAR"] * len(TEXTS))
    shown = [c if i < 2 else f"CAST({c} AS VARCHAR)" for i, c in enumerate(cells)]
    found = zip(*all_rows(table, f"SELECT {', '.join(shown)} FROM rows"), strict=True)
    for column, (_, values) in zip(found, COLUMNS.values(), strict=False):
        assert list(column) == cycled(values, rows)
    assert all_rows(table, f"SELECT {cells[-1]} FROM rows LIMIT 2") == [
        ("1",), ("9223372036854775808x",)
    ]  # fmt: skip


def test_the_last_row_counts_as_much_as_the_first(tmp_path) -> None:
    """The first rows exclude types; they do not decide one."""
    last = {
        "1": ("2.5", "DOUBLE"), "2": ("two", "VARCHAR"), "3": ("03", "VARCHAR"),
        "4": ("2020-01-31", "VARCHAR"), "2020-01-31": ("2020-01-31 00:00", "TIMESTAMP WITH TIME "
        "ZONE"), "NA": ("5", "BIGINT"), "6": ("nan", "BIGINT"), "7.5": ("inf", "DOUBLE"),
    }  # fmt: skip
    given = {str(i): [*[text] * FIRST, end] for i, (text, (end, _)) in enumerate(last.items())}
    table = table_of(tmp_path, given)
    cells = typed(table)
    kinds = all_rows(table, f"SELECT {', '.join(f'typeof({c})' for c in cells)} FROM rows")[0]
    assert kinds == tuple(kind for _, kind in last.values())
    ends = all_rows(table, f"SELECT {cells[6]}, {cells[7]} FROM rows OFFSET {FIRST}")
    assert ends == [(None, math.inf)]
