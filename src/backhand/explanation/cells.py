"""Entries by their names: "dW1[3,7]" is entry (3, 7) of dW1, "L" the loss."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from backhand.errors import InputError, listed, nearest, shortened
from backhand.explanation.rules import AXES, SHAPES

Cell = tuple[str, tuple[int, ...]]
"""The name of a value, and the index of an entry, counted from 0."""

FORM = re.compile(r"\s*((?:new )?\w+)\s*(?:\[([^\]]*)\])?\s*")


def cell_of(text: str, sizes: Mapping[str, int]) -> Cell:
    """Return the entry that a text names.

    Parameters
    ----------
    text : str
        "dW1[3,7]", "b1[0]", "new W1[0, 2]", "L".
    sizes : mapping
        The sizes of the axes: N rows as "n", d features as "i", H hidden units as "h", K classes
        as "k".

    Raises
    ------
    InputError
        If there is no such value or no such entry.

    Examples
    --------
    >>> cell_of("dW1[3,7]", {"n": 8, "i": 4, "h": 8, "k": 3})
    ('dW1', (3, 7))
    """
    found = FORM.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise InputError(f"{text!r} is not the name of an entry; expected one such as 'dW1[3,7]'.")
    name, inside = found[1], (found[2] or "").replace(" ", "")
    if name not in SHAPES:
        raise unknown_value(name, SHAPES)
    letters = SHAPES[name]
    numbers = inside.split(",") if inside else []
    if len(numbers) != len(letters) or not all(re.fullmatch(r"\d+", one) for one in numbers):
        raise InputError(f"{text!r} is not an entry; expected {_expected(name, letters, sizes)}.")
    index = tuple(map(int, numbers))
    if any(at >= sizes[letter] for at, letter in zip(index, letters, strict=True)):
        raise InputError(f"{text!r} is out of range; expected {_expected(name, letters, sizes)}.")
    return name, index


def unknown_value(name: str, known: Iterable[str]) -> InputError:
    """Return the error for a name of no value: those that are close to it, or all there are."""
    names = list(known)
    close = nearest(name, names)
    advice = (f"Did you mean {listed(close, conjunction='or')}?" if close
              else f"Expected one of: {', '.join(names)}.")  # fmt: skip
    return InputError(f"there is no value '{shortened(name)}'. {advice}")


def cell_name(cell: Cell) -> str:
    """Return the text that names an entry.

    Examples
    --------
    >>> cell_name(("dW1", (3, 7)))
    'dW1[3,7]'
    """
    name, index = cell
    return f"{name}[{','.join(map(str, index))}]" if index else name


def _expected(name: str, letters: str, sizes: Mapping[str, int]) -> str:
    """Describe the entries that a value has: "dW1[i,h] with feature i in 0..3, …"."""
    if not letters:
        return f"{name} alone: it is one number"
    ranges = [f"{AXES[letter]} {letter} in 0..{sizes[letter] - 1}" for letter in letters]
    return f"{name}[{','.join(letters)}] with {' and '.join(ranges)}"
