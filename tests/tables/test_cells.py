"""What the text of a cell means: as a number, a category, a class, or missing; in every place."""

import csv
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

import backhand
from backhand.exports.numpy import to_source
from backhand.exports.onnx_schema import features_of
from backhand.model import Model
from backhand.tables.cells import numbers
from backhand.tables.cells.texts import MISSING, SPACES
from backhand.tables.queries import chunks
from backhand.tables.reading.frames import as_table
from backhand.tables.reading.reader import read_table
from backhand.tables.schema.choices import ColumnChoices
from backhand.tables.schema.columns import Category, Column, Number
from backhand.tables.schema.decimal_signs import decimals_of
from backhand.tables.schema.fitting import fit_schema
from backhand.tables.schema.schema import Schema
from backhand.tables.schema.targets import class_expressions, read_target
from backhand.tables.schema.unread import unread_texts
from backhand.tables.table import Table

POINT = {
    "5": 5, " 5\t": 5, "+5": 5, "-0.5": -0.5, "5.": 5, ".5": 0.5, "1e5": 1e5, "1E-3": 1e-3,
    "1_000": 1000, "007": 7, "1,234": 1234, "1,234.5": 1234.5, "1,234,567": 1234567,
    "1'234.5": 1234.5, "1’234": 1234, "1 234": 1234, "1\u00a0234": 1234, "1\u202f234.5": 1234.5,
    "12,34,567": 1234567, "(1,234.50)": -1234.5, "($5)": -5, "$(5)": -5, "$1,234.50": 1234.5,
    "-$5": -5, "$-5": -5, "$ 5": 5, "US$5": 5, "R$ 5": 5, "1,234.50 €": 1234.5, "5€": 5,
    "USD 5": 5, "5 CHF": 5, "Rs. 500": 500, "12%": 0.12, "12 %": 0.12, "-1.5%": -0.015,
    "(5%)": -0.05, "−5": -5, "−1.5e3": -1500, "true": 1, "FALSE": 0, " True ": 1, "\u00a07": 7,
    "\ufeff7": 7,
}  # fmt: skip
"""Texts that are numbers with a decimal point. Each has a mirror image with a comma."""

NEITHER = [
    "1,23,4", "1.2.3", "12-34", "1-2", "2020-01-31", "31/12/2020", "12:30", "- 5", "--5", "-(5)",
    "5-", "1 23", "1,234 567", "0x10", "1__0", "_1", "1e", "e5", "$", "%", "()", "(5", "$5$ 5",
    "JAN 5", "ABC 123", "5 kg", "nan(1)", "５", "infinit", "+ 5", "12%%", "5 5",
    "true false", "truely", "T", "yes",
]  # fmt: skip
"""Texts that are numbers neither with a point nor with a comma."""


def mirrored(text: str) -> str:
    return text.translate(str.maketrans(".,", ",."))


def texts_table(folder: Path, texts: list[str], names: list[str]) -> Table:
    """A CSV file whose columns all have these texts."""
    with (folder / "texts.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows(
            [names, *([t] * len(names) for t in texts)]
        )
    return read_table(folder / "texts.csv")


def exported(columns: tuple[Column, ...], missing: tuple[str, ...] | None = None) -> Any:
    """The module of the NumPy file of a model with these columns."""
    schema = Schema("t", columns, missing)
    model = Model(backhand.init(schema.width, 2, 2), ("a", "b"), schema)
    module: dict[str, Any] = {"__name__": "exported"}
    exec(to_source(model, ["a", "b"]), module)
    return module


def values_of(table: Table, columns: tuple[Column, ...], missing: tuple[str, ...]) -> list[Any]:
    """The values of `encode` of each column, as SQL gives them."""
    sql = [c.expression(table, table.index(c.name), missing) for c in columns]
    parts = [[np.asarray(x, np.float64) for x in arrays] for _, arrays in chunks(table, sql)]
    return [np.concatenate(column) for column in zip(*parts, strict=True)]


SIGNS = (Number("point", 0, 1, True), Number("comma", 0, 1, True, ","))


def test_numbers_in_dress(tmp_path) -> None:
    texts = [*POINT, *map(mirrored, POINT), *NEITHER]
    table = texts_table(tmp_path, texts, ["point", "comma"])
    point, comma = values_of(table, SIGNS, ("",))
    n = len(POINT)
    assert dict(zip(texts, point[:n].tolist(), strict=False)) == POINT
    assert comma[n : 2 * n].tolist() == list(POINT.values())
    for text, values in zip(NEITHER, zip(point[2 * n :], comma[2 * n :], strict=True), strict=True):
        assert not np.isfinite(values).any(), text


def drawn_texts(rng: np.random.Generator, n: int) -> list[str]:
    """Texts that are numbers, words or missing, and texts that are nearly so."""
    alphabet = [*"0123456789", *".,'’-−+()%$€eE_x ", "\u00a0", "\u202f", "USD", "Rs.", "true",
                "inf", "nan", "\t", "é"]  # fmt: skip
    known = [*POINT, *map(mirrored, POINT), *NEITHER, *MISSING, "Yes", "yes", "7.0", "-7", "é"]
    texts = []
    for _ in range(n):
        text = str(rng.choice(known))
        for _ in range(rng.integers(3)):
            at, cut = rng.integers(len(text) + 1), rng.integers(2)
            text = text[:at] + str(rng.choice(alphabet)) + text[at + cut :]
        spaces = rng.choice(list(SPACES), 2) if rng.random() < 0.2 else ["", ""]
        texts.append(f"{spaces[0]}{text}{spaces[1]}")
    return [text.replace("\0", "") for text in texts]


@pytest.mark.parametrize("named", [None, ("-999", "7.0", "12%", "Yes", "1,5"), ("", "true", "x")])
def test_the_exported_file_reads_every_text_as_a_table_does(tmp_path, named) -> None:
    texts = sorted(set(drawn_texts(np.random.default_rng(16), 6000)))
    columns = (
        *SIGNS, Category("some", ("-7", "7", "Yes", "é", "1.5"), True),
        Category("boolean", ("false", "true"), True), Category("binary", ("0", "1"), False),
    )  # fmt: skip
    table = texts_table(tmp_path, texts, [c.name for c in columns])
    module, schema = exported(columns, named), Schema("t", columns, named)
    found = values_of(table, columns, schema.missing)
    for column, sql, python in zip(columns[:2], found, module["COLUMNS"], strict=False):
        sql = np.where(np.isfinite(sql), sql, np.nan)
        for text, x, y in zip(texts, sql, python.read(texts), strict=True):
            assert x == y or (np.isnan(x) and np.isnan(y)), (column.decimal, text, x, y)
        assert np.isfinite(sql).mean() > 0.1
    X, encoded = schema.encode(table), module["encode"](dict.fromkeys(table.names, texts))
    for text, x, y in zip(texts, X, encoded, strict=True):
        assert np.array_equal(x, y), (text, x, y)
    for column, sql in zip(columns[2:], found[2:], strict=True):  # ONNX compares texts exactly
        places = features_of(column, schema.missing)
        for text, x in zip(texts, sql, strict=True):
            if text == text.strip(SPACES):
                missing = len(column.categories) if column.missing else -1
                assert places.get(text, -1) == (missing if x == -2 else x), (column, text)


def test_the_patterns_of_the_exported_file_are_those_of_the_tables() -> None:
    module = exported(SIGNS)
    assert module["DRESSED"] == numbers.DRESSED and module["UNDRESSED"] == numbers.UNDRESSED
    assert module["SPACES"] == SPACES
    for text in (*POINT, *map(mirrored, POINT), "+-5"):
        assert numbers.may_be_number(text), text
    assert not any(map(numbers.may_be_number, (*MISSING, "x", "12-34", "2020-01-31")))


def written(folder: Path, **columns: list[str]) -> Table:
    return read_table(write_columns(folder / "t.csv", **columns))


def write_columns(path: Path, **columns: list[str]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows(
            [list(columns), *zip(*columns.values(), strict=True)]
        )
    return path


def learn(table: Table, **options: Any) -> Schema:
    target = read_target(table, "t")
    return fit_schema(table, target, np.ones(table.rows, bool), ColumnChoices(**options))[0]


def test_spaces_are_not_part_of_a_text(tmp_path) -> None:
    cells = ["Yes", " Yes", "No\u00a0", "No", "\tYes", "  "] * 4
    table = written(tmp_path, c=cells, n=[" 1", "2 ", "\u202f3", " ", "5", "6"] * 4,
                    t=["a ", "b", " a", "b\u00a0", "a", "b"] * 4)  # fmt: skip
    schema = learn(table)
    assert read_target(table, "t").classes == ["a", "b"]
    assert schema.columns[0] == Category("c", ("No", "Yes"), pytest.approx(1 / 6))
    assert schema.columns[1].kind == "number" and schema.columns[1].missing
    X = schema.encode(table)
    assert X[:6, :3].tolist() == [[0, 1, 0], [0, 1, 0], [1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]
    duckdb.sql(f"COPY (SELECT * FROM read_csv('{tmp_path}/t.csv', all_varchar=true)) "
               f"TO '{tmp_path}/t.parquet'")  # fmt: skip
    assert learn(read_table(tmp_path / "t.parquet")) == schema
    module = exported(schema.columns)
    given = {"c": cells, "n": [" 1", "2 ", "\u202f3", " ", "5", "6"] * 4}
    assert np.array_equal(module["encode"](given), X)
    with as_table(given, ["c", "n"]) as frame:
        assert np.array_equal(schema.encode(frame), X)


def test_words_among_numbers_are_missing_and_listed(tmp_path) -> None:
    cells = [
        *map(str, range(90)),
        "many",
        "many ",
        "few",
        "inf",
        "-",
        "NA",
        "",
        "$7",
        "5%",
        "1e999",
    ]
    table = written(tmp_path, n=cells, t=["a", "b"] * 50)
    schema = learn(table)
    assert schema.columns[0].kind == "number" and schema.columns[0].missing
    X = schema.encode(table)
    assert np.flatnonzero(X[:, 1]).tolist() == [90, 91, 92, 93, 94, 95, 96, 99]
    sql = schema.columns[0].expression(table, 0, schema.missing)
    assert unread_texts(table, 0, sql, schema.missing, 2) == (5, [("many", 2), ("1e999", 1)])
    assert unread_texts(table, 0, sql, schema.missing)[1][2:] == [("few", 1), ("inf", 1)]
    assert np.array_equal(exported(schema.columns)["encode"]({"n": cells}), X)


def test_a_number_that_is_not_finite_is_missing_in_every_type(tmp_path) -> None:
    for kind in ("FLOAT", "DOUBLE"):
        query = (f"SELECT unnest([1, 2, 3, 'inf'::{kind}, '-inf', 'nan', NULL]) AS n, "
                 "unnest(['a', 'b', 'a', 'b', 'a', 'b', 'a']) AS t")  # fmt: skip
        table = read_table(query=query)
        schema = learn(table)
        (n,) = schema.columns
        assert (n.mean, n.std, n.missing) == (2.0, np.std([1, 2, 3]), 4 / 7)
        assert schema.encode(table)[:, 1].tolist() == [0, 0, 0, 1, 1, 1, 1]
        sql = schema.columns[0].expression(table, 0, schema.missing)
        assert unread_texts(table, 0, sql, schema.missing) == (2, [("-inf", 1), ("inf", 1)])
        values = np.array([1, 2, 3, np.inf, -np.inf, np.nan, np.nan])
        module = exported(schema.columns)
        assert np.array_equal(module["encode"]({"n": values}), schema.encode(table))


def test_a_decimal_comma_is_found_by_all_rows(tmp_path) -> None:
    def signs(missing: tuple[str, ...] = ("",), **columns: list[str]) -> dict[str, str]:
        table = written(tmp_path, **columns)
        found = decimals_of(table, range(len(table.names)), missing)
        return {table.names[i]: sign for i, sign in found.items()}

    assert signs(a=["1,5", "2"], b=["1,234", "2,345"], c=["1.234", "5.678"], d=["x", "y"]) == {
        "a": ",", "b": ",", "c": ",", "d": ","}  # fmt: skip
    assert signs(a=["1,5", "2"], b=["1,234", "2,345"], c=["1.23", "5"]) == {
        "a": ",", "b": ".", "c": "."}  # fmt: skip
    assert signs(b=["1,234", "2,345"]) == {"b": "."}
    assert signs(a=["$1,234.50", "7"], b=["1,234", "2,345"]) == {"a": ".", "b": "."}
    assert signs(a=["1.234.567", "1.000"], b=["1.5", "2"]) == {"a": ",", "b": "."}
    assert signs(a=["1,5", "1,5", "2.5"], b=["x"] * 3)["a"] == ",", "most decide"
    assert signs(ip=["192.168.100.200", "10.0.0.1", "10.2.3.4"], b=["1,234"] * 3)["b"] == "."
    assert signs(("", "-9,9"), a=["-9,9", "2.5"]) == {"a": "."}


def test_a_decimal_comma_is_kept_in_the_schema_and_used_later(tmp_path) -> None:
    cells = ["1.234,5", "1,5", "7", "2.000", "-3,25", "12,5 %"] * 5
    table = written(tmp_path, n=cells, t=["a", "b"] * 15)
    schema = learn(table)
    assert schema.columns[0].decimal == "," and Schema.from_json(schema.to_json()) == schema
    expected = [1234.5, 1.5, 7, 2000, -3.25, 0.125] * 5
    assert np.isclose(schema.columns[0].mean, np.mean(expected), rtol=1e-12)
    later = written(tmp_path, n=["2.000", "2000", "2,0", "2.5"])
    (values,) = values_of(later, schema.columns, schema.missing)
    assert values[:3].tolist() == [2000, 2000, 2] and np.isnan(values[3])
    module = exported(schema.columns)
    assert module["COLUMNS"][0].read(["2.000", "2,0", 2.5]).tolist() == [2000, 2, 2.5]
    (tmp_path / "t.jsonl").write_text('{"n": 2.125}\n{"n": "2,5"}\n{"n": 7}\n')
    (values,) = values_of(read_table(tmp_path / "t.jsonl"), schema.columns, schema.missing)
    assert values.tolist() == [2.125, 2.5, 7], "a number in JSON has a point"
    with as_table({"n": [2.125, 3.0]}, ["n"]) as frame:
        assert values_of(frame, schema.columns, schema.missing)[0].tolist() == [2.125, 3]
    points = written(tmp_path, n=["1,234", "2,345"] * 6, t=["a", "b"] * 6)
    assert learn(points).columns[0].mean == 1789.5
    assert np.isclose(learn(points, decimal=",").columns[0].mean, 1.7895)


def test_booleans_are_equal_however_they_are_written(tmp_path) -> None:
    """1 and 0 where training had true and false, and the other way round; 1 and 0 in a number."""
    words, digits = ["true", "FALSE", "True", "0", "1", " 1.0", "x"], [1, 0, 1, 0, 1, 1, -1]
    table = written(tmp_path, b=words)
    for categories, places in ((("false", "true"), [0, 1]), (("0", "1"), [0, 1])):
        column = Category("b", categories, False)
        (found,) = values_of(table, (column,), ("",))
        assert found.tolist() == digits, (categories, places)
        X = exported((column,))["encode"]({"b": words})
        assert X.argmax(axis=1)[:6].tolist() == digits[:6] and not X[6].any()
    three = Category("b", ("false", "true", "x"), False)
    assert values_of(table, (three,), ("",))[0].tolist() == [1, 0, 1, -1, -1, -1, 2]
    (found,) = values_of(table, (Number("b", 0, 1, True),), ("",))
    assert found[:6].tolist() == digits[:6] and np.isnan(found[6])
    typed = read_table(query="SELECT unnest([true, false, NULL]) AS b, unnest([1, 0, 1]) AS i")
    (found,) = values_of(typed, (Number("b", 0, 1, True),), ("", "x"))
    assert found[:2].tolist() == [1, 0] and np.isnan(found[2])
    (found,) = values_of(typed, (Category("i", ("false", "true"), False),), ("",))
    assert found.tolist() == [1, 0, 1]
    assert exported((Number("b", 0, 1, True),))["COLUMNS"][0].read([True, "FALSE"]).tolist() == [
        1,
        0,
    ]


def test_labels_are_equal_to_booleans(tmp_path) -> None:
    for classes, labels in (
        (["false", "true"], ["1", "0", "1.0"]), (["False", "True"], ["TRUE", "0"]),
        (["0", "1"], ["true", "False"]),
    ):  # fmt: skip
        table = written(tmp_path, t=labels, n=["1"] * len(labels))
        found = [arrays for _, arrays in chunks(table, class_expressions(table, "t", classes))]
        expected = [int(label.lower() in ("1", "1.0", "true")) for label in labels]
        assert found[0][0].tolist() == expected and found[0][1].all()


def test_a_column_of_booleans_stays_a_category(tmp_path) -> None:
    table = written(tmp_path, b=["true", "False"] * 6, n=["1", "2", "true"] * 4, t=["a", "b"] * 6)
    schema = learn(table, categorical=["n"])
    assert schema.columns[0] == Category("b", ("false", "true"), False)


def test_a_decimal_comma_is_told_where_it_makes_a_difference(tmp_path) -> None:
    table = written(
        tmp_path, n=["1,5", "2,25", "0,5", "7"] * 3, k=["1", "2", "2", "1"] * 3,
        s=["1,234"] * 6 + ["2,345"] * 6, t=["a", "b"] * 6,
    )  # fmt: skip
    target = read_target(table, "t")
    for options, told in (({}, ["n", "s"]), ({"decimal": ","}, [])):
        choices = ColumnChoices(**options)
        schema, notes, _ = fit_schema(table, target, np.ones(12, bool), choices)
        assert [n.column for n in notes if "a decimal comma" in n.what] == told
        assert {c.decimal for c in schema.columns if isinstance(c, Number)} == {","}


SALES = ["999", "1.059", "2.149", "12.345", "425"] * 4


@pytest.mark.parametrize(
    ("columns", "delimiter", "decimal", "told"),
    [
        ({"n": SALES}, ";", ",", "points between thousands"),
        ({"n": SALES}, ",", ".", "it may group thousands"),
        ({"n": SALES}, "\t", ".", "it may group thousands"),
        ({"n": [f"{text} €" for text in SALES]}, ";", ",", "points between thousands"),
        ({"n": [f"{text} €" for text in SALES]}, ",", ".", "it may group thousands"),
        ({"n": SALES, "m": ["0,5", "2"] * 10}, ";", ",", "points between thousands"),
        ({"n": SALES, "m": ["0,5 €", "2 €"] * 10}, ",", ",", "points between thousands"),
        ({"n": SALES, "m": ["0.5", "2"] * 10}, ";", ".", "it may group thousands"),
        ({"n": SALES, "m": ["$0.5", "$2"] * 10}, ";", ".", "it may group thousands"),
        ({"n": ["1.059", "2.140"] * 10, "m": ["0.5", "2"] * 10}, ";", ".", ""),
        ({"n": [*SALES, "0.125"]}, ";", ".", ""),
        ({"n": [*SALES, "1059"]}, ";", ".", ""),
        ({"n": [*SALES, "1.05"]}, ";", ".", ""),
        ({"n": ["999", "1.059", "7", "8"]}, ";", ".", ""),
    ],
)
def test_points_between_thousands_are_read_or_told(
    tmp_path, columns, delimiter, decimal, told
) -> None:
    rows = len(columns["n"])
    lines = [delimiter.join([*columns, "t"])]
    for k, cells in enumerate(zip(*columns.values(), strict=True)):
        lines.append(delimiter.join([*(f'"{cell}"' for cell in cells), "ab"[k % 2]]))
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    table = read_table(tmp_path / "t.csv")
    schema, notes, _ = fit_schema(table, read_target(table, "t"), np.ones(rows, bool))
    column = schema.columns[0]
    assert isinstance(column, Number) and column.decimal == decimal
    assert (column.most > 1000) == (decimal == "," or "1059" in columns["n"])
    about = [note.what for note in notes if note.column == "n"]
    found = [what for what in about if "thousands" in what]
    assert len(found) == bool(told) and all(told in what for what in found)
    for option, most in ((".", 1000), (",", 1e5)):
        choices = ColumnChoices(decimal=option)
        schema, notes, _ = fit_schema(table, read_target(table, "t"), np.ones(rows, bool), choices)
        assert schema.columns[0].most < most * 1.1 and not any("thousand" in n.what for n in notes)
