"""The terms in the output of the commands, explained at the end of `backhand train --help`."""

from __future__ import annotations

from textwrap import TextWrapper

from backhand.glossary import TERMS

WIDTH, MEANING = 74, 19
"""Characters of a line, and before a meaning."""


def _lines(term: str, meaning: str) -> str:
    begin = f"  {term}".ljust(MEANING)
    return TextWrapper(WIDTH, begin, " " * MEANING).fill(meaning)


GLOSSARY = "\n".join(
    ["", "\b", "Terms in the report:", *(_lines(*entry) for entry in TERMS.items()), ""]
)
