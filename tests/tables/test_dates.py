"""Dates as people write them: which texts are dates, of which day, and in which order."""

import datetime

import numpy as np
import pytest

from backhand.errors import InputError
from backhand.exports.date_texts import written
from backhand.exports.numpy import export_numpy
from backhand.support.memory_budget import budget
from backhand.tables import expressions
from backhand.tables.cells.dates import canonical_days, clock_in, moment_in
from backhand.tables.cells.texts import trimmed
from backhand.tables.database.connection import connect
from backhand.tables.queries import all_rows
from backhand.tables.reading.reader import read_table
from backhand.tables.schema.choices import ColumnChoices
from backhand.tables.schema.columns import Date, waves
from backhand.tables.schema.cycles import Places
from backhand.tables.schema.date_orders import date_orders
from backhand.tables.schema.fitting import fit_schema
from backhand.tables.schema.schema import Schema
from backhand.tables.schema.targets import read_target
from helpers.exported_models import imported, made_model

MISSING = Schema("t", ()).missing


def read(texts, order: str = "") -> np.ndarray:
    """Days since 1970 of texts, nan where one is neither a date nor a time of day."""
    connection = connect(budget(None), None)
    array = np.empty(len(texts), object)
    array[:] = texts
    connection.register("given", {"v": array})
    text = trimmed("v")
    sql = f"SELECT coalesce({moment_in(text, order)}, {clock_in(text)}) AS x FROM given"
    found = connection.execute(sql).fetchnumpy()["x"]
    connection.close()
    return np.ma.filled(found, np.nan)


def short_cut(texts) -> np.ndarray:
    """Days since 1970 of texts in DuckDB's own form, nan where one is not in it."""
    connection = connect(budget(None), None)
    connection.register("given", {"v": np.array(texts, object)})
    found = connection.execute(f"SELECT CASE {canonical_days('v')} END AS x FROM given")
    x = np.ma.filled(found.fetchnumpy()["x"], np.nan)
    connection.close()
    return x


def days(iso: str) -> float:
    moment = datetime.datetime.fromisoformat(iso)
    return (moment - datetime.datetime(1970, 1, 1)) / datetime.timedelta(days=1)


SEPTEMBER = [
    "1990-09-30", "1990/09/30", "1990/9/30", "1990.09.30", "1990-Sep-30", "1990 September 30",
    "30.09.1990", "30.9.1990", "30.09.90", "30. 9. 1990", "30 Sep 1990", "30 sept. 1990",
    "30-Sep-90", "30-SEP-1990", "30SEP1990", "30/Sep/1990", "30th September 1990",
    "30th of September, 1990", "Sep 30, 1990", "Sep. 30 1990", "September 30th, 1990",
    "SEPTEMBER 30,1990", "sep-30-1990", "Sep 30 '90", "Sunday, 30 September 1990",
    "Sun, Sep 30, 1990", "Sun 30 Sep 1990", "1990-09-30 00:00:00", "Sun, 30 Sep 1990 00:00:00 GMT",
]  # fmt: skip

MOMENTS = {
    "2005/05/21 21:00:00": "2005-05-21 21:00", "2023-9-13": "2023-09-13",
    "2023-09-13 04:00:00 UTC": "2023-09-13 04:00", "2023-09-13T04:00Z": "2023-09-13 04:00",
    "2023-09-13T04:00:00.250+01:00": "2023-09-13 03:00:00.250",
    "2023-09-13 04:00:00 +0130": "2023-09-13 02:30", "2023-09-13 04:00-03": "2023-09-13 07:00",
    "2023-09-13 04:00:00,125": "2023-09-13 04:00:00.125", "2023-09-13 4:05": "2023-09-13 04:05",
    "13.9.2023 14:30": "2023-09-13 14:30", "13 Sep 2023 at 2:30 pm": "2023-09-13 14:30",
    "Sep 13, 2023, 12:05 AM": "2023-09-13 00:05", "Sep 13 2023 12 p.m.": "2023-09-13 12:00",
    "2023-09-13 02:30:15 PM": "2023-09-13 14:30:15", "31 May 2020 05:00 UTC+01:00":
    "2020-05-31 04:00", "2020-03": "2020-03-01", "2020/3": "2020-03-01", "Mar 2020": "2020-03-01",
    "March, 2020": "2020-03-01", "Mar-20": "2020-03-01", "3/2020": "2020-03-01",
    "2020": "2020-01-01", "1.1.1000": "1000-01-01", "9999-12-31": "9999-12-31",
    "01.02.68": "2068-02-01", "01.02.69": "1969-02-01", "2:30 PM": "1970-01-01 14:30",
    "12am": "1970-01-01", "23:59:59.5": "1970-01-01 23:59:59.5", "0:15": "1970-01-01 00:15",
}  # fmt: skip

NO_DATES = [
    "", " ", "1.2.3", "10.4.11", "1.2.13.4", "192.168.1.1", "3/4", "1/2/3", "555-1234",
    "555-123-4567", "(555) 123-4567", "+49 30 1234567", "12-34-5678", "20200131", "2020-21",
    "2020-13-01", "2020-02-30", "30.2.2020", "30 Feb 2020", "Feb 30, 2020", "31 April 2021",
    "0.1.2020", "00.00.0000", "2020-01-32", "2020-01/02", "1.2/2020", "32.1.2020", "13.13.2020",
    "Sep", "Sep 30", "30 Sep", "Sem 30, 2020", "Septem 3, 2020", "30 Sep 990", "2020-01-31 24:00",
    "2020-01-31 10", "2020-01-31 10:60", "2020-01-31 13:00 PM", "2020-01-31 0:30 AM", "13 pm",
    "24:00", "5", "10:5", "2020-01-31 10:00 CET", "2020-01-31 10:00+15:00", "0999-01-01",
    "1.5", "-1", "1e3", "Monday", "May", "\u0665.\u0661.2020", "\u017fep 30, 2020",
]  # fmt: skip


def test_a_day_is_the_same_in_every_form() -> None:
    found = dict(zip(SEPTEMBER, read(SEPTEMBER).tolist(), strict=True))
    assert found == dict.fromkeys(SEPTEMBER, 7577.0)


def test_the_short_cut_for_canonical_texts_agrees_with_the_patterns() -> None:
    canonical = [
        "2020-01-31", "1969-12-31", "1000-01-01", "9999-12-31", "2020-01-31 12:30:00",
        "1969-12-31 23:59:59.999999", "2020-02-29 00:00:00.5",
    ]  # fmt: skip
    others = [
        "0999-12-31", "1000-01-01 (BC)", "1000-01-01 (BC) 00:00:00", "10000-01-01", "2020-02-30",
        "10000-01-01 00:00:00", "2020-1-31", "2020-01-31T12:30:00", "2020-01-31 24:00:00",
        "2020-01-31 12:30:00+01", " 2020-01-31", "2020-01-31 ", "infinity", "-infinity", "epoch",
        "2020-01-31 1:30:00", "", "2020", "12:30:00", "31.01.2020", *MOMENTS, *SEPTEMBER,
    ]  # fmt: skip
    assert np.array_equal(short_cut(canonical), read(canonical))
    found, expected = short_cut(others), read(others)
    assert np.isnan(found[:20]).all()
    assert (np.isnan(found) | (found == expected)).all()


def test_a_day_that_was_named_as_missing_is_missing(tmp_path) -> None:
    (tmp_path / "t.csv").write_text("d,t\n1900-01-01,a\n2020-01-31,b\n")
    table = read_table(tmp_path / "t.csv")
    sql = expressions.days(table, 0, ("", "1900-01-01"))
    assert all_rows(table, f"SELECT {sql} FROM rows") == [(None,), (days("2020-01-31"),)]


def test_moments_are_read() -> None:
    found = dict(zip(MOMENTS, read(list(MOMENTS)).tolist(), strict=True))
    assert found == {text: pytest.approx(days(iso), abs=1e-9) for text, iso in MOMENTS.items()}


@pytest.mark.parametrize("order", ["", "dmy", "mdy"])
def test_what_is_no_date_is_none(order) -> None:
    found = dict(zip(NO_DATES, read(NO_DATES, order).tolist(), strict=True))
    assert {text: x for text, x in found.items() if not np.isnan(x)} == {}


def test_numbers_with_the_year_last_need_an_order() -> None:
    texts = ["3/4/2020", "3-4-20", "03/04/2020 2:30 PM", "3.4.2020", "13/4/2020", "4/13/2020"]
    dmy = [days(f"2020-04-{day}") for day in ("03", "03", "03 14:30", "03", "13")]
    mdy = [days(f"2020-03-04 {clock}") for clock in ("00:00", "00:00", "14:30", "00:00")]
    assert read(texts, "dmy").tolist()[:5] == pytest.approx(dmy)
    assert read(texts, "mdy").tolist()[:4] == pytest.approx(mdy)
    assert np.isnan([read(texts, "dmy")[5], read(texts, "mdy")[4]]).all()
    assert np.isnan(read(texts)).tolist() == [True, True, True, False, True, True]


def test_the_exported_file_reads_the_same(tmp_path) -> None:
    orders = ("", "dmy", "mdy")
    columns = [Date(f"d{order}", 0.0, 1.0, True, order) for order in orders]
    export_numpy(made_model(columns), tmp_path / "m.py")
    rng = np.random.default_rng(7)
    for column, order in zip(imported(tmp_path / "m.py").COLUMNS, orders, strict=True):
        x = np.concatenate([rng.uniform(-40_000, 60_000, 2500), rng.uniform(0, 1, 250)])
        cut, texts = written(x, order, rng)
        assert np.array_equal(read(texts, order), cut)
        texts = [*texts, *map(_damaged, texts, rng.integers(2**32, size=len(texts))), *NO_DATES]
        ours = read(texts, order)
        theirs = np.array([_number(column, text) for text in texts])
        different = (ours != theirs) & ~(np.isnan(ours) & np.isnan(theirs))
        assert [texts[i] for i in np.flatnonzero(different)] == []
        assert 500 < np.isnan(ours[len(x) :]).sum() < 2600  # of the damaged ones, some are dates


def _damaged(text: str, seed: int) -> str:
    """A text with one character taken out, put in or exchanged."""
    rng = np.random.default_rng(seed)
    i, one = rng.integers(len(text)), str(rng.choice(list("0123456789-/.:, aptzsmjTZ+'")))
    return str(rng.choice([text[:i] + text[i + 1 :], text[:i] + one + text[i:],
                           text[:i] + one + text[i + 1 :]]))  # fmt: skip


def _number(column, text: str) -> float:
    try:
        return column.number(text)
    except ValueError:
        return np.nan


def orders_of(tmp_path, columns: dict[str, list[str]], stated: str | None = None):
    rows = [",".join(columns), *map(",".join, zip(*columns.values(), strict=True))]
    (tmp_path / "t.csv").write_text("\n".join(rows) + "\n")
    table = read_table(tmp_path / "t.csv")
    orders, notes = date_orders(table, range(len(columns)), MISSING, stated)
    return list(orders.values()), {table.names[i]: note for i, note in notes.items()}


BOTH = ["1/2/2020", "3/4/2020", "5/5/2020"]


def test_the_rows_decide_the_order(tmp_path) -> None:
    columns = {
        "iso": ["2020-01-02", "2020-03-04", "Sep 3 2020"], "british": ["1/2/2020", "30/9/1990", ""],
        "dotted": ["1.2.2020", "3.4.2020", "NA"], "same": ["1/1/2020", "2/2/2020", "2020-03-04"],
    }  # fmt: skip
    assert orders_of(tmp_path, columns) == (["", "dmy", "dmy", "dmy"], {})
    us = {"us": ["1-2-20", "9-30-90", "?"], "points": ["1.2.2020", "9.30.1990", "?"]}
    assert orders_of(tmp_path, us) == (["mdy", "mdy"], {})


def test_the_order_of_most_rows_is_told(tmp_path) -> None:
    mixed = {"d": ["1/2/2020", "30/9/1990", "28/2/2020", "9/30/1990"]}
    orders, notes = orders_of(tmp_path, mixed)
    assert orders == ["dmy"] and notes["d"].advice == "--date-order mdy"
    assert notes["d"].what == (
        "is read with the day first; 1 of its dates, such as 9/30/1990, are none then (missing)"
    )
    orders, notes = orders_of(tmp_path, mixed, "mdy")
    assert orders == ["mdy"] and "2 of its dates, such as 28/2/2020" in notes["d"].what


def test_the_rows_are_believed_before_the_user(tmp_path) -> None:
    columns = {"d": ["30/9/1990", "1/2/2020", "1/2/2020"], "e": BOTH}
    orders, notes = orders_of(tmp_path, columns, "mdy")
    assert orders == ["dmy", "mdy"] and list(notes) == ["d"]
    assert "in spite of --date-order mdy" in notes["d"].what


def test_a_column_follows_the_others_of_its_table(tmp_path) -> None:
    columns = {"d": ["30/9/1990", "1/2/2020", "1/2/2020"], "e": BOTH}
    orders, notes = orders_of(tmp_path, columns)
    assert orders == ["dmy", "dmy"] and list(notes) == ["e"]
    assert "as the table's other dates" in notes["e"].what
    columns |= {"f": ["9/30/1990", "1/2/2020", "1/2/2020"]}
    with pytest.raises(InputError, match=r"column 'e' \(such as 1/2/2020\); add --date-order"):
        orders_of(tmp_path, columns)


def test_an_order_that_no_row_shows_is_asked_for(tmp_path) -> None:
    with pytest.raises(InputError) as caught:
        orders_of(tmp_path, {"a": BOTH, "b": ["2020-01-01"] * 3, "c": BOTH})
    assert "columns 'a' and 'c' (such as 1/2/2020, 1/2/2020); add --date-order dmy if it is the " \
           "day, --date-order mdy if the month." in str(caught.value)  # fmt: skip
    with pytest.raises(InputError, match=r"column 'a' \(such as 30/9/1990 and 9/30/1990\)"):
        orders_of(tmp_path, {"a": ["30/9/1990", "9/30/1990"]})
    assert orders_of(tmp_path, {"a": BOTH}, "mdy") == (["mdy"], {})


def fitted(tmp_path, texts, **options):
    rows = [f"{text},{'ab'[i % 2]}" for i, text in enumerate(texts)]
    (tmp_path / "t.csv").write_text("\n".join(["d,t", *rows]) + "\n")
    table = read_table(tmp_path / "t.csv")
    training = np.ones(table.rows, bool)
    schema, notes, _ = fit_schema(
        table, read_target(table, "t"), training, ColumnChoices(**options)
    )
    return table, schema, notes


def test_the_stated_order_is_that_of_training_and_prediction(tmp_path) -> None:
    texts = [f"{k % 12 + 1}/{(5 * k) % 12 + 1}/2020" for k in range(40)]
    encoded = {}
    for order in ("dmy", "mdy"):
        table, schema, notes = fitted(tmp_path, texts, date_order=order)
        assert schema.columns[0].order == order and notes == []
        assert Schema.from_json(schema.to_json()) == schema
        encoded[order] = schema.encode(table)[:, 0]
    assert np.abs(encoded["dmy"] - encoded["mdy"]).max() > 0.1
    with pytest.raises(InputError, match="add --date-order dmy"):
        fitted(tmp_path, texts)


def test_seasons_and_versions_are_no_dates(tmp_path) -> None:
    seasons = [f"{year}-{(year + 1) % 100:02}" for year in (2001, 2002, 2005, 2009)] * 9
    _, schema, _ = fitted(tmp_path, seasons)
    assert schema.columns[0].kind == "category"
    _, schema, _ = fitted(tmp_path, [f"{2000 + k % 12}-{k % 12 + 1:02}" for k in range(36)] * 2)
    assert schema.columns[0].kind == "category"  # 2000-01, 2001-02, … are also seasons
    _, schema, _ = fitted(tmp_path, [f"{2000 + k % 5}-{k % 12 + 1:02}" for k in range(72)])
    assert schema.columns[0].kind == "date"
    _, schema, _ = fitted(tmp_path, [f"1.{k % 3}.{k % 9}" for k in range(54)])
    assert schema.columns[0].kind == "category"


@pytest.mark.parametrize(("text", "shown"), [
    ("1/1/2020", "2020-01-01"), ("2020-01-01 12:30", "2020-01-01 12:30"), ("2:30 PM", "14:30"),
])  # fmt: skip
def test_a_constant_date_is_named_as_one(tmp_path, text, shown) -> None:
    with pytest.raises(InputError, match=rf"'d' is constant \({shown}\)"):
        fitted(tmp_path, [text] * 20)


def every(step: float, n: int, start: str = "2015-01-01") -> np.ndarray:
    return days(start) + step * np.arange(n)


NEW_YEARS = np.array([days(f"{year}-01-01") for year in range(1950, 2020)])


@pytest.mark.parametrize(("x", "expected"), [
    (every(1, 1000), ("year", "week")), (every(1, 300), ("week",)), (every(1, 5), ()),
    (every(7, 300), ("year",)), (NEW_YEARS, ("week",)), (every(0.37, 3000),
    ("year", "week", "day")), (every(0.01, 60), ()), (every(0.05, 100), ("day",)),
    (np.linspace(0, 0.2, 50), ("day",)), (np.array([]), ()), (every(0, 9), ()),
], ids=["years", "months", "days", "weekly", "years only", "times", "hours", "some days", "clock",
        "nothing", "one moment"])  # fmt: skip
def test_a_cycle_is_a_feature_where_the_rows_vary_in_it(x, expected) -> None:
    places = Places()
    for part in np.array_split(x, 3):
        places.add(part)
    assert places.cycles() == expected


def test_a_date_becomes_its_day_and_its_places(tmp_path) -> None:
    texts = [f"{k % 28 + 1}.{k % 12 + 1}.{2000 + k % 20} {k % 24}:00" for k in range(300)]
    table, schema, _ = fitted(tmp_path, [*texts, "NA"])
    (column,) = schema.columns
    assert column.cycles == ("year", "week", "day") and column.order == "dmy"
    assert schema.features == [
        "d", *(f"d in the {c} ({w})" for c in ("year", "week", "day") for w in ("sin", "cos")),
        "d is missing",
    ]  # fmt: skip
    X, x = schema.encode(table), read(texts)
    assert X[-1].tolist() == [0] * 7 + [1] and (X[:-1, -1] == 0).all()
    angle = 2 * np.pi * x
    np.testing.assert_allclose(X[:-1, 5], np.sin(angle), atol=1e-6)
    np.testing.assert_allclose(X[:-1, 6], np.cos(angle), atol=1e-6)
    np.testing.assert_allclose(X[:-1, 3], np.sin(angle / 7), atol=1e-6)
    assert np.array_equal(X[:-1, 2], waves(x, "year")[1].astype(np.float32))
