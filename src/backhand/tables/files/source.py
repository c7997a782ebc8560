"""A file of a table: as the user names it, and as it is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

READ_AS = {
    "csv": "csv", "tsv": "csv", "excel": "csv", "sqlite": "csv",
    "json": "json", "jsonl": "json",
    "parquet": "parquet", "arrow": "parquet",
}  # fmt: skip
"""Formats, and the plain one that DuckDB reads: a file of another one is copied into it."""

TEXTS = ("csv", "tsv", "json", "jsonl")
"""Formats of text, which has an encoding."""


@dataclass(frozen=True)
class Source:
    """A file that DuckDB reads.

    Attributes
    ----------
    name : str
        What the user and messages call it.
    path : str
        The file: the named one, or a copy of its content in a plain format.
    format : str
        One of `READ_AS`.
    remarks : tuple of str
        What a person should be told, as sentences.
    """

    name: str
    path: str
    format: str
    remarks: tuple[str, ...] = ()

    @property
    def plain(self) -> str:
        """The format of the file at `path`: "csv", "json" or "parquet"."""
        return READ_AS[self.format]

    @property
    def copied(self) -> bool:
        """Whether `path` is a copy."""
        return self.name != self.path


Copy = Callable[[str], str]
"""Returns the path of a new file in the folder of copies, given the ending of its name."""
