"""Arrow IPC files (Feather) and streams, as Parquet."""

from __future__ import annotations

from pathlib import Path

from backhand.errors import InputError, shortened
from backhand.support.optional import extra
from backhand.tables.files.apart import answer, run_apart
from backhand.tables.files.copies import no_copy

ROW_GROUP = 122_880
"""Rows of a row group, as DuckDB writes them."""


def arrow_as_parquet(name: str, path: str, memory: int, copy: str) -> None:
    """Convert an Arrow file, as `_arrow_as_parquet` does, in a process of its own."""
    extra("arro3.io", "reading Arrow files (Feather)")
    run_apart(__name__, name, memory, [name, path, copy], copy)


def _arrow_as_parquet(name: str, path: str, copy: str) -> None:
    """Write an Arrow file or stream to a new Parquet file, batch by batch.

    Raises
    ------
    InputError
        If it is damaged, or has a type that Parquet does not have.
    OutputError
        If the disk is full.
    """
    library = extra("arro3.io", "reading Arrow files (Feather)")
    try:
        with Path(path).open("rb") as file:
            stream = file.read(4) != b"ARRO"
        batches = (library.read_ipc_stream if stream else library.read_ipc)(path)
        library.write_parquet(batches, copy, max_row_group_size=ROW_GROUP)
    except OSError as error:
        raise no_copy(copy, error) from error
    except Exception as error:  # arro3 raises this class itself
        if "No space left" in str(error):
            raise no_copy(copy, OSError(28, "No space left on device")) from error
        said = shortened((str(error).splitlines() or [""])[0]).rstrip(".")
        raise InputError(f"{name} cannot be read as an Arrow file: {said}.") from error


if __name__ == "__main__":
    answer(_arrow_as_parquet)
