"""Reading what a function returned: arrays under the names of the equations."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backhand.doctor.probe.refusal import Reason, Refusal
from backhand.errors import listed
from backhand.formulas import GRADIENTS, UPDATED

PARAMETERS = ("W1", "b1", "W2", "b2")

VALUES = {
    "Z1": ("z1", "pre1", "preactivation", "hiddenin"),
    "H1": ("h1", "a1", "h", "hidden", "relu"),
    "S": ("s", "scores", "logits", "z2"),
    "P": ("p", "probs", "prob", "probabilities", "a2", "yhat", "softmax", "predictions", "proba"),
    "L": ("l", "loss", "cost", "ce", "crossentropy", "value"),
    "dS": ("ds", "dz2", "dscores", "dlogits", "delta2"),
    "dH1": ("dh1", "da1", "dh", "dhidden"),
    "dZ1": ("dz1", "delta1"),
}
"""Names of the values that a function may return beside the gradients."""

GRADIENT_WORDS = ("grad", "gradient", "grads", "d", "g", "dl", "dld", "nabla", "dloss", "dlossd")

LISTS = {"coefgrads": ("dW1", "dW2"), "interceptgrads": ("db1", "db2")}
"""Names of scikit-learn's lists."""


LAYERS = {"hidden": "1", "output": "2", "layer1": "1", "layer2": "2", "fc1": "1", "fc2": "2",
          "first": "1", "second": "2", "1": "1", "2": "2"}  # fmt: skip
"""Names of groups in nested outputs."""


class Outputs(NamedTuple):
    """The values found; gradients that are missing; values under bare parameter names (W1)."""

    values: dict[str, NDArray[Any]]
    absent: list[str]
    bare: dict[str, NDArray[Any]]


def read(returned: Any) -> Outputs:
    """Find the gradients and other values.

    Raises
    ------
    Refusal
        If there is no gradient.
    """
    if returned is None:
        raise Refusal(Reason.RETURNS_NOTHING, "it returns nothing")
    found: dict[str, Any] = {}
    bare: dict[str, Any] = {}
    unknown: list[str] = []
    for key, value in _entries(returned):
        name, by_bare = meaning(key)
        if name is None:
            unknown.append(key)
        else:
            (bare if by_bare else found).setdefault(name, value)
    named, alone = (
        {name: as_array(name, value) for name, value in some.items() if value is not None}
        for some in (found, bare)
    )
    if not set(found) & {*GRADIENTS, *UPDATED}:
        named |= alone
    known = set(named)
    if not known & {*GRADIENTS, *UPDATED}:
        what = listed(known | set(unknown)) if known or unknown else _described(returned)
        order = ""
        if isinstance(returned, list | tuple) and not known and not unknown:
            order = "; without names, the four are expected in the order dW1, db1, dW2, db2"
        raise Refusal(Reason.NO_GRADIENT, f"it returns {what}, which contains no gradient{order}")
    absent = [] if known & set(UPDATED) else [name for name in GRADIENTS if name not in known]
    return Outputs(named, absent, alone)


def contains_gradients(returned: Any) -> bool:
    """Whether `read` finds a gradient."""
    try:
        read(returned)
    except Refusal:
        return False
    return True


def as_array(name: str, value: Any) -> NDArray[Any]:
    """A NumPy array of an array or tensor of any library, a list or a number.

    Raises
    ------
    Refusal
        If it is none of these.
    """
    for step in ("detach", "cpu"):
        if hasattr(value, step) and not isinstance(value, np.ndarray):
            value = getattr(value, step)()
    if hasattr(value, "resolve_conj"):
        value = value.numpy()
    if isinstance(value, list | tuple) and any(hasattr(part, "detach") for part in value):
        value = [as_array(name, part) for part in value]
    try:
        array = np.array(value)  # a copy: the function may write to its own later
        if array.dtype.kind in "biu":
            array = array.astype(np.float64)
        if array.dtype.kind != "f":
            raise TypeError
    except (TypeError, ValueError) as error:
        raise Refusal(
            Reason.NOT_NUMBERS, f"its {name} is not an array of numbers but {_described(value)}"
        ) from error
    return array


def _entries(returned: Any) -> Iterator[tuple[str, Any]]:
    """Keys and values of any container; gradients without keys in their usual order."""
    if isinstance(returned, Mapping):
        for key, value in returned.items():
            yield from _entry(str(key), value)
    elif hasattr(returned, "_fields"):
        for key in returned._fields:
            yield from _entry(key, getattr(returned, key))
    elif dataclasses.is_dataclass(returned) and not isinstance(returned, type):
        for field in dataclasses.fields(returned):
            yield from _entry(field.name, getattr(returned, field.name))
    elif isinstance(returned, list | tuple):
        yield from _in_order(returned)
    elif not hasattr(returned, "shape") and not np.isscalar(returned):
        yield from _attributes(returned)


def _entry(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    plain = re.sub(r"[^a-z0-9]", "", key.lower())
    if plain in LISTS and isinstance(value, list | tuple) and len(value) == 2:
        yield from zip(LISTS[plain], value, strict=True)
    elif isinstance(value, Mapping) or hasattr(value, "_fields"):
        inner = list(_entries(value))
        if meaning(key)[1]:  # W1: {grad: …}
            inner = [(key, part) for word, part in inner if word.lower() in GRADIENT_WORDS]
        yield from ((_in_layer(name, LAYERS.get(plain)), part) for name, part in inner)
    else:
        yield key, value


def _in_layer(name: str, layer: str | None) -> str:
    """W of layer 1 is W1."""
    return name + layer if layer and not re.search(r"\d", name) else name


def _attributes(thing: Any) -> Iterator[tuple[str, Any]]:
    """Public attributes of an object, those of its class and slots among them."""
    for key in dir(thing):
        if not key.startswith("_"):
            value = getattr(thing, key, None)
            if hasattr(value, "shape") or isinstance(value, float | list | tuple | Mapping):
                yield from _entry(key, value)


def _in_order(parts: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    """A tuple: the four gradients, in order or by layers; a loss and gradients; several groups."""
    numbers = [part for part in parts if _is_number(part)]
    others = [part for part in parts if not _is_number(part)]
    if _are_gradients(parts):
        yield from _gradients_in_order(parts)
    elif len(numbers) == 1 and others:
        yield "loss", numbers[0]
        yield from _in_order(others) if len(others) != 1 else _entries(others[0])
    elif _are_two_pairs(parts):
        (a, b), (c, d) = parts
        by_layer = np.ndim(as_array("dW1", a)) == 2 and np.ndim(as_array("db1", b)) == 1
        yield from zip(GRADIENTS, (a, b, c, d) if by_layer else (a, c, b, d), strict=True)
    else:
        for part in parts:
            if not _is_array(part) and part is not None:
                yield from _entries(part)


def _are_gradients(parts: Sequence[Any]) -> bool:
    """Whether these are four arrays, or five values with the loss; a bias may be one number."""
    plain = all(_is_array(part) or _is_number(part) or part is None for part in parts)
    return plain and len(parts) in (4, 5) and sum(map(_is_array, parts)) > 1


def _gradients_in_order(parts: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    if len(parts) == 5:  # the loss comes first, or last
        last = _is_number(parts[-1]) and not _is_number(parts[0])
        yield "loss", parts[-1 if last else 0]
        parts = parts[:-1] if last else parts[1:]
    yield from zip(GRADIENTS, parts, strict=True)


def _are_two_pairs(parts: Sequence[Any]) -> bool:
    return len(parts) == 2 and all(
        isinstance(part, list | tuple) and len(part) == 2 and not hasattr(part, "_fields")
        for part in parts
    )


def _is_array(part: Any) -> bool:
    if isinstance(part, list):
        return bool(part) and not isinstance(part[0], Mapping) and _depth(part) <= 2
    return hasattr(part, "shape") and len(part.shape) > 0


def _depth(part: Any) -> int:
    return 1 + _depth(part[0]) if isinstance(part, list | tuple) and len(part) else 0


def _is_number(part: Any) -> bool:
    return isinstance(part, int | float) or (hasattr(part, "shape") and len(part.shape) == 0)


def meaning(key: str) -> tuple[str | None, bool]:
    """The value that a key names, and whether the key is a bare parameter name."""
    plain = re.sub(r"[^a-z0-9]", "", key.lower())
    for name, others in VALUES.items():
        if plain in others:
            return name, False
    plain = re.sub(r"weights?|kernel|coef", "w", plain)
    plain = re.sub(r"bias(es)?|intercept", "b", plain)
    plain = re.sub(r"(?:fc|layer|linear|l)([12])([wb])", r"\2\1", plain)
    plain = re.sub(r"([wb])(?:layer|fc)?([12])", r"\1\2", plain)
    for W in PARAMETERS:
        w = W.lower()
        if plain == w:
            return f"d{W}", True
        if plain.endswith(w) and plain.removesuffix(w) in GRADIENT_WORDS:
            return f"d{W}", False
        if plain.startswith(w) and plain.removeprefix(w) in (*GRADIENT_WORDS, "dot", "bar"):
            return f"d{W}", False
        if plain in (f"new{w}", f"{w}new", f"next{w}", f"updated{w}"):
            return f"new {W}", False
    return None, False


def as_updated(values: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The same arrays under the names of the parameters after a step."""
    names = dict(zip(GRADIENTS, UPDATED, strict=True))
    return {names.get(name, name): value for name, value in values.items()}


def _described(value: Any) -> str:
    """What a value is, in a few words."""
    if isinstance(value, list | tuple):
        return f"a {type(value).__name__} of {len(value)}"
    if hasattr(value, "shape"):
        return f"an array of shape {tuple(value.shape)}"
    return f"{type(value).__name__} {value!r:.40}"
