"""Sums over rows and over lanes, each in an order that the number of rows alone decides."""

from __future__ import annotations

from backhand.engines.fused.llvm.builder import Code, Value, function


@function
def totals(
    code: Code, numbers: Value, columns: Value, rows: Value, column: Value, result: Value
) -> None:
    """Set result (columns,) to sums of the first rows of numbers (columns, rows), float64.

    `rows` is a multiple of the lanes; `column` numbers are from a column to the next.
    """
    with code.loop(columns) as k:
        begin = code.at(numbers, k * column)
        partial = code.variable(code.to_accumulation(code.splat(0.0)))
        with code.loop(rows, step=code.lanes) as i:
            partial.set(partial.get() + code.load(begin, i))
        code.store(fold(code, partial.get(), 1), result, k)


@function
def squares(code: Code, numbers: Value, count: Value, result: Value, add: Value) -> None:
    """Set result to Σ x² of numbers (count,), whole vectors, in float64, or with `add` add it."""
    partial = code.variable(code.to_accumulation(code.splat(0.0)))
    with code.loop(count, step=code.lanes) as i:
        x = code.to_accumulation(code.load(numbers, i))
        partial.set(partial.get() + x * x)
    total = code.variable(code.extract_lane(fold(code, partial.get(), 1)))
    with code.if_(add > 0):
        total.set(total.get() + code.load_scalar(result))
    code.store(total.get(), result)


@function
def column_sums(
    code: Code, S: Value, s_column: Value, rows: Value, columns: Value, result: Value, add: Value
) -> None:
    """Set result (columns,) to 1ᵀ S, or with `add` add it; S (columns, rows), whole vectors."""
    with code.loop(columns) as k:
        partial = code.variable(code.splat(0.0))
        with code.loop(rows, step=code.lanes) as i:
            partial.set(partial.get() + code.load(S, k * s_column + i))
        column = code.variable(code.extract_lane(fold(code, partial.get(), 1)))
        with code.if_(add > 0):
            column.set(column.get() + code.load_scalar(result, k))
        code.store(column.get(), result, k)


@function
def are_finite(
    code: Code, X: Value, row: Value, column: Value, rows: Value, columns: Value, flag: Value
) -> None:
    """Set the flag to 1 if a number of X (rows, columns) is not finite: then 0 · x is nan.

    Number (i, j) is at i · row + j · column.
    """
    lanes, zero = code.lanes, code.splat(0.0)
    whole = code.select(column.equals(1), columns // lanes * lanes, 0)
    vectors, scalars = code.variable(zero), code.variable(code.real(0.0))
    with code.loop(rows) as i:
        x = code.at(X, i * row)
        with code.loop(whole, step=lanes) as j:
            vectors.set(code.load(x, j) * zero + vectors.get())
        with code.loop(columns, start=whole) as j:
            scalars.set(code.load_scalar(x, j * column) * 0.0 + scalars.get())
    total = code.extract_lane(fold(code, vectors.get(), 1)) + scalars.get()
    with code.if_(code.select(total.equals(0.0), 0, 1) > 0):
        code.store(code.integer(1), flag)


def across(code: Code, vectors: list[Value]) -> Value:
    """One vector with the sum of the lanes of each vector.

    Neighbours are added crosswise within 128 bits, which all CPUs shuffle fastest, until each
    128 bits hold a sum for each of as many vectors; then the 128-bit parts are added.
    """
    group = 128 // code.bits
    parts = [
        fold(code, _crosswise(code, vectors[i : i + group], group), group)
        for i in range(0, len(vectors), group)
    ]
    while len(parts) > 1:
        both = list(range(2 * parts[0].lanes))
        parts = [code.shuffle(a, b, both) for a, b in zip(parts[::2], parts[1::2], strict=True)]
    return parts[0]


def _crosswise(code: Code, vectors: list[Value], group: int) -> Value:
    """In each group of lanes: the group's sum of each of `group` vectors."""
    lanes = vectors[0].lanes
    while len(vectors) > 1:
        even, odd = (
            [
                vector + g + j
                for g in range(0, lanes, group)
                for vector in (0, lanes)
                for j in range(first, group, 2)
            ]
            for first in (0, 1)
        )
        vectors = [
            code.shuffle(a, b, even) + code.shuffle(a, b, odd)
            for a, b in zip(vectors[::2], vectors[1::2], strict=True)
        ]
    return vectors[0]


def fold(code: Code, vector: Value, lanes: int) -> Value:
    """Add one half to the other until `lanes` are left."""
    while vector.lanes > lanes:
        half = vector.lanes // 2
        low = code.shuffle(vector, vector, list(range(half)))
        high = code.shuffle(vector, vector, list(range(half, 2 * half)))
        vector = low + high
    return vector
