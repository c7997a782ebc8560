"""Untrusted text on a terminal: escape what would act on it or be invisible."""

from __future__ import annotations

import re

from backhand.errors import shortened

MAX_CHARACTERS = 2000
"""Length of a printed sentence; the middle of a longer one is cut out."""

INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""Characters that `str.isprintable` accepts and that a terminal shows as nothing."""


def printable(text: str, most: int | None = None) -> str:
    """Return the text with control characters escaped, so that none acts on the terminal.

    Characters that change the direction of text or are invisible are escaped as well. If the text
    has more than `most` characters, its middle is cut out.
    """
    text = text if most is None else shortened(text, most)
    return text.translate(
        {ord(c): c.encode("unicode_escape").decode() for c in set(text) if not is_visible(c)}
    )


def is_visible(character: str) -> bool:
    """Whether a terminal shows the character and does nothing else with it."""
    return character.isprintable() and not INVISIBLE.match(character)
