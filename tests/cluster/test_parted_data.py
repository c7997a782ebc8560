"""Rows whose X is in parts, with the interface of `Data`."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from backhand.cluster.connect import connect
from backhand.cluster.parted_data import PartedData, parted, share_out
from backhand.cluster.transport import Transport
from backhand.engines import Data, Rows
from backhand.errors import BackhandError, InputError
from helpers.optional_packages import optional

scipy = optional("scipy.sparse")


@pytest.fixture
def transport() -> Iterator[Transport]:
    with connect(3) as found:
        yield found


def some_data(N: int = 29, *, sparse: bool = False) -> Data:
    rng = np.random.default_rng(N)
    X = rng.standard_normal((N, 4)) * (rng.random((N, 4)) < 0.5)
    return Data(
        scipy.sparse.csr_array(X) if sparse else X, rng.integers(0, 3, N), rng.random(N)
    )  # fmt: skip


def dense(X: Any) -> Any:
    return X.toarray() if scipy.sparse.issparse(X) else X


def assert_same(one: Rows, other: Rows) -> None:
    assert one.rows == other.rows and one.X.shape == other.X.shape
    assert one.X.dtype == other.X.dtype
    assert np.array_equal(one.labels, other.labels)
    assert np.array_equal(one.weights, other.weights)
    for rows in (slice(None), slice(1, 2), np.array([2, 0, 0, 1]), np.arange(one.rows) % 2 == 0):
        some, others = one.at(rows), other.at(rows)
        assert np.array_equal(dense(some.X), dense(others.X))
        assert np.array_equal(some.y, others.y) and some.y.dtype == np.int64
        assert np.array_equal(some.sample_weight, others.sample_weight)


@pytest.mark.parametrize("sparse", [False, True])
def test_rows_in_parts_are_the_rows(transport: Transport, sparse: bool) -> None:
    data = some_data(sparse=sparse)
    there = parted(transport, data, batch_size=5)
    assert there.parts.count == 8
    assert_same(there, data)
    assert there.row_bytes == data.row_bytes
    rows = np.array([28, 3, 3, 17, 4, 0])
    assert_same(there.select(rows), data.select(rows))
    assert_same(there.select(rows).select(slice(1, 4)), data.select(rows).select(slice(1, 4)))
    assert_same(share_out(there.parts, data.select(rows), "fewer"), data.at(rows))


def test_selections_that_name_no_rows_are_rejected(transport: Transport) -> None:
    there = parted(transport, some_data(), 5)
    for rows in (slice(0, 0), np.array([29]), "all"):
        with pytest.raises(InputError):
            there.select(rows)


def test_other_weights_are_sent_to_the_parts(transport: Transport) -> None:
    data = some_data()
    there = parted(transport, data, 5)
    w = np.arange(29.0)
    assert_same(there.weighted("again", w), data._replace(sample_weight=w))
    assert_same(there, data)


def test_pieces_name_every_row_once_and_count_positions_through(transport: Transport) -> None:
    there = parted(transport, some_data(), 5)
    rows = np.random.default_rng(0).permutation(29)[:11]
    pieces = there.pieces(rows)
    starts = np.cumsum([0, *there.lengths])
    named = [start + some for (some, _), start in zip(pieces, starts, strict=False)]
    assert sorted(np.concatenate(named)) == sorted(rows)
    assert [first for _, first in pieces] == np.cumsum([0, *map(len, named)])[:-1].tolist()
    in_order = [row for row in rows if starts[3] <= row < starts[4]]
    assert named[3].tolist() == in_order


def test_rows_that_follow_one_another_are_slices_of_the_parts(transport: Transport) -> None:
    there = parted(transport, some_data(), 5)
    numbers = [np.arange(length) for length in there.lengths]
    for rows in (None, slice(0, 29), slice(0, 3), slice(5, 6), slice(7, 26), slice(28, 29)):
        expected = there.located(np.arange(29)[slice(None) if rows is None else rows])[1]
        pieces = there.pieces(rows)
        assert all(isinstance(some, slice) for some, _ in pieces)
        for n, ((some, first), (others, place)) in enumerate(zip(pieces, expected, strict=True)):
            assert numbers[n][some].tolist() == others.tolist() and first == place
    few = there.select(np.array([28, 3, 3, 17]))
    expected = there.located(np.array([28, 3, 3, 17]))[1]
    for pieces in (few.pieces(), few.pieces(slice(0, 4))):
        assert [some.tolist() for some, _ in pieces] == [some.tolist() for some, _ in expected]


def test_a_part_without_rows_has_none(transport: Transport) -> None:
    there = parted(transport, some_data(29), 5)
    few = share_out(there.parts, some_data(3), "few")
    assert sorted(few.lengths) == [0, 0, 0, 0, 0, 1, 1, 1]
    assert_same(few, some_data(3))


def test_the_digest_depends_on_the_rows_and_the_parts_alone(transport: Transport) -> None:
    def digest(data: PartedData) -> str:
        return data.digest_of_X(str)

    data = some_data()
    changed = data._replace(X=data.X.copy())
    changed.X[17, 2] += 1
    with connect(2) as other:
        assert digest(parted(transport, data, 5)) == digest(parted(other, data, 5))
        assert digest(parted(transport, data, 5)) != digest(parted(other, changed, 5))


def test_numbers_that_are_not_finite_are_found_in_their_part(transport: Transport) -> None:
    data = some_data()
    data.X[17, 2] = np.nan
    there = parted(transport, data, 5)
    there.select(slice(0, 17)).check_finite(np.float64)
    with pytest.raises(BackhandError, match="nan at row 17, column 2"):
        there.check_finite(np.float64)
