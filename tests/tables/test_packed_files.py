"""Compressed files, workbooks, databases, pipes and addresses of strangers: read, or told why not.

Nothing is left behind, beside the file or in the folder of copies.
"""

from __future__ import annotations

import bz2
import errno
import gzip
import http.server
import io
import json
import lzma
import os
import sqlite3
import sys
import threading
import urllib.request
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from urllib.error import HTTPError

import openpyxl
import pyarrow
import pyarrow.feather
import pytest

from backhand.errors import InputError, MissingDependencyError, OutputError
from backhand.tables.files import copies
from backhand.tables.files.downloads import SafeRedirects
from backhand.tables.queries import all_rows
from backhand.tables.reading.reader import read_table
from backhand.tables.table import Table
from helpers.command_line import run
from helpers.table_files import arrow, csv_text, excel, some_rows, sqlite, zipped, zstd

ROWS = some_rows(30)
TEXT = csv_text(ROWS).encode()
PACK = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "zst": zstd.compress}
NAMES = list(ROWS[0])


@pytest.fixture(autouse=True)
def spill(tmp_path, monkeypatch):
    """The folder of copies, which is empty at the end."""
    folder = tmp_path / "spill"
    folder.mkdir()
    monkeypatch.chdir(tmp_path)
    yield folder
    assert list(folder.iterdir()) == []


@pytest.fixture
def read(spill):
    """Reads a table, which is closed at the end."""
    opened: list[Table] = []

    def read(data: object, *arguments: str, **options) -> Table:
        opened.append(read_table(str(data), *arguments, cache_dir=spill, **options))
        return opened[-1]

    yield read
    for table in opened:
        table.close()


def refused(read: Callable[..., Table], path: Path | str, said: str, **options) -> str:
    with pytest.raises(InputError, match=said) as caught:
        read(path, **options)
    message = str(caught.value)
    assert str(path) in message and "spill" not in message and "copy-" not in message
    assert message.endswith((".", "?")) and not message.endswith("..") and len(message) < 600
    return message


@pytest.mark.parametrize("ending", PACK)
@pytest.mark.parametrize("inner", ["csv", "parquet"])
def test_a_damaged_stream_is_told(tmp_path, read, ending, inner) -> None:
    path = tmp_path / f"t.{inner}.{ending}"
    packed = PACK[ending](TEXT * 40)
    for what, content in (("truncated|damaged", packed[: len(packed) * 2 // 3]),
                          ("damaged", bytes([*packed[:40], packed[40] ^ 255, *packed[41:]])),
                          ("damaged", TEXT)):  # fmt: skip
        path.write_bytes(content)
        refused(read, path, what)
    path.write_bytes(PACK[ending](b""))
    refused(read, path, "is empty")


def test_a_stream_of_several_parts_is_read_whole(tmp_path, read) -> None:
    for ending, pack in PACK.items():
        path = tmp_path / f"t.csv.{ending}"
        path.write_bytes(pack(TEXT[:100]) + pack(TEXT[100:]))
        assert read(path).rows == len(ROWS)


def zip_with(path: Path, **members: str) -> Path:
    zipped(path, {name.replace("_", "."): text.encode() for name, text in members.items()})
    return path


def encrypted(path: Path) -> Path:
    """A zip file whose member says that it is encrypted."""
    zip_with(path, t_csv="x,t\n1,a\n")
    content = bytearray(path.read_bytes())
    for magic, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(magic) + place] |= 1
    path.write_bytes(content)
    return path


def test_a_zip_holds_exactly_one_table(tmp_path, read) -> None:
    two = zip_with(tmp_path / "two.zip", a_csv="x\n1\n", b_csv="x\n1\n")
    refused(read, two, "'a.csv' and 'b.csv'; expected exactly one table")
    refused(read, zip_with(tmp_path / "none.zip"), "no file")
    refused(read, zip_with(tmp_path / "texts.zip", a="x\n1\n", b="x\n1\n"), "'a' and 'b'")
    refused(read, encrypted(tmp_path / "locked.zip"), "encrypted")
    path = zip_with(tmp_path / "cut.zip", t_csv="x,t\n1,a\n")
    path.write_bytes(path.read_bytes()[:-30])
    refused(read, path, "damaged or not a zip file")


def test_names_in_a_zip_are_no_paths(tmp_path, read) -> None:
    zipped(tmp_path / "t.zip", {"../../../escaped.csv": TEXT})
    assert read(tmp_path / "t.zip").rows == len(ROWS)
    zipped(tmp_path / "t.zip", {"/etc/escaped.csv": TEXT})
    assert read(tmp_path / "t.zip").rows == len(ROWS)
    assert not list(tmp_path.parent.rglob("escaped.csv"))


def test_a_file_in_a_file_in_a_file_ends(tmp_path, read) -> None:
    content = TEXT
    for _ in range(3):
        content = gzip.compress(content)
    (tmp_path / "t.csv.gz.gz.gz").write_bytes(content)
    assert read(tmp_path / "t.csv.gz.gz.gz").rows == len(ROWS)
    for _ in range(3):
        content = gzip.compress(content)
    (tmp_path / "deep").write_bytes(content)
    refused(read, tmp_path / "deep", "more than 5 times")


class FullDisk(io.BytesIO):
    name = "/spill/x/copy-1/table"

    def write(self, data):
        if self.tell() + len(data) > 3_000_000:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(data)


def test_a_bomb_fills_the_disk_and_not_the_memory(tmp_path, read, monkeypatch) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("t.csv", b"x,t\n" + b"1,a\n" * 10**6)
    written = copies.CopyFile.__init__
    monkeypatch.setattr(copies.CopyFile, "__init__", lambda self, _: written(self, FullDisk()))
    with pytest.raises(OutputError, match=r"no space is left .* --cache-dir"):
        read(tmp_path / "bomb.zip")


def test_workbooks_that_are_none_are_told(tmp_path, read) -> None:
    zipped(tmp_path / "zip.xlsx", {"a.csv": TEXT})
    refused(read, tmp_path / "zip.xlsx", "not a workbook")
    zipped(tmp_path / "hollow.xlsx", {"xl/nothing": b""})
    refused(read, tmp_path / "hollow.xlsx", "cannot be read as a workbook")
    excel(tmp_path / "cut.xlsx", ROWS)
    (tmp_path / "cut.xlsx").write_bytes((tmp_path / "cut.xlsx").read_bytes()[:3000])
    refused(read, tmp_path / "cut.xlsx", "damaged, or not a workbook")
    (tmp_path / "page.xls").write_text("<html><table><tr><td>1</td></tr></table></html>")
    refused(read, tmp_path / "page.xls", "web page")
    (tmp_path / "old.xls").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2000))
    refused(read, tmp_path / "old.xls", "cannot be read as a workbook")
    openpyxl.Workbook().save(tmp_path / "empty.xlsx")
    refused(read, tmp_path / "empty.xlsx", "no sheet with cells")


def test_a_workbook_that_does_not_fit_in_memory_is_told(tmp_path, read) -> None:
    excel(tmp_path / "t.xlsx", ROWS)
    with zipfile.ZipFile(tmp_path / "t.xlsx", "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/more.xml", bytes(70_000_000))
    with pytest.raises(OutputError, match=r"holds 7.*MB, and a workbook is read in memory"):
        read(tmp_path / "t.xlsx", memory="64MB")


def test_a_workbook_of_two_cells_that_are_far_apart_is_told(tmp_path, read) -> None:
    """The library reserves memory for all cells between them, and ends its process."""
    book = openpyxl.Workbook()
    book.active["A1"], book.active["XFD1048576"] = 1, 2
    book.save(tmp_path / "t.xlsx")
    with pytest.raises(OutputError, match="within 256 MB of memory: it is damaged, or needs more"):
        read(tmp_path / "t.xlsx", memory="256MB")


def test_a_damaged_arrow_file_does_not_end_the_process(tmp_path, read) -> None:
    pyarrow.feather.write_feather(arrow(ROWS), tmp_path / "t.feather", compression="uncompressed")
    content = (tmp_path / "t.feather").read_bytes()
    for place in range(8, len(content), max(1, len(content) // 6)):
        (tmp_path / "t.feather").write_bytes(
            content[:place] + b"\xff\xff\xff\x7f" * 8 + content[place + 32 :]
        )
        try:
            read(tmp_path / "t.feather")
        except (InputError, OutputError) as error:
            assert "t.feather" in str(error)


def test_sheets_are_chosen_by_name_or_number(tmp_path, read) -> None:
    book = openpyxl.Workbook()
    book.active.title = "notes"
    for name, value in (("first", 1), ("second", 2)):
        sheet = book.create_sheet(name)
        for row in (["x", "t"], [value, "a"], [value, "b"]):
            sheet.append(row)
    book.save(tmp_path / "t.xlsx")
    table = read(tmp_path / "t.xlsx")
    assert all_rows(table, "SELECT c0 FROM rows") == [("1",)] * 2
    assert "3 sheets; 'first' is read" in table.remarks[0]
    for sheet in ("second", "3"):
        table = read(tmp_path / "t.xlsx", sheet=sheet)
        assert all_rows(table, "SELECT c0 FROM rows") == [("2",)] * 2 and not table.remarks
    refused(read, tmp_path / "t.xlsx", "its sheets are 'notes', 'first' and 'second'", sheet="4")
    refused(read, tmp_path / "t.xlsx", "is empty", sheet="notes")


def test_cells_of_a_workbook_are_spelled_as_in_csv(tmp_path, read) -> None:
    book, rows = openpyxl.Workbook(), [
        ["code", "share", "part", "t"], [7, 0.125, "a", "yes"], ["007", 0.5, None, "no"],
        [2.5, None, "b", True], [None, None, None, None], [10**15, 1e-9, "=1/0", "é\nx"],
        [None, None, None, None],
    ]  # fmt: skip
    for row in rows:
        book.active.append(row)
    book.active["B2"].number_format = "0.0%"
    book.active.merge_cells("C2:C3")
    book.active["F30"].number_format = "0.0%"
    book.save(tmp_path / "t.xlsx")
    table = read(tmp_path / "t.xlsx")
    assert table.names == ["code", "share", "part", "t"]
    assert all_rows(table, "SELECT * FROM rows") == [
        ("7", "0.125", "a", "yes"), ("007", "0.5", None, "no"), ("2.5", None, "b", "true"),
        (None, None, None, None), ("1000000000000000", "1e-09", None, "é\nx"),
    ]  # fmt: skip
    assert table.where(5) == f"{tmp_path / 't.xlsx'} (row 6)"


def test_delimiters_and_comments_in_cells_are_cells(tmp_path, read) -> None:
    book = openpyxl.Workbook()
    for value in ("text; more; text", "a;b;c", "d;e|f", "g"):
        book.active.append([value])
    book.save(tmp_path / "t.xlsx")
    table = read(tmp_path / "t.xlsx")
    assert table.names == ["text; more; text"] and table.rows == 3
    with closing(sqlite3.connect(tmp_path / "t.db")) as database, database:
        database.execute('CREATE TABLE t ("# 1", "2")')
        database.execute("INSERT INTO t VALUES ('#', 3), ('sep=;', 4)")
    assert read(tmp_path / "t.db").names == ["# 1", "2"]


def test_the_row_of_a_sheet_counts_what_is_above_the_names(tmp_path, read) -> None:
    book = openpyxl.Workbook()
    for row in (["A title"], [], [None, "x", "t"], [None, 1, "a"], [None, 2, "b"]):
        book.active.append(row)
    book.save(tmp_path / "t.xlsx")
    table = read(tmp_path / "t.xlsx")
    assert table.names == ["column1", "x", "t"] or table.names == ["x", "t"]
    assert table.where(2) == f"{tmp_path / 't.xlsx'} (row 5)"


def test_a_database_names_its_tables(tmp_path, read) -> None:
    sqlite(tmp_path / "t.db", ROWS)
    assert read(tmp_path / "t.db").where(3) == f"{tmp_path / 't.db'} (row 3)"
    with closing(sqlite3.connect(tmp_path / "t.db")) as database, database:
        database.execute('CREATE TABLE "odd ""name""" (x, "a,b", y)')
        rows = "(1, 'p', x'00ff'), (2.0, '', NULL)"
        database.execute(f'INSERT INTO "odd ""name""" VALUES {rows}')
        database.execute("CREATE VIEW few AS SELECT n, t FROM things LIMIT 5")
    refused(read, tmp_path / "t.db", "tables 'odd \"name\"' and 'things'; .* --table")
    refused(read, tmp_path / "t.db", "no table 'other'; its tables are", table="other")
    table = read(tmp_path / "t.db", table='odd "name"')
    assert table.names == ["x", "a,b", "y"]
    assert all_rows(table, "SELECT * FROM rows") == [("1", "p", "0x00ff"), ("2", None, None)]
    assert read(tmp_path / "t.db", table="few").rows == 5
    with closing(sqlite3.connect(tmp_path / "none.db")) as database, database:
        database.execute("CREATE TABLE x (y)")
        database.execute("DROP TABLE x")
    refused(read, tmp_path / "none.db", "without tables")
    (tmp_path / "cut.db").write_bytes((tmp_path / "t.db").read_bytes()[:3000])
    refused(read, tmp_path / "cut.db", "cannot be read as an SQLite database")


def test_a_database_with_a_log_is_read_with_what_is_in_the_log(tmp_path, read) -> None:
    path = tmp_path / "t.db"
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("PRAGMA journal_mode = wal")
        writer.execute("CREATE TABLE t (x, t)")
        writer.execute("INSERT INTO t VALUES (1, 'a'), (2, 'b')")
        writer.commit()
        before = sorted(path.name for path in tmp_path.iterdir())
        assert "t.db-wal" in before
        assert read(path).rows == 2
        assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert read(path).rows == 2
    assert not (tmp_path / "t.db-wal").exists()


def test_arrow_files_are_read_with_their_types(tmp_path, read) -> None:
    pyarrow.feather.write_feather(arrow(ROWS), tmp_path / "t.feather", compression="lz4")
    table = read(tmp_path / "t.feather", once=True)
    assert table.names == NAMES and table.types[:2] == ["BIGINT", "DOUBLE"]
    with pyarrow.OSFile(str(tmp_path / "t.arrows"), "wb") as file, \
            pyarrow.ipc.new_stream(file, arrow(ROWS).schema) as stream:  # fmt: skip
        stream.write_table(arrow(ROWS))
    assert read(tmp_path / "t.arrows").types == table.types
    for name in ("t.feather", "t.arrows"):
        content = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(content[: len(content) * 2 // 3])
        refused(read, tmp_path / name, "cannot be read as an Arrow file")


@pytest.mark.parametrize(("content", "said"), [
    (b"ORC" + bytes(100), "an ORC file; convert it"), (b"FEA1" + bytes(9), "version 1"),
    (b"%PDF-1.5", "PDF"), (b"\x89HDF\r\n", "HDF5"), (b"\x80\x05\x95abc", "pickle"),
    (b" <!DOCTYPE html>", "web page"), (bytes(257) + b"ustar", "tar archive"),
    (b"\x30\0\0\0\0\0\0\0{\"__metadata__\"", "safetensors"),
    (b"\x01\0\x02\xff", "no known format"),
])  # fmt: skip
def test_what_is_no_table_is_told_by_what_it_is(tmp_path, read, content, said) -> None:
    for name in ("t.csv", "t"):
        if name == "t" or said != "no known format":
            (tmp_path / name).write_bytes(content)
            refused(read, tmp_path / name, said)


def test_a_stated_format_goes_before_the_ending(tmp_path, read) -> None:
    (tmp_path / "t.parquet").write_bytes(TEXT)
    said = refused(read, tmp_path / "t.parquet", "not a Parquet file")
    assert "--format csv" in said
    assert read(tmp_path / "t.parquet", format="csv").names == NAMES
    (tmp_path / "t.csv").write_bytes(TEXT.replace(b",", b"\t"))
    assert read(tmp_path / "t.csv", format="tsv").names == NAMES
    excel(tmp_path / "book.csv", ROWS)
    table = read(tmp_path / "book.csv")
    assert table.names == NAMES and "is a workbook, whatever its name says" in table.remarks[0]
    assert read(tmp_path / "book.csv", format="xlsx").names == NAMES
    refused(read, tmp_path / "book.csv", "is a workbook", format="csv")
    refused(read, tmp_path / "t.csv", "is not a workbook", format="excel")
    with pytest.raises(InputError, match=r"format \(--format\) is 'odt'; expected 'csv'"):
        read(tmp_path / "t.csv", format="odt")


@pytest.mark.parametrize("option", [
    {"sheet": "a"}, {"table": "a"}, {"encoding": "latin-1"}, {"header": False},
])  # fmt: skip
def test_an_option_that_the_format_does_not_have_is_told(tmp_path, read, option) -> None:
    (tmp_path / "t.csv").write_bytes(TEXT)
    (name,) = option
    if name in ("sheet", "table"):
        refused(read, tmp_path / "t.csv", f"--{name}\\) is for .* is CSV", **option)
    else:
        sqlite(tmp_path / "t.db", ROWS)
        refused(read, tmp_path / "t.db", f"--{name}\\) is for .* is an SQLite", **option)
    with pytest.raises(InputError, match="those of a file"):
        read_table(query="SELECT 1 AS x", **option)


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16-le", "cp037", "shift_jis"])
def test_an_encoding_is_decoded(tmp_path, read, encoding) -> None:
    text = "town,t\r\nGenf,a\r\nBern,b\r\n" + ("" if encoding == "shift_jis" else "Zürich,a\r\n")
    (tmp_path / "t.csv").write_bytes(text.encode(encoding))
    table = read(tmp_path / "t.csv", encoding=encoding)
    assert table.names == ["town", "t"] and all_rows(table, "SELECT c0 FROM rows")[0] == ("Genf",)
    (tmp_path / "t.jsonl").write_bytes('{"t": "é"}\n'.encode("latin-1"))
    refused(read, tmp_path / "t.jsonl", "line 1: not UTF-8 text; name its encoding")
    assert all_rows(read(tmp_path / "t.jsonl", encoding="latin-1"), "FROM rows") == [("é",)]


def test_what_is_not_in_the_encoding_is_told_with_its_line(tmp_path, read) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"x,t\r\n" + b"1,a\r\n" * 300_000 + b"2,\x81\r\n")
    refused(read, path, "line 300002: not UTF-8 text; name its encoding with --encoding")
    refused(read, path, "line 300002: not text in the encoding cp1252", encoding="cp1252")
    assert read(path, encoding="latin-1").rows == 300_001
    with pytest.raises(InputError, match="'klingon', which Python does not know"):
        read(path, encoding="klingon")
    with pytest.raises(InputError, match="'hex', which Python does not know"):
        read(path, encoding="hex")
    (tmp_path / "half.csv").write_bytes("x,t\n1,a\n".encode("utf-16")[:-1])
    refused(read, tmp_path / "half.csv", "line 2: not text in the encoding utf-16")


def fed(monkeypatch, content: bytes) -> None:
    """Make a pipe with this content the standard input of the process, until the test ends."""
    out, into = os.pipe()
    saved = os.dup(0)
    os.dup2(out, 0)
    os.close(out)
    threading.Thread(target=lambda: [os.write(into, content), os.close(into)]).start()
    monkeypatch.setattr(sys, "stdin", open(os.dup(saved)))  # noqa: SIM115, PTH123
    monkeypatch.callbacks.append(lambda: [os.dup2(saved, 0), os.close(saved), sys.stdin.close()])


@pytest.fixture
def stdin(monkeypatch):
    monkeypatch.callbacks = []
    yield lambda content: fed(monkeypatch, content)
    for callback in monkeypatch.callbacks:
        callback()


@pytest.mark.parametrize("name", ["-", "/dev/stdin"])
@pytest.mark.parametrize("kind", ["csv", "xlsx", "csv.gz", "jsonl"])
def test_standard_input_is_read(tmp_path, read, stdin, name, kind) -> None:
    excel(tmp_path / "t.xlsx", ROWS)
    stdin({
        "csv": TEXT, "xlsx": (tmp_path / "t.xlsx").read_bytes(), "csv.gz": gzip.compress(TEXT),
        "jsonl": b'{"n": 1, "t": "a"}\n{"n": 2, "t": "b"}\n',
    }[kind])  # fmt: skip
    table = read(name)
    assert table.rows == (2 if kind == "jsonl" else len(ROWS))
    assert table.source == ("standard input" if name == "-" else name)
    assert table.where(2).startswith(f"{table.source} (")


def test_a_command_reads_standard_input_and_named_pipes(tmp_path, stdin) -> None:
    stdin(TEXT)
    quick = ("-t", "t", "--quick", "--epochs", 1, "--hidden", 2, "--cache-dir", tmp_path / "spill")
    assert "Saved model.safetensors" in run("train", "-", *quick).stdout
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(TEXT,))
    writer.start()
    done = run("predict", "model.safetensors", "pipe", "--cache-dir", tmp_path / "spill")
    writer.join()
    assert len(done.stdout.splitlines()) == len(ROWS) + 1


def test_a_file_that_cannot_be_opened_is_told(tmp_path, read, monkeypatch) -> None:
    (tmp_path / "t.csv").write_bytes(TEXT)

    def refuse(*_, **__) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "t.csv")

    monkeypatch.setattr("backhand.tables.files.kinds.packing_of", refuse)
    refused(read, tmp_path / "t.csv", r"cannot be read: Permission denied\.")


def test_devices_and_an_empty_input_are_told(read) -> None:
    for name, said in (("/dev/null", "is empty"), ("/dev/zero", "is a device")):
        refused(read, name, said)


@pytest.fixture
def server(tmp_path):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments, **options) -> None:
            super().__init__(*arguments, directory=str(tmp_path), **options)

        def do_GET(self) -> None:
            if self.path.startswith("/to?"):
                self.send_response(302)
                self.send_header("Location", self.path.removeprefix("/to?"))
                self.end_headers()
            else:
                super().do_GET()

        def log_message(self, *_) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as found:
        thread = threading.Thread(target=found.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{found.server_port}"
        found.shutdown()
        thread.join()


def test_addresses_are_downloaded(tmp_path, read, server) -> None:
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(TEXT))
    table = read(f"{server}/t.csv.gz?version=[2]*")
    assert table.rows == len(ROWS) and table.source.startswith(server)
    refused(read, f"{server}/none.csv", "cannot be downloaded: .*File not found")
    refused(read, "http://127.0.0.1:1/t.csv", "cannot be downloaded")
    for address in ("s3://bucket/t.parquet", "file:///etc/passwd", "ftp://host/t.csv"):
        refused(read, address, "only addresses that begin with https://")


def test_redirects_are_followed_on_the_web_alone(tmp_path, read, server) -> None:
    (tmp_path / "t.csv").write_bytes(TEXT)
    assert read(f"{server}/to?/t.csv").rows == len(ROWS)
    assert read(f"{server}/to?{server}/to?/t.csv").rows == len(ROWS)
    refused(read, f"{server}/to?ftp://127.0.0.1:1/t.csv", "redirects from http:// to ftp://")
    refused(read, f"{server}/to?file://{tmp_path}/t.csv", "cannot be downloaded: .*not allowed")


@pytest.mark.parametrize(
    ("old", "new", "followed"),
    [("https", "https", True), ("http", "https", True), ("http", "http", True),
     ("https", "http", False), ("HTTPS", "HTTP", False), ("https", "ftp", False)],
)  # fmt: skip
def test_no_redirect_gives_up_encryption(old: str, new: str, followed: bool) -> None:
    request = urllib.request.Request(f"{old}://host/t.csv")
    handler = SafeRedirects()

    def redirected():
        return handler.redirect_request(request, io.BytesIO(), 302, "Found", {}, f"{new}://other/")

    if followed:
        assert redirected().full_url == f"{new}://other/"
    else:
        with pytest.raises(HTTPError, match="which is not followed") as refusal:
            redirected()
        refusal.value.close()


@pytest.mark.parametrize(("name", "module", "pack"), [
    ("t.xlsx", "python_calamine", None), ("t.feather", "arro3.io", None),
    ("t.csv.zst", "backports.zstd", zstd.compress),
])  # fmt: skip
def test_a_library_that_is_absent_is_named(tmp_path, read, monkeypatch, name, module, pack) -> None:
    if module == "backports.zstd" and sys.version_info >= (3, 14):
        pytest.skip("the standard library reads Zstandard")
    if pack:
        (tmp_path / name).write_bytes(pack(TEXT))
    elif module == "arro3.io":
        pyarrow.feather.write_feather(arrow(ROWS), tmp_path / name)
    else:
        excel(tmp_path / name, ROWS)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingDependencyError, match=r"'backhand\[formats\]'"):
        read(tmp_path / name)


def test_globs_of_copied_files_are_one_table(tmp_path, read) -> None:
    for i in range(3):
        excel(tmp_path / f"part{i}.xlsx", ROWS)
        (tmp_path / f"part{i}.csv.xz").write_bytes(lzma.compress(b"A title\n" * i + TEXT))
    assert read(tmp_path / "*.xlsx").rows == 3 * len(ROWS)
    table = read(tmp_path / "*.csv.xz", once=True)
    assert table.rows == 3 * len(ROWS)
    assert table.where(len(ROWS) * 2 + 1) == f"{tmp_path / 'part2.csv.xz'} (line 4)"
    (tmp_path / "part3.csv").write_bytes(TEXT)
    refused(read, tmp_path / "part*", "several formats")


def test_a_query_reads_every_format(tmp_path, read) -> None:
    excel(tmp_path / "t.xlsx", ROWS)
    table = read(tmp_path / "t.xlsx", 'SELECT n + 1 AS more, day, "on", t FROM data')
    assert table.types == ["BIGINT", "DATE", "BOOLEAN", "VARCHAR"] or table.types[1] == "DATE"


def test_a_copy_is_read_although_its_file_changes_afterwards(tmp_path, read) -> None:
    path = tmp_path / "t.csv.xz"
    path.write_bytes(lzma.compress(TEXT))
    table = read(path, once=True)
    path.write_bytes(b"")
    with table.unchanged():
        assert len(all_rows(table, "FROM rows")) == len(ROWS)


def test_remarks_are_told_by_the_commands_and_from_python(tmp_path) -> None:
    (tmp_path / "t.csv").write_bytes(b"A title\n" + TEXT)
    quick = ("-t", "t", "--quick", "--epochs", 1, "--hidden", 2, "-o", "m.safetensors")
    printed = run("train", "t.csv", *quick, "--json").stdout
    events = [json.loads(line) for line in printed.splitlines()]
    (table,) = (event for event in events if event["event"] == "table")
    assert table["remarks"] == ["t.csv: the line 'A title' above the columns is skipped."]
    assert "the line 'A title' above" in run("predict", "m.safetensors", "t.csv").stderr
