"""A frame in one line."""

from __future__ import annotations

CHOICES = (
    "activation", "output", "loss", "outputs", "reduction", "biases", "labels", "layout", "penalty",
)  # fmt: skip


def frame_of(words: str) -> dict[str, str]:
    """The frame whose choices are named in the order of `CHOICES`, with blanks between."""
    return dict(zip(CHOICES, words.split(), strict=True))
