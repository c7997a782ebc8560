"""What a person should be told about the columns of a table: how they were read, and why."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Note:
    """A sentence about a column, and how to have it otherwise.

    Attributes
    ----------
    column : str
        Its name.
    kind : str
        "dropped", "numbers", "dates", "categories", "missing" or "target".
    what : str
        What was found and done, as the rest of a sentence that begins with the column's name.
    advice : str
        The option that does otherwise; empty if there is none.
    """

    column: str
    kind: str
    what: str
    advice: str = ""


def dropped(column: str, why: str, advice: str = "") -> Note:
    """Return the note of a column that is not used."""
    return Note(column, "dropped", why, advice)
