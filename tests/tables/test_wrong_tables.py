"""Tables as they come: the odd ones train, of the wrong ones one sentence says what is wrong."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import duckdb
import pytest
from typer.testing import CliRunner

from backhand.cli.app import app
from backhand.tables.database.query_guard import FORBIDDEN

pytestmark = pytest.mark.filterwarnings("default::backhand.errors.BackhandWarning")

ROWS = [(f"{k}", f"{k * k % 7}", "ab"[k % 2]) for k in range(12)]
GOOD = "n,m,t\n" + "".join(",".join(row) + "\n" for row in ROWS)
LINES = [json.dumps(dict(zip("nmt", row, strict=True))) + "\n" for row in ROWS]
PARQUET = "SELECT k AS n, k * k % 7 AS m, ['a', 'b'][k % 2 + 1] AS t FROM range(12) AS s(k)"

Maker = Callable[[Path], None]


class Wrong(NamedTuple):
    """A table that is refused: how it is made, the words that its sentence holds, the command."""

    name: str
    make: Maker
    said: tuple[str, ...]
    data: tuple[str, ...] = ("t.csv",)


class Odd(NamedTuple):
    """A table that trains, the words that are printed and those of a warning."""

    name: str
    make: Maker
    printed: tuple[str, ...] = ()
    warned: tuple[str, ...] = ()
    data: tuple[str, ...] = ("t.csv",)


def text(content: str | bytes, name: str = "t.csv") -> Maker:
    body = content.encode() if isinstance(content, str) else content
    return lambda folder: [(folder / name).write_bytes(body)][:0] or None


def both(*makers: Maker) -> Maker:
    def make(folder: Path) -> None:
        for one in makers:
            one(folder)

    return make


def parquet(query: str = PARQUET, name: str = "t.parquet") -> Maker:
    def make(folder: Path) -> None:
        with duckdb.connect() as connection:
            connection.execute(f"COPY ({query}) TO '{folder / name}' (FORMAT parquet)")

    return make


def cut(maker: Maker, name: str, share: float = 0.6) -> Maker:
    """The file that the maker makes, without its end."""

    def make(folder: Path) -> None:
        maker(folder)
        body = (folder / name).read_bytes()
        (folder / name).write_bytes(body[: int(len(body) * share)])

    return make


def nothing(folder: Path) -> None:
    pass


def column(values: list[str], more: str = "") -> str:
    """A CSV file with a column v beside a number and the target."""
    return "n,v,t\n" + "".join(f"{k},{v},{'ab'[k % 2]}\n" for k, v in enumerate(values)) + more


def query(sql: str) -> tuple[str, ...]:
    return ("t.csv", "--query", sql)


LONG = "n,m,t\n" + "".join(f"{k * 7919 % 10007},{k % 7},{'ab'[k % 2]}\n" for k in range(60_000))

WRONG_FILES = [
    Wrong("empty", text(""), ("t.csv", "is empty")),
    Wrong("names only", text("n,t\n"), ("t.csv", "no rows")),
    Wrong("only empty lines", text("\n\n\n"), ("t.csv", "only empty lines")),
    Wrong("a short line", text("n,m,t\n1,2,a\n3\n4,5,b\n"), ("t.csv, line 3", "1 value", "3 col")),
    Wrong("a long line", text("n,t\n1,a\n2,b,c\n"), ("t.csv, line 3", "more values than the 2")),
    Wrong("a long line late", text(LONG + "1,2,a,b\n"), ("t.csv, line 60002", "more values")),
    Wrong("not UTF-8", text(b"n,t\n1,caf\xe9\n2,b\n"), ("t.csv", "UTF-8")),
    Wrong("names not UTF-8", text(b"caf\xe9,t\n1,a\n2,b\n"), ("t.csv", "UTF-8")),
    Wrong("UTF-16 without a mark", text(GOOD.encode("utf-16-le")),
          ("t.csv, line 1", "--encoding utf-16-le")),
    Wrong("not UTF-8 late", text(LONG.encode() + b"1,2,\xe9\n"), ("t.csv, line 60002", "UTF-8")),
    Wrong("NUL in a category", text(column(["x", "y"] * 6, "1,\x00,a\n")),
          ("t.csv (line 14)", "'v'", "NUL")),
    Wrong("NUL in a name", text("n,m\x00,t\n1,2,a\n2,3,b\n"), ("t.csv, line 1", "NUL")),
    Wrong("a quote never closed", text(GOOD + '1,"2,a\n'), ("t.csv, line 14", "not closed")),
    Wrong("a quote in the names never closed", text('n,"m,t\n1,2,a\n'), ("t.csv", "not closed")),
    Wrong("too large numbers", text("n,t\n1e200,a\n-1e200,b\n2,a\n3,b\n"), ("'n'", "too large")),
    Wrong("not there", nothing, ("t.csv", "does not exist")),
    Wrong("a folder", lambda folder: (folder / "t.csv").mkdir(), ("t.csv", "is a folder")),
    Wrong("an unknown format", text("x", "t.xlsx"), ("t.xlsx", "not a workbook"), ("t.xlsx",)),
    Wrong("gzip that is none", text("n,t\n1,a\n", "t.csv.gz"), ("t.csv.gz",), ("t.csv.gz",)),
    Wrong("gzip cut off", cut(text(gzip.compress(LONG.encode()), "t.csv.gz"), "t.csv.gz"),
          ("t.csv.gz", "truncated"), ("t.csv.gz",)),
    Wrong("small gzip cut off", cut(text(gzip.compress(GOOD.encode()), "t.csv.gz"), "t.csv.gz"),
          ("t.csv.gz", "truncated"), ("t.csv.gz",)),
    Wrong("gzip of JSON cut off",
          cut(text(gzip.compress("".join(LINES).encode()), "t.jsonl.gz"), "t.jsonl.gz"),
          ("t.jsonl.gz", "truncated"), ("t.jsonl.gz",)),
    Wrong("Parquet cut off", cut(parquet(), "t.parquet"), ("t.parquet",), ("t.parquet",)),
    Wrong("Parquet without rows", parquet(PARQUET + " WHERE false"), ("t.parquet", "no rows"),
          ("t.parquet",)),
    Wrong("Parquet that is none", text(GOOD, "t.parquet"), ("t.parquet",), ("t.parquet",)),
    Wrong("JSON that is none", text("".join(LINES) + "{oops\n", "t.jsonl"),
          ("t.jsonl, line 13",), ("t.jsonl",)),
    Wrong("JSON cut off", cut(text("".join(LINES), "t.jsonl"), "t.jsonl"),
          ("t.jsonl, line 8",), ("t.jsonl",)),
]  # fmt: skip

WRONG_TARGETS = [
    Wrong("no such target", text(GOOD.replace("t\n", "tt\n", 1)), ("t.csv", "'t'", "Did you mean")),
    Wrong("one class", text(GOOD.replace("b", "a")), ("'t'", "only one class, 'a'")),
    Wrong("target never there", text("n,t\n1,\n2,\n"), ("'t'", "missing in every row")),
    Wrong("a measured target", text("n,t\n" + "".join(f"{k},{k / 7}\n" for k in range(99))),
          ("'t'", "looks like regression", "--categorical 't' (categorical='t')")),
    Wrong("a target of texts that all differ",
          text("n,t\n" + "".join(f"{k % 3},id{k}\n" for k in range(30))), ("'t'", "identifier")),
    Wrong("a nested target", parquet("SELECT k AS n, {'a': k} AS t FROM range(9) AS s(k)"),
          ("'t'", "STRUCT"), ("t.parquet",)),
    Wrong("a target of lists", parquet("SELECT k AS n, [k] AS t FROM range(9) AS s(k)"),
          ("'t'", "[]"), ("t.parquet",)),
    Wrong("nothing but the target", text("t\n" + "a\nb\n" * 6), ("'t'", "no column")),
    Wrong("nothing but nested columns beside it",
          parquet("SELECT [k] AS v, k % 2 AS t FROM range(9) AS s(k)"),
          ("no usable column", "'v' holds", "[]"), ("t.parquet",)),
]  # fmt: skip

GLOB_CSV, GLOB_PARQUET, GLOB_JSON = ("p*.csv",), ("p*.parquet",), ("p*.jsonl",)
PARTS = both(text(GOOD, "p1.csv"), text(GOOD, "p2.csv"), text(GOOD, "p3.csv"))

WRONG_GLOBS = [
    Wrong("no match", nothing, ("p*.csv", "does not exist"), GLOB_CSV),
    Wrong("several formats", both(text(GOOD, "p1.csv"), parquet(name="p2.parquet")),
          ("p*", "several formats"), ("p*",)),
    Wrong("other columns in CSV", both(PARTS, text("n,k,t\n1,2,a\n", "p2.csv")),
          ("p2.csv", "'k'", "p1.csv", "'m'"), GLOB_CSV),
    Wrong("a column more in CSV", both(PARTS, text("n,m,t,k\n1,2,a,4\n", "p2.csv")),
          ("p2.csv", "'k'", "p1.csv"), GLOB_CSV),
    Wrong("other columns in Parquet", both(
        parquet(name="p1.parquet"), parquet(f"SELECT n, m AS k, t FROM ({PARQUET})", "p2.parquet")),
          ("p2.parquet", "'k'", "p1.parquet", "'m'"), GLOB_PARQUET),
    Wrong("a column more in Parquet", both(
        parquet(name="p1.parquet"), parquet(f"SELECT *, 1 AS k FROM ({PARQUET})", "p2.parquet")),
          ("p2.parquet", "'k'", "p1.parquet"), GLOB_PARQUET),
    Wrong("other types in Parquet", both(
        parquet(name="p1.parquet"), parquet(f"SELECT 'x' AS n, m, t FROM ({PARQUET})",
                                            "p2.parquet")),
          ("p2.parquet", "'n'", "VARCHAR", "BIGINT"), GLOB_PARQUET),
    Wrong("other columns in JSON", both(
        text("".join(LINES), "p1.jsonl"), text("".join(LINES).replace('"m"', '"k"'), "p2.jsonl")),
          ("p2.jsonl", "'k'", "p1.jsonl", "'m'"), GLOB_JSON),
    Wrong("a damaged gzip in the middle", both(
        *(text(gzip.compress(GOOD.encode()), f"p{k}.csv.gz") for k in (1, 2, 3)),
        cut(text(gzip.compress(GOOD.encode()), "p2.csv.gz"), "p2.csv.gz")),
          ("p2.csv.gz",), ("p*.csv.gz",)),
    Wrong("a damaged Parquet in the middle", both(
        *(parquet(name=f"p{k}.parquet") for k in (1, 2, 3)),
        cut(parquet(name="p2.parquet"), "p2.parquet")), ("p2.parquet",), GLOB_PARQUET),
    Wrong("a damaged line in the middle", both(PARTS, text(GOOD + "1,2\n", "p2.csv")),
          ("p2.csv, line 14", "2 values"), GLOB_CSV),
    Wrong("an empty file in the middle", both(PARTS, text("", "p2.csv")),
          ("p2.csv", "is empty"), GLOB_CSV),
    Wrong("damaged JSON in the middle", both(
        *(text("".join(LINES), f"p{k}.jsonl") for k in (1, 3)), text("{oops\n", "p2.jsonl")),
          ("p2.jsonl, line 1",), GLOB_JSON),
]  # fmt: skip

ONE = ("one SELECT",)
HIDDEN = ("writes or changes", "only read")

WRONG_QUERIES = [
    Wrong(f"query {number}: {sql[:40]}", text(GOOD), said, query(sql))
    for number, (sql, said) in enumerate([
        ("SELECT * FROM nowhere", ("the query failed", "nowhere")),
        ("SELECT nn, t FROM data", ("the query failed", "nn")),
        ("SELECT n t FROM data WHERE", ("the query failed", "syntax error")),
        ("SELECT * FROM data WHERE n::DATE > 'x'", ("the query failed",)),
        ("SELECT * FROM data WHERE n < 0", ("the query's result", "no rows")),
        ("SELECT * FROM 'none.csv'", ("the query failed", "none.csv")),
        ("", ONE),
        ("COPY data TO 'new.csv'", ONE),
        ("ATTACH 'new.db'", ONE),
        ("INSERT INTO rows SELECT * FROM rows", ONE),
        ("UPDATE rows SET c0 = 1", ONE),
        ("DELETE FROM rows", ONE),
        ("CREATE TABLE x AS SELECT 1", ONE),
        ("EXPORT DATABASE 'new'", ONE),
        ("PRAGMA database_size", ONE),
        ("SET memory_limit = '1GB'", ONE),
        ("INSTALL httpfs", ONE),
        ("LOAD httpfs", ONE),
        ("CALL enable_profiling(format='json', save_location='new.json')", ONE),
        ("SELECT * FROM data; SELECT 1", ONE),
        ("SELECT * FROM data; COPY data TO 'new.csv'", ONE),
        ("WITH x AS (COPY data TO 'new.csv') SELECT * FROM data, x", HIDDEN),
        ("WITH x AS (INSERT INTO rows VALUES (1, 2, 'a') RETURNING *) SELECT * FROM x", HIDDEN),
        ("SELECT * FROM data WHERE n IN (WITH x AS (DELETE FROM rows RETURNING *) "
         "SELECT c0 FROM x)", HIDDEN),
        ("SELECT data.* FROM data, enable_logging(storage='file', storage_path='new')", HIDDEN),
        ("FROM \"Enable_Logging\"(storage='file', storage_config={'path': 'new'})", HIDDEN),
        ("FROM enable_profiling(format='json', save_location='new.json')", HIDDEN),
        ("FROM query('FROM enable_profiling(format=''json'', save_location=''new.json'')')",
         HIDDEN),
        ("FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1'))", HIDDEN),
        ("SELECT *, write_log('x') FROM data", HIDDEN),
        ("SELECT *, t.write_log() FROM data", HIDDEN),
        ("FROM checkpoint()", HIDDEN),
        ("FROM arrow_scan(1, 2, 3)", HIDDEN),
    ])
]  # fmt: skip

WRONG = [*WRONG_FILES, *WRONG_TARGETS, *WRONG_GLOBS, *WRONG_QUERIES]


def wide(columns: int) -> Maker:
    rows = [[*(str((k * j) % 7) for j in range(columns)), "ab"[k % 2]] for k in range(1, 5)]
    names = [*(f"c{j}" for j in range(columns)), "t"]
    return text("".join(",".join(row) + "\n" for row in [names, *rows]))


ODD = [
    Odd("a byte order mark", text(b"\xef\xbb\xbf" + GOOD.encode()), ("m", "a 6, b 6")),
    Odd("an empty line, a title and a comment", text("\nA title\n# x\n" + GOOD),
        ("2 lines above the columns are skipped, the first 'A title'",)),
    Odd("two columns of one name", text(GOOD.replace("n,m", "n,n")),
        ("several columns named 'n'; the others are called 'n_2'",)),
    Odd("two columns of one name in a query", text(GOOD), ("the others are called 'n_2'",), (),
        query("SELECT n, n, t FROM data")),
    Odd("UTF-16", text(GOOD.encode("utf-16")), ("a 6, b 6",)),
    Odd("CRLF", text(GOOD.replace("\n", "\r\n")), ("a 6, b 6",)),
    Odd("no line break at the end", text(GOOD.rstrip()), ("a 6, b 6",)),
    Odd("empty lines at the end", text(GOOD + "\n\n"), ("a 6, b 6",)),
    Odd("line breaks in quotes", text(column(['"x\ny"', '"x,y"', '"x""y"', "x"] * 3)), ("v (",)),
    Odd("hundreds of columns", wide(600), ("a 2, b 2",)),
    Odd("names that differ by case", text("n,N,t\n" + "1,4,a\n2,2,b\n3,1,a\n5,5,b\n"), ("N",)),
    Odd("a column without a name", text(GOOD.replace("m", "", 1)), ("column2",)),
    Odd("a column never there", text(column([""] * 12)), ("v", "missing in every training row")),
    Odd("a column missing here and there", text(column(["", "1", "NA", "3"] * 3)), ("v 6",)),
    Odd("texts among numbers", text(GOOD + GOOD[6:] + GOOD[6:] + "two,2,a\n-,2,b\n"), ("n 2",)),
    Odd("a text among numbers late", text(LONG + "two,2,a\n"), ("n 1",)),
    Odd("infinite numbers", text(GOOD + "inf,2,a\n1e999,2,b\n"), ("n 2",)),
    Odd("thousands with commas", text(column([f'"{k},{k:03}"' for k in range(1, 13)])), ("v",)),
    Odd("thousands here and there", text(column(['"1,234"' if k % 4 == 3 else f"{k}"
                                                 for k in range(12)])), ("v",)),
    Odd("decimal commas", text("n;v;t\n" + "".join(f"{k};{k},5;{'ab'[k % 2]}\n"
                                                   for k in range(12))), ("v",)),
    Odd("a text among numbers in the middle", both(PARTS, text(GOOD + "two,2,a\n", "p2.csv")),
        ("n 1",), (), GLOB_CSV),
    Odd("target missing in rows", text(GOOD + "1,2,\n3,4,\n"),
        ("(2 without", "a 6, b 6")),
    Odd("a class that elsewhere means missing", text(GOOD + "1,2,\n3,4,NA\n3,4,NA\n"),
        ("(1 without", "NA 2, a 6"), ("'NA' is a class", "--missing 'NA'")),
    Odd("timestamps with zones", text(column(
        [f"2024-01-{k:02}T10:00:00+0{k % 3}:00" for k in range(1, 13)])), ("v",)),
    Odd("timestamps with zones in Parquet", parquet(
        "SELECT TIMESTAMPTZ '2024-01-01 00:00:00+02' + INTERVAL (k) DAY AS n, k % 2 AS t "
        "FROM range(12) AS s(k)"), ("n",), (), ("t.parquet",)),
    Odd("decimals", parquet("SELECT (k / 7)::DECIMAL(9, 3) AS n, k % 2 AS t "
                            "FROM range(12) AS s(k)"), ("n",), (), ("t.parquet",)),
    Odd("decimals as the target", parquet(
        "SELECT k AS n, (k % 2)::DECIMAL(9, 3) AS t FROM range(12) AS s(k)"), ("0 6, 1 6",), (),
        ("t.parquet",)),
    Odd("a nested column", parquet(
        "SELECT k AS n, {'a': k} AS s, [k] AS l, MAP {'x': k} AS m, k % 2 AS t "
        "FROM range(12) AS s(k)"), ("s", "STRUCT", "l", "[]", "m", "MAP"), (), ("t.parquet",)),
    Odd("a nested column in JSON", text("".join(
        json.dumps({"n": k, "s": {"a": k}, "t": "ab"[k % 2]}) + "\n" for k in range(12)),
        "t.jsonl"), ("s: looks like an identifier: 10 distinct values",), (), ("t.jsonl",)),
    Odd("keys that are not in each line", text("".join(LINES) + '{"n": "1", "t": "a"}\n',
                                               "t.jsonl"), ("m 1",), (), ("t.jsonl",)),
    Odd("JSON as one list", text("[" + ",".join(LINES) + "]", "t.json"), ("a 6, b 6",), (),
        ("t.json",)),
    Odd("Parquet columns in another order", both(
        parquet(name="p1.parquet"), parquet(f"SELECT t, m, n FROM ({PARQUET})", "p2.parquet")),
        ("a 12, b 12",), (), GLOB_PARQUET),
    Odd("whole and broken numbers in Parquet", both(
        parquet(name="p1.parquet"), parquet(f"SELECT n + 0.5 AS n, m, t FROM ({PARQUET})",
                                            "p2.parquet")), ("a 12, b 12",), (), GLOB_PARQUET),
    Odd("classes that differ by case", text(GOOD + "1,2,A\n2,3,A\n"), ("A 2, a 6",),
        ("'A' and 'a'",)),
    Odd("classes with spaces around them", text(GOOD + "1,2,a \n2,3, a\n"), ("a 8, b 6",)),
    Odd("classes that differ by spaces within", text(GOOD + "1,2,c d\n2,3,c  d\n" * 2), (),
        ("'c  d' and 'c d'",)),
    Odd("a class with one row", text(GOOD + "1,2,c\n"), ("c 1",), ("'c'", "one row")),
    Odd("thousands as names", text(column(['"1,234"', '"5,678"'] * 6)), ("v (2)",), (),
        ("t.csv", "--categorical", "v")),
    Odd("a text among numbers in the middle of a glob",
        both(PARTS, text(GOOD + "two,2,a\n", "p2.csv")), ("n: 1 of 37 values", "'two'"), (),
        GLOB_CSV),
    Odd("mixed types late", text(LONG + "two,2,a\n"),
        ("1 of 60,001 values is not a number", "'two'", "--categorical 'n'")),
    Odd("mixed types", text(GOOD + "two,2,a\n" + GOOD[6:] * 2 + "four,2,b\n"),
        ("n: is not read as numbers", "2 of 38", "'four', 'two'", "--numeric 'n'")),
    Odd("mixed types behind a line break",
        text('n,v,t\n' + '1,"x\ny",a\n2,z,b\n' * 8 + "two,x,a\n3,z,b\n"), ("'two'",)),
    Odd("NUL among numbers", text(GOOD + "1,\x00,a\n"), ("m: 1 of 13 values", "'\\x00'")),
    Odd("thousands here and there", text(column(['"1,234"' if k % 4 == 3 else f"{k}"
                                                 for k in range(12)])), ("v",)),
    Odd("a query", text(GOOD), ("a 6, b 6",), (), query("SELECT t, n * 2 AS twice FROM data")),
    Odd("a query with words that only look like writing", text(GOOD), ("a 6, b 6",), (), query(
        "SELECT *, 'COPY data TO ''new.csv''; FROM enable_logging()' AS write_log FROM data")),
    Odd("a query in steps", text(GOOD), ("a 6, b 6",), (), query(
        "WITH x AS (SELECT * FROM data UNION ALL FROM data), y AS MATERIALIZED (FROM x) "
        "SELECT DISTINCT * FROM y -- the end\n;")),
    Odd("a long sum", text(GOOD), ("a 6, b 6",), (), query(
        f"SELECT t, {' + '.join(['n'] * 400)} AS v FROM data")),
]  # fmt: skip


def run(*arguments: object, expect: int):
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    assert result.exit_code == expect, result.output
    return result


def refused(folder: Path, *arguments: object) -> str:
    """The one sentence of a command that fails and leaves all as it was."""
    before = {path: path.is_file() and path.read_bytes() for path in folder.rglob("*")}
    result = run(*arguments, expect=2)
    assert before == {path: path.is_file() and path.read_bytes() for path in folder.rglob("*")}
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("backhand: ") and line.endswith((".", "?")) and "Traceback" not in line
    assert not line.endswith("..") and "c0" not in line and "DESCRIBE" not in line
    return line


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("case", WRONG, ids=lambda case: case.name)
def test_a_wrong_table_is_told_in_one_sentence(here, case: Wrong) -> None:
    case.make(here)
    line = refused(
        here, "train", "--quick", *case.data, "-t", "t", "-o", "m.safetensors", "--epochs", 1
    )
    for word in case.said:
        assert word in line, line


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> bytes:
    folder = tmp_path_factory.mktemp("trained")
    (folder / "t.csv").write_text(GOOD)
    run(
        "train", "--quick", folder / "t.csv", "-t", "t", "-o", folder / "m", "--epochs", 1, expect=0
    )
    return (folder / "m").read_bytes()


@pytest.fixture
def model(here, trained):
    (here / "m.safetensors").write_bytes(trained)
    return "m.safetensors"


ROW = "1,2,a\n"

WRONG_LATER = [
    Wrong("empty", text(""), ("t.csv", "is empty")),
    Wrong("not there", nothing, ("t.csv", "does not exist")),
    Wrong("a column too few", text("n,t\n1,a\n"), ("t.csv", "no column 'm'")),
    Wrong("lists where numbers were", parquet("SELECT 1 AS n, [2] AS m, 'a' AS t"),
          ("'m'", "INTEGER[]", "expected numbers"), ("t.parquet",)),
    Wrong("a short line late", text(LONG + "1,2\n"), ("t.csv, line 60002", "2 values")),
    Wrong("gzip cut off", cut(text(gzip.compress(LONG.encode()), "t.csv.gz"), "t.csv.gz"),
          ("t.csv.gz", "truncated"), ("t.csv.gz",)),
    Wrong("Parquet cut off", cut(parquet(), "t.parquet"), ("t.parquet",), ("t.parquet",)),
    Wrong("other columns in a glob", both(text(GOOD, "p1.csv"), text("n,t\n1,a\n", "p2.csv")),
          ("p2.csv", "p1.csv"), GLOB_CSV),
    Wrong("a query that writes", text(GOOD), HIDDEN,
          query("WITH x AS (COPY data TO 'new.csv') SELECT * FROM data, x")),
]  # fmt: skip


@pytest.mark.parametrize("command", ["predict", "evaluate"])
@pytest.mark.parametrize("case", WRONG_LATER, ids=lambda case: case.name)
def test_a_wrong_table_is_told_of_later_too(here, model, command, case: Wrong) -> None:
    case.make(here)
    output = ("-o", "new.csv") if command == "predict" else ()
    line = refused(here, command, model, *case.data, *output)
    for word in case.said:
        assert word in line, line


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("n,m\n1,2\n", ("t.csv", "no target column 't'")),
        ("n,m,t\n1,2,\n", ("'t' of t.csv", "missing in every row")),
        ("n,m,t\n1,2,z\n", ("'t' in t.csv", "'a' and 'b'")),
    ],
)
def test_what_cannot_be_judged_is_told(here, model, content, said) -> None:
    (here / "t.csv").write_text(content)
    line = refused(here, "evaluate", model, "t.csv")
    assert all(word in line for word in said), line


def test_no_function_that_writes_is_left_out() -> None:
    """What DuckDB offers, by the words that its own names say it with."""
    with duckdb.connect() as connection:
        offered = connection.execute(
            "SELECT DISTINCT function_name FROM duckdb_functions() WHERE "
            "function_type IN ('table', 'scalar', 'table_macro') AND regexp_matches(function_name, "
            "'^(enable|disable|write|copy|export|import|attach|detach|install|load|create|destroy|"
            "register|deregister|truncate|query|force|set|next)_?|checkpoint|execute|_scan')"
        ).fetchall()
    harmless = {"query_table", "parquet_scan", "set_bit", "setseed", "create_sort_key", "nextafter"}
    assert {name for (name,) in offered} - FORBIDDEN - harmless == set()


WIDEST = Odd("20,000 columns", wide(20_000), ("a 2, b 2",))


@pytest.mark.parametrize(
    "case", [*ODD, pytest.param(WIDEST, marks=pytest.mark.slow)], ids=lambda case: case.name
)
def test_an_odd_table_trains(here, case: Odd) -> None:
    case.make(here)
    result = run("train", "--quick", *case.data, "-t", "t", "-o", "m.safetensors", "--epochs", 1,
                 "--hidden", 4, expect=0)  # fmt: skip
    assert (here / "m.safetensors").is_file()
    printed = " ".join(result.stdout.split())  # lines are wrapped
    for word in case.printed:
        assert word in printed, result.stdout
    for word in case.warned:
        assert word in result.stderr, result.stderr
    lines = result.stderr.splitlines()
    assert len(lines) == bool(case.warned) and all(line.endswith(".") for line in lines)
