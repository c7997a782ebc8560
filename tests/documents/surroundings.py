"""Where the blocks of a document run: a folder with the examples, and a terminal of 80 columns."""

from __future__ import annotations

import shutil
from pathlib import Path

from conftest import ROOT

VARIABLES = {"COLUMNS": "80", "MPLBACKEND": "Agg"}


def prepare(folder: Path, page: Path) -> Path:
    """Copy the examples into a folder, and return where the blocks of a document run.

    The README of an example runs in the folder of the example.
    """
    for name in ("examples", "docs/doctor"):
        shutil.copytree(ROOT / name, folder / name)
    place = page.parent.relative_to(ROOT)
    return folder / place if place.parts[:1] == ("examples",) else folder


def copy_given(name: str) -> None:
    """Copy a file or folder of those that a reader is said to have into the current folder.

    A name with a slash is that of a file of the repository, which the page offers for download.
    """
    path = ROOT / name if "/" in name else Path(__file__).parent / "given" / name
    if path.is_dir():
        shutil.copytree(path, path.name)
    else:
        shutil.copy(path, path.name)
