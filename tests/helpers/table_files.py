"""One table written in every format that is read."""

from __future__ import annotations

import bz2
import csv
import datetime
import gzip
import io
import json
import lzma
import sqlite3
import sys
import zipfile
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow
import pyarrow.feather
import pyarrow.parquet

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

Rows = Sequence[dict[str, Any]]


def some_rows(count: int = 80) -> list[dict[str, Any]]:
    """Numbers, a category, a date, a boolean, missing values, a text to be quoted; two classes."""
    return [
        {
            "n": k * 7 % 31, "x": None if k % 9 == 4 else round(k / 7, 6), "big": 2**40 + k * k,
            "kind": [None, "red", "a, b", 'in "quotes"', "é"][k % 5],
            "day": datetime.date(2020, 1, 1) + datetime.timedelta(days=k * 11),
            "on": k % 3 == 0, "t": "yes" if k * k % 7 < 3 else "no",
        }
        for k in range(count)
    ]  # fmt: skip


def spelled(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def csv_text(rows: Rows, delimiter: str = ",") -> str:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
    writer.writerow(rows[0])
    writer.writerows([map(spelled, row.values()) for row in rows])
    return out.getvalue()


def json_lines(rows: Rows) -> str:
    plain = [{k: str(v) if isinstance(v, datetime.date) else v for k, v in row.items()}
             for row in rows]  # fmt: skip
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in plain)


def excel(path: Path, rows: Rows, sheet: str = "Sheet") -> None:
    book = openpyxl.Workbook()
    book.active.title = sheet
    book.active.append(list(rows[0]))
    for row in rows:
        book.active.append(list(row.values()))
    book.save(path)


def sqlite(path: Path, rows: Rows, name: str = "things") -> None:
    types = {int: "INTEGER", float: "REAL", bool: "BOOLEAN", datetime.date: "DATE", str: "TEXT"}
    declared = ", ".join(f'"{n}" {types[type(v)]}' for n, v in rows[1].items())
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(f"CREATE TABLE {name} ({declared})")
        database.executemany(
            f"INSERT INTO {name} VALUES ({', '.join('?' * len(rows[0]))})",
            [[str(v) if isinstance(v, datetime.date) else v for v in row.values()]
             for row in rows],
        )  # fmt: skip


def zipped(path: Path, members: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def arrow(rows: Rows) -> pyarrow.Table:
    return pyarrow.Table.from_pylist(list(rows))


def written(write: Callable[[Path, Rows], object], name: str, rows: Rows, folder: Path) -> bytes:
    """The bytes of a file that a function writes."""
    path = folder / name
    write(path, rows)
    content = path.read_bytes()
    path.unlink()
    return content


def all_formats(folder: Path, rows: Rows) -> dict[str, Path]:
    """Write the table in every format to a folder; the paths, by what each is called."""
    text, lines = csv_text(rows).encode(), json_lines(rows).encode()
    xlsx, database = (written(write, "w", rows, folder) for write in (excel_at, sqlite))
    parquet = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(arrow(rows), parquet)
    feather = pyarrow.BufferOutputStream()
    pyarrow.feather.write_feather(arrow(rows), feather)
    latin = csv_text(rows).encode("latin-1")
    contents = {
        "t.csv": text, "t.tsv": csv_text(rows, "\t").encode(), "semicolons.csv":
        csv_text(rows, ";").encode(), "t.jsonl": lines,
        "t.json": json.dumps([json.loads(line) for line in lines.splitlines()]).encode(),
        "t.parquet": parquet.getvalue().to_pybytes(), "t.xlsx": xlsx, "t.sqlite": database,
        "t.feather": feather.getvalue().to_pybytes(),
        "t.csv.gz": gzip.compress(text), "t.csv.bz2": bz2.compress(text),
        "t.csv.xz": lzma.compress(text), "t.csv.zst": zstd.compress(text),
        "t.jsonl.xz": lzma.compress(lines), "t.xlsx.gz": gzip.compress(xlsx),
        "t.db.zst": zstd.compress(database),
        "t.parquet.bz2": bz2.compress(parquet.getvalue().to_pybytes()),
        "utf16.csv": csv_text(rows).encode("utf-16"), "latin1.csv": latin,
        "t.latin1.csv.gz": gzip.compress(latin),
        "mixed.csv": text.replace(b"\n", b"\r\n", 5).replace(b"\n", b"\r", 3),
        "sep.csv": b"sep=;\r\n" + csv_text(rows, ";").encode(),
        "titled.csv": "Report of É\n# by hand\n\n".encode() + text,
        "text.dat": text, "lines": lines, "book.csv": xlsx, "database.bin": database,
        "arrow.bin": feather.getvalue().to_pybytes(),
    }  # fmt: skip
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    zipped(folder / "t.zip", {"__MACOSX/._t.csv": b"x", "read me": b"x", "in/t.csv": text})
    zipped(folder / "one.zip", {"data": text})
    zipped(folder / "book.zip", {"book.xlsx": xlsx})
    return {path.name: path for path in sorted(folder.iterdir())}


def excel_at(path: Path, rows: Rows) -> None:
    """A workbook with a title, an empty row above it and an empty column beside it."""
    book = openpyxl.Workbook()
    book.active["B2"] = "A title"
    for j, name in enumerate(rows[0]):
        book.active.cell(4, j + 2, name)
        for i, row in enumerate(rows):
            book.active.cell(i + 5, j + 2, list(row.values())[j])
    book.save(path)
