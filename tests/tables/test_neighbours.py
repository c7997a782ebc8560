"""A row means the same whatever rows stand around it, and wherever its file lies."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import numpy as np
import pyarrow.parquet
import pytest

from backhand.errors import BackhandWarning
from backhand.exports.numpy import to_source
from backhand.model import Model
from backhand.table_settings import Settings
from backhand.tables import expressions
from backhand.tables.cells.texts import MISSING
from backhand.tables.queries import all_rows, first_row
from backhand.tables.reading.reader import read_table
from backhand.tables.schema.choices import ColumnChoices
from backhand.tables.schema.columns import Category
from backhand.tables.schema.fitting import fit_schema
from backhand.tables.schema.schema import Schema
from backhand.tables.schema.targets import read_target
from backhand.tabular.training import fit_table, prepare_table
from helpers.neighbour_checks import check_table


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def learn(table, **options) -> Schema:
    target = read_target(table, "t", missing=options.get("missing"))
    return fit_schema(table, target, np.ones(table.rows, bool), ColumnChoices(**options))[0]


@pytest.mark.parametrize(
    "seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 6))]
)
def test_a_row_means_the_same_whatever_stands_around_it(tmp_path, seed) -> None:
    assert check_table(seed, tmp_path) == 10


def test_decimals_that_come_late_are_decimals(tmp_path) -> None:
    early = [(i % 5, i % 2) for i in range(20_479)]
    late = [(i % 5 + 0.5, 0.5) for i in range(3_000)]
    lines = [f"{x},{t}" for x, t in early + late]
    objects = [f'{{"x": {x}, "t": {t}}}' for x, t in early + late]
    for path in (write(tmp_path / "l.csv", "\n".join(["x,t", *lines]) + "\n"),
                 write(tmp_path / "l.jsonl", "\n".join(objects) + "\n")):  # fmt: skip
        table = read_table(path)
        target = read_target(table, "t")
        assert target.classes == ["0", "0.5", "1"] and (target.y == 1).sum() == 3_000
        assert np.isclose(learn(table).columns[0].mean, np.mean([x for x, _ in early + late]))


def test_files_whose_types_differ_lose_nothing(tmp_path) -> None:
    for first, then, days in (("1", "2.5::DOUBLE", [1, 2.5]),
                              ("DATE '1970-01-02'", "TIMESTAMP '1970-01-01 12:00'", [1, 0.5]),
                              (f"{2**53 + 1}", "0.5::FLOAT", [2**53, 0.5])):  # fmt: skip
        for i, value in enumerate((first, then)):
            duckdb.sql(f"COPY (SELECT {value} AS x, 'a' AS t) TO '{tmp_path}/p{i}.parquet'")
        table = read_table(str(tmp_path / "p*.parquet"))
        sql = (expressions.days if "DATE" in first else expressions.number)(table, 0)
        assert [v for (v,) in all_rows(table, f"SELECT {sql} FROM rows")] == days
    assert first_row(table, "SELECT c0 FROM rows")[0] == str(2**53 + 1)


def test_the_name_of_a_folder_is_no_column(tmp_path, monkeypatch) -> None:
    rows = "SELECT i AS n, i % 2 AS t FROM range(4) r(i)"
    (tmp_path / "n=5").mkdir()
    duckdb.sql(f"COPY ({rows}) TO '{tmp_path}/n=5/d.parquet'")
    write(tmp_path / "n=5" / "d.jsonl", "".join(f'{{"n": {i}, "t": {i}}}\n' for i in range(4)))
    for name in ("d.parquet", "d.jsonl"):
        table = read_table(tmp_path / "n=5" / name)
        assert [int(v) for (v,) in all_rows(table, "SELECT c0 FROM rows")] == [0, 1, 2, 3]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("~x.csv", "~/d.csv", "home/d.csv", "{a,b}[1].csv"):
        write(Path(name), f"x,t\n{name[0]},1\n")
    for name in ("~x.csv", "~/d.csv", "{a,b}[1].csv"):
        assert all_rows(read_table(name), "SELECT c0 FROM rows") == [(name[0],)]


def test_words_that_mean_missing(tmp_path) -> None:
    rows = [(f"{i}", ("None", "x", "y", "NA")[i % 4], ("a", "None", "b")[i % 3]) for i in range(24)]
    path = write(tmp_path / "t.csv", "n,c,t\n" + "".join(",".join(row) + "\n" for row in rows))
    values = ", ".join(map(str, rows))
    duckdb.sql(f"COPY (SELECT CAST(n AS BIGINT) AS n, c, t FROM (VALUES {values}) v(n, c, t)) "
               f"TO '{tmp_path}/t.parquet'")  # fmt: skip
    models = []
    for file in (path, tmp_path / "t.parquet"):
        with pytest.warns(BackhandWarning, match="'None' is a class"):
            prepared = prepare_table(
                read_table(file), "t", Settings(quick=True, epochs=1, hidden=4)
            )
        assert prepared.target.classes == ["None", "a", "b"]
        assert prepared.missing["c"].texts == {"NA": 6, "None": 6}
        models.append(
            fit_table(prepared, Settings(quick=True, epochs=1, hidden=4), engine="reference")[0]
        )
    assert all(map(np.array_equal, models[0].params, models[1].params))
    prepared = prepare_table(
        read_table(path), "t", Settings(quick=True, epochs=1), ColumnChoices(missing=("None",))
    )
    assert prepared.target.classes == ["a", "b"] and prepared.unlabelled == 8
    assert prepared.schema.columns[-1].categories == ("x", "y")
    again = Schema.from_json(prepared.schema.to_json())
    assert again == prepared.schema and again.missing == MISSING
    prepared = prepare_table(
        read_table(path), "t", Settings(quick=True, epochs=1), ColumnChoices(missing=("", "None"))
    )
    assert prepared.schema.columns[-1].categories == ("NA", "x", "y")
    again = Schema.from_json(prepared.schema.to_json())
    assert again == prepared.schema and again.missing == ("", "None")


TYPED = ("INTEGER", "HUGEINT", "DOUBLE", "FLOAT", "DECIMAL(9, 2)")


def test_words_that_mean_missing_do_so_in_columns_of_every_type(tmp_path) -> None:
    days, values = ("1900-01-01", "2020-01-31", "2021-02-01"), ("-999", "1", "4", "2.0")
    rows = [(*(values[i % 4] for _ in TYPED), str(i % 2 == 0), days[i // 4 % 3], values[i % 4],
             str(i % 3)) for i in range(24)]  # fmt: skip
    names = [*(f"n{i}" for i in range(len(TYPED))), "b", "d", "c", "t"]
    path = write(tmp_path / "t.csv", "".join(f"{','.join(row)}\n" for row in (names, *rows)))
    cells_of = ", ".join(f"CAST({name} AS {kind}) AS {name}" for name, kind in zip(
        names, (*TYPED, "BOOLEAN", "DATE", "DOUBLE", "INTEGER"), strict=True))  # fmt: skip
    parquet = tmp_path / "t.parquet"
    duckdb.sql(f"COPY (SELECT {cells_of} FROM read_csv('{path}', all_varchar=true)) "
               f"TO '{parquet}'")  # fmt: skip
    words = ["-999", "0", "TRUE", "1900-01-01"]
    choices = ColumnChoices(categorical=("c",), missing=tuple(words))
    csv, typed, queried = (
        prepare_table(table, "t", Settings(quick=True, epochs=1, test_size=0), choices)
        for table in (read_table(path), read_table(parquet),
                      read_table(query=f"SELECT * FROM '{parquet}'"))
    )  # fmt: skip
    assert csv.schema == typed.schema == queried.schema
    assert csv.target.classes == typed.target.classes == ["1", "2"]
    assert csv.unlabelled == typed.unlabelled == 8
    assert csv.schema.columns[-1] == Category("c", ("1", "2", "4"), 0.25)
    assert all(c.missing for c in csv.schema.columns)
    assert [m.rows for m in csv.missing.values()] == [m.rows for m in typed.missing.values()]
    assert [sum(m.texts.values()) for m in typed.missing.values()] == [
        m.rows for m in typed.missing.values()
    ]
    default = read_table(parquet)  # where nothing is named, typed cells are not looked up
    assert expressions.number(default, 0, MISSING) == "c0"
    assert not any(expressions.missing_words(default, i, MISSING) for i in range(len(TYPED)))
    assert tuple(expressions.missing_words(read_table(path), 0, MISSING)) == MISSING
    for table in (read_table(parquet), read_table(query=f"SELECT * FROM '{parquet}'")):
        assert np.array_equal(csv.schema.encode(read_table(path)), csv.schema.encode(table))


IN_C = """
import glob
from pathlib import Path
from backhand.errors import InputError
from backhand.tabular.prediction import predict_table
from backhand.table_settings import Settings
from backhand.tabular.training import fit_table, prepare_table
from backhand.tables.reading.reader import read_table

path, = glob.glob("d*ta.csv")
folder, = glob.glob("cache*")
settings = Settings(quick=True, epochs=1, hidden=2)
prepared = prepare_table(read_table(path, cache_dir=folder), "t", settings)
model = fit_table(prepared, settings, engine="reference")[0]
for ending in ("parquet", "csv"):
    out = Path(path.replace("d", "o").replace("csv", ending))
    predict_table(model, read_table(path, once=True), out, "reference")
    assert read_table(str(out)).rows == 4, ending
assert read_table(query=f"SELECT * FROM '{path}'").rows == 4
for name in glob.glob("x*.csv"):
    try:
        read_table(name)
    except InputError as error:
        print(str(error).encode("ascii", "backslashreplace").decode())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are bytes on Linux alone")
def test_names_of_files_are_bytes_whatever_the_locale(tmp_path) -> None:
    for name in (b"d\xc3\xa5ta.csv", b"x\xff.csv"):
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_text(
            "n,t\n1,a\n2,b\n3,a\n4,b\n", encoding="ascii"
        )
    os.mkdir(os.fsencode(tmp_path) + b"/cache\xc3\xa5")  # noqa: PTH102
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", IN_C], cwd=tmp_path, capture_output=True, text=True,
        check=False,
        env=os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == "x\\udcff.csv cannot be used: its name is not UTF-8; rename it.\n"


def test_types_of_parquet_without_values_and_with_nanoseconds(tmp_path) -> None:
    stamps = [f"2020-0{i % 3 + 1}-01 12:00:00" for i in range(12)]
    columns = {
        "n": [str(i % 4) for i in range(12)], "c": ["xy"[i % 2] for i in range(12)],
        "d": stamps, "z": [f"{stamp}Z" for stamp in stamps],
        "k": [stamp.split()[1].replace("12", str(10 + i)) for i, stamp in enumerate(stamps)],
        "t": ["ab"[i % 2] for i in range(12)],
    }  # fmt: skip
    lines = [",".join(columns), *map(",".join, zip(*columns.values(), strict=True))]
    path = write(tmp_path / "t.csv", "\n".join(lines) + "\n")
    moments = np.array([stamp.replace(" ", "T") for stamp in stamps], "datetime64[ns]")
    clocks = [(10 + i) * 3600 * 10**9 for i in range(12)]
    typed = {"n": pyarrow.array(map(int, columns["n"]), pyarrow.int32()), "c": columns["c"],
             "d": pyarrow.array(moments),
             "z": pyarrow.array(moments).cast(pyarrow.timestamp("ns", "UTC")),
             "k": pyarrow.array(clocks, pyarrow.time64("ns")), "t": columns["t"]}  # fmt: skip
    pyarrow.parquet.write_table(pyarrow.table(typed), tmp_path / "part1.parquet")
    schema = learn(read_table(path))
    assert schema == learn(read_table(tmp_path / "part1.parquet"))
    assert [column.kind for column in schema.columns] == ["number", "category"] + ["date"] * 3
    X = schema.encode(read_table(path))
    assert np.array_equal(X, schema.encode(read_table(tmp_path / "part1.parquet")))
    none = {name: pyarrow.nulls(2) for name in columns}
    pyarrow.parquet.write_table(pyarrow.table(none), tmp_path / "part0.parquet")
    nothing = schema.encode(read_table(tmp_path / "part0.parquet"))
    assert not nothing.any() and len(nothing) == 2
    both = read_table(str(tmp_path / "part*.parquet"))
    assert np.array_equal(schema.encode(both), np.vstack([nothing, X]))
    again = learn(both)
    assert [(c.name, c.kind) for c in again.columns] == [(c.name, c.kind) for c in schema.columns]
    assert all(column.missing for column in again.columns)
    queried = read_table(query=f"SELECT * FROM '{tmp_path}/part0.parquet'")
    assert np.array_equal(schema.encode(queried), nothing)
    pyarrow.parquet.write_table(
        pyarrow.table(typed | {"n": pyarrow.nulls(12)}), tmp_path / "m.parquet"
    )
    assert [c.name for c in learn(read_table(tmp_path / "m.parquet")).columns] == list("cdzk")


def test_codes_keep_their_zeros_and_versions_their_digits(tmp_path) -> None:
    rows = "".join(
        f"{('01730', '1730')[i % 2]},{('1.1', '1.10', '1.2')[i % 3]}\n" for i in range(30)
    )
    table = read_table(write(tmp_path / "t.csv", "zip,t\n" + rows))
    schema = learn(table)
    assert schema.columns == (Category("zip", ("01730", "1730"), False),)
    assert read_target(table, "t").classes == ["1.1", "1.10", "1.2"]
    mixed = read_table(write(tmp_path / "m.csv", "n,t\n" + "1,1\n2,1.0\n3,2\n"))
    with pytest.warns(BackhandWarning, match="'1' and '1.0' of column 't' count as one"):
        assert read_target(mixed, "t").classes == ["1", "2"]


def test_a_text_that_comes_late_is_missing(tmp_path) -> None:
    path = write(tmp_path / "t.csv", "n,m,t\n" + "1,2,a\n3,4,b\n" * 15_000 + "T,1,a\n")
    table = read_table(path)
    target = read_target(table, "t")
    schema, (note,), _ = fit_schema(table, target, np.ones(table.rows, bool))
    assert [column.kind for column in schema.columns] == ["number", "number"]
    assert note.column == "n" and note.what.startswith("1 of 30,001 values is not a number")
    assert "'T'" in note.what and "--categorical 'n'" in note.advice
    assert len(learn(read_table(path), drop=["n"]).columns) == 1
    assert learn(read_table(path), categorical=["n"]).columns[0].categories == ("1", "3", "T")
    assert read_table(path, "SELECT m, t FROM data").types == ["BIGINT", "VARCHAR"]


DAYS = ["2020-01-31", "2020/1/3", "2020-1-3 1:02", "2020-01-31T12:00:00Z", "2020-01-31 24:00:00",
        "2020-01-31 12:00:00 UTC", "2020-01-31 12:00:00.9999999", "2020-01-31 12:00:00+0230",
        "2020-01-31 12:00:00.5-05:30", "20200131", "2020-W05-5", "2020-02-30", "infinity", "epoch",
        "2020-01/31", " 2020-01-31", "0999-01-01", "12:30", "23:59:59.25", "24:00", "12", "1e3",
        "2020-01-31 12:00:00 Europe/Berlin", "x"]  # fmt: skip


def test_the_exported_file_reads_each_date_as_training_does(tmp_path) -> None:
    """A text that is not one of them is missing."""
    import backhand
    from backhand.tables.schema.columns import Date

    schema = Schema("t", (Date("d", 0.0, 1.0, True),))
    source = to_source(Model(backhand.init(2, 2, 2), ("a", "b"), schema), ["a", "b"])
    module: dict = {"__name__": "exported"}
    exec(source, module)
    with (tmp_path / "t.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["v", "w"], *([text, "x"] for text in DAYS)])
    table = read_table(tmp_path / "t.csv")
    found = all_rows(table, f"SELECT {expressions.days(table, 0, MISSING)} FROM rows")
    for text, (days,) in zip(DAYS, found, strict=True):
        read = module["COLUMNS"][0].read([text])[0]
        assert read == days or (days is None and np.isnan(read)), text
