"""Text files of strangers: endless lines, damaged gzip files, names that are alike."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from backhand.errors import BackhandError, InputError
from backhand.tables.database.duckdb_errors import find_invalid_json
from backhand.tables.files.source import Source
from backhand.tables.queries import all_rows
from backhand.tables.reading.csv_head import Head
from backhand.tables.reading.reader import read_table
from backhand.tables.reading.row_location import locate_json_line, locate_record

MB = 10**6
TABLE = "x,t\n" + "".join(f"{i},{'ab'[i % 2]}\n" for i in range(60))


def bomb(path: Path, head: str, megabytes: int = 100) -> Path:
    """An endless line behind `head`, a thousandth of its size when it is packed."""
    with gzip.open(path, "wb", 1) as out:
        out.write(head.encode())
        for _ in range(megabytes):
            out.write(b"a" * MB)
    return path


@pytest.mark.parametrize(
    ("name", "head", "most"),
    [
        ("header.csv.gz", "", 30),
        ("quoted.csv.gz", '"', 30),
        ("row.csv.gz", TABLE, 30),
        ("t.jsonl.gz", '{"x": 1, "t": "', 90),
        ("later.jsonl.gz", '{"x": 1, "t": "a"}\n' * 9 + '{"x": 1, "t": "', 90),
    ],
)
def test_an_endless_line_takes_no_memory_of_ours(tmp_path, name, head, most) -> None:
    path = bomb(tmp_path / name, head)
    tracemalloc.start()
    try:
        with pytest.raises(BackhandError) as caught:
            read_table(path, memory="64MB")
        assert tracemalloc.get_traced_memory()[1] < most * MB
    finally:
        tracemalloc.stop()
    assert name in str(caught.value) or "--memory" in str(caught.value)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("behind", ["", "\n", ",b\n", ",b\n" + TABLE[4:], ",b\r" + TABLE[4:]])
def test_a_line_longer_than_the_buffer_of_duckdb_is_told_and_not_left_out(tmp_path, behind) -> None:
    path = tmp_path / "t.csv"
    for characters in (4_000_001, 5 * MB):
        path.write_text(TABLE + "a" * characters + behind)
        with pytest.raises(InputError, match=r"t\.csv has a line of more than 4,000,000 bytes"):
            read_table(path, once=True)
    path.write_text("s,x,t\n" + "".join(f"{'a' * 1_500_000},{i},b\n" for i in range(4)))
    assert read_table(path, once=True).rows == 4, "many lines, none of them too long"


def test_json_may_stand_in_one_line(tmp_path) -> None:
    path = tmp_path / "t.json"
    path.write_text(json.dumps([{"x": i, "s": "a" * MB} for i in range(18)]))
    assert read_table(path, memory="1GB").rows == 18


def test_looking_for_a_line_is_bounded_too(tmp_path) -> None:
    row, line = (
        bomb(tmp_path / "t.csv.gz", TABLE),
        bomb(tmp_path / "t.jsonl.gz", '{"x": 1}\n{"x": "'),
    )
    tracemalloc.start()
    try:
        head = Head(",", [], True, ["x", "t"], [])
        assert locate_record([Source(str(row), str(row), "csv")], [head], 62) is None
        lines = [Source(str(line), str(line), "jsonl")]
        assert locate_json_line(lines, 3) is None
        said = find_invalid_json(lines)
        assert tracemalloc.get_traced_memory()[1] < 90 * MB
    finally:
        tracemalloc.stop()
    assert said is not None and said.startswith(f"{line}, line 2 is longer than 16,777,216 ")


def test_a_long_line_that_is_not_endless_is_read(tmp_path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text("".join(json.dumps({"x": i, "s": "a" * 2**21}) + "\n" for i in range(3)))
    assert read_table(path).rows == 3
    path.write_text(path.read_text() + "{]\n")
    with pytest.raises(InputError, match=r"t\.jsonl, line 4 is not JSON"):
        read_table(path)


def damaged(packed: bytes, place: int) -> bytes:
    some = bytearray(packed)
    some[place] ^= 0xFF
    return bytes(some)


@pytest.mark.parametrize("once", [False, True])
@pytest.mark.parametrize("ending", ["csv.gz", "jsonl.gz"])
@pytest.mark.parametrize(("what", "place"), [("checksum", -8), ("length", -1), ("a value", None)])
def test_a_damaged_gzip_is_refused(tmp_path, ending, what, place, once) -> None:
    rows = TABLE if ending == "csv.gz" else '{"x": 10, "t": "a"}\n{"x": 11, "t": "b"}\n'
    packed = gzip.compress(rows.encode(), 0)  # its bytes stand there as they are
    path = tmp_path / f"t.{ending}"
    path.write_bytes(packed)
    assert read_table(path).names == ["x", "t"]
    path.write_bytes(damaged(packed, packed.index(b"10") if place is None else place))
    with pytest.raises(InputError, match=rf"t\.{ending} cannot be read: it is damaged"):
        read_table(path, once=once)


def test_a_gzip_of_several_parts_is_read(tmp_path) -> None:
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(TABLE.encode()) + gzip.compress(b"60,a\n"))
    assert read_table(path).rows == 61


ALIKE = [
    ["X", "x", "y"],
    ["x", "X", "y"],
    ["x", "X", "x_1", "y"],
    ["x_1", "X", "x", "y"],
    ["x_1", "x", "y"],
    ["x_1", "x_2", "y"],
    ["x_1", "X_1", "x_1_1", "X", "x", "É", "é"],
]


def write_alike(path: Path, names: list[str], rows: int = 2) -> Path:
    """Each value is its name and its row, so that a column that is another one shows."""
    columns = {name: [f"{name} {row}" for row in range(rows)] for name in names}
    if path.suffix == ".parquet":
        pyarrow.parquet.write_table(pyarrow.table(columns), path)
    elif path.suffix == ".jsonl":
        lines = (json.dumps({n: c[row] for n, c in columns.items()}) for row in range(rows))
        path.write_text("\n".join(lines) + "\n")
    else:
        path.write_text(
            "\n".join([",".join(names), *map(",".join, zip(*columns.values(), strict=True))]) + "\n"
        )
    return path


@pytest.mark.parametrize("names", ALIKE, ids=",".join)
@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet"])
def test_names_that_differ_by_case_only_stay_as_they_are(tmp_path, ending, names) -> None:
    table = read_table(write_alike(tmp_path / f"t{ending}", names))
    assert table.names == names
    for i, name in enumerate(names):
        assert all_rows(table, f"SELECT c{i} FROM rows") == [(f"{name} 0",), (f"{name} 1",)]


def test_names_inside_a_column_are_no_names_of_columns(tmp_path) -> None:
    inside = [{"x": 1, "X": [2]}]
    rows = pyarrow.table({"a": inside, "X": [1], "b": [[{"x": 1}]], "x": [2]})
    pyarrow.parquet.write_table(rows, tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet").names == ["a", "X", "b", "x"]


def test_a_name_that_stands_twice_is_numbered_and_told(tmp_path) -> None:
    rows = pyarrow.Table.from_arrays([pyarrow.array([1])] * 4, names=["x", "x_2", "x", "x"])
    pyarrow.parquet.write_table(rows, tmp_path / "t.parquet")
    table = read_table(tmp_path / "t.parquet")
    assert table.names == ["x", "x_2", "x_3", "x_4"]
    assert "several columns named 'x'; the others are called 'x_3' and 'x_4'" in table.remarks[0]


def test_columns_that_are_alike_are_not_exchanged_between_files(tmp_path) -> None:
    for number, names in enumerate((["X", "x"], ["x", "X"])):
        for ending in (".parquet", ".jsonl"):
            write_alike(tmp_path / f"{number}{ending}", names)
    with pytest.raises(InputError, match="does not have the columns of"):
        read_table(tmp_path / "*.parquet")
    for ending in (".parquet", ".jsonl"):
        (tmp_path / f"1{ending}").write_bytes((tmp_path / f"0{ending}").read_bytes())
        table = read_table(tmp_path / f"*{ending}")
        assert table.names == ["X", "x"]
        assert all_rows(table, "SELECT * FROM rows") == [("X 0", "x 0"), ("X 1", "x 1")] * 2
