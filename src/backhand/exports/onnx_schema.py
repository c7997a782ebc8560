"""A schema's encoding of a table's columns as nodes of an ONNX graph, from raw inputs to X.

Numbers are numbers, not texts, since ONNX has no operator that reads a number in dress. Texts are
compared with every spelling of a category or of a missing value; ONNX cannot remove the spaces
around them.

Columns of one kind are encoded together by the same few nodes, and all are joined once. So the
graph has up to three nodes for each distinct list of categories, and about ten others, whether it
has five inputs or five thousand.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import numpy as np

from backhand.exports.onnx_builder import ML, Graph
from backhand.tables.cells.texts import spellings
from backhand.tables.schema.columns import CYCLES, WAVES, Category, Date, Number, Pieces
from backhand.tables.schema.schema import Schema


def encode(graph: Graph, schema: Schema) -> str:
    """Add the nodes that compute X (N, d) float32 from inputs (N, 1), and return the name of X."""
    widths = [column.width for column in schema.columns]
    starts = [int(end) - width for end, width in zip(np.cumsum(widths), widths, strict=True)]
    numbers = [i for i, c in enumerate(schema.columns) if not isinstance(c, Category)]
    blocks, features = _encode_numbers(graph, schema, numbers, starts) if numbers else ([], [])
    for alike in _alike(schema):
        first = schema.columns[alike[0]]
        assert isinstance(first, Category)
        blocks.append(_encode_categories(
            graph, first, [schema.columns[i].name for i in alike], schema.missing
        ))  # fmt: skip
        features += [starts[i] + place for i in alike for place in range(widths[i])]
    joined = graph.concat(*blocks, wanted="features")
    order = np.argsort(features)
    if np.array_equal(order, np.arange(len(order))):
        return joined
    places = graph.constant("order", order.astype(np.int64))
    return graph.node("Gather", joined, places, wanted="in order", axis=1)


def missing_text(column: Category) -> str:
    """Return the text that means missing: "", unless that is one of the categories."""
    text = ""
    while text in column.categories:
        text = f"<{text or 'missing'}>"
    return text


def features_of(column: Category, missing: Sequence[str]) -> dict[str, int]:
    """Return every text that is not just unseen, with the position of its feature.

    `missing` are the texts that mean missing; without a feature of their own, they have the
    position after the last.
    """
    places = spellings(column.categories)
    if column.missing or column.other:
        for text in (missing_text(column), *spellings(missing)):
            places.setdefault(text, column.width - bool(column.missing))
    return places


def missing_numbers(missing: Sequence[str]) -> list[float]:
    """Return the numbers whose shortest text is one of those that mean missing."""
    found = set()
    for text in spellings(missing):
        with suppress(ValueError):
            if repr(float(text)) == text and text != "nan":
                found.add(float(text))
    return sorted(found)


def _alike(schema: Schema) -> list[list[int]]:
    """Return groups of category columns that have the same categories."""
    groups: dict[tuple[object, ...], list[int]] = {}
    for i, column in enumerate(schema.columns):
        if isinstance(column, Category):
            groups.setdefault(
                (column.categories, bool(column.missing), bool(column.other)), []
            ).append(i)
    return list(groups.values())


def _encode_numbers(
    graph: Graph, schema: Schema, columns: list[int], starts: list[int]
) -> tuple[list[str], list[int]]:
    """Add all number columns, computed in double precision, and their missing columns."""
    used = [column for i in columns if not isinstance(column := schema.columns[i], Category)]
    x = graph.concat(*(column.name for column in used), wanted="numbers")
    infinite = graph.node("IsInf", x, wanted="infinite")
    missing = graph.node("Or", graph.node("IsNaN", x, wanted="nan"), infinite, wanted="missing")
    for number in missing_numbers(schema.missing):
        # Dates are not written as numbers, and nothing equals nan.
        row = [np.nan if column.kind == "date" else number for column in used]
        named = graph.constant("named missing", np.array([row], np.float64))
        equal = graph.node("Equal", x, named, wanted="equals it")
        missing = graph.node("Or", missing, equal, wanted="missing")
    blocks = [_encode_pieces(graph, x, missing, used)]
    features = [starts[i] + t for i, column in zip(columns, used, strict=True)
                for t in range(len(column.pieces.start))]  # fmt: skip
    marked = [j for j, column in enumerate(used) if column.missing]
    if marked:
        places = graph.constant("marked", np.array(marked, np.int64))
        chosen = graph.node("Gather", missing, places, wanted="is missing", axis=1)
        blocks.append(graph.cast(chosen, np.float32, "missing features"))
        features += [starts[columns[j]] + used[j].width - 1 for j in marked]
    waves = [
        (j, CYCLES[cycle], phase) for j, column in enumerate(used) if isinstance(column, Date)
        for cycle in column.cycles for phase in WAVES.values()
    ]  # fmt: skip
    if waves:
        blocks.append(_encode_cycles(graph, x, missing, waves))
        features += [
            starts[columns[j]] + 1 + i for j, column in enumerate(used) if isinstance(column, Date)
            for i in range(len(WAVES) * len(column.cycles))
        ]  # fmt: skip
    return blocks, features


def _encode_pieces(graph: Graph, x: str, missing: str, columns: Sequence[Number | Date]) -> str:
    """Add the features of numbers x (N, columns): standardised, or of their bins."""
    mean = graph.constant("mean", np.array([[column.mean for column in columns]], np.float64))
    filled = graph.node("Where", missing, mean, x, wanted="filled")
    pieces = [column.pieces for column in columns]
    counts = [len(some.start) for some in pieces]
    if max(counts) > 1:
        repeated = graph.constant("repeated", np.repeat(np.arange(len(columns)), counts))
        filled = graph.node("Gather", filled, repeated, wanted="of each bin", axis=1)
    start, length, low, high = (
        graph.constant(name, np.concatenate([getattr(some, name) for some in pieces])[None, :])
        for name in Pieces._fields
    )
    moved = graph.node("Sub", filled, start, wanted="moved")
    scaled = graph.node("Div", moved, length, wanted="scaled")
    raised = graph.node("Max", scaled, low, wanted="not below")
    cut = graph.node("Min", raised, high, wanted="cut off")
    return graph.cast(cut, np.float32, "number features")


def _encode_cycles(
    graph: Graph, x: str, missing: str, waves: Sequence[tuple[int, float, float]]
) -> str:
    """Add sines of the place in a period of columns of x: (column, period in days, phase) each.

    Not cosines, which onnxruntime had in single precision only.
    """
    columns, periods, phases = map(np.array, zip(*waves, strict=True))
    chosen = graph.constant("dates", columns.astype(np.int64))
    days = graph.node("Gather", x, chosen, wanted="days", axis=1)
    absent = graph.node("Gather", missing, chosen, wanted="no date", axis=1)
    turns = graph.node("Div", days, graph.constant("periods", periods[None, :]), wanted="turns")
    whole = graph.node("Floor", turns, wanted="whole turns")
    place = graph.node("Sub", turns, whole, wanted="place")
    angle = graph.node("Mul", place, graph.constant("turn", np.array(2 * np.pi)), wanted="angle")
    moved = graph.node("Add", angle, graph.constant("phases", phases[None, :]), wanted="moved")
    sine = graph.node("Sin", moved, wanted="sine")
    zero = graph.constant("zero", np.array(0.0))
    filled = graph.node("Where", absent, zero, sine, wanted="cycles")
    return graph.cast(filled, np.float32, "cycle features")


def _encode_categories(
    graph: Graph, column: Category, names: list[str], missing: Sequence[str]
) -> str:
    """Add columns that have the same categories, one-hot, side by side."""
    width = column.width
    places = features_of(column, missing)
    texts = graph.concat(*names, wanted="texts")
    codes = graph.node(
        "LabelEncoder", texts, wanted="places", domain=ML, keys_strings=list(places),
        values_int64s=list(places.values()),
        default_int64=len(column.categories) if column.other else width,
    )  # fmt: skip
    # A position after the last, as that of an unseen text without `other`, makes a row of zeros.
    depth = graph.constant("width", np.array(width, np.int64))
    off_on = graph.constant("off and on", np.array([0, 1], np.float32))
    one_hot = graph.node("OneHot", codes, depth, off_on, wanted="one-hot", axis=-1)
    return graph.node("Flatten", one_hot, wanted="category features", axis=1)
