"""Transposed matrices of bf16 pairs, a block of as many rows as lanes at a time."""

from __future__ import annotations

from backhand.engines.fused.kernels.bf16 import merged
from backhand.engines.fused.llvm.builder import Code, Value, function


@function
def transpose(
    code: Code, source: Value, s_row: Value, rows: Value, words: Value, target: Value, t_row: Value
) -> None:
    """Set target (2 words, rows / 2) to the transposed source (rows, words): pairs along each row.

    `rows` is a multiple of twice the lanes, `words` of the lanes.
    """
    lanes = code.lanes
    with code.loop(rows, step=2 * lanes) as i, code.loop(words, step=lanes) as j:
        block = code.at(source, i * s_row + j)
        both = [[code.load(block, s_row * (2 * n + m)) for m in (0, 1)] for n in range(lanes)]
        pairs = [merged(code, first, second) for first, second in both]
        for which in (0, 1):  # the features of even numbers, those of odd ones
            columns = transposed(code, [pair[which] for pair in pairs])
            for n, column in enumerate(columns):
                code.store(column, target, (j * 2 + (2 * n + which)) * t_row + i // 2)


@function
def pairs_across(
    code: Code, source: Value, s_row: Value, rows: Value, columns: Value, target: Value,
    t_row: Value,
) -> None:  # fmt: skip
    """Turn pairs along the columns into pairs along the rows, transposed.

    Of a matrix (rows, columns), source (rows / 2, columns) has pairs of neighbours in a column;
    target (columns / 2, rows) has pairs of neighbours in a row. `rows` is a multiple of twice the
    lanes, `columns` of the lanes.
    """
    lanes = code.lanes
    halves = [[half * lanes // 2 + n for n in range(lanes // 2)] for half in (0, 1)]
    with code.loop(rows // 2, step=lanes) as i, code.loop(columns, step=lanes) as j:
        block = code.at(source, i * s_row + j)
        columns_of = transposed(code, [code.load(block, s_row * n) for n in range(lanes)])
        for n, (left, right) in enumerate(zip(columns_of[::2], columns_of[1::2], strict=True)):
            even, odd = merged(code, left, right)
            where = (j // 2 + n) * t_row + i * 2
            for half, order in enumerate(halves):
                alternating = [lane for m in order for lane in (m, lanes + m)]
                code.store(code.shuffle(even, odd, alternating), target, where + half * lanes)


def transposed(code: Code, vectors: list[Value]) -> list[Value]:
    """Vector n has lane n of each vector: blocks of 1, 2, 4, … lanes change places in turn."""
    vectors, lanes = list(vectors), len(vectors)
    step = 1
    while step < lanes:
        first = [lane if not lane & step else lanes + lane - step for lane in range(lanes)]
        second = [lane + step if not lane & step else lanes + lane for lane in range(lanes)]
        for n in range(lanes):
            if not n & step:
                a, b = vectors[n], vectors[n + step]
                vectors[n], vectors[n + step] = (
                    code.shuffle(a, b, order) for order in (first, second)
                )
        step *= 2
    return vectors
