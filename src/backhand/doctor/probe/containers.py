"""The values in what a function returned, of any container, with the names that they have there."""

from __future__ import annotations

import dataclasses
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from backhand.doctor.probe.names import GRADIENT_WORDS, meaning, plain

LAYERS = {"hidden": "1", "output": "2", "layer1": "1", "layer2": "2", "fc1": "1", "fc2": "2",
          "first": "1", "second": "2", "1": "1", "2": "2"}  # fmt: skip
"""Names of groups in nested outputs."""


_entered = threading.local()
"""The objects whose attributes are being read in a thread."""


class Leaf(NamedTuple):
    """A value, and its name: empty if it has only a place."""

    key: str
    value: Any


def leaves(returned: Any) -> Iterator[Leaf]:
    """All values that are no containers, in their order."""
    if isinstance(returned, Mapping):
        groups = [key for key, value in returned.items() if isinstance(value, Mapping)]
        for key, value in returned.items():
            layer = str(groups.index(key) + 1) if len(groups) == 2 and key in groups else ""
            yield from _entry(str(key), value, layer)
    elif hasattr(returned, "_fields"):
        for key in returned._fields:
            yield from _entry(key, getattr(returned, key))
    elif dataclasses.is_dataclass(returned) and not isinstance(returned, type):
        for field in dataclasses.fields(returned):
            yield from _entry(field.name, getattr(returned, field.name))
    elif returned is None or is_array(returned) or is_number(returned):
        yield Leaf("", returned)
    elif isinstance(returned, list | tuple):
        yield from _parts(returned)
    elif not hasattr(returned, "shape"):
        yield from _attributes(returned)


def _parts(parts: Sequence[Any]) -> Iterator[Leaf]:
    """The values of a list: where two of them are groups of names, of the layers in turn."""
    groups = [list(leaves(part)) for part in parts]
    named = [place for place, group in enumerate(groups) if any(leaf.key for leaf in group)]
    keys = [{leaf.key for leaf in groups[place]} for place in named]
    layers = {place: str(layer) for layer, place in enumerate(named, 1)
              if len(named) == 2 and keys[0] == keys[1]}  # fmt: skip
    for place, group in enumerate(groups):
        layer = layers.get(place, "")
        yield from (Leaf(_in_layer(leaf.key, layer), leaf.value) for leaf in group)


def _entry(key: str, value: Any, place: str = "") -> Iterator[Leaf]:
    """The values under a key; `place` is that of a group among two groups."""
    if isinstance(value, Mapping) or hasattr(value, "_fields"):
        inner = list(leaves(value))
        if meaning(key)[1]:  # W1: {grad: …}
            inner = [Leaf(key, leaf.value) for leaf in inner if plain(leaf.key) in GRADIENT_WORDS]
        layer = LAYERS.get(plain(key), place)
        yield from (Leaf(_in_layer(leaf.key, layer), leaf.value) for leaf in inner)
    elif isinstance(value, list | tuple) and not is_array(value):
        of_layers = len(value) == 2 and meaning(f"{key}1")[0] and meaning(f"{key}2")[0]
        if of_layers and all(is_array(part) for part in value):
            yield from (Leaf(f"{key}{layer}", part) for layer, part in enumerate(value, 1))
        else:
            yield from leaves(value)
    else:
        yield Leaf(key, value)


def _in_layer(name: str, layer: str) -> str:
    """W of layer 1 is W1."""
    return name + layer if name and layer and not re.search(r"\d", name) else name


def _attributes(thing: Any) -> Iterator[Leaf]:
    """Public attributes of an object, those of its class and slots among them.

    An object that refers to itself, as linked layers do, is entered once.
    """
    entered: set[int] = _entered.__dict__.setdefault("ids", set())
    if id(thing) in entered:
        return
    entered.add(id(thing))
    try:
        for key in dir(thing):
            if not key.startswith("_"):
                value = getattr(thing, key, None)
                if hasattr(value, "shape") or isinstance(value, float | list | tuple | Mapping):
                    yield from _entry(key, value)
    finally:
        entered.discard(id(thing))


def is_array(part: Any) -> bool:
    """Whether it is an array, a list of numbers, or a list of rows."""
    if isinstance(part, list):
        rows = [row for row in part if hasattr(row, "shape")]
        if rows:  # two of them are more likely the arrays of two layers
            shapes = {tuple(row.shape) for row in rows}
            return (len(rows) == len(part) and shapes == {()}) or (
                len(part) > 2 and len(shapes) == 1 and len(rows[0].shape) == 1)  # fmt: skip
        return bool(part) and not isinstance(part[0], Mapping) and _depth(part) in (1, 2)
    return hasattr(part, "shape") and len(part.shape) > 0


def _depth(part: Any) -> int:
    """How many lists of numbers are one in another; large if there is something else in them."""
    if isinstance(part, list | tuple):
        return 1 + max((_depth(one) for one in part), default=0)
    return 0 if is_number(part) or hasattr(part, "detach") else 9


def is_number(part: Any) -> bool:
    """Whether it is a number, or an array of no dimension."""
    return isinstance(part, int | float) or (hasattr(part, "shape") and len(part.shape) == 0)
