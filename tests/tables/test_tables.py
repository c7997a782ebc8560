"""Reading tables, learning a schema, applying it."""

import gzip
import json

import duckdb
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from backhand.errors import BackhandWarning, InputError, MissingFileError
from backhand.stratified import held_out
from backhand.tables.cells.texts import SPACES
from backhand.tables.queries import all_rows
from backhand.tables.reading.reader import read_table
from backhand.tables.schema.choices import ColumnChoices
from backhand.tables.schema.columns import CLIP, Category, Date, Number
from backhand.tables.schema.fitting import fit_schema
from backhand.tables.schema.schema import Schema
from backhand.tables.schema.targets import read_target
from backhand.tables.table import Table


def write(path, text: str):
    path.write_text(text, encoding="utf-8")
    return path


def learn(table: Table, target: str, training=None, **options):
    found = read_target(table, target)
    training = np.ones(table.rows, bool) if training is None else training
    return fit_schema(table, found, training, ColumnChoices(**options))[:2]


ROWS = [("a", 1.5, 10, "x"), ("b", 2.5, 20, "y"), ("a", None, 30, "x"), ("b", 4.0, 45, None)]


def files(folder):
    """The same table in every format."""
    text = "t,u,n,c\n" + "".join(
        ",".join("" if v is None else str(v) for v in row) + "\n" for row in ROWS
    )
    lines = "".join(json.dumps(dict(zip("tunc", row, strict=True))) + "\n" for row in ROWS)
    write(folder / "t.csv", text)
    write(folder / "t.tsv", text.replace(",", "\t"))
    write(folder / "semicolons.csv", text.replace(",", ";"))
    write(folder / "t.jsonl", lines)
    for name in ("t.csv", "t.tsv", "t.jsonl"):
        (folder / f"{name}.gz").write_bytes(gzip.compress((folder / name).read_bytes()))
    (folder / "bom.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())
    (folder / "crlf.csv").write_bytes(text.replace("\n", "\r\n").encode())
    duckdb.connect().execute(
        f"COPY (SELECT * FROM read_csv('{folder / 't.csv'}')) TO '{folder / 't.parquet'}'"
    )
    return folder


@pytest.mark.parametrize("name", [
    "t.csv", "t.tsv", "t.jsonl", "t.csv.gz", "t.tsv.gz", "t.jsonl.gz", "t.parquet",
    "semicolons.csv", "bom.csv", "crlf.csv",
])  # fmt: skip
def test_every_format_gives_the_same_matrix(tmp_path, name) -> None:
    table = read_table(files(tmp_path) / name)
    assert table.names == ["t", "u", "n", "c"] and table.rows == 4
    schema, dropped = learn(table, "t")
    assert dropped == []
    assert schema.features == ["u", "u is missing", "n", "c = x", "c = y", "c is missing"]
    u, n = np.array([1.5, 2.5, np.nan, 4.0]), np.array([10, 20, 30, 45])
    expected = np.stack([
        np.nan_to_num((u - np.nanmean(u)) / np.nanstd(u)), np.isnan(u),
        (n - n.mean()) / n.std(), [1, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 1],
    ], axis=1)  # fmt: skip
    X = schema.encode(table)
    assert X.dtype == np.float32
    np.testing.assert_allclose(X, expected, rtol=1e-6, atol=1e-6)
    assert read_target(table, "t").classes == ["a", "b"]
    assert read_target(table, "t").y.tolist() == [0, 1, 0, 1]


def test_the_files_of_a_glob_must_have_the_same_columns(tmp_path) -> None:
    write(tmp_path / "p1.csv", "a,b,t\n1,2,x\n")
    for header in ("b,a,t", "a,c,t", "a,t", "a;b;t"):
        write(tmp_path / "p2.csv", f"{header}\n3,4,y\n")
        with pytest.raises(InputError, match=r"p2.csv does not have the columns of .*p1.csv"):
            read_table(tmp_path / "p*.csv")


def test_the_same_values_mean_the_same_in_every_format(tmp_path) -> None:
    con = duckdb.connect()
    con.execute(f"""COPY (SELECT k % 2 = 0 AS b, (k % 3 / 4)::DECIMAL(9, 3) AS dec,
        TIMESTAMP '2024-01-01 00:00:00' + INTERVAL (k) HOUR AS ts, (k // 5)::TEXT AS t
        FROM range(10) AS s(k)) TO '{tmp_path / "t.parquet"}'""")
    table = read_table(tmp_path / "t.parquet")
    schema, _ = learn(table, "t", categorical=["dec"])
    expected = schema.encode(table)
    assert expected[:, :2].sum() == 10
    for true, false in (("True", "False"), ("TRUE", "FALSE"), ("true", "false")):
        rows = [f"{(false, true)[k % 2 == 0]},{k % 3 / 4:g},2024-01-01T{k:02}:00:00Z,{k // 5}"
                for k in range(10)]  # fmt: skip
        path = write(tmp_path / "t.csv", "b,dec,ts,t\n" + "\n".join(rows) + "\n")
        np.testing.assert_allclose(schema.encode(read_table(path)), expected, atol=1e-6)


def test_globs_are_read_in_the_order_of_their_names(tmp_path) -> None:
    for k, rows in enumerate(("1,a\n2,b\n", "3,a\n", "4,b\n")):
        write(tmp_path / f"part{k}.csv", "n,t\n" + rows)
    table = read_table(tmp_path / "part*.csv")
    assert [row[0] for row in all_rows(table, "SELECT c0 FROM rows ORDER BY rowid")] == list("1234")


def test_a_file_whose_name_looks_like_a_glob_is_that_file(tmp_path) -> None:
    write(tmp_path / "a[1].csv", "n,t\n1,a\n2,b\n")
    write(tmp_path / "a1.csv", "n,t\n9,z\n")
    assert read_table(tmp_path / "a[1].csv").rows == 2


def test_a_query_gives_the_rows_and_sees_the_data(tmp_path) -> None:
    path = files(tmp_path) / "t.csv"
    table = read_table(path, "SELECT t, n * 2 AS twice FROM data WHERE n > 10 ORDER BY n DESC")
    assert table.names == ["t", "twice"]
    assert [row[0] for row in all_rows(table, "SELECT c1 FROM rows ORDER BY rowid")] == [90, 60, 40]
    assert read_table(query=f"SELECT * FROM '{path}'").rows == 4
    assert read_table(query="SELECT 1 AS a, 'x' AS b").names == ["a", "b"]


@pytest.mark.parametrize("query", [
    "COPY (SELECT 1) TO 'stolen.csv'", "SELECT 1; SELECT 2", "CREATE TABLE t AS SELECT 1",
    "ATTACH 'evil.db'", "INSTALL httpfs", "SET memory_limit='1GB'", "",
])  # fmt: skip
def test_a_query_that_is_not_one_select_is_refused(query, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="one SELECT"):
        read_table(query=query)
    assert list(tmp_path.iterdir()) == []


def test_a_query_does_not_see_the_variables_of_the_program() -> None:
    for name in ("names", "connection", "query"):
        with pytest.raises(InputError, match="the query failed"):
            read_table(query=f"SELECT * FROM {name}")


def test_a_query_that_fails_says_why() -> None:
    with pytest.raises(InputError, match=r"the query failed: .*nowhere"):
        read_table(query="SELECT * FROM nowhere")


NASTY = ['a"; DROP TABLE loaded; --', "x y", "naïve ☃", "it's", "c0", "r", "rowid", "rows",
         "select", "a,b", "$k0", "new\nline", "%s {0}", "\\"]  # fmt: skip


def test_column_names_are_data(tmp_path) -> None:
    con = duckdb.connect()
    values = ", ".join(
        f'{10 * i} + k % 7 AS "{name.replace(chr(34), chr(34) * 2)}"'
        for i, name in enumerate(NASTY)
    )
    con.execute(f"COPY (SELECT {values}, chr((97 + k % 2)::INT) AS \"t;'\" FROM range(20) AS s(k)) "
                f"TO '{tmp_path / 'nasty.parquet'}'")  # fmt: skip
    con.execute(
        f"COPY (FROM '{tmp_path / 'nasty.parquet'}') TO '{tmp_path / 'nasty.csv'}' (HEADER)"
    )
    for name in ("nasty.parquet", "nasty.csv"):
        table = read_table(tmp_path / name)
        assert table.names == [*NASTY, "t;'"]
        schema, _ = learn(table, "t;'", categorical=["select"], drop=["it's"])
        assert [c.name for c in schema.columns] == [n for n in NASTY if n != "it's"]
        assert schema.encode(table).shape == (20, len(NASTY) - 2 + 7)


NAMES = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=12
)


@pytest.mark.filterwarnings("ignore:.* is a class of the target:backhand.errors.BackhandWarning")
@settings(max_examples=30, deadline=None)
@given(st.lists(NAMES, min_size=2, max_size=6, unique_by=lambda s: s.casefold()))
def test_any_text_can_be_a_column_name_and_a_class(tmp_path_factory, names) -> None:
    classes = {name.strip(SPACES) for name in names[:2]}
    assume(len(classes) == 2 and "" not in classes)
    path = tmp_path_factory.mktemp("any") / "t.jsonl"
    rows = [{name: (names[k % 2] if i == 0 else k * i) for i, name in enumerate(names)}
            for k in range(6)]  # fmt: skip
    write(path, "".join(json.dumps(row) + "\n" for row in rows))
    table = read_table(path)
    assert table.names == names
    schema, _ = learn(table, names[0], keep=names[1:])
    assert [column.name for column in schema.columns] == names[1:]
    assert set(read_target(table, names[0]).classes) == classes


def test_the_schema_is_learned_on_training_rows_only(tmp_path) -> None:
    path = write(tmp_path / "t.csv", "n,c,t\n1,x,a\n3,y,b\n1,x,a\n3,y,b\n1000,z,a\n,x,b\n")
    table = read_table(path)
    training = np.array([1, 1, 1, 1, 0, 0], bool)
    schema, _ = learn(table, "t", training)
    assert schema.columns == (
        Number("n", 2.0, 1.0, 0, least=1, most=3),
        Category("c", ("x", "y"), False),
    )
    X = schema.encode(table)
    assert X[4].tolist() == [CLIP, 0, 0], "cut off; a category never seen is all zeros"
    assert X[5].tolist() == [0, 1, 0], "missing where training had none: the mean"


def test_columns_are_found_by_name_whatever_their_order(tmp_path) -> None:
    schema, _ = learn(read_table(write(tmp_path / "a.csv", "n,c,t\n1,x,a\n3,y,b\n4,x,b\n")), "t")
    other = read_table(write(tmp_path / "b.csv", "extra,c,n\n9,x,1\n9,y,3\n9,x,4\n"))
    expected = schema.encode(read_table(tmp_path / "a.csv"))
    assert np.array_equal(schema.encode(other), expected)


def test_what_says_nothing_is_dropped_with_a_word(tmp_path) -> None:
    lines = [f"{k % 3},7,same,,id{k},text number {k},{k % 2}" for k in range(12)]
    path = write(tmp_path / "t.csv", "n,const,word,empty,id,text,t\n" + "\n".join(lines) + "\n")
    schema, dropped = learn(read_table(path), "t")
    assert [column.name for column in schema.columns] == ["n"]
    assert {d.column: d.what.split("(")[0].strip() for d in dropped} == {
        "const": "is constant", "word": "is constant", "empty": "is missing in every training row",
        "id": "looks like an identifier: 12 distinct values in 12 training rows",
        "text": "is free text",
    }  # fmt: skip


def test_dates_become_numbers_and_booleans_categories(tmp_path) -> None:
    con = duckdb.connect()
    con.execute(f"""COPY (SELECT DATE '2020-01-01' + INTERVAL (k) DAY AS d, k % 3 = 0 AS b,
        TIMESTAMPTZ '2020-01-01 00:00:00+00' + INTERVAL (k) HOUR AS ts, (k % 2)::VARCHAR AS t
        FROM range(9) AS s(k)) TO '{tmp_path / "t.parquet"}'""")
    schema, _ = learn(read_table(tmp_path / "t.parquet"), "t")
    d, b, ts = schema.columns
    assert d == Date(
        "d", 18262 + 4, np.std(np.arange(9)), 0, cycles=("week",), least=18262, most=18270
    )
    assert b == Category("b", ("false", "true"), False)
    assert ts.kind == "date" and np.isclose(ts.std, np.std(np.arange(9)) / 24)


def test_an_infinite_date_is_missing(tmp_path) -> None:
    duckdb.connect().execute(f"""COPY (SELECT unnest([DATE '2020-01-01', DATE '2020-01-03',
        DATE 'infinity']) AS n, unnest(['a', 'b', 'a']) AS t) TO '{tmp_path / "t.parquet"}'""")
    schema, _ = learn(read_table(tmp_path / "t.parquet"), "t")
    assert schema.columns == (Date("n", 18263, 1.0, 1 / 3, least=18262, most=18264),)
    assert schema.encode(read_table(tmp_path / "t.parquet"))[:, 1].tolist() == [0, 0, 1]


def test_extreme_whole_numbers_are_categories_too(tmp_path) -> None:
    path = write(tmp_path / "t.csv", f"n,t\n{-(2**63)},a\n{2**63 - 1},b\n{2**63 - 1},b\n")
    schema, _ = learn(read_table(path), "t", categorical=["n"])
    assert schema.columns[0].categories == (str(-(2**63)), str(2**63 - 1))


def test_numbers_can_be_made_categories_and_types_may_then_differ(tmp_path) -> None:
    path = write(tmp_path / "a.csv", "code,t\n1,a\n2,b\n2,b\n1,a\n30,b\n")
    schema, _ = learn(read_table(path), "t", categorical=["code"])
    assert schema.columns == (Category("code", ("1", "2", "30"), False),)
    floats = read_table(write(tmp_path / "b.csv", "code,t\n1.0,a\n2.5,b\n"))
    assert schema.encode(floats).tolist() == [[1, 0, 0], [0, 0, 0]]


def test_the_schema_survives_json(tmp_path) -> None:
    schema, _ = learn(read_table(files(tmp_path) / "t.csv"), "t")
    assert Schema.from_json(json.loads(json.dumps(schema.to_json()))) == schema


def test_statistics_do_not_depend_on_the_chunks(tmp_path, monkeypatch) -> None:
    rng = np.random.default_rng(0)
    lines = [f"{v:.6g},{k % 2}" for k, v in enumerate(1e6 + rng.standard_normal(999))]
    table = read_table(write(tmp_path / "t.csv", "n,t\n" + "\n".join(lines) + "\n"))
    whole, _ = learn(table, "t")
    monkeypatch.setattr("backhand.tables.queries.CHUNK_VALUES", 100)
    parts, _ = learn(table, "t")
    assert np.isclose(whole.columns[0].mean, parts.columns[0].mean, rtol=1e-15)
    assert np.isclose(whole.columns[0].std, parts.columns[0].std, rtol=1e-12)
    assert np.array_equal(whole.encode(table), whole.encode(table))


def test_classes_are_ordered_and_typed_as_people_write_them(tmp_path) -> None:
    def classes(values):
        path = write(
            tmp_path / "t.csv", "n,t\n" + "".join(f"{i},{v}\n" for i, v in enumerate(values))
        )
        return read_target(read_table(path), "t").classes

    assert classes(["10", "9", "2", "10", "9", "2"]) == ["2", "9", "10"]
    assert classes(["1.0", "0.0", "1.0", "0.0"]) == ["0", "1"]
    assert classes(["yes", "no", "yes", "no"]) == ["no", "yes"]
    assert classes(["True", "False"] * 2) == ["False", "True"]


def test_rows_without_a_class_are_marked(tmp_path) -> None:
    table = read_table(write(tmp_path / "t.csv", "n,t\n1,a\n2,\n3,b\n4,NA\n5,a\n6,NA\n"))
    assert read_target(table, "t", missing=["NA"]).y.tolist() == [0, -1, 1, -1, 0, -1]
    with pytest.warns(BackhandWarning, match="'NA' is a class of the target 't'.*--missing 'NA'"):
        found = read_target(table, "t")
    assert found.classes == ["NA", "a", "b"] and found.y.tolist() == [1, -1, 2, 0, 1, 0]


@given(
    st.lists(st.integers(0, 4), min_size=2, max_size=200), st.floats(0, 0.9), st.integers(0, 100)
)
def test_the_held_out_draw_is_stratified_and_seeded(y, share, seed) -> None:
    y = np.array(y)
    chosen = held_out(y, share, seed)
    assert np.array_equal(chosen, held_out(y, share, seed))
    for k in np.unique(y):
        n, out = (y == k).sum(), chosen[y == k].sum()
        assert out < n, "a class keeps a row for training"
        assert np.floor(n * share) - 1 <= out <= np.ceil(n * share)
    assert chosen.sum() <= round(share * len(y))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("n,t\n", "no rows"),
        ("", "is empty"),
        ("\n\n", "only empty lines"),
        ("n,t\n1,a\n2\n3,b\n", "line 3 has 1 value where the first line names 2 columns"),
        ("n,t\n1,a\n2,b,c\n3,b\n", "line 3 has more values than the 2 columns"),
        ("n,t\n" + "1,a\n" * 30000 + "2,b,c\n", "line 30002 has more values than the 2"),
        ('n,t\n1,"a\n2,b\n', "quote is opened but not closed"),
    ],
)
def test_tables_that_cannot_be_read_are_told(tmp_path, text, said) -> None:
    with pytest.raises(InputError, match=said):
        read_table(write(tmp_path / "t.csv", text))


@pytest.mark.parametrize("more", [
    ["1,2,3,p,5"] * 40, ["1,2,3,p,5,6"] * 40, ["1,2,3,p,5"], ["1,2,3,p,5,6"],
    ["1,2", "1,2,3,4,5,6"],
    ["1,2,3,p,5,6", "a,b,c,y,e,f", *["1,2,3,p,5,6"] * 9],
])  # fmt: skip
def test_no_line_is_ever_skipped(tmp_path, more) -> None:
    """A reader that guesses would take a later part of such a file for the table."""
    rows = [f"{k},{k % 7},x,{'pq'[k % 2]}" for k in range(60)]
    path = write(tmp_path / "t.csv", "\n".join(["a,b,c,y", *rows, *more]) + "\n")
    said = "more values than the 4 columns" if more[0].count(",") > 3 else "2 values where"
    with pytest.raises(InputError, match=f"line 62 has {said}"):
        read_table(path)


@pytest.mark.slow
def test_wide_tables(tmp_path) -> None:
    """700 columns of numbers, 60 of texts: each must not cost what all of them cost."""
    rng = np.random.default_rng(0)
    numbers = rng.standard_normal((40, 700)).round(3)
    lines = [",".join([*map(str, row), *["xyz"[k % 3]] * 60, "ab"[k % 2]])
             for k, row in enumerate(numbers)]  # fmt: skip
    names = ",".join([*(f"n{i}" for i in range(700)), *(f"c{i}" for i in range(60)), "t"])
    schema, dropped = learn(read_table(write(tmp_path / "t.csv", "\n".join([names, *lines]))), "t")
    assert len(schema.features) == 700 + 3 * 60 and dropped == []


def test_what_is_no_utf8_is_told(tmp_path) -> None:
    for body in (b"n,t\n1,caf\xe9\n2,b\n", b"caf\xe9,t\n1,a\n"):
        (tmp_path / "t.csv").write_bytes(body)
        with pytest.raises(InputError, match="not UTF-8"):
            read_table(tmp_path / "t.csv")


def test_files_that_are_not_there_or_nothing_known_are_told(tmp_path) -> None:
    with pytest.raises(MissingFileError, match="does not exist in") as raised:
        read_table(tmp_path / "none.csv")
    assert isinstance(raised.value, FileNotFoundError)
    with pytest.raises(MissingFileError):
        read_table(tmp_path / "no" / "folder" / "*.csv")
    with pytest.raises(InputError, match="is a folder"):
        read_table(tmp_path)
    with pytest.raises(InputError, match="is empty"):
        read_table("")
    with pytest.raises(InputError, match="damaged, or not a workbook"):
        read_table(write(tmp_path / "t.xlsx", "x"))
    with pytest.raises(InputError, match="damaged, or not a Parquet file"):
        read_table(write(tmp_path / "t.parquet", "no parquet at all, but long enough"))
    with pytest.raises(InputError, match="cannot be read"):
        read_table(write(tmp_path / "t.csv.gz", "no gzip"))


@pytest.mark.parametrize(
    ("text", "target", "said"),
    [
        ("n,species\n1,a\n2,b\n", "specie", "no target column 'specie'. Did you mean 'species'"),
        ("n,Class\n1,a\n2,b\n", "class", "Did you mean 'Class'"),
        ("n,t\n1,a\n2,a\n", "t", "only one class, 'a'"),
        ("n,t\n1,\n2,\n", "t", "missing in every row"),
        ("n,t\n" + "".join(f"{i},{i / 7}\n" for i in range(300)), "t", "looks like regression"),
        ("n,t\n" + "".join(f"{i},{i / 7}\n" for i in range(30)), "t", "looks like regression"),
        ("n,t\n" + "".join(f"1,id{i}\n" for i in range(30)), "t", "identifier or free text"),
        ("n,t\n1,a\n1,b\n", "t", "has no usable column"),
        (
            "t\na\nb\n",
            "t",
            r"has no column beside the target 't'; a model needs at least one .*\.$",
        ),
        ("n,t\n1e200,a\n-1e200,b\n", "t", "numbers of column 'n' are too large"),
    ],
)
def test_tables_that_cannot_be_learned_from_are_told(tmp_path, text, target, said) -> None:
    table = read_table(write(tmp_path / "t.csv", text))
    with pytest.raises(InputError, match=said):
        learn(table, target)


def test_at_prediction_missing_columns_and_wrong_kinds_are_told(tmp_path) -> None:
    schema, _ = learn(read_table(write(tmp_path / "a.csv", "num,c,t\n1,x,a\n3,y,b\n4,x,b\n")), "t")
    for text, said in (
        ("Num,c\n1,x\n", "no column 'num', which the model needs. Did you mean 'Num'"),
        ("c\nx\n", "no column 'num'"),
    ):
        with pytest.raises(InputError, match=said):
            schema.encode(read_table(write(tmp_path / "b.csv", text)))
    with pytest.raises(InputError, match="holds DATE values; expected numbers"):
        schema.encode(read_table(query="SELECT DATE '2020-01-01' AS num, 'x' AS c"))


def test_at_prediction_what_is_not_a_number_is_missing(tmp_path) -> None:
    schema = Schema("t", (Number("num", 1.0, 2.0, True),))
    path = write(tmp_path / "b.csv", 'num\n5\nsome\n-inf\n2020-01-01\n"1,000"\ntrue\n')
    assert schema.encode(read_table(path)).tolist() == [
        [2, 0], [0, 1], [0, 1], [0, 1], [CLIP, 0], [0, 0]]  # fmt: skip
