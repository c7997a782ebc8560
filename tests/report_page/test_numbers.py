"""The numbers of a report: importance, partial dependence, worst rows, statistics of columns."""

from __future__ import annotations

import numpy as np
import pytest

import backhand
from backhand.equations import Parameters, cross_entropy, forward, init
from backhand.evaluation import Scores
from backhand.report_page.charts import worst_classes
from backhand.report_page.column_facts import column_facts
from backhand.report_page.importance import REPEATS, Importance, importances, rows_for
from backhand.report_page.partial_dependence import GRID, dependence, dependences, original
from backhand.report_page.sections.summary import relied_on
from backhand.report_page.varied_column import Sample, places
from backhand.report_page.worst_rows import worst_rows
from backhand.tables.schema.columns import Category, Date, Number
from backhand.tables.schema.schema import Schema

SCHEMA = Schema("y", (
    Number("size", 50.0, 20.0, missing=True),
    Category("colour", ("red", "green", "blue"), missing=False, other=True),
    Date("day", 12000.0, 300.0, missing=False, cycles=("year",)),
))  # fmt: skip


@pytest.fixture
def encoded():
    """Cells of 400 rows and their matrix; `size` is missing in every tenth row."""
    rng = np.random.default_rng(0)
    size = rng.normal(50, 20, 400).round(1)
    size[::10] = np.nan
    colour = rng.integers(-1, 3, 400)
    day = rng.integers(11500, 12500, 400).astype(float)
    X = np.empty((400, SCHEMA.width), np.float32)
    SCHEMA.encode_values([size, colour, day], X)
    return [size, colour, day], X


@pytest.fixture
def sample(encoded):
    X = encoded[1]
    params = init(SCHEMA.width, 12, 3, seed=1)
    y = forward(params, X).P.argmax(axis=1)
    return Sample(params, X, y)


@pytest.mark.parametrize("place", places(SCHEMA), ids=lambda place: place.column.name)
def test_a_varied_column_gives_what_the_whole_network_gives(sample, place) -> None:
    given = sample.block(place.features)[::-1]
    X = sample.X.astype(np.float64)
    X[:, place.features] = given
    found = sample.varied(place.features, sample.without(place.features), given)
    expected = forward(sample.params, X)
    np.testing.assert_allclose(found.P, expected.P, atol=1e-12)
    np.testing.assert_allclose(found.S, expected.S, atol=1e-12)


def test_importance_is_the_increase_of_the_loss_over_the_permutations(sample) -> None:
    found = {one.column: one for one in importances(sample, SCHEMA, seed=3)}
    rng = np.random.default_rng(3)
    orders = [rng.permutation(sample.rows) for _ in range(REPEATS)]
    before = cross_entropy(sample.computed.S, sample.y)
    for column, features in places(SCHEMA):
        losses = []
        for order in orders:
            X = sample.X.astype(np.float64)
            X[:, features] = X[order][:, features]
            losses.append(cross_entropy(forward(sample.params, X).S, sample.y))
        assert found[column.name].increase == pytest.approx(np.mean(losses) - before, abs=1e-12)
        assert found[column.name].margin > 0


def test_columns_whose_intervals_overlap_are_in_no_certain_order() -> None:
    found = [Importance("age", 0.18, 0.03), Importance("spent", 0.16, 0.03)]
    assert relied_on(found) == (
        " What it relies on most: age, spent (in an order that is not certain, since the intervals "
        "overlap)."
    )
    far = [found[0], Importance("spent", 0.06, 0.03), Importance("visits", 0.01, 0.03)]
    assert relied_on(far) == " What it relies on most: age, spent." and not relied_on(far[2:])


def test_a_column_that_the_network_does_not_use_has_no_importance(encoded) -> None:
    X = encoded[1]
    params = init(SCHEMA.width, 8, 2, seed=2)
    W1 = params.W1.copy()
    W1[2:6] = 0  # colour
    found = importances(
        Sample(params._replace(W1=W1), X, (X[:, 0] > 0).astype(np.int64)), SCHEMA, seed=0
    )
    colour = next(one for one in found if one.column == "colour")
    assert (colour.increase, colour.margin) == (0.0, 0.0)
    assert [one.increase for one in found] == sorted((one.increase for one in found), reverse=True)


def test_the_interval_of_an_importance_contains_that_of_many_rows() -> None:
    """In about 95 of 100 samples: 200 samples of 300 rows, against 100,000 rows."""
    schema = Schema("y", tuple(Number(name, 0.0, 1.0, missing=False) for name in "ab"))
    params = Parameters(np.array([[2.0, -2], [0.5, -0.5]]), np.zeros(2),
                        np.array([[1.0, -1], [-1, 1]]), np.zeros(2))  # fmt: skip

    def drawn(n: int, seed: int) -> Sample:
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(n, 2))
        P = forward(params, X).P
        return Sample(params, X, (rng.random(n) < P[:, 1]).astype(np.int64))

    def importance(n: int, seed: int):
        return next(one for one in importances(drawn(n, seed), schema, seed) if one.column == "b")

    true = importance(100_000, 0).increase
    found = [importance(300, seed) for seed in range(1, 201)]
    inside = sum(abs(one.increase - true) <= one.margin for one in found)
    assert 180 <= inside <= 198


def test_many_columns_are_examined_on_fewer_rows() -> None:
    assert [rows_for(n) for n in (1, 60, 100, 784, 100_000)] == [5000, 5000, 3000, 500, 500]


def brute_force(sample: Sample, features: slice, code: float, column) -> np.ndarray:
    X = sample.X.copy()
    column.encode(np.full(len(X), code), X[:, features])
    return forward(sample.params, X.astype(np.float64)).P.mean(axis=0)


def test_a_date_has_a_trend_and_its_cycles_with_all_else_as_it_is(sample) -> None:
    place = places(SCHEMA)[2]
    trend, year = dependences(sample, place)
    assert (trend.part, year.part) == ("trend", "year") and year.values[0] == "Jan"
    of_trend, of_year = place.features.start, slice(place.features.start + 1, place.features.stop)
    for found, day, varied in (
        (trend, trend.values[7], of_trend), (year, 4.5 / 12 * 365.2425, of_year)
    ):  # fmt: skip
        encoded = np.empty((1, 3), np.float32)
        place.column.encode(np.array([day]), encoded)
        X = sample.X.astype(np.float64)
        X[:, varied] = encoded[0, 0] if varied == of_trend else encoded[0, 1:]
        expected = forward(sample.params, X).P.mean(axis=0)
        np.testing.assert_allclose(found.P[7 if found is trend else 4], expected, atol=1e-6)


@pytest.mark.parametrize("missing", [0.0, 0.1])
@pytest.mark.parametrize("present", [0, 1, 40])
def test_a_date_that_is_missing_in_rows_takes_the_cycles_of_others(missing, present) -> None:
    """The cycles of a missing date are 0, which is no season."""
    column = Date("day", 0.0, 100.0, missing=missing, cycles=("year", "week", "day"))
    cells = np.full(40, np.nan if missing else 5.0)
    cells[:present] = 10.0
    X = np.empty((40, column.width), np.float32)
    column.encode(cells, X)
    model = Sample(init(column.width, 6, 2, seed=3), X, np.zeros(40, np.int64))
    place = places(Schema("y", (column,)))[0]
    parts = dependences(model, place)
    assert [one.part for one in parts] == ["trend", "year", "week", "day"]
    assert [len(one.P) for one in parts[1:]] == [12, 7, 24]
    if missing and present:
        same = np.broadcast_to(dependence(model, place).P, parts[0].P.shape)
        np.testing.assert_allclose(parts[0].P, same, atol=1e-6)
    assert all(np.isfinite(one.P).all() for one in parts)


def test_a_time_of_day_is_drawn_as_one() -> None:
    column = Date("at", 0.5, 0.2, missing=0.0, cycles=("day",), least=0.1, most=0.9)
    X = np.empty((9, column.width), np.float32)
    column.encode(np.linspace(0.1, 0.9, 9), X)
    place = places(Schema("y", (column,)))[0]
    model = Sample(init(column.width, 6, 2, seed=3), X, np.zeros(9, np.int64))
    (found,) = dependences(model, place)
    assert found.part == "" and len(found.values) == 9


def test_curves_are_of_the_classes_of_the_lowest_f1_with_rows_enough() -> None:
    counts = np.array([9, 2, 8, 7, 6, 5, 5, 40])
    f1 = [1.0, 0.1, 0.5, 0.9, 0.8, 0.7, 0.6, 0.2]
    assert worst_classes(counts, f1) == [2, 3, 4, 5, 6, 7]
    assert worst_classes(counts, [1.0, 0.1, *f1[2:4], 1.0, 1.0, 1.0, 1.0]) == [2, 3]
    assert worst_classes(counts, [1.0] * 8) == [0, 2, 3, 4, 5, 6]
    assert worst_classes(np.ones(8, np.int64), f1) == [1, 2, 4, 5, 6, 7]


@pytest.mark.parametrize("place", places(SCHEMA), ids=lambda place: place.column.name)
def test_partial_dependence_is_the_mean_with_the_column_set(sample, place) -> None:
    found = dependence(sample, place)
    codes = found.values
    if isinstance(place.column, Category):
        assert found.values[-1] == "another" and len(set(found.values)) == 4
        names = place.column.categories
        codes = [names.index(value) if value in names else -1 for value in found.values]
    else:
        assert len(found.values) <= GRID and found.values == sorted(found.values)
    for P, code in zip(found.P, codes, strict=True):
        np.testing.assert_allclose(
            P, brute_force(sample, place.features, code, place.column), atol=1e-6
        )
    if place.column.missing:
        expected = brute_force(sample, place.features, float("nan"), place.column)
        np.testing.assert_allclose(found.missing, expected, atol=1e-6)
    else:
        assert found.missing is None


def test_the_rarest_categories_are_left_out_and_counted() -> None:
    column = Category("c", tuple(map(str, range(20))), missing=False)
    X = np.zeros((210, 20), np.float32)
    values = np.repeat(np.arange(20), np.arange(1, 21))
    column.encode(values, X)
    found = dependence(
        Sample(init(20, 4, 2), X, np.zeros(210, np.int64)), places(Schema("y", (column,)))[0]
    )
    assert found.values == [str(i) for i in range(19, 7, -1)] and found.left_out == 8


def test_values_are_restored_in_the_unit_of_the_table(encoded) -> None:
    (size, _, day), X = encoded
    number, _, date = SCHEMA.columns
    np.testing.assert_allclose(original(number, X[:, :2]), size[~np.isnan(size)], atol=1e-4)
    np.testing.assert_allclose(original(date, X[:, 6:]), day, atol=1e-2)
    zeros = Number("n", 3.0, 2.0, missing=False)
    out = np.empty((1, 1), np.float32)
    zeros.encode(np.zeros(1), out)
    assert str(original(zeros, out)[0]) == "0.0"


def test_statistics_of_columns_are_in_words(encoded) -> None:
    facts = column_facts(SCHEMA, encoded[1], {"size": 0.1})
    size, colour, day = facts
    assert size.missing == 0.1 and day.missing == 0.0 and colour.kind == "category"
    assert size.values.startswith("median 4") or size.values.startswith("median 5")
    assert "; all others 2" in colour.values and "blue 2" in colour.values
    assert "most from 2001-" in day.values and " to 2004-" in day.values


def test_most_of_whole_numbers_is_between_whole_numbers() -> None:
    """Of 19 numbers, a twentieth from the first is between two of them."""
    whole = Number("n", 0.0, 1.0, missing=False)
    X = np.array([[0.0]] + [[1.0]] * 17 + [[6.0]], np.float32)
    (found,) = column_facts(Schema("y", (whole,)), X, {})
    assert found.values == "median 1, most from 0 to 6"


def test_the_worst_rows_are_wrong_and_have_the_cells_of_the_table(tmp_path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b,y\n1,x,n\n2,,n\n3, z,p\n4,'q',p\n5,v,n\n")
    table = backhand.read_table(str(path))
    P = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.01, 0.99]])
    y, rows = np.array([0, 0, 1, 0]), np.array([0, 1, 3, 4])
    found = worst_rows(Scores(P, y, rows, True), ["n", "p"], table, ["b", "a", "absent"])
    assert [one.row for one in found] == [5, 2, 4], "the highest loss first, right rows not at all"
    first = found[0]
    assert (first.true, first.predicted, first.of_true, first.of_predicted) == (
        "n",
        "p",
        0.01,
        0.99,
    )
    assert [list(one.cells.items()) for one in found] == [
        [("b", "v"), ("a", "5")], [("b", None), ("a", "2")], [("b", "'q'"), ("a", "4")]
    ]  # fmt: skip
    table.close()
