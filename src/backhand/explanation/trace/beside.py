"""An entry of a function of one's own beside that of the equations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from backhand.explanation.trace.passes import Index

if TYPE_CHECKING:
    from backhand.explanation.own_function import Compared, OwnFunction


def beside(own: OwnFunction | None, name: str, index: Index) -> str:
    """Return what the function gave for an entry, and since which equation it differs.

    It is "" where nothing was compared: without a function, and for what is given.
    """
    one = None if own is None else own.value(name)
    if own is None or one is None:
        return ""
    if one.got.shape != one.expected.shape:
        return f"{own.name} gave {name} {one.got.shape}; expected {one.expected.shape}"
    if len(index) != one.expected.ndim or not _is_in(index, one.expected.shape):
        return ""  # the network of the function is another one
    got, expected = one.got[index] + 0.0, one.expected[index] + 0.0  # no -0
    network = "" if own.is_standard else " of its own network"
    if one.alike:
        return f"{own.name} gave {got:.6g}, as expected{network}"
    same = np.isclose(got, expected, rtol=1e-9, atol=1e-12)
    here = "the same here" if same else f"expected {expected:.6g}{network}"
    return f"{own.name} gave {got:.6g}, {here}; {_since(own, one)}"


def beside_to_json(own: OwnFunction | None, name: str, index: Index) -> dict[str, Any]:
    """Return the same as JSON values; {} where nothing was compared."""
    if not (text := beside(own, name, index)):
        return {}
    assert own is not None
    one = own.value(name)
    assert one is not None
    fits = one.got.shape == one.expected.shape
    return {"own": {
        "function": own.name, "got": float(one.got[index]) if fits else None,
        "expected": float(one.expected[index]) if fits else None, "alike": one.alike,
        "inherited": one.inherited, "first": own.parts_at, "text": text,
    }}  # fmt: skip


def _since(own: OwnFunction, one: Compared) -> str:
    """Where the fault is, as far as one value tells."""
    if one.inherited:
        return f"{one.name} is inherited: the values first differ at {own.parts_at}"
    if one.name == own.parts_at:
        return f"the values first differ here, at {one.name}"
    return f"{one.name} differs, given its inputs; the values first differ at {own.parts_at}"


def _is_in(index: Index, shape: tuple[int, ...]) -> bool:
    return all(place < size for place, size in zip(index, shape, strict=True))
