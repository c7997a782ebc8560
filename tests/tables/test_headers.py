"""Where the rows of a CSV file begin, and what its columns are called."""

from __future__ import annotations

import random

import pandas
import pytest

from backhand.errors import BackhandWarning, InputError
from backhand.model import load
from backhand.tables.queries import all_rows
from backhand.tables.reading.data_or_names import looks_like_data
from backhand.tables.reading.reader import read_table
from helpers.command_line import run

ROWS = "".join(f"{k},{k * k % 7},{'pq'[k % 2]}\n" for k in range(30))
NAMED = "n,m,t\n" + ROWS


@pytest.fixture
def read(tmp_path):
    def read(content: str | bytes, **options):
        body = content if isinstance(content, bytes) else content.encode()
        (tmp_path / "t.csv").write_bytes(body)
        return read_table(tmp_path / "t.csv", **options)

    return read


ABOVE = {
    "nothing": ("", 0, None),
    "empty lines": ("\n\n", 2, None),
    "a title": ("Sales of 2020\n", 1, "the line 'Sales of 2020' above"),
    "a title with a comma": ("Sales, all\n", 1, "the line 'Sales, all' above"),
    "a title in the first of all fields": ("Sales,,\n\n", 2, "the line 'Sales' above"),
    "a title with quotes": ('"Sales of ""2020"""\n\n', 2, """the line 'Sales of "2020"' above"""),
    "a title with a line break": ('"Sales\nof 2020"\n\n', 3, "2 lines above"),
    "comments": ("# one\n#two, 2, 3\n", 2, "2 lines above the columns are skipped, the first"),
    "sep": ("sep=,\n", 1, None),
    "quoted sep": ('"sep=,"\r\n', 1, None),
    "sep and a title": ("sep=,\nSales\n", 2, "the line 'Sales' above"),
    "all": ("# x\n\nSales\nBy hand\n\n", 5, "3 lines above"),
}


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("once", [False, True])
@pytest.mark.parametrize("above", ABOVE)
def test_what_is_above_the_names_is_skipped_and_told(tmp_path, read, above, once, mark) -> None:
    lines, skipped, told = ABOVE[above]
    table = read(mark + lines + NAMED, once=once)
    assert table.names == ["n", "m", "t"] and table.rows == 30
    assert table.where(3) == f"{tmp_path / 't.csv'} (line {skipped + 4})"
    assert [told in remark for remark in table.remarks] == ([True] if told else [])
    with pytest.raises(InputError, match=rf"t\.csv, line {skipped + 32} has 2 values"):
        read(mark + lines + NAMED + "1,2\n").connection.execute("SELECT * FROM rows").fetchall()


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_lines_may_end_in_every_way(read, end) -> None:
    text = "A title\n\n" + NAMED
    assert read(text.replace("\n", end)).rows == 30
    mixed = "".join(line + random.Random(i).choice(["\n", "\r\n", "\r"])
                    for i, line in enumerate(text.splitlines()))  # fmt: skip
    table = read(mixed)
    assert table.names == ["n", "m", "t"] and table.rows == 30 and table.where(1).endswith("4)")
    quoted = 'n,t\r\n1,"a\nb\rc\r\nd"\n2,b\r'
    assert all_rows(read(quoted), "FROM rows") == [("1", "a\nb\rc\r\nd"), ("2", "b")]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_that_of_the_rows_below_a_title(read, delimiter) -> None:
    text = NAMED.replace(",", delimiter)
    assert read("Sales, in thousands; all | of them\n" + text).names == ["n", "m", "t"]
    assert read(f"sep={delimiter}\n{text}").names == ["n", "m", "t"]


@pytest.mark.parametrize(("text", "names"), [
    ("#n,m,t\n" + ROWS, ["n", "m", "t"]),
    ("# a comment\n# n, m,t\n" + ROWS, ["n", "m", "t"]),
    ('"n", "m" ,t\n' + ROWS, ["n", "m", "t"]),
    ("n,,t\n" + ROWS, ["n", "column2", "t"]),
    ("n,m,t,\n" + ROWS.replace("\n", ",\n"), ["n", "m", "t", "column4"]),
    ("n,m,t\n" + ROWS.replace("\n", ",\n"), ["n", "m", "t"]),
    (" n ,m , t\n" + ROWS, ["n", "m", "t"]),
    ('"n\nx",m,t\n' + ROWS, ["n\nx", "m", "t"]),
    ("t\n" + "a\nb\n" * 9, ["t"]),
    ("n,n,n_2,t\n" + ROWS.replace(",p", ",0,p").replace(",q", ",0,q"), ["n", "n_3", "n_2", "t"]),
])  # fmt: skip
def test_names_are_found(read, text, names) -> None:
    table = read(text)
    assert table.names == names and table.rows == (18 if names == ["t"] else 30)


def test_a_space_before_a_quote_does_not_matter(tmp_path, read) -> None:
    table = read('n, "m",t\n1, "x,\ny",a\n2,"z" ,b\n')
    assert all_rows(table, "FROM rows") == [("1", "x,\ny", "a"), ("2", "z", "b")]
    assert table.where(2) == f"{tmp_path / 't.csv'} (line 4)"


LOOKS = [
    ("0.034,0.152,1.642,a", ["1.36,-1.145,-1.235,a", "1.2,0.3,0.5,a", "1,2,3,b"], True),
    ("2,2,?,a", ["0.034,0.152,1.642,a", "1,2,3,b", "2,2,2,a"], True),
    ("p,x,s,n", ["e,x,y,n", "p,x,s,w", "e,b,s,n"] * 3, True),
    ("5.1,3.5,Iris-setosa", ["4.9,3.0,Iris-setosa", "7,3.2,Iris-versicolor"] * 4, True),
    ("x,y,class", ["1,2,a", "3,4,b"], False),
    ("a,b,c", ["1,2,a", "3,4,b"], False),
    ("country,1990,1991,1992", ["CH,1.5,2.5,3.5", "DE,4,5,6"], False),
    ("label,0,1,2,3", ["a,0,255,3,9", "b,7,8,9,1"], False),
    ("sex,city", ["m,Bern", "f,Genf"] * 5, False),
    ("name,remark", ["Anna,none", "Beat,a long one"], False),
    ("x,y", [], False),
    ("1,2", [], False),
    (",x", ["1,2", "2,3"], False),
]


@pytest.mark.parametrize(("first", "rows", "expected"), LOOKS)
def test_a_first_line_that_looks_like_data(first, rows, expected) -> None:
    assert looks_like_data(first.split(","), [row.split(",") for row in rows]) is expected


def test_a_missing_header_is_told_and_can_be_stated(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text(ROWS)
    quick = ("--quick", "--epochs", 1, "--hidden", 2, "-o", "m.safetensors")
    done = run("train", "t.csv", "-t", "column3", *quick, expect=2)
    assert "t.csv, line 1 looks like data" in done.stderr and "--no-header" in done.stderr
    assert "rows        30" in run("train", "t.csv", "-t", "column3", "--no-header", *quick).stdout
    assert "column2" in [column.name for column in load("m.safetensors").schema.columns]
    done = run("predict", "m.safetensors", "t.csv", "--no-header")
    assert len(done.stdout.splitlines()) == 31
    assert "looks like data" in run("predict", "m.safetensors", "t.csv", expect=2).stderr
    table = read_table("t.csv", header=True)
    assert table.names == ["0", "0_2", "p"] and table.rows == 29
    assert read_table("t.csv", header=False).where(3) == "t.csv (line 3)"


def test_a_title_above_two_columns_is_known_by_the_numbers_below_the_names(read) -> None:
    rows = "".join(f"{k},{'pq'[k % 2]}\n" for k in range(9))
    for above in ("Sales\n", "Sales,\n"):
        assert read(above + "n,t\n" + rows).names == ["n", "t"]
    assert read("n,\n" + rows).names == ["n", "column2"]
    assert read(",t\n" + rows).names == ["column1", "t"]


def test_header_stated_takes_the_first_line_whatever_it_holds(read) -> None:
    text = "only one,,\n1,2,a\n2,3,b\n3,4,a\n"
    assert read("only one,,\n" + NAMED).names == ["n", "m", "t"]
    assert read(text, header=True).names == ["only one", "column2", "column3"]
    sparse = "1,,\n" + ROWS
    assert read(sparse, header=False).rows == 31, "a row with missing values is no title"


def test_names_that_stand_twice_are_numbered_everywhere(tmp_path, read, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    table = read("x,x,t\n1,5,a\n2,6,b\n")
    assert table.names == ["x", "x_2", "t"] and "several columns named 'x'" in table.remarks[0]
    query = read("x,x,t\n1,5,a\n2,6,b\n", query="SELECT x_2 AS y, t, t FROM data")
    assert query.names == ["y", "t", "t_2"] and len(query.remarks) == 2
    read(NAMED.replace("m", "n"))
    run("train", "--quick", "t.csv", "-t", "t", "--epochs", 1, "-o", "m.safetensors")
    model = load("m.safetensors")
    frame = pandas.read_csv("t.csv", header=0, names=["n", "n_2", "t"])
    expected = model.predict_proba(frame)
    frame.columns = ["n", "n", "t"]
    with pytest.warns(BackhandWarning, match="the data frame has several columns named 'n'"):
        assert (model.predict_proba(frame) == expected).all()
    with pytest.warns(BackhandWarning, match="several columns named 'n'"):
        assert (model.predict_proba("t.csv") == expected).all()


@pytest.mark.parametrize("seed", range(60))
def test_no_row_of_a_random_table_is_lost(read, seed) -> None:
    """Whatever stands above and in a table, its rows are all there, or the reason is told."""
    rng = random.Random(seed)
    words = ["", "a", "1", "2.5", "x y", '"q,\n"', "#", "# b", "é", "sep=;", "NA", " "]
    width, rows = rng.randint(1, 4), rng.randint(1, 8)
    names = [f"name{i}" for i in range(width)]
    values = [[rng.choice(words) for _ in names] for _ in range(rows)]
    above = rng.choices(["", "# note", '## a,"b', 'A "title'][: 3 + (width > 1)],
                        k=rng.randint(0, 3))  # fmt: skip
    lines = [*above, ",".join(names), *map(",".join, values)]
    try:
        table = read("\n".join(lines) + "\n")
    except InputError as error:
        assert "spill" not in str(error)
        return
    assert table.names == names and table.rows == rows
