"""P of rows by a trained network, in double precision, whatever the parameters' dtype.

Nothing of the parameters is laid out anew: see `in_place`. Rows go through in chunks, which threads
take one after the other, and nothing of a row depends on the others. So its P has the same bits
alone and in company, in a dense X and in a sparse one, and with any number of threads.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backhand import shapes
from backhand.engines.arrays import chunks
from backhand.engines.contract import is_sparse
from backhand.engines.fused.compiler import entry
from backhand.engines.fused.cores import threads_for, together
from backhand.engines.fused.cpu import tile
from backhand.engines.fused.functions import exp
from backhand.engines.fused.in_place import (
    INNER,
    Reach,
    Weights,
    add_dense_rows,
    add_product,
    add_rows,
)
from backhand.engines.fused.ir import Code, Value, function
from backhand.engines.fused.memory import CHUNK_ROWS, PART_FLOPS, aligned, spread
from backhand.engines.fused.rows import DENSE, INT32, INT64
from backhand.engines.fused.sums import fold
from backhand.engines.fused.words import Doubles, Integer, Integers, words
from backhand.equations import Parameters
from backhand.errors import InputError

BITS = 64
"""Of the numbers that are computed with."""

FEW_ROWS = 3
"""For no more than so many rows, W is read once for each, and no strip of it is copied."""

ROWS_OF_A_CALL = 8192
"""Rows of one compiled call, at most: after it, Ctrl-C is answered."""

CHUNK_NUMBERS = 2**20
"""Of H1 and S in a chunk of rows, about, at most."""

NEXT, DAMAGED = 0, 1
"""Places in `Job.state`: of the chunk that comes next, and of a 1 if X cannot be what it says."""


class Stored(NamedTuple):
    """A matrix where it lies; strides count numbers."""

    address: Integer
    row: Integer
    column: Integer


class Entries(NamedTuple):
    """Of a sparse X: its numbers, `count` of them, the feature of each, and where rows begin.

    `index` says of which dtype features and borders are; DENSE, if X is not sparse.
    """

    index: Integer
    features: Integer
    borders: Integer
    count: Integer


class Job(NamedTuple):
    """All that a call works with.

    N rows are predicted, `chunk` at a time. X, the parameters and P (N, K) are all of one dtype.
    Each thread has `work`, of `each` doubles, for rows of X (a_row numbers each), a strip of
    weights, H1 (h_row) and S (s_row).
    """

    N: Integer
    d: Integer
    H: Integer
    K: Integer
    chunk: Integer
    state: Integers
    X: Stored
    entries: Entries
    W1: Stored
    b1: Integer
    W2: Stored
    b2: Integer
    P: Integer
    work: Doubles
    each: Integer
    a_row: Integer
    h_row: Integer
    s_row: Integer


def predict_float32(code: Code, job: Job, me: Value) -> None:
    """P by parameters of float32: what thread `me` does of it."""
    _predict(code, job, me, "float32")


def predict_float64(code: Code, job: Job, me: Value) -> None:
    """The same by parameters of float64."""
    _predict(code, job, me, "float64")


PROGRAMS = {"float32": predict_float32, "float64": predict_float64}


def _predict(code: Code, job: Job, me: Value, dtype: str) -> None:
    """Chunk after chunk, until there are none left that no thread has begun."""
    kind = code.type_of(dtype)
    W1 = Weights(code.pointer(job.W1.address, kind), job.W1.row, job.W1.column, job.d, job.H)
    W2 = Weights(code.pointer(job.W2.address, kind), job.W2.row, job.W2.column, job.H, job.K)
    b1, b2 = (code.pointer(address, kind) for address in (job.b1, job.b2))
    A = code.at(job.work, me * job.each)
    strip = code.at(A, job.chunk * job.a_row)
    H1 = code.at(strip, _strip_numbers(code.bits))
    S = code.at(H1, job.chunk * job.h_row)
    number = code.variable(code.add_atomically(code.at(job.state, NEXT), 1))
    with code.repeat_while(lambda: number.get() * job.chunk < job.N):
        begin = number.get() * job.chunk
        rows = code.smaller(job.N - begin, job.chunk)
        _fill(code, H1, job.h_row, rows, b1, job.H, code.real(0.0))
        with code.when(job.entries.index.equals(DENSE)):
            X = code.pointer(job.X.address, kind)
            with code.loop(job.d, step=INNER) as first:
                inner = code.smaller(job.d - first, INNER)
                x = code.at(X, begin * job.X.row + first * job.X.column)
                _load(code, x, job.X.row, job.X.column, A, job.a_row, rows, inner)
                _add(code, A, W1, H1, strip, Reach(rows, job.a_row, job.h_row), first, inner)
        with code.when(job.entries.index > DENSE):
            _add_sparse(code, job, W1, H1, begin, rows, kind)
        _rectify(code, H1, job.h_row, rows, job.H)
        # Behind the last class -inf, so that no probability is there.
        _fill(code, S, job.s_row, rows, b2, job.K, code.real(-math.inf))
        with code.loop(job.H, step=INNER) as first:
            inner = code.smaller(job.H - first, INNER)
            a = code.at(H1, first)
            _add(code, a, W2, S, strip, Reach(rows, job.h_row, job.s_row), first, inner)
        P = code.at(code.pointer(job.P, kind), begin * job.K)
        _softmax(code, S, job.s_row, rows, job.K, P)
        number.set(code.add_atomically(code.at(job.state, NEXT), 1))


def _add(
    code: Code, A: Value, W: Weights, C: Value, strip: Value, reach: Reach, first: Value,
    inner: Value,
) -> None:  # fmt: skip
    """C + A W for rows first..first + inner of W, in whichever way is faster."""
    with code.when(reach.rows < FEW_ROWS + 1):
        add_dense_rows(code, A, W, C, reach, first, inner)
    with code.when(reach.rows > FEW_ROWS):
        add_product(code, A, W, C, strip, reach, first, inner)


def _add_sparse(
    code: Code, job: Job, W1: Weights, Z1: Value, begin: Value, rows: Value, kind: Any
) -> None:
    """Z1 + X W1 of a sparse X. Nothing that X says of places is believed before it is compared."""
    count, X = job.entries.count, code.pointer(job.X.address, kind)
    damaged = code.at(job.state, DAMAGED)

    def add(index: str) -> None:
        features, borders = (
            code.pointer(address, code.type_of(index))
            for address in (job.entries.features, job.entries.borders)
        )

        def feature(n: Value) -> Value:
            return code.long(code.load_one(features, n))

        def later(n: Value) -> Value:
            return feature(code.smaller(n, count - 1))

        def entry(n: Value) -> tuple[Value, Value]:
            j = feature(n)
            inside = j.below(job.d)
            with code.when(inside.equals(0)):
                code.store(code.integer(1), damaged)
            return code.select(inside, j, 0), code.widened(code.load_one(X, n))

        with code.loop(rows) as i:
            start, stop = (code.long(code.load_one(borders, begin + i + n)) for n in (0, 1))
            sound = (start > -1) & (start < stop + 1) & (stop < count + 1)
            with code.when(sound):
                add_rows(code, W1, code.at(Z1, i * job.h_row), start, stop, entry, later)
            with code.when(sound.equals(0)):
                code.store(code.integer(1), damaged)

    kinds = {INT32: partial(add, "int32"), INT64: partial(add, "int64")}
    code.cases(job.entries.index, kinds)


@function
def _load(
    code: Code, X: Value, row: Value, column: Value, A: Value, a_row: Value, rows: Value,
    features: Value,
) -> None:  # fmt: skip
    """A = X in double."""
    lanes = code.tile.lanes
    whole = code.select(column.equals(1), features // lanes * lanes, 0)
    with code.loop(rows) as i:
        x, a = code.at(X, i * row), code.at(A, i * a_row)
        with code.loop(whole, step=lanes) as j:
            code.store(code.widened(code.load(x, j)), a, j)
        with code.loop(features, start=whole) as j:
            code.store(code.widened(code.load_one(x, j * column)), a, j)


@function
def _fill(
    code: Code, C: Value, c_row: Value, rows: Value, b: Value, columns: Value, rest: Value
) -> None:
    """Each row of C becomes b, and the rest of its last vector `rest`."""
    with code.loop(columns, step=code.tile.lanes) as h:
        mask = code.counted(h) < columns
        vector = code.widened(code.load_some(b, h, mask))
        vector = code.select(mask, vector, code.broadcast(rest))
        with code.loop(rows) as i:
            code.store(vector, C, i * c_row + h)


@function
def _rectify(code: Code, H1: Value, h_row: Value, rows: Value, columns: Value) -> None:
    """H1 = max(0, Z1)."""
    with code.loop(rows) as i, code.loop(columns, step=code.tile.lanes) as h:
        code.store(code.relu(code.load(H1, i * h_row + h)), H1, i * h_row + h)


@function
def _softmax(code: Code, S: Value, s_row: Value, rows: Value, classes: Value, P: Value) -> None:
    """P = softmax(S), rounded to P's dtype. Behind the last class, S has -inf."""
    lanes, kind = code.tile.lanes, P.ir.type.pointee
    whole = classes // lanes * lanes
    with code.loop(rows) as i:
        s, p = code.at(S, i * s_row), code.at(P, i * classes)
        largest = code.variable(code.load(s))
        with code.loop(classes, start=lanes, step=lanes) as k:
            largest.set(_larger(code, code.load(s, k), largest.get()))
        peak = largest.get()
        while peak.lanes > 1:
            half = peak.lanes // 2
            low, high = (list(range(n, n + half)) for n in (0, half))
            peak = _larger(code, code.shuffle(peak, peak, low), code.shuffle(peak, peak, high))
        peak = code.only_lane(peak)
        sums = code.variable(code.splat(0.0))
        with code.loop(classes, step=lanes) as k:
            e = exp(code, code.load(s, k) - peak)
            sums.set(sums.get() + e)
            code.store(e, s, k)
        total = code.only_lane(fold(code, sums.get(), 1))
        with code.loop(whole, step=lanes) as k:
            code.store(code.stored_as(kind, code.load(s, k) / total), p, k)
        with code.loop(classes, start=whole) as k:
            code.store(code.stored_as(kind, code.load_one(s, k) / total), p, k)


def _larger(code: Code, a: Value, b: Value) -> Value:
    return code.select(a > b, a, b)


def _strip_numbers(bits: int) -> int:
    return INNER * tile(bits).vectors * tile(bits).lanes


def predict_proba(params: Parameters, X: Any, threads: int | None) -> NDArray[Any]:
    """P (N, K) of X (N, d), in the parameters' dtype; see `contract.Engine`."""
    (d, H), K = params.W1.shape, params.b2.shape[0]
    if (params.b1.shape, params.W2.shape, params.b2.shape) != ((H,), (H, K), (K,)):
        shapes.check_parameters(params)  # which says so
    if len(X.shape) != 2 or X.shape[1] != d:
        raise InputError(
            f"X is {tuple(X.shape)} and W1 is {params.W1.shape}; expected a column of X for each "
            "row of W1."
        )
    dtype = params.W1.dtype
    if dtype not in (np.float32, np.float64):
        wide = Parameters(*(value.astype(np.float64) for value in params))
        return predict_proba(wide, X.astype(dtype), threads).astype(dtype)
    W1, W2 = stored(params.W1, dtype), stored(params.W2, dtype)
    b1, b2 = stored(params.b1[None], dtype).address, stored(params.b2[None], dtype).address
    P = np.empty((X.shape[0], K), dtype)
    for rows, part, entries, numbers in _stretches(params, X):
        N, state = P[rows].shape[0], np.zeros(2, np.int64)
        work = max(1, 2 * H * (numbers + N * K) // PART_FLOPS)
        team = threads_for(min(N, work), threads)
        a_row, h_row, s_row = map(_row, (0 if entries.index else min(d, INNER), H, K))
        chunk = min(CHUNK_ROWS, max(1, CHUNK_NUMBERS // (h_row + s_row)), -(-N // team))
        each = chunk * (a_row + h_row + s_row) + _strip_numbers(BITS)
        memory = aligned(team * each, np.float64, np.empty)
        job = Job(N, d, H, K, chunk, state, part, entries, W1, b1, W2, b2, P[rows], memory, each,
                  a_row, h_row, s_row)  # fmt: skip
        call = words(job)
        run, address = entry(PROGRAMS[dtype.name], BITS), call.ctypes.data

        def work_on(me: int, run: Any = run, address: int = address, _alive: Any = (job, call)) -> None:
            run(address, me)

        together(work_on, team)
        if state[DAMAGED]:
            raise InputError(
                f"X is a sparse matrix of {d} columns whose indices point elsewhere. It was "
                "damaged after it was made; make it anew (X.check_format() says what is wrong)."
            )
    return P


def _stretches(params: Parameters, X: Any) -> Iterator[tuple[slice, Stored, Entries, int]]:
    """The rows of each call: which they are, where they lie, and how many numbers they hold."""
    N, dtype = X.shape[0], params.W1.dtype
    if is_sparse(X):
        if len(X.indptr) != N + 1:
            raise InputError(f"X is a sparse matrix of {N} rows with borders for {len(X.indptr) - 1}.")
        for rows in _cut(N, ROWS_OF_A_CALL):
            yield rows, *_sparse(X, rows, dtype)
        return
    X = np.asarray(X)
    readable = _readable(X, dtype)
    for rows in _cut(N, ROWS_OF_A_CALL) if readable else chunks(params, N):
        part = stored(X[rows], dtype)
        yield rows, part, Entries(DENSE, 0, 0, 0), X[rows].size


def _sparse(X: Any, rows: slice, dtype: Any) -> tuple[Stored, Entries, int]:
    """Where these rows of a sparse X are; numbers of another dtype are converted."""
    numbers, features, borders = X.data, X.indices, X.indptr[rows.start : rows.stop + 1]
    held = int(borders[-1] - borders[0])
    if not _readable(numbers, dtype):
        start = borders[0]
        numbers, features = (x[start : borders[-1]] for x in (numbers, features))
        numbers, borders = _converted(numbers, dtype), borders - start
    index = np.int32 if features.dtype == borders.dtype == np.int32 else np.int64
    features, borders = (np.require(x, index, ["C", "A"]) for x in (features, borders))
    count = min(len(numbers), len(features))
    kind = INT32 if index is np.int32 else INT64
    return Stored(numbers, 0, 0), Entries(kind, features, borders, count), held


def stored(array: NDArray[Any], dtype: Any) -> Stored:
    """A matrix where it lies, or a copy of what cannot be read there."""
    if not _readable(array, dtype):
        array = _converted(array, dtype)
    row, column = (stride // array.itemsize for stride in array.strides)
    return Stored(array, row, column)


def _readable(array: NDArray[Any], dtype: Any) -> bool:
    whole = all(stride % array.itemsize == 0 for stride in array.strides)
    return bool(array.dtype == dtype and array.dtype.isnative and array.flags.aligned and whole)


def _converted(array: NDArray[Any], dtype: Any) -> NDArray[Any]:
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(array, dtype)


def _row(numbers: int) -> int:
    """How long a row of so many numbers is in memory."""
    lanes = tile(BITS).lanes
    return spread(-(-numbers // lanes) * lanes, BITS // 8)


def _cut(N: int, most: int) -> Iterator[slice]:
    for start in range(0, N, most):
        yield slice(start, min(start + most, N))
