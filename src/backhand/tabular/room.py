"""The memory and the folder for the rows of a training on a table."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from backhand.support.memory_budget import MIN_MEMORY
from backhand.table_settings import Settings
from backhand.tables.array_store import ArrayStore


class Room(NamedTuple):
    """Bytes of memory for a table and for encoded rows, and the folder for what exceeds them.

    With `keep`, the encoded rows that the model is trained on stay in the folder.
    """

    table: int
    rows: int
    folder: Path | None
    keep: bool

    def matrices(self) -> ArrayStore:
        """Return where to store the rows that the model is trained on."""
        return ArrayStore(self.rows, self.folder, keep=self.keep)

    def matrices_of_fold(self) -> ArrayStore:
        """Return where to store the rows of a fold."""
        return ArrayStore(self.rows, self.folder)


def room_for(
    memory: int, settings: Settings, folder: Path | None = None, *, keep: bool = False
) -> Room:
    """Divide memory: half is for DuckDB, half for the encoded rows.

    Each half is divided again: between two tables, and between all rows and those of a fold.
    """
    two_tables, folds = settings.validation is not None, settings.cv is not None
    table = max(MIN_MEMORY, memory // 2) if two_tables else memory
    return Room(table, memory // 4 if folds else memory // 2, folder, keep)
