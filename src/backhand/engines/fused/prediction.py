"""P of rows by a trained network, in the parameters' own dtype.

Plain parameters are read where they are stored, so that a change of theirs counts at once; others
are copied (see `kernels.operands`). Threads claim chunks of rows one after the other, and no row's
result depends on other rows: each sum is added up in an order that the sizes of the network alone
decide. So the P of a row has the same bits alone or among others, in a dense X or in a sparse one
whose indices are sorted, and with any number of threads.
"""

from __future__ import annotations

import struct
from array import array
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backhand.engines.argument_checks import check_outputs, check_rows, check_theta
from backhand.engines.fused.buffers import MC
from backhand.engines.fused.kernels.gather import DENSE, INT32, INT64
from backhand.engines.fused.kernels.gemm import Matrix, gemm_nt
from backhand.engines.fused.kernels.operands import Stored, Stretch, mean_entries, stored, stretches
from backhand.engines.fused.kernels.reductions import are_finite
from backhand.engines.fused.kernels.softmax import softmax
from backhand.engines.fused.kernels.unpacked_gemm import KC, Weights, add_product, add_rows
from backhand.engines.fused.llvm.abi import (
    Integer,
    Integers,
    Reals,
    address_of,
    aligned,
    marshal,
    spread,
)
from backhand.engines.fused.llvm.builder import Code, Value, function, rounded_up
from backhand.engines.fused.llvm.compiler import entry
from backhand.engines.fused.llvm.precision import precision_of
from backhand.engines.fused.llvm.target import tile_of
from backhand.engines.fused.threads import run_threads, threads_for
from backhand.engines.matrices import check_finite
from backhand.equations import Parameters

CHUNK_NUMBERS = 2**20
"""Approximate maximum of the numbers of H1 and S in a chunk of rows."""

CALL_FLOPS = 2**32
"""Approximate work of one compiled call, 50 ms for one thread: Ctrl-C takes effect after it."""

THREAD_FLOPS = 2**25
"""Minimum work per thread, some 0.3 ms: to start one takes a tenth of a millisecond."""

KEPT_NUMBERS, MOST_KEPT = 2**22, 4
"""Maximum of the numbers of a working memory that a predictor keeps, and of such memories."""

CLAIMED, NOT_FINITE = 1, 2
"""Positions of `Rows.claimed` and `Rows.not_finite` among the words of a call."""


class Rows(NamedTuple):
    """The rows of one compiled call.

    Attributes
    ----------
    words : array
        The words of the call themselves, of which the next two are changed by the threads.
    claimed : int
        How many chunks threads have taken.
    not_finite : int
        Becomes 1 if a number of X or of P is not finite.
    N, chunk : int
        Rows, and how many of them are predicted at a time.
    X, row, column, positions, features, borders, numbers
        X (N, d) where it is stored; see `operands.Stretch`.
    P : array of shape (N, K)
    work : array
        `each` numbers for each thread: W2ᵀ (K, h_row), H1 (s_column, h_row), S (K, s_column) and a
        strip of weights (KC, NR).
    s_column : int
        `chunk` in whole blocks.
    """

    words: Integers
    claimed: Integer
    not_finite: Integer
    N: Integer
    chunk: Integer
    X: Reals
    row: Integer
    column: Integer
    positions: Integer
    features: Integer
    borders: Integer
    numbers: Integer
    P: Reals
    work: Reals
    each: Integer
    s_column: Integer


pack_rows = struct.Struct(f"{len(Rows._fields)}q").pack
"""Makes the words of `Rows` of integers, as `marshal` would, in less time."""


class Network(NamedTuple):
    """A network: its sizes and its parameters where they are stored, a bias as a matrix of one row.

    `h_row` is the length of a row of H1 in memory.
    """

    d: Integer
    H: Integer
    K: Integer
    h_row: Integer
    W1: Stored
    b1: Stored
    W2: Stored
    b2: Stored


class PredictArgs(NamedTuple):
    """All arguments of `predict` but the number of the thread."""

    rows: Rows
    network: Network


class _Mine(NamedTuple):
    """A thread's working memory; see `Rows.work`."""

    W2T: Value
    H1: Value
    S: Value
    strip: Value


def predict(code: Code, args: PredictArgs, me: Value) -> None:
    """Compute P: the share of thread `me`, chunk by chunk until every chunk has been claimed."""
    rows, net = args
    W2T = code.at(rows.work, me * rows.each)
    H1 = code.at(W2T, net.K * net.h_row)
    S = code.at(H1, rows.s_column * net.h_row)
    mine = _Mine(W2T, H1, S, code.at(S, net.K * rows.s_column))
    _transpose(code, _weights(code, net.W2, net.H, net.K), W2T, net.h_row)
    claimed = code.at(rows.words, CLAIMED)
    number = code.variable(code.atomic_add(claimed, 1))
    with code.while_(lambda: number.get() * rows.chunk < rows.N):
        begin = number.get() * rows.chunk
        _chunk(code, args, mine, begin, code.minimum(rows.N - begin, rows.chunk))
        number.set(code.atomic_add(claimed, 1))


def _weights(code: Code, where: Stored, rows: Any, columns: Any) -> Weights:
    numbers = code.pointer(where.address, code.real_type)
    return Weights(numbers, where.row, where.column, rows, columns)


def _chunk(code: Code, args: PredictArgs, mine: _Mine, begin: Value, count: Value) -> None:
    """P of rows begin..begin + count."""
    rows, net = args
    W1, b1 = _weights(code, net.W1, net.d, net.H), _weights(code, net.b1, 1, net.H)
    # H1 = max(0, X W1 + b1)
    _fill(code, mine.H1, net.h_row, count, b1)
    with code.if_(rows.positions.equals(DENSE)):
        X = Matrix(code.at(rows.X, begin * rows.row), rows.row, rows.column)
        _check(code, rows, X, count, net.d)
        add_product(code, X, W1, mine.H1, net.h_row, mine.strip, count)
    with code.if_(rows.positions > DENSE):
        _add_sparse(code, rows, W1, mine.H1, net.h_row, begin, count)
        _rectify(code, mine.H1, net.h_row, count, net.H)
    # S = H1 W2 + b2
    _logits(code, rows, net, mine, count)
    # P = softmax(S)
    softmax(code, mine.S, rows.s_column, rounded_up(count, code.lanes), net.K)
    P = code.at(rows.P, begin * net.K)
    with code.loop(net.K) as k, code.loop(count) as i:
        code.store(code.load_scalar(mine.S, k * rows.s_column + i), P, i * net.K + k)
    are_finite(code, P, 0, 1, 1, count * net.K, code.at(rows.words, NOT_FINITE))


def _logits(code: Code, rows: Rows, net: Network, mine: _Mine, count: Value) -> None:
    """S (K, rows) = H1 W2 + b2, transposed, in whole vectors; rows from `count` on are padding."""
    lanes, zero, H1, S = code.lanes, code.splat(0.0), mine.H1, mine.S
    padded, whole = rounded_up(count, code.tile.dot_MR), rounded_up(count, lanes)
    with code.loop(padded, start=count) as i, code.loop(rounded_up(net.H, lanes), step=lanes) as h:
        code.store(zero, H1, i * net.h_row + h)
    with code.loop(net.K) as k:
        code.store(zero, S, k * rows.s_column + (whole - lanes))
    gemm_nt(code, H1, 0, mine.W2T, 0, 1, S, rows.s_column, padded, net.K,
            rounded_up(net.H, lanes) // lanes, net.h_row)  # fmt: skip
    b2 = _weights(code, net.b2, 1, net.K)
    with code.loop(net.K) as k:
        b = code.broadcast(code.load_scalar(b2.numbers, k * b2.column))
        with code.loop(whole, step=lanes) as i:
            code.store(code.load(S, k * rows.s_column + i) + b, S, k * rows.s_column + i)


def _check(code: Code, rows: Rows, X: Matrix, count: Value, d: Value) -> None:
    """Note whether a number of X (count, d) is not finite; neighbouring rows are read as one."""
    one = X.column.equals(1) & X.row.equals(d)
    flag = code.at(rows.words, NOT_FINITE)
    lines, length = code.select(one, 1, count), code.select(one, count * d, d)
    are_finite(code, X.numbers, X.row, X.column, lines, length, flag)


def _add_sparse(
    code: Code, rows: Rows, W1: Weights, Z1: Value, h_row: Value, begin: Value, count: Value
) -> None:
    """Z1 (count, H) += X (count, d) W1 (d, H) of a sparse X, whose indices have been checked."""
    flag = code.at(rows.words, NOT_FINITE)

    def add(index: str) -> None:
        features, borders = (
            code.pointer(address, code.type_of(index)) for address in (rows.features, rows.borders)
        )

        def border(i: Value) -> Value:
            return code.sext64(code.load_scalar(borders, begin + i))

        def feature(n: Value) -> Value:
            return code.sext64(code.load_scalar(features, n))

        def later(n: Value) -> Value:
            return feature(code.minimum(n, rows.numbers - 1))

        def entry(n: Value) -> tuple[Value, Value]:
            return feature(n), code.load_scalar(rows.X, n)

        first, last = border(code.integer(0)), border(count)
        are_finite(code, code.at(rows.X, first), 0, 1, 1, last - first, flag)
        with code.loop(count) as i:
            add_rows(code, W1, code.at(Z1, i * h_row), border(i), border(i + 1), entry, later)

    kinds = {INT32: partial(add, "int32"), INT64: partial(add, "int64")}
    code.switch(rows.positions, kinds)


def _transpose(code: Code, W2: Weights, W2T: Value, h_row: Value) -> None:
    """W2T (K, h_row) = W2ᵀ (K, H); what fills the last vector of a row is 0.

    (Not a `function`: LLVM would vectorise it with gathers and scatters, which take several times
    as long.)
    """
    filled = rounded_up(W2.rows, code.lanes)
    with code.loop(W2.rows) as h, code.loop(W2.columns) as k:
        w = code.load_scalar(W2.numbers, h * W2.row + k * W2.column)
        code.store(w, W2T, k * h_row + h)
    with code.loop(filled, start=W2.rows) as h, code.loop(W2.columns) as k:
        code.store(code.real(0.0), W2T, k * h_row + h)


@function
def _fill(code: Code, Z1: Value, h_row: Value, rows: Value, b1: Weights) -> None:
    """Each row of Z1 (rows, H) becomes b1 (H,); what fills its last vector is 0."""
    lanes = code.lanes
    with code.if_(b1.column.equals(1)), code.loop(b1.columns, step=lanes) as h:
        mask = code.iota(h) < b1.columns
        code.store(code.masked_load(b1.numbers, h, mask), Z1, h)
    with code.if_(b1.column.equals(1).equals(0)):
        with code.loop(b1.columns) as h:
            code.store(code.load_scalar(b1.numbers, h * b1.column), Z1, h)
        with code.loop(rounded_up(b1.columns, lanes), start=b1.columns) as h:
            code.store(code.real(0.0), Z1, h)
    with code.loop(rows, start=1) as i, code.loop(b1.columns, step=lanes) as h:
        code.store(code.load(Z1, h), Z1, i * h_row + h)


@function
def _rectify(code: Code, H1: Value, h_row: Value, rows: Value, columns: Value) -> None:
    """H1 (rows, columns) = max(0, Z1), in place."""
    with code.loop(rows) as i, code.loop(columns, step=code.lanes) as h:
        code.store(code.relu(code.load(H1, i * h_row + h)), H1, i * h_row + h)


class FusedPredictor:
    """A network whose sizes and addresses are known, and the working memory of its calls.

    Several threads may call it at once: each call takes a memory of its own.
    """

    def __init__(self, params: Parameters, threads: int | None) -> None:
        check_theta(params)
        self.params, self._threads = params, threads
        self._dtype, precision = params.W1.dtype, precision_of(params.W1.dtype)
        tile = tile_of(precision.lanes)
        (d, H), K = params.W1.shape, params.b2.shape[0]
        self._d, self._H, self._K = d, H, K
        self._h_row = spread(rounded_up(H, tile.lanes), precision.bytes)
        self._block, self._strip = precision.block, KC * tile.NR
        self._chunk = min(MC, max(1, CHUNK_NUMBERS // (self._h_row + K)))
        matrices = (stored(value.reshape(-1, value.shape[-1]), self._dtype) for value in params)
        self._network = Network(d, H, K, self._h_row, *matrices)
        self._words = marshal(self._network).tobytes()
        self._run = entry(predict, precision)
        self._kept: list[tuple[NDArray[Any], int]] = []

    def predict_proba(self, X: Any) -> NDArray[Any]:
        """P (N, K) of X (N, d); see `contract.Predictor`."""
        plain = type(X) is np.ndarray and X.ndim == 2 and X.dtype == self._dtype
        if not plain or X.shape[1] != self._d:
            check_rows(X, self._d)
        N, numbers = X.shape[0], self._d if plain else mean_entries(X)
        flops = 2 * self._H * (numbers + self._K)  # of a row
        P = np.empty((N, self._K), self._dtype)
        finite, first = True, address_of(P)
        for stretch in stretches(X, self._dtype, int(CALL_FLOPS // flops) or 1):
            there = first + stretch.first * self._K * P.itemsize
            finite &= self._compute(stretch, there, int(stretch.rows * flops // THREAD_FLOPS))
        if not finite:
            check_finite(X, self._dtype)
            check_outputs(P, self.params)
        return P

    def _compute(self, stretch: Stretch, P: int, threads: int) -> bool:
        """Compute P of a stretch on up to `threads` threads; return whether P and X are finite."""
        N = stretch.rows
        team = threads_for(min(N, threads), self._threads) if threads > 1 else 1
        chunk = min(self._chunk, -(-N // team))
        s_column = rounded_up(chunk, self._block)
        each = (self._K + s_column) * self._h_row + self._K * s_column + self._strip
        memory, work = self._memory(team * each)
        rows = pack_rows(0, 0, 0, N, chunk, *stretch[3:], P, work, each, s_column)
        words = array("q", rows + self._words)
        words[0] = address = words.buffer_info()[0]
        if team == 1:
            self._run(address, 0)
        else:
            run_threads(partial(self._run, address), team)
        if memory.size <= KEPT_NUMBERS and len(self._kept) < MOST_KEPT:
            self._kept.append((memory, work))
        return not words[NOT_FINITE]

    def _memory(self, numbers: int) -> tuple[NDArray[Any], int]:
        """Return aligned memory for that many numbers or more, and its address."""
        try:
            memory, address = self._kept.pop()
        except IndexError:
            memory, address = np.empty(0), 0
        if memory.size < numbers:
            memory = aligned(numbers, self._dtype, np.empty)
            address = address_of(memory)
        return memory, address
