"""What a learner reads after an answer."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Literal

from backhand.doctor import Report

Outcome = Literal["correct", "wrong", "blank"]

Said = tuple[str, str]
"""A label, which may be empty, and a sentence or a line of code."""

TITLES = {"correct": "correct", "wrong": "not yet", "blank": "no answer yet"}

SIGNS = {"correct": "✓", "wrong": "✗", "blank": "…"}

COLOURS = {"correct": "#3b82c4", "wrong": "#d0691e", "blank": "#808080"}
"""Of the line beside a mark in a notebook; legible on light and dark, and never alone."""


@dataclass(frozen=True, repr=False)
class Mark:
    """The marking of one answer; `print` it, or let a notebook display it.

    Attributes
    ----------
    equation : str
        The gradient: dS, dW2, db2, dH1, dZ1, dW1 or db1.
    outcome : {"correct", "wrong", "blank"}
        "blank": nothing has been written yet.
    ok : bool
        Whether the answer is correct.
    title : str
        The outcome in a few words.
    attempt : int
        Number of different answers so far; 0 as long as the blank is there.
    hints : {0, 1, 2}
        How much is said: which equation; also a question; also what was computed, and the line.
    lines : tuple of (str, str)
        What is said: a label, which may be empty, and a sentence or a line of code.
    report : Report, optional
        The doctor's, of a pass that is right but for this equation.

    Examples
    --------
    >>> from backhand.lesson import Marker
    >>> print(Marker().db2(lambda dS: ...))
    db2 … no answer yet
      Write your line in place of the dots, and run the cell again.
    """

    equation: str
    outcome: Outcome
    attempt: int
    hints: int
    lines: tuple[Said, ...]
    report: Report | None = None

    @property
    def ok(self) -> bool:
        """Whether the answer is correct."""
        return self.outcome == "correct"

    @property
    def title(self) -> str:
        """The outcome in a few words."""
        tries = f" (answer {self.attempt})" if self.attempt else ""
        return f"{self.equation} {SIGNS[self.outcome]} {TITLES[self.outcome]}{tries}"

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        said = (f"  {label}: {text}" if label else f"  {text}" for label, text in self.lines)
        return "\n".join([self.title, *said])

    def _repr_html_(self) -> str:
        said = "".join(f"<div>{_line(label, text)}</div>" for label, text in self.lines)
        colour = COLOURS[self.outcome]
        return (
            f'<div style="border-left:4px solid {colour};padding:2px 0 2px 12px;line-height:1.5">'
            f"<strong>{escape(self.title)}</strong>{said}</div>"
        )


def _line(label: str, text: str) -> str:
    if label in CODE:
        return f"{escape(label)}: <code>{escape(text)}</code>"
    return f"{f'<em>{escape(label)}:</em> ' if label else ''}{escape(text)}"


CODE = ("expected", "your line gives the numbers of")
"""Labels of lines of code."""
