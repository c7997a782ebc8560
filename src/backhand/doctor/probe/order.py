"""Values without names: which is which, as their shapes and their order tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations
from math import prod
from typing import Any

import numpy as np

from backhand.doctor.probe.arrays import as_array
from backhand.doctor.probe.containers import is_array, is_number

Shapes = Mapping[str, tuple[int, ...]]

ORDERS = (
    ("dW1", "db1", "dW2", "db2"),
    ("dW1", "dW2", "db1", "db2"),
    ("db1", "db2", "dW1", "dW2"),
    ("dW2", "db2", "dW1", "db1"),
    ("dW2", "dW1", "db2", "db1"),
    ("db1", "dW1", "db2", "dW2"),
    ("db2", "db1", "dW2", "dW1"),
    ("db2", "dW2", "db1", "dW1"),
)
"""Orders of the gradients; the usual one first. Where the shapes fit several, the first counts."""

FORWARD = ("Z1", "H1", "S", "P")


def named(parts: Sequence[Any], shapes: Shapes) -> list[dict[str, Any]]:
    """Names of values that have only an order; several answers where the shapes leave a choice.

    Parameters
    ----------
    parts : sequence
        Arrays, numbers and None.
    shapes : mapping of str to tuple
        Of every value, in the function's own form; empty if they are not known.
    """
    orders = [[name for name in order if name in shapes or not shapes] for order in ORDERS]
    orders = [list(order) for order in dict.fromkeys(map(tuple, orders))]
    arrays = [part for part in parts if is_array(part)]
    flat = _flat(parts, arrays, orders, shapes)
    if flat:
        return flat
    if len(parts) >= len(orders[0]) and len(arrays) > 1:
        return _with_the_rest(*_window(parts, orders, shapes), shapes)
    return _with_the_rest(*_by_shape(parts, orders[0], shapes), shapes)


def _window(
    parts: Sequence[Any], orders: Sequence[Sequence[str]], shapes: Shapes
) -> tuple[dict[str, Any], list[Any]]:
    """The consecutive values that are best the gradients, in the best order; and the others."""
    count = len(orders[0])
    starts = sorted(range(len(parts) - count + 1), reverse=is_number(parts[0]) or not is_number(
        parts[-1]))  # fmt: skip
    tried = [(sum(map(_fit, parts[start:start + count], (shapes.get(n) for n in order))),
              start, order) for order in orders for start in starts]  # fmt: skip
    best, start, order = max(tried, key=lambda one: one[0])
    rest = [*parts[:start], *parts[start + count:]]  # fmt: skip
    found = dict(zip(order, parts[start : start + count], strict=True))
    if shapes and len(parts) > count and best < count * 2:
        by_shape = _by_shape(parts, order, shapes)
        if len(by_shape[0]) == count:
            return by_shape
    if shapes and best == 0:
        return {}, list(parts)
    return found, rest


def _by_shape(
    parts: Sequence[Any], names: Sequence[str], shapes: Shapes
) -> tuple[dict[str, Any], list[Any]]:
    """Gradients that only one of the values can be, as its shape tells."""
    found: dict[str, Any] = {}
    for name in names:
        fitting = [part for part in parts if is_array(part) and _fit(part, shapes.get(name)) > 2]
        if len(fitting) == 1:
            found[name] = fitting[0]
    if not {"dW1", "dW2"} & set(found):
        return {}, list(parts)
    return found, [part for part in parts if not any(part is one for one in found.values())]


def _fit(part: Any, shape: tuple[int, ...] | None) -> int:
    """How well a value has a shape: equal, but for dimensions of 1, transposed, or flattened."""
    if shape is None or not is_array(part):
        return 0
    seen = shape_of(part)
    if seen == shape:
        return 4
    squeezed, wanted = ([n for n in one if n != 1] for one in (seen, shape))
    if squeezed == wanted:
        return 3
    if squeezed == wanted[::-1]:
        return 2
    return int(prod(seen) == prod(shape))


def shape_of(part: Any) -> tuple[int, ...]:
    """The shape of an array of any library, or of a list."""
    return tuple(part.shape) if hasattr(part, "shape") else np.shape(part)


def _with_the_rest(
    found: dict[str, Any], rest: Sequence[Any], shapes: Shapes
) -> list[dict[str, Any]]:
    """The same with a loss, and with values of the forward pass, in every order that fits."""
    rest = [part for part in rest if part is not None]
    losses = [part for part in rest if is_number(part)]
    arrays = [part for part in rest if is_array(part)]
    if len(losses) == 1:
        found = {**found, "L": losses[0]}
    elif found and not losses and len(arrays) == 1 and _is_one_loss_each(arrays[0], shapes):
        return [{**found, "L": arrays[0]}]  # not reduced
    return [{**found, **forward} for forward in _forward(arrays, shapes)] or [found]


def _is_one_loss_each(part: Any, shapes: Shapes) -> bool:
    """Whether an array is a loss of each row, not class indices or a gradient of X."""
    rows = shapes["P"][:1] if "P" in shapes else shape_of(part)[:1]
    kind = getattr(getattr(part, "dtype", None), "kind", "f")
    return shape_of(part) == rows and kind not in "biu" and not _forward([part], shapes)


def _forward(arrays: Sequence[Any], shapes: Shapes) -> list[dict[str, Any]]:
    """Values of the forward pass, in every order that fits the shapes; the usual one first."""
    if not shapes or not 0 < len(arrays) <= len(FORWARD):
        return []
    return [dict(zip(order, arrays, strict=True))
            for order in sorted(permutations(reversed(FORWARD), len(arrays)), key=_unusual)
            if all(shape_of(part) == shapes[name]
                   for name, part in zip(order, arrays, strict=True))]  # fmt: skip


def _unusual(order: Sequence[str]) -> bool:
    """Whether an order is not that of the equations."""
    return list(order) != sorted(order, key=FORWARD.index)


def _flat(
    parts: Sequence[Any], arrays: Sequence[Any], orders: Sequence[Sequence[str]], shapes: Shapes
) -> list[dict[str, Any]]:
    """All gradients in one vector, as optimisers take them; row by row, or column by column."""
    if not shapes or len(arrays) != 1 or len(parts) - len(arrays) > 1:
        return []
    sizes = {name: prod(shapes[name]) for name in orders[0]}
    vector = np.squeeze(as_array("flat vector", arrays[0]))
    if vector.ndim != 1 or vector.size != sum(sizes.values()):
        return []
    loss = dict.fromkeys(["L"] * (len(parts) - 1), next(filter(is_number, parts), None))
    return list(_split(vector, orders, shapes, loss))


def _split(
    vector: Any, orders: Sequence[Sequence[str]], shapes: Shapes, loss: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    for by in ("C", "F"):
        for order in orders:
            ends = np.cumsum([prod(shapes[name]) for name in order])[:-1]
            pieces = np.split(vector, ends)
            yield {**loss, **{name: piece.reshape(shapes[name], order=by)
                              for name, piece in zip(order, pieces, strict=True)}}  # fmt: skip
