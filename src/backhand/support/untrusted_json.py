"""JSON of a stranger: bounded before it is parsed, and nothing in it that JSON does not have.

Python's parser recurses, takes NaN, keeps the last of two equal names and lets half a surrogate
pair through. Here a text is first measured: its depth, and how many lists, objects, names and
values there are, which bounds the memory that they will take. Errors are an `InputError` with a
clause about the text ("it nests …"); whoever knows where it stands makes the sentence.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

import numpy as np

from backhand.errors import InputError

MOST_DEPTH = 32
"""Lists and objects within one another."""

MOST_CONTAINERS = 2**18
"""Lists and objects: a column of a table has one or two. Each takes up to 250 bytes."""

MOST_NAMES = 2**20
"""Names in objects: a column has five."""

MOST_VALUES = 2**22
"""Values: 100,000 epochs have 400,000 in their history, 4000 columns of 1000 categories 4 million.

Each takes at most twelve times the room that it takes as text, so a few MB are no more than 100.
"""

MOST_LETTERS = 2**20
"""Of one text."""

MOST_DIGITS = 300
"""Of a whole number, so that each is also a float."""

LONG_NUMBER = re.compile(rb"(?<![0-9])[0-9]{%d,}" % (MOST_DIGITS + 1))
NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
SURROGATE = re.compile("[\ud800-\udfff]")


def parse(raw: bytes, most_letters: int = MOST_LETTERS) -> Any:
    """The value of a JSON text in UTF-8.

    Raises
    ------
    InputError
        If it is none, or beyond one of the bounds.
    """
    names = _measure(raw)
    try:
        text = raw.decode()
        value = DECODER.decode(text)
    except UnicodeDecodeError as error:
        raise InputError(f"it is not UTF-8 text at byte {error.start}") from error
    except json.JSONDecodeError as error:
        raise InputError(f"it is no JSON at letter {error.pos}: {error.msg}") from error
    except RecursionError as error:  # the caller's own stack was nearly full
        raise InputError("it nests too deep for what is left of Python's stack") from error
    _check_values(value, names, most_letters, escaped="\\u" in text)
    return value


def dump(value: Any) -> str:
    """JSON that `parse` gives the value of again.

    Raises
    ------
    InputError
        If something in it is no JSON value, or beyond one of the bounds.
    """
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        raw = text.encode()
    except UnicodeEncodeError as error:
        letter = error.object[error.start]
        raise InputError(f"it holds {letter!r}, which is no Unicode letter") from error
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(str(error)) from error
    parse(raw)
    return text


def _measure(raw: bytes) -> int:
    """Check what can be counted without parsing; how many names there are in objects."""
    # Up to the first error in the text, which ends the parsing, this sees strings as a parser does.
    signs = np.frombuffer(raw.replace(b"\\\\", b"__").replace(b'\\"', b"__"), np.uint8)
    quotes = (signs == ord('"')).view(np.uint8)
    outside = (np.cumsum(quotes, dtype=np.uint8) & 1) == 0
    structure: bytes = signs[outside].tobytes()
    containers = structure.count(b"[") + structure.count(b"{")
    names = structure.count(b":")
    if digits := LONG_NUMBER.search(structure):
        raise InputError(f"it has a number of {len(digits[0]):,} digits, more than {MOST_DIGITS}")
    for count, most, what in (
        (containers, MOST_CONTAINERS, "lists and objects"),
        (names, MOST_NAMES, "names"),
        (containers + structure.count(b","), MOST_VALUES, "values"),
    ):
        if count > most:
            raise InputError(f"it has {count:,} {what}, more than {most:,}")
    if structure.count(b"]") + structure.count(b"}") > containers:
        raise InputError("it is no JSON: more is closed in it than is opened")
    _check_depth(structure)
    return names


def _check_depth(structure: bytes) -> None:
    brackets = np.frombuffer(structure.translate(None, NOT_BRACKETS), np.uint8)
    opening = (brackets == ord("[")) | (brackets == ord("{"))
    depth = int(np.cumsum(np.where(opening, 1, -1)).max(initial=0))
    if depth > MOST_DEPTH:
        raise InputError(f"it nests {depth:,} deep, more than {MOST_DEPTH}")


def _check_values(value: Any, names: int, most_letters: int, *, escaped: bool) -> None:
    """What only the parsed values show: long texts, halves of surrogate pairs, infinities, twins.

    `names` are those in the text: where the objects hold fewer, one stood there twice.
    """
    waiting, found = [value], 0
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            _check_text(item, most_letters, escaped)
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


def _check_text(text: str, most_letters: int, escaped: bool) -> None:
    if len(text) > most_letters:
        raise InputError(f"it has a text of {len(text):,} letters, more than {most_letters:,}")
    # UTF-8 has no surrogates; only an escape can have made one.
    if escaped and SURROGATE.search(text):
        raise InputError("it has a text with half a surrogate pair, which is no Unicode text")


def _no_constant(name: str) -> NoReturn:
    raise InputError(f"it holds {name}, which JSON does not have")


DECODER = json.JSONDecoder(parse_constant=_no_constant)
