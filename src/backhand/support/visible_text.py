"""Text as a reader sees it: escaped where it would act or be invisible, in any encoding."""

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

ASCII_FORMS = {"→": "->", "–": "-", "—": "-", "·": ".", "×": "x", "÷": "/", "µ": "u", "…": "...",
               "║": "|", "η": "learning rate", "λ": "lambda", "‖": "|", "∞": "infinity",
               "²": "^2", "√": "sqrt ", "∂": "d", "ᵀ": ".T ", "≤": "<=", "≥": ">=", "−": "-",
               "Σ": "sum ", "│": "|", "─": "-", "┤": "+", "└": "+", "┬": "+", "●": "*",
               "○": "o"}  # fmt: skip
"""Written instead of our own symbols where they cannot be encoded; a progress bar becomes #."""

CHART_BLOCKS = "━╸╺╭╮╰╯"


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


def encodable(text: str, encoding: str) -> str:
    """Return the text with an ASCII form of each character that an encoding lacks."""
    try:
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return "".join(c if c.isascii() or _has(encoding, c) else ascii_form(c) for c in text)
    return text


def ascii_form(character: str) -> str:
    """Return what is written for a character that cannot be encoded: its form, or its escape."""
    if character in CHART_BLOCKS:
        return "#"
    return ASCII_FORMS.get(character) or character.encode("unicode_escape").decode()


def _has(encoding: str, character: str) -> bool:
    try:
        character.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True
