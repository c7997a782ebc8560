"""Texts of others on a terminal."""

from __future__ import annotations


def printable(text: str) -> str:
    """The text with its control characters written out, so that none acts on the terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
