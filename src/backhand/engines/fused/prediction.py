"""P of rows by a trained network, in double precision, whatever the parameters' dtype.

The parameters are read where they are stored (see `operands`). Threads claim chunks of rows one
after the other, and no row's result depends on other rows. So the P of a row has the same bits
alone or among others, in a dense X or a sparse one, and with any number of threads.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backhand.engines.fused.buffers import MC, PART_FLOPS, spread
from backhand.engines.fused.kernels.exp_log import exp
from backhand.engines.fused.kernels.gather import DENSE, INT32, INT64
from backhand.engines.fused.kernels.operands import (
    Entries,
    Stored,
    Stretch,
    stored,
    stretches,
)
from backhand.engines.fused.kernels.reductions import fold
from backhand.engines.fused.kernels.unpacked_gemm import (
    KC,
    Reach,
    Weights,
    add_dense_rows,
    add_product,
    add_rows,
)
from backhand.engines.fused.llvm.abi import Doubles, Integer, Integers, aligned, marshal
from backhand.engines.fused.llvm.builder import Code, Value, function
from backhand.engines.fused.llvm.compiler import entry
from backhand.engines.fused.llvm.precision import precision_of
from backhand.engines.fused.llvm.target import Tile, tile_of
from backhand.engines.fused.threads import run_threads, threads_for
from backhand.equations import Parameters

COMPUTE = np.float64
"""What P is computed in, whatever the parameters' dtype."""

FEW_ROWS = 4
"""Up to this number of rows, W is read once for each, and no strip of it is copied."""

CHUNK_NUMBERS = 2**20
"""Approximate maximum of the numbers of H1 and S in a chunk of rows."""


class StoredParameters(NamedTuple):
    """Parameters where they are stored; a bias is a matrix of one row."""

    W1: Stored
    b1: Stored
    W2: Stored
    b2: Stored


class PredictArgs(NamedTuple):
    """The arguments of the compiled call.

    X (N, d), W1 (d, H), b1 (1, H), W2 (H, K), b2 (1, K) and P (N, K) are all of one dtype. Rows are
    predicted `chunk` at a time; `next` counts the chunks that threads have taken. Each thread has
    `work`, of `each` doubles: rows of X (chunk, a_row), a strip of weights (KC, NR), H1 (chunk,
    h_row) and S (chunk, s_row).
    """

    N: Integer
    d: Integer
    H: Integer
    K: Integer
    chunk: Integer
    next: Integers
    X: Stored
    entries: Entries
    network: StoredParameters
    P: Integer
    work: Doubles
    each: Integer
    a_row: Integer
    h_row: Integer
    s_row: Integer


def predict_float32(code: Code, args: PredictArgs, me: Value) -> None:
    """Compute P from float32 parameters: the share of thread `me`."""
    _predict(code, args, me, "float32")


def predict_float64(code: Code, args: PredictArgs, me: Value) -> None:
    """Compute P from float64 parameters: the share of thread `me`."""
    _predict(code, args, me, "float64")


PROGRAMS = {"float32": predict_float32, "float64": predict_float64}


def _predict(code: Code, args: PredictArgs, me: Value, dtype: str) -> None:
    """Claim and predict chunks until every chunk has been claimed."""
    kind = code.type_of(dtype)
    W1, b1, W2, b2 = (
        Weights(code.pointer(where.address, kind), where.row, where.column, rows, columns)
        for where, rows, columns in zip(
            args.network, (args.d, 1, args.H, 1), (args.H, args.H, args.K, args.K), strict=True
        )
    )
    A = code.at(args.work, me * args.each)
    strip = code.at(A, args.chunk * args.a_row)
    H1 = code.at(strip, _strip_numbers(code.tile))
    S = code.at(H1, args.chunk * args.h_row)
    number = code.variable(code.atomic_add(args.next, 1))
    with code.while_(lambda: number.get() * args.chunk < args.N):
        begin = number.get() * args.chunk
        rows = code.minimum(args.N - begin, args.chunk)
        _fill(code, H1, args.h_row, rows, b1, 0.0)
        with code.if_(args.entries.index.equals(DENSE)):
            X = code.pointer(args.X.address, kind)
            with code.loop(args.d, step=KC) as first:
                inner = code.minimum(args.d - first, KC)
                x = code.at(X, begin * args.X.row + first * args.X.column)
                _load(code, x, args.X.row, args.X.column, A, args.a_row, rows, inner)
                _add(code, A, W1, H1, strip, Reach(rows, args.a_row, args.h_row), first, inner)
        with code.if_(args.entries.index > DENSE):
            _add_sparse(code, args, W1, H1, begin, rows, kind)
        _rectify(code, H1, args.h_row, rows, args.H)
        # -inf after the last class, whose probability is then 0.
        _fill(code, S, args.s_row, rows, b2, -math.inf)
        with code.loop(args.H, step=KC) as first:
            inner = code.minimum(args.H - first, KC)
            a = code.at(H1, first)
            _add(code, a, W2, S, strip, Reach(rows, args.h_row, args.s_row), first, inner)
        P = code.at(code.pointer(args.P, kind), begin * args.K)
        _softmax(code, S, args.s_row, rows, args.K, P)
        number.set(code.atomic_add(args.next, 1))


def _add(
    code: Code, A: Value, W: Weights, C: Value, strip: Value, reach: Reach, first: Value,
    inner: Value,
) -> None:  # fmt: skip
    """C (rows, columns) += A (rows, inner) W[first:first + inner], by the faster method."""
    with code.if_(reach.rows < FEW_ROWS + 1):
        add_dense_rows(code, A, W, C, reach, first, inner)
    with code.if_(reach.rows > FEW_ROWS):
        add_product(code, A, W, C, strip, reach, first, inner)


def _add_sparse(
    code: Code, args: PredictArgs, W1: Weights, Z1: Value, begin: Value, rows: Value, kind: Any
) -> None:
    """Z1 (rows, H) += X (rows, d) W1 (d, H) of a sparse X, whose indices have been checked."""
    X = code.pointer(args.X.address, kind)

    def add(index: str) -> None:
        features, borders = (
            code.pointer(address, code.type_of(index))
            for address in (args.entries.features, args.entries.borders)
        )

        def feature(n: Value) -> Value:
            return code.sext64(code.load_scalar(features, n))

        def later(n: Value) -> Value:
            return feature(code.minimum(n, args.entries.count - 1))

        def entry(n: Value) -> tuple[Value, Value]:
            return feature(n), code.widened(code.load_scalar(X, n))

        with code.loop(rows) as i:
            start, stop = (code.sext64(code.load_scalar(borders, begin + i + n)) for n in (0, 1))
            add_rows(code, W1, code.at(Z1, i * args.h_row), start, stop, entry, later)

    kinds = {INT32: partial(add, "int32"), INT64: partial(add, "int64")}
    code.switch(args.entries.index, kinds)


@function
def _load(
    code: Code, X: Value, row: Value, column: Value, A: Value, a_row: Value, rows: Value,
    features: Value,
) -> None:  # fmt: skip
    """A (rows, features) = X (rows, features), in double."""
    lanes = code.lanes
    whole = code.select(column.equals(1), features // lanes * lanes, 0)
    with code.loop(rows) as i:
        x, a = code.at(X, i * row), code.at(A, i * a_row)
        with code.loop(whole, step=lanes) as j:
            code.store(code.widened(code.load(x, j)), a, j)
        with code.loop(features, start=whole) as j:
            code.store(code.widened(code.load_scalar(x, j * column)), a, j)


def _fill(code: Code, C: Value, c_row: Value, rows: Value, b: Weights, rest: float) -> None:
    """Each row of C (rows, columns) becomes b (columns,); what fills its last vector is `rest`."""
    lanes = code.lanes
    filled = (b.columns + (lanes - 1)) // lanes * lanes
    with code.loop(b.columns) as h:
        code.store(code.widened(code.load_scalar(b.numbers, h * b.column)), C, h)
    with code.loop(filled, start=b.columns) as h:
        code.store(code.real(rest), C, h)
    with code.loop(rows, start=1) as i, code.loop(filled, step=lanes) as h:
        code.store(code.load(C, h), C, i * c_row + h)


@function
def _rectify(code: Code, H1: Value, h_row: Value, rows: Value, columns: Value) -> None:
    """H1 (rows, columns) = max(0, Z1), in place."""
    with code.loop(rows) as i, code.loop(columns, step=code.lanes) as h:
        code.store(code.relu(code.load(H1, i * h_row + h)), H1, i * h_row + h)


@function
def _softmax(code: Code, S: Value, s_row: Value, rows: Value, classes: Value, P: Value) -> None:
    """P (rows, classes) = softmax(S), rounded to P's dtype. After the last class, S has -inf."""
    lanes, kind = code.lanes, P.ir.type.pointee
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
        peak = code.extract_lane(peak)
        sums = code.variable(code.splat(0.0))
        with code.loop(classes, step=lanes) as k:
            e = exp(code, code.load(s, k) - peak)
            sums.set(sums.get() + e)
            code.store(e, s, k)
        total = code.extract_lane(fold(code, sums.get(), 1))
        with code.loop(whole, step=lanes) as k:
            code.store(code.stored_as(kind, code.load(s, k) / total), p, k)
        with code.loop(classes, start=whole) as k:
            code.store(code.stored_as(kind, code.load_scalar(s, k) / total), p, k)


def _larger(code: Code, a: Value, b: Value) -> Value:
    return code.select(a > b, a, b)


def predict_proba(params: Parameters, X: Any, threads: int | None) -> NDArray[Any]:
    """P (N, K) of X (N, d), in the parameters' dtype; see `contract.Engine`."""
    (d, H), K, dtype = params.W1.shape, params.b2.shape[0], params.W1.dtype
    if dtype.name not in PROGRAMS:
        wide = Parameters(*(value.astype(np.float64) for value in params))
        return predict_proba(wide, X.astype(dtype), threads).astype(dtype)
    native = np.dtype(dtype.name)
    network = StoredParameters(
        *(stored(value.reshape(-1, value.shape[-1]), native) for value in params)
    )
    P = np.empty((X.shape[0], K), native)
    for stretch in stretches(params, X, native):
        _compute(network, (d, H, K), stretch, P[stretch.rows], threads)
    return P


def _compute(
    network: StoredParameters, sizes: tuple[int, int, int], stretch: Stretch, P: NDArray[Any],
    threads: int | None,
) -> None:  # fmt: skip
    """P of a stretch of rows."""
    (d, H, K), N = sizes, len(P)
    parts = 2 * H * (stretch.numbers + N * K) // PART_FLOPS
    team = threads_for(max(1, min(N, parts)), threads)
    a_row, h_row, s_row = map(_row, (0 if stretch.entries.index else min(d, KC), H, K))
    chunk = min(MC, max(1, CHUNK_NUMBERS // (h_row + s_row)), -(-N // team))
    each = chunk * (a_row + h_row + s_row) + _strip_numbers(tile_of(precision_of(COMPUTE).lanes))
    memory = aligned(team * each, np.float64, np.empty)
    args = PredictArgs(N, d, H, K, chunk, np.zeros(1, np.int64), stretch.X, stretch.entries,
                       network, P, memory, each, a_row, h_row, s_row)  # fmt: skip
    call = marshal(args)
    run, address = entry(PROGRAMS[P.dtype.name], precision_of(COMPUTE)), call.ctypes.data

    def work(me: int, _alive: Any = (args, call)) -> None:
        run(address, me)

    run_threads(work, team)


def _row(numbers: int) -> int:
    """Return the length in memory of a row of that many numbers."""
    precision = precision_of(COMPUTE)
    return spread(-(-numbers // precision.lanes) * precision.lanes, precision.bytes)


def _strip_numbers(tile: Tile) -> int:
    return KC * tile.NR
