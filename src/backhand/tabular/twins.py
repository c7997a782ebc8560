"""Held-out rows that are copies of training rows, exact or near: figures on them are too good."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backhand.engines import Data, Rows
from backhand.evaluation import Scores
from backhand.tables.schema.schema import Schema
from backhand.tabular.row_parts import VALUES, each_part, located
from backhand.tabular.sampling import sampled

FEWEST = 20
"""Held-out rows below which nothing is said."""

WORTH_TELLING = 0.05
"""Share of exact twins from which they are told of."""

BY_CHANCE = 0.5
"""Rows that differ in one column, as a share of those that are equal, from which it is chance."""

NEIGHBOURS, NEAR_ROWS, AMONG = 64, 256, 50_000
"""Neighbours that are looked for, of how many held-out rows, among how many training rows."""

GAP = 3.0
"""How much further the other rows are than near copies."""

GROUPED = 0.3
"""Share of rows with near copies from which they are told of; smooth data have fewer."""

CHANCE_ROWS, CHANCE_CELLS = 4096, 2**22
"""Held-out rows whose equality to training rows may be chance, and cells of the training rows that
they are compared with."""

CACHED = 2**17
"""Numbers that are hashed at a time, so that they stay in the processor's cache."""


class Twins(NamedTuple):
    """Held-out rows that equal a training row: their share, and accuracy with and without.

    `matters` is whether they are many, more than chance makes, and predicted better than others.
    """

    rows: int
    share: float
    accuracy: float
    others: float
    matters: bool = False


def exact(schema: Schema, training: Rows, held_out: Rows, scores: Scores | None) -> Twins:
    """Compare the held-out rows that were scored with all training rows, by a hash of each.

    `scores` number the rows of `held_out`, in their order.
    """
    if scores is None or len(scores.y) < FEWEST:
        return Twins(0, 0.0, 0.0, 0.0)
    of_part = [(some,) for some in located(scores.rows, held_out)]
    wanted = np.concatenate(each_part(held_out, _hashes_of, of_part=of_part))
    distinct = np.unique(wanted)
    seen = np.zeros(len(distinct), bool)
    for found in each_part(training, _seen, distinct):
        seen |= found
    twin = seen[np.searchsorted(distinct, wanted)]
    right = scores.P.argmax(axis=1) == scores.y
    shares = [float(right[rows].mean()) if rows.any() else 0.0 for rows in (twin, ~twin)]
    share, (accuracy, others) = float(twin.mean()), shares
    matters = (
        share >= WORTH_TELLING
        and (share == 1 or accuracy > others)
        and not by_chance(schema, training, held_out)
    )
    return Twins(len(twin), share, accuracy, others, matters)


def _hashes_of(part: Data, rows: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return the hashes of some rows."""
    length, weights = max(1, CACHED // part.X.shape[1]), _odd(part.X.shape[1])
    found = np.empty(len(rows), np.uint64)
    for start in range(0, len(rows), length):
        some = slice(start, start + length)
        found[some] = hashes(part.at(rows[some]).X, weights)
    return found


def _seen(part: Data, distinct: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Return which of the sorted hashes some row has."""
    length, weights = max(1, CACHED // part.X.shape[1]), _odd(part.X.shape[1])
    seen = np.zeros(len(distinct), bool)
    for start in range(0, part.rows, length):
        found = hashes(part.at(slice(start, start + length)).X, weights)
        place = np.minimum(np.searchsorted(distinct, found), len(distinct) - 1)
        seen[place[distinct[place] == found]] = True
    return seen


def _odd(d: int) -> NDArray[np.uint64]:
    """Return the weights of d features in a hash."""
    return np.random.default_rng(0).integers(0, 2**64, d, np.uint64) | np.uint64(1)


def by_chance(schema: Schema, training: Rows, held_out: Rows) -> bool:
    """Return whether few values make rows equal, as far as a draw of them tells.

    Then rows that differ in one column are nearly as common as rows that are equal; a copy has no
    such neighbours. The column with the most distinct values must be equal in them, or all rows
    of a table with one such column would be neighbours.
    """
    if len(schema.columns) == 1:
        return True
    most = max(FEWEST, CHANCE_CELLS // len(schema.columns))
    ours, theirs = (
        _column_hashes(schema, sampled(part, min(most, limit)).X)
        for part, limit in ((held_out, CHANCE_ROWS), (training, most))
    )
    finest = int(np.argmax([len(np.unique(column)) for column in theirs]))
    row, other = ours.sum(axis=0, dtype=np.uint64), theirs.sum(axis=0, dtype=np.uint64)
    equal = _occurrences(row, other)
    neighbour = np.zeros(len(row), bool)
    for j in range(len(ours)):
        if j != finest:
            neighbour |= _occurrences(row - ours[j], other - theirs[j]) > equal
    return bool(neighbour.sum() >= BY_CHANCE * (equal > 0).sum() > 0)


def _column_hashes(schema: Schema, X: NDArray[np.float32]) -> NDArray[np.uint64]:
    """Return a hash of each column of a table in each row, (columns, rows)."""
    weights = np.random.default_rng(1).integers(0, 2**64, X.shape[1], np.uint64) | np.uint64(1)
    starts = np.cumsum([0, *(column.width for column in schema.columns)])[:-1]
    found, length = np.empty((len(starts), len(X)), np.uint64), max(1, CACHED // X.shape[1])
    for start in range(0, len(X), length):
        there = slice(start, start + length)
        found[:, there] = np.add.reduceat(_mixed(X[there], weights), starts, axis=1).T
    return found


def _occurrences(values: NDArray[np.uint64], among: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return how often each value is among the others."""
    distinct, place = np.unique(values, return_inverse=True)
    at = np.minimum(np.searchsorted(distinct, among), len(distinct) - 1)
    counts = np.bincount(at[distinct[at] == among], minlength=len(distinct))
    found: NDArray[np.int64] = counts[place]
    return found


def hashes(X: NDArray[np.float32], weights: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return a 64-bit hash of each row; two rows that differ have the same one by chance only."""
    found: NDArray[np.uint64] = _mixed(X, weights).sum(axis=1, dtype=np.uint64)
    return found


def _mixed(X: NDArray[np.float32], weights: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return a hash of each cell."""
    mixed = np.ascontiguousarray(X).view(np.uint32).astype(np.uint64) + np.uint64(1)
    mixed *= weights
    mixed ^= mixed >> np.uint64(32)
    return mixed


def near(training: Rows, held_out: Rows) -> tuple[float, int]:
    """Return the share of held-out rows that have near copies, and how many were looked at.

    Near copies are two or more training rows after which a gap follows: the next is `GAP` times
    further away. In data without groups, distances grow smoothly from neighbour to neighbour.
    """
    if held_out.rows < FEWEST or training.rows < 2 * NEIGHBOURS:
        return 0.0, 0
    rows, others = sampled(held_out, NEAR_ROWS), sampled(training, AMONG)
    nearest = _nearest(rows.X.astype(np.float64), others.X)
    distances = np.sqrt(np.maximum(nearest, 0))[:, 1:]  # the nearest alone may be so by chance
    gap = (distances[:, 1:] > GAP * distances[:, :-1]) & (distances[:, :-1] > 0)
    return float(gap.any(axis=1).mean()), rows.rows


def _nearest(X: NDArray[np.float64], others: NDArray[Any]) -> NDArray[np.float64]:
    """Return the squares of the distances to the nearest `NEIGHBOURS` of the other rows, sorted."""
    squares = (X**2).sum(axis=1)
    nearest = np.full((len(X), NEIGHBOURS), np.inf)
    length = max(NEIGHBOURS, min(4096, VALUES // 8 // X.shape[1]))
    for start in range(0, len(others), length):
        part = others[start : start + length].astype(np.float64)
        found = squares[:, None] + (part**2).sum(axis=1) - 2 * X @ part.T
        both = np.concatenate([nearest, found], axis=1)
        nearest = np.partition(both, NEIGHBOURS - 1, axis=1)[:, :NEIGHBOURS]
    nearest.sort(axis=1)
    return nearest
