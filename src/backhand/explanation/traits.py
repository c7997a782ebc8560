"""What the widget's traits hold: arrays in float64, the name of an entry; and how they cross."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.constraints import Number, check
from backhand.errors import InputError
from backhand.explanation.cells import cell_name, cell_of
from backhand.explanation.rows import checked_mask, checked_shares
from backhand.explanation.rules import SHAPES
from backhand.support.optional import extra
from backhand.training.data import checked_weights
from backhand.validation import size

extra("traitlets", "the page in a notebook")

import traitlets  # noqa: E402  (its absence is reported above)

GIVEN = {"W1": "W1", "b1": "b1", "W2": "W2", "b2": "b2", "X": "X", "Y": "Y",
         "sample_weight": "w", "mask": "M"}  # fmt: skip
"""The traits that are arrays, and their names in `SHAPES`."""

SYNC = {"sync": True, "echo_update": False}
"""Traits that the page changes are not echoed: when an echo arrives, a drag may have gone on."""


class WidgetInputError(InputError, traitlets.TraitError):  # type: ignore[misc]
    """A value does not fit the widget; traitlets then restores what was there."""


class Numbers(traitlets.TraitType):  # type: ignore[misc]
    """An array in float64, read-only: a change in place would not reach the page."""

    def validate(self, obj: Any, value: Any) -> NDArray[np.float64]:
        try:
            array = np.array(value, np.float64)
        except (TypeError, ValueError):
            array = None
        if array is None or value is None:
            raise WidgetInputError(f"{self.name} is {value!r:.60}; expected an array of numbers.")
        letters = SHAPES[GIVEN[str(self.name)]]
        if array.ndim != len(letters):
            raise WidgetInputError(
                f"{self.name} is {size(array)}; expected {len(letters)} "
                f"dimension{'s' if len(letters) > 1 else ''}."
            )
        if not obj.from_page:
            _check_numbers(str(self.name), array)
        array.flags.writeable = False
        return array

    def set(self, obj: Any, value: Any) -> None:
        """Set the array, unless the numbers are those that are there."""
        new, old = self._validate(obj, value), obj._trait_values.get(self.name)
        if old is None or new is None or not np.array_equal(old, new, equal_nan=True):
            super().set(obj, new)


def _check_numbers(name: str, array: NDArray[np.float64]) -> None:
    """Check what is assigned as `explain` does; the page may have the NaN of a diverged training.

    Raises
    ------
    WidgetInputError
        If `explain` would refuse it.
    """
    try:
        if name == "Y":
            checked_shares(array)
        elif name == "mask":
            checked_mask(array)
        elif name == "sample_weight":
            checked_weights(array, len(array), array.dtype)
        elif not np.isfinite(array).all():
            place = tuple(map(int, np.argwhere(~np.isfinite(array))[0]))
            raise InputError(
                f"{cell_name((name, place))} is {array[place]}; expected finite numbers."
            )
    except InputError as error:
        raise WidgetInputError(str(error)) from None


class Setting(traitlets.Float):  # type: ignore[misc]
    """A learning rate or a penalty, as `explain` takes it; of the page, any number."""

    def validate(self, obj: Any, value: Any) -> float:
        if obj.from_page:
            return float(super().validate(obj, value))
        try:
            check(str(self.name), value, Number(0))
        except InputError as error:
            raise WidgetInputError(str(error)) from None
        return float(value)


class EntryName(traitlets.TraitType):  # type: ignore[misc]
    """The name of an entry, "dW1[3,7]", or None."""

    def validate(self, obj: Any, value: Any) -> str | None:
        if value is None:
            return None
        try:
            return cell_name(cell_of(value, obj.sizes))
        except InputError as error:
            raise WidgetInputError(f"selected: {error}") from None


def _array_to_wire(array: NDArray[np.float64] | None, _: Any) -> dict[str, Any] | None:
    """The shape, and the numbers as bytes: NaN and ∞ of a diverged training included."""
    if array is None:
        return None
    return {"shape": list(array.shape), "float64": array.astype("<f8").tobytes()}


def _array_from_wire(wire: Mapping[str, Any] | None, _: Any) -> NDArray[np.float64] | None:
    if wire is None:
        return None
    return np.frombuffer(wire["float64"], "<f8").reshape(wire["shape"]).astype(np.float64)


def _cell_to_wire(text: str | None, widget: Any) -> dict[str, Any] | None:
    """What the page calls a cell."""
    if text is None:
        return None
    name, index = cell_of(text, widget.sizes)
    return {"name": name, "index": list(index)}


def _cell_from_wire(wire: Mapping[str, Any] | None, _: Any) -> str | None:
    if wire is None:
        return None
    return cell_name((str(wire["name"]), tuple(map(int, wire["index"]))))


def numbers(shape: str, *, optional: bool = False) -> Any:
    """A trait that is an array of a shape, and may be None if it is optional."""
    trait = Numbers(None, allow_none=optional, help=shape)
    return trait.tag(**SYNC, to_json=_array_to_wire, from_json=_array_from_wire)


def entry_name() -> Any:
    """A trait that is the name of an entry, or None."""
    return EntryName(None, allow_none=True).tag(
        **SYNC, to_json=_cell_to_wire, from_json=_cell_from_wire
    )
