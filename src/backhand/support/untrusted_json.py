"""Untrusted JSON: bounded before it is parsed, and strictly what the standard allows.

Python's parser recurses, accepts NaN and half a surrogate pair, and keeps the last of two equal
names. Here a text is first measured: its depth, and the number of lists, objects, names and values,
which bounds the memory of the result. Errors are an `InputError` with a clause about the text ("it
is nested …"), from which the caller makes a sentence.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

import numpy as np

from backhand.errors import InputError

MAX_DEPTH = 32
"""Maximum depth of nested lists and objects."""

MAX_CONTAINERS = 2**18
"""Maximum number of lists and objects: a table's column has one or two. Each takes 250 bytes."""

MAX_NAMES = 2**20
"""Maximum number of names in objects: a column has five."""

MAX_VALUES = 2**22
"""Maximum number of values: the history of 100,000 epochs has 400,000, 4,000 columns of 1,000
categories have 4 million.

A value takes at most twelve times the memory of its text, so a few MB become at most 100 MB.
"""

MAX_CHARACTERS = 2**20
"""Maximum length of a string."""

MAX_DIGITS = 300
"""Maximum digits of a whole number, so that each is also a float."""

LONG_NUMBER = re.compile(rb"(?<![0-9])[0-9]{%d,}" % (MAX_DIGITS + 1))
NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
SURROGATE = re.compile("[\ud800-\udfff]")


def parse(raw: bytes, max_characters: int = MAX_CHARACTERS) -> Any:
    """Return the value of a JSON text in UTF-8.

    Raises
    ------
    InputError
        If it is not JSON, or exceeds a bound.
    """
    names = _measure(raw)
    try:
        text = raw.decode()
        value = DECODER.decode(text)
    except UnicodeDecodeError as error:
        raise InputError(f"it is not UTF-8 text at byte {error.start}") from error
    except json.JSONDecodeError as error:
        raise InputError(f"it is not JSON at character {error.pos}: {error.msg}") from error
    except RecursionError as error:  # the caller's own stack was nearly full
        raise InputError("it is nested too deeply for the remaining stack") from error
    _check_values(value, names, max_characters, escaped="\\u" in text)
    return value


def dump(value: Any) -> str:
    """Return a value as JSON that `parse` accepts.

    Raises
    ------
    InputError
        If a part of it is not a JSON value, or exceeds a bound.
    """
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        raw = text.encode()
    except UnicodeEncodeError as error:
        character = error.object[error.start]
        raise InputError(f"it holds {character!r}, which is not a Unicode character") from error
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(str(error)) from error
    parse(raw)
    return text


def _measure(raw: bytes) -> int:
    """Check what can be counted without parsing, and return the number of names in objects."""
    # Up to the first error in the text, which ends the parsing, this sees strings as a parser does.
    signs = np.frombuffer(raw.replace(b"\\\\", b"__").replace(b'\\"', b"__"), np.uint8)
    quotes = (signs == ord('"')).view(np.uint8)
    outside = (np.cumsum(quotes, dtype=np.uint8) & 1) == 0
    structure: bytes = signs[outside].tobytes()
    containers = structure.count(b"[") + structure.count(b"{")
    names = structure.count(b":")
    if digits := LONG_NUMBER.search(structure):
        raise InputError(f"it has a number of {len(digits[0]):,} digits, more than {MAX_DIGITS}")
    for count, most, what in (
        (containers, MAX_CONTAINERS, "lists and objects"),
        (names, MAX_NAMES, "names"),
        (containers + structure.count(b","), MAX_VALUES, "values"),
    ):
        if count > most:
            raise InputError(f"it has {count:,} {what}, more than {most:,}")
    if structure.count(b"]") + structure.count(b"}") > containers:
        raise InputError("it is not JSON: it has more closing brackets than opening ones")
    _check_depth(structure)
    return names


def _check_depth(structure: bytes) -> None:
    brackets = np.frombuffer(structure.translate(None, NOT_BRACKETS), np.uint8)
    opening = (brackets == ord("[")) | (brackets == ord("{"))
    depth = int(np.cumsum(np.where(opening, 1, -1)).max(initial=0))
    if depth > MAX_DEPTH:
        raise InputError(f"it is nested {depth:,} levels deep, more than {MAX_DEPTH}")


def _check_values(value: Any, names: int, max_characters: int, *, escaped: bool) -> None:
    """Check parsed values: long strings, halves of surrogate pairs, infinities, repeated names.

    `names` is their number in the text: if the objects have fewer, one was repeated.
    """
    waiting, found = [value], 0
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            _check_text(item, max_characters, escaped)
        elif isinstance(item, list):
            waiting += item
        elif isinstance(item, dict):
            found += len(item)
            waiting += item
            waiting += item.values()
        elif isinstance(item, float) and not math.isfinite(item):
            raise InputError("it holds a number too large for a float")
    if found != names:
        raise InputError("an object in it has the same name twice")


def _check_text(text: str, max_characters: int, escaped: bool) -> None:
    if len(text) > max_characters:
        raise InputError(
            f"it has a string of {len(text):,} characters, more than {max_characters:,}"
        )
    # UTF-8 has no surrogates; only an escape can have made one.
    if escaped and SURROGATE.search(text):
        raise InputError("it has a string with half a surrogate pair, which is not Unicode")


def _no_constant(name: str) -> NoReturn:
    raise InputError(f"it holds {name}, which JSON does not have")


DECODER = json.JSONDecoder(parse_constant=_no_constant)
