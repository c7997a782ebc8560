"""Numbers as they are written in texts."""

from __future__ import annotations

CODE = r"0\d+"
"""Digits that would lose their leading zeros as a number."""

SEPARATED = r"[+-]?\d+([,']\d{3})*([.,]\d+)?"
"""A number with thousands separators, or with a decimal comma."""


def number_in(text: str) -> str:
    """SQL for the number that a text holds, NULL if it is not a number."""
    return f"TRY_CAST({text} AS DOUBLE)"
