"""Where the blocks of a document run: a folder with the examples, and a terminal of 80 columns."""

from __future__ import annotations

import shutil
from pathlib import Path

from conftest import ROOT


def prepare(folder: Path) -> dict[str, str]:
    """Copy the examples into a folder; the environment variables of what runs there."""
    for name in ("examples", "docs/doctor"):
        shutil.copytree(ROOT / name, folder / name)
    return {"COLUMNS": "80", "MPLBACKEND": "Agg"}


def copy_given(name: str) -> None:
    """Copy a file or folder of those that a reader is said to have into the current folder."""
    path = Path(__file__).parent / "given" / name
    if path.is_dir():
        shutil.copytree(path, name)
    else:
        shutil.copy(path, name)
