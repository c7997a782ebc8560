"""Wrong tables, and odd ones that are right: each as a user gives it, with the sentence it gets."""

import gzip
import json
import warnings

import duckdb
import pytest
from typer.testing import CliRunner

from backhand.cli.app import app
from backhand.errors import BackhandWarning

QUICK = ("--epochs", 1, "--hidden", 4)
GOOD = "n,c,t\n" + "".join(f"{k},{'xy'[k % 2]},{'ab'[k // 3 % 2]}\n" for k in range(40))
LINES = "".join(json.dumps({"n": k, "t": "ab"[k % 2]}) + "\n" for k in range(40))


def run(*arguments):
    with warnings.catch_warnings():
        warnings.simplefilter("always", BackhandWarning)
        return CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def make(folder, files) -> None:
    """Files by name: text, bytes, or the SELECT of a Parquet file."""
    for name, content in files.items():
        if name.endswith(".parquet") and isinstance(content, str):
            duckdb.connect().execute(f"COPY ({content}) TO '{folder / name}'")
        else:
            data = content if isinstance(content, bytes) else content.encode()
            (folder / name).write_bytes(data)


def parquet(select: str) -> bytes:
    """The bytes of a Parquet file."""
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder), {"t.parquet": select})
        return (Path(folder) / "t.parquet").read_bytes()


def csv(*rows: str) -> dict:
    return {"t.csv": "\n".join(rows) + "\n"}


FORTY = "FROM range(40) AS s(k)"
CLASS = "chr((97 + k % 2)::INT) AS t"
PLAIN = f"SELECT k AS n, {CLASS} {FORTY}"
PARQUET = parquet(PLAIN)
NUMBERS = [f"{k},{'ab'[k % 2]}" for k in range(40)]
JUNK = bytes(range(256)) * 40

# name: (files, what is given as DATA, the words that its sentence holds)
WRONG = {
    "empty": ({"t.csv": ""}, ["t.csv is empty"]),
    "header only": (csv("n,t"), ["t.csv", "no rows"]),
    "no names": (csv("", "1,a"), ["t.csv begins with an empty line"]),
    "no target": (csv("n,tt", "1,a", "2,b"), ["t.csv has no target column 't'", "'tt'"]),
    "target by case": (csv("n,T", "1,a", "2,b"), ["t.csv", "Did you mean 'T'"]),
    "one class": (csv("n,t", "1,a", "2,a"), ["one class only, 'a'"]),
    "target missing": (csv("n,t", "1,", "2,"), ["'t' is missing in every row"]),
    "regression": (csv("n,t", *(f"{k},{k * 0.7}" for k in range(99))), ["'t'", "regression"]),
    "identifiers": (csv("n,t", *(f"{k},id{k}" for k in range(99))), ["'t' has 99 classes"]),
    "too few values": (csv("n,t", "1,a", "2", "3,b"), ["t.csv, line 3 has 1 values"]),
    "too many values": (csv("n,t", "1,a", "2,b,c"), ["t.csv, line 3 has more values"]),
    "title above": (csv("# flowers", "n,t", "1,a"), ["t.csv, line 2 has more values"]),
    "infinite": (csv("n,t", "1,a", "inf,b", "2,a", "3,b"), ["'n' of t.csv", "in row 2"]),
    "too large": (csv("n,t", "1e200,a", "-1e200,b"), ["'n'", "too large"]),
    "constant": (csv("n,t", "1,a", "1,b"), ["t.csv", "n is constant (1)"]),
    "not UTF-8": ({"t.csv": b"n,t\n1,\xe9\n2,b\n"}, ["t.csv", "not UTF-8"]),
    "not UTF-8 in names": ({"t.csv": b"\xe9,t\n1,a\n2,b\n"}, ["t.csv is not UTF-8 text"]),
    "UTF-16": ({"t.csv": GOOD.encode("utf-16")}, ["t.csv is not UTF-8 text"]),
    "binary": ({"t.csv": JUNK}, ["t.csv", "UTF-8"]),
    "NUL in a value": ({"t.csv": b"n,t\n1,a\n2\0,b\n3,a\n"}, ["'n' of t.csv", "NUL byte in row 2"]),
    "NUL in a name": ({"t.csv": b"n\0,t\n1,a\n2,b\n"}, ["t.csv, line 1", "NUL"]),
    "open quote": (csv("n,t", '1,"a', "2,b"), ["t.csv", "never closed"]),
    "open quote in names": (csv('n,"t', "1,a"), ["t.csv"]),
    "names twice": (csv("n,n,t", "1,2,a"), ["t.csv has several columns named 'n'"]),
    "only missing": (csv("n,t", ",a", ",b"), ["n is missing in every training row"]),
    "mixed late": (
        csv("n,t", *NUMBERS * 700, "two,b"), ["t.csv, line 28002 has 'two'"]),
    "mixed early": (csv("n,t", *NUMBERS, "many,a", "x,b"), ["'n' of t.csv", "'many' in row 41"]),
    "gzip truncated": ({"t.csv.gz": gzip.compress(GOOD.encode())[:-30]}, ["t.csv.gz"]),
    "gzip damaged": ({"t.csv.gz": gzip.compress(GOOD.encode())[:40] + JUNK}, ["t.csv.gz"]),
    "no gzip": ({"t.csv.gz": "no gzip"}, ["t.csv.gz cannot be read"]),
    "gzip JSON truncated": ({"t.jsonl.gz": gzip.compress(LINES.encode())[:-30]}, ["t.jsonl.gz"]),
    "Parquet truncated": ({"t.parquet": PARQUET[:-40]}, ["t.parquet"]),
    "Parquet of two bytes": ({"t.parquet": b"PA"}, ["t.parquet"]),
    "no Parquet": ({"t.parquet": JUNK}, ["t.parquet cannot be read"]),
    "Parquet without rows": ({"t.parquet": PLAIN + " WHERE k < 0"}, ["t.parquet", "no rows"]),
    "Parquet nested target": (
        {"t.parquet": f"SELECT k AS n, [k % 2] AS t {FORTY}"}, ["target 't' holds BIGINT[]"]),
    "Parquet nested only": (
        {"t.parquet": f"SELECT {{'a': k}} AS n, {CLASS} {FORTY}"}, ["n holds STRUCT"]),
    "JSON damaged": ({"t.jsonl": LINES + '{"n": 1, "t"\n'}, ["t.jsonl"]),
    "JSON that is none": ({"t.jsonl": "n,t\n1,a\n"}, ["t.jsonl"]),
    "JSON nested target": (
        {"t.jsonl": '{"n": 1, "t": {"x": 1}}\n{"n": 2, "t": {"x": 2}}\n'}, ["target 't' holds"]),
    "JSON empty": ({"t.json": "[]"}, ["t.json"]),
    "glob disagrees": ({"p1.csv": GOOD, "p2.csv": "n,d,t\n1,x,a\n"}, ["p2.csv", "p1.csv"]),
    "glob by order": ({"p1.csv": GOOD, "p2.csv": "c,n,t\nx,1,a\n"}, ["p2.csv", "p1.csv"]),
    "glob disagrees, Parquet": (
        {"p1.parquet": PARQUET, "p2.parquet": f"SELECT k AS m, {CLASS} {FORTY}"},
        ["p2.parquet", "p1.parquet"]),
    "glob disagrees, JSON": (
        {"p1.jsonl": LINES, "p2.jsonl": '{"m": 1, "t": "a"}\n'}, ["p2.jsonl", "p1.jsonl"]),
    "glob, more in JSON": (
        {"p1.jsonl": LINES, "p2.jsonl": '{"m": 1, "n": 2, "t": "a"}\n'}, ["p2.jsonl"]),
    "glob, damaged": (
        {"p1.csv": GOOD, "p2.csv": GOOD + "1,x\n", "p3.csv": GOOD}, ["p2.csv, line 42"]),
    "glob, empty": ({"p1.csv": GOOD, "p2.csv": "", "p3.csv": GOOD}, ["p2.csv is empty"]),
    "glob, Parquet damaged": (
        {"p1.parquet": PARQUET, "p2.parquet": JUNK, "p3.parquet": PARQUET}, ["p2.parquet"]),
    "glob, gzip damaged": (
        {"p1.csv.gz": gzip.compress(GOOD.encode()), "p2.csv.gz": JUNK}, ["p2.csv.gz"]),
    "several formats": ({"p1.csv": GOOD, "p2.jsonl": LINES}, ["several formats"]),
    "unknown format": ({"t.xlsx": JUNK}, ["t.xlsx does not end in a known format"]),
}  # fmt: skip


def data_of(files) -> str:
    return "p*" if len(files) > 1 else next(iter(files))


def check_refused(here, result, before, said) -> None:
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output and result.stdout == ""
    lines = result.stderr.splitlines()
    assert len(lines) == 1 and lines[0].startswith("backhand: "), result.stderr
    assert lines[0].endswith((".", "?")), lines[0]
    for words in said:
        assert words in lines[0], lines[0]
    assert {p: p.read_bytes() for p in here.iterdir()} == before, "nothing was written"


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_table_is_one_sentence(here, name) -> None:
    files, said = WRONG[name]
    make(here, files)
    before = {p: p.read_bytes() for p in here.iterdir()}
    result = run("train", data_of(files), "-t", "t", *QUICK)
    check_refused(here, result, before, said)


# name: (files, what is told on standard output, what is told on standard error)
ODD = {
    "BOM": ({"t.csv": b"\xef\xbb\xbf" + GOOD.encode()}, "40", ""),
    "CRLF": ({"t.csv": GOOD.replace("\n", "\r\n")}, "40", ""),
    "no last newline": ({"t.csv": GOOD.rstrip()}, "40", ""),
    "one column missing": (csv("n,m,t", *(f"{k},,{'ab'[k % 2]}" for k in range(40))), "m", ""),
    "some targets missing": (csv("n,t", *NUMBERS, "1,", "2,NA"), "2 without a class", ""),
    "thousands": (csv("n,m,t", *(f'{k % 5},"{k % 3 + 1},000",{"ab"[k % 2]}' for k in range(40))),
                  "m", ""),
    "case of classes": (csv("n,t", *NUMBERS, *["1,A"] * 4), "3:", "'A' and 'a'"),
    "spaces of classes": (csv("n,t", *NUMBERS, *["1,a "] * 4), "3:", "'a' and 'a '"),
    "a class of one row": (csv("n,t", *NUMBERS, "1,rare"), "rare 1", "'rare' has one row only"),
    "zones": ({"t.parquet": "SELECT TIMESTAMPTZ '2024-01-01 00:00:00+02' + INTERVAL (k) HOUR AS n, "
               f"{CLASS} {FORTY}"}, "40", ""),
    "decimals": ({"t.parquet": f"SELECT (k / 4)::DECIMAL(9, 3) AS n, {CLASS} {FORTY}"}, "40", ""),
    "a nested column": (
        {"t.parquet": f"SELECT k AS n, [k] AS deep, {CLASS} {FORTY}"}, "deep", ""),
    "a glob": ({"p1.csv": GOOD, "p2.csv": GOOD}, "80", ""),
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_an_odd_table_trains(here, name) -> None:
    files, printed, told = ODD[name]
    make(here, files)
    result = run("train", data_of(files), "-t", "t", "-o", "m.safetensors", *QUICK)
    assert result.exit_code == 0, result.output
    assert (here / "m.safetensors").exists() and printed in result.stdout
    assert told in result.stderr and len(result.stderr.splitlines()) == bool(told)


@pytest.mark.slow
def test_twenty_thousand_columns(here) -> None:
    head = ",".join([*(f"n{i}" for i in range(20_000)), "t"])
    rows = [",".join([*(str((k * i) % 7) for i in range(20_000)), "ab"[k % 2]]) for k in range(8)]
    make(here, csv(head, *rows))
    assert run("train", "t.csv", "-t", "t", *QUICK).exit_code == 0


QUERIES = [
    "SELECT * FROM nowhere", "SELECT", "", "COPY data TO 'x.csv'", "ATTACH 'x.db'",
    "INSERT INTO data VALUES (1)", "CREATE TABLE x AS SELECT 1", "EXPORT DATABASE 'x'",
    "PRAGMA enable_profiling", "SET threads = 1", "INSTALL httpfs", "LOAD httpfs", "CHECKPOINT",
    "SELECT 1; COPY data TO 'x.csv'", "CALL enable_logging(storage_path := 'x')",
    "SELECT * FROM enable_logging(storage := 'file', storage_path := 'x')",
    "SELECT * FROM query('COPY data TO ''x.csv''')",
    "WITH x AS (COPY data TO 'x.csv') SELECT * FROM x",
    "WITH x AS (INSERT INTO rows VALUES (1, 'a', 'b') RETURNING *) SELECT * FROM x",
    "EXPLAIN ANALYZE COPY data TO 'x.csv'",
]  # fmt: skip


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_that_fails_or_writes_is_refused(here, query) -> None:
    make(here, {"t.csv": GOOD})
    before = {p: p.read_bytes() for p in here.iterdir()}
    check_refused(here, run("train", "t.csv", "-t", "t", "--query", query), before, ["query"])


WRONG_FOR_THE_MODEL = {
    "column missing": (csv("c,t", "x,a"), ["t.csv has no column 'n'"]),
    "column by case": (csv("N,c,t", "1,x,a"), ["t.csv", "Did you mean 'N'"]),
    "text for numbers": (csv("n,c,t", "1,x,a", "some,y,b"), ["'n' of t.csv", "'some' in row 2"]),
    "dates for numbers": (csv("n,c,t", "2020-01-01,x,a"), ["'n' of t.csv holds DATE values"]),
    "infinite": (csv("n,c,t", "1,x,a", "inf,x,b"), ["'n' of t.csv", "row 2"]),
    "no rows": (csv("n,c,t"), ["t.csv", "no rows"]),
}  # fmt: skip


@pytest.mark.parametrize("command", ["predict", "evaluate"])
@pytest.mark.parametrize("name", WRONG_FOR_THE_MODEL)
def test_a_table_that_is_wrong_for_the_model(here, name, command) -> None:
    make(here, {"good.csv": GOOD})
    run("train", "good.csv", "-t", "t", "-o", "m.safetensors", *QUICK)
    files, said = WRONG_FOR_THE_MODEL[name]
    make(here, files)
    before = {p: p.read_bytes() for p in here.iterdir()}
    check_refused(here, run(command, "m.safetensors", "t.csv"), before, said)


LATE = "n,c,t\n" + GOOD[6:] * 6000
LATE_LINES = "".join(json.dumps({"n": k, "c": "x", "t": "a"}) + "\n" for k in range(30_000))

# What predict and evaluate come upon while they stream, after the rows that DuckDB looks at first.
WRONG_LATE = {
    "too few values": ({"t.csv": LATE + "1,x\n"}, ["t.csv, line 240002 has 2 values"]),
    "text for numbers": ({"t.csv": LATE + "one,x,a\n"}, ["t.csv, line 240002 has 'one'"]),
    "open quote": ({"t.csv": LATE + '1,"x,a\n'}, ["t.csv, line 240002", "never closed"]),
    "not UTF-8": ({"t.csv": LATE.encode() + b"1,\xe9,a\n"}, ["t.csv, line 240002", "UTF-8"]),
    "JSON damaged": ({"t.jsonl": LATE_LINES + '{"n": 1,\n'}, ["t.jsonl", "line 30002"]),
    "JSON text": ({"t.jsonl": LATE_LINES + '{"n": "one", "c": "x"}\n'}, ["line 30001", '"one"']),
    "types of a glob": (
        {"p1.parquet": f"SELECT k AS n, 'x' AS c, {CLASS} {FORTY}",
         "p2.parquet": f"SELECT 'u' || k AS n, 'x' AS c, {CLASS} {FORTY}"},
        ["p2.parquet", "'u0'"]),
}  # fmt: skip


@pytest.mark.parametrize("command", ["predict", "predict -o p.csv", "evaluate"])
@pytest.mark.parametrize("name", WRONG_LATE)
def test_what_is_wrong_late_in_a_stream_is_wrong_input_too(here, name, command) -> None:
    make(here, {"good.csv": GOOD})
    run("train", "good.csv", "-t", "t", "-o", "m.safetensors", *QUICK)
    files, said = WRONG_LATE[name]
    make(here, files)
    before = {p: p.read_bytes() for p in here.iterdir()}
    command, *more = command.split()
    check_refused(here, run(command, "m.safetensors", data_of(files), *more), before, said)
