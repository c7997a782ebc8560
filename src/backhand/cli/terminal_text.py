"""Texts of others on a terminal: the one place that makes them fit to be printed."""

from __future__ import annotations

import re

from backhand.errors import shortened

MOST_LETTERS = 2000
"""Of a sentence; what is longer loses its middle."""

INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""Letters and marks that Python calls printable and a terminal shows as nothing."""


def printable(text: str, most: int | None = None) -> str:
    """The text with its control characters written out, so that none acts on the terminal.

    So are those that turn the direction of text or are not seen at all. With `most`, a text that is
    longer loses its middle.
    """
    text = text if most is None else shortened(text, most)
    return text.translate(
        {ord(c): c.encode("unicode_escape").decode() for c in set(text) if not is_visible(c)}
    )


def is_visible(letter: str) -> bool:
    """Whether a terminal shows it, and does nothing else with it."""
    return letter.isprintable() and not INVISIBLE.match(letter)
