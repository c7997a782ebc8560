"""The two products with a sparse X: a chunk's numbers are sorted by feature, never made dense.

So the forward and backward passes read W1 and its gradient once, from the first feature to the
last, and skip features that no row has. The rows of H1 or dZ1 that they use, those of one panel,
are in the L1 or L2 cache.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from backhand.engines.fused.buffers import Entries
from backhand.engines.fused.kernels.gather import INT32, INT64, SPARSE_SOURCES, Numbers, Picked
from backhand.engines.fused.llvm.builder import Code, Value, function


class Panel(NamedTuple):
    """Rows of `width` numbers, `vectors` vectors of which are in use."""

    vectors: Any
    width: Any


@function
def load_entries(code: Code, entries: Entries, X: Numbers, picked: Picked, features: Value) -> None:
    """Sort the numbers of the rows by feature, each feature's in the order of the rows.

    How many each feature has is counted first; then borders[j + 1], which begins as where those of
    feature j begin, moves on to where they end.
    """
    numbers, rows, borders = entries.numbers, entries.rows, entries.borders

    def count(_: Value, j: Value, __: Value) -> None:
        code.store(code.load_scalar(borders, j + 2) + 1, borders, j + 2)

    def put(i: Value, j: Value, x: Value) -> None:
        place = code.load_scalar(borders, j + 1)
        code.store(i, rows, place)
        code.store(x, numbers, place)
        code.store(place + 1, borders, j + 1)

    def sort(index: str, name: str) -> None:
        _each(code, X, picked, index, name, count)
        code.store(picked.count, borders, features + 2)
        total = code.variable(code.integer(0))
        with code.loop(features + 3) as j:
            total.set(total.get() + code.load_scalar(borders, j))
            code.store(total.get(), borders, j)
        _each(code, X, picked, index, name, put)
        with code.loop(picked.count) as i:
            put(i, features, code.real(1.0))

    with code.loop(features + 3) as j:
        code.store(code.integer(0), borders, j)
    kinds = {INT32: "int32", INT64: "int64"}
    by_index = {n: partial(_by_kind, code, X, partial(sort, index)) for n, index in kinds.items()}
    code.switch(X.index, by_index)


def _by_kind(code: Code, X: Numbers, sort: Callable[[str], None]) -> None:
    code.switch(X.kind, {n: partial(sort, name) for n, name in enumerate(SPARSE_SOURCES)})


def _each(
    code: Code, X: Numbers, picked: Picked, index: str, name: str,
    use: Callable[[Value, Value, Value], None],
) -> None:  # fmt: skip
    """Call `use` with (i, j, x) for each number x of the rows, as it is stored."""
    numbers, indices, borders = (
        code.pointer(address, code.type_of(kind))
        for address, kind in ((X.numbers, name), (X.indices, index), (X.borders, "int64"))
    )
    with code.loop(picked.count) as i:
        row = picked.number(code, i)
        end = code.load_scalar(borders, row + 1)
        with code.loop(end, start=code.load_scalar(borders, row)) as n:
            j = code.sext64(code.load_scalar(indices, n))
            use(i, j, code.real_from(code.load_scalar(numbers, n), name))


@function
def sparse_forward(
    code: Code, entries: Entries, W1: Value, H1: Value, panel: Panel, features: Value, rows: Value
) -> None:
    """H1 (rows, width) = max(0, X W1) of a panel; the last row of W1 (features, width) is b1."""
    lanes, width, zero = code.lanes, panel.width, code.splat(0.0)

    def add_up(vectors: int) -> None:
        with code.loop(features) as j:
            begin, end = (code.load_scalar(entries.borders, j + n) for n in (0, 1))
            with code.if_(begin < end):
                w = [code.load(W1, j * width + v * lanes) for v in range(vectors)]
                with code.loop(end, start=begin) as n:
                    x, z = _entry(code, entries, n, H1, width)
                    for v in range(vectors):
                        code.store(x * w[v] + code.load(z, v * lanes), z, v * lanes)

    with code.loop(rows * width, step=lanes) as i:
        code.store(zero, H1, i)
    code.switch(panel.vectors, _shapes(code, add_up))
    with code.loop(rows * width, step=lanes) as i:
        code.store(code.relu(code.load(H1, i)), H1, i)


@function
def sparse_gradient(
    code: Code, entries: Entries, dZ1: Value, gradient: Value, panel: Panel, first: Value,
    end: Value, add: Value,
) -> None:  # fmt: skip
    """dW1 = Xᵀ dZ1 of a panel for features first..end, or with `add` the gradient + Xᵀ dZ1.

    Forward: Z1 = X W1. dZ1 (rows, width); gradient (end - first, width).
    """
    lanes, width, zero = code.lanes, panel.width, code.splat(0.0)
    always = code.select(add > 0, 0, 1)

    def add_up(vectors: int) -> None:
        with code.loop(end - first) as j:
            start, stop = (code.load_scalar(entries.borders, first + j + n) for n in (0, 1))
            with code.if_(stop - start + always > 0):
                sums = [code.variable(zero) for _ in range(vectors)]
                with code.if_(add > 0):
                    for v in range(vectors):
                        sums[v].set(code.load(gradient, j * width + v * lanes))
                with code.loop(stop, start=start) as n:
                    x, dz = _entry(code, entries, n, dZ1, width)
                    for v in range(vectors):
                        sums[v].set(x * code.load(dz, v * lanes) + sums[v].get())
                for v in range(vectors):
                    code.store(sums[v].get(), gradient, j * width + v * lanes)

    code.switch(panel.vectors, _shapes(code, add_up))


def _entry(
    code: Code, entries: Entries, n: Value, rows: Value, width: Value
) -> tuple[Value, Value]:
    """Number n, and where its row of a panel is."""
    x = code.broadcast(code.load_scalar(entries.numbers, n))
    return x, code.at(rows, code.load_scalar(entries.rows, n) * width)


def _shapes(code: Code, write: Callable[[int], None]) -> dict[int, Callable[[], None]]:
    return {v: partial(write, v) for v in range(1, code.tile.NV + 1)}
