"""What the site shows of Backhand at work: the page of `explain`, a report, and the lesson, run."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import nbformat
from sphinx.application import Sphinx

import backhand

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
LESSON = "lesson/lesson.ipynb"


def run_the_lesson(app: Sphinx) -> None:
    """Write the notebook with its outputs beside the documents, unless it is newer than its source.

    It is run with its blanks open.
    """
    source, output = EXAMPLES / LESSON, Path(app.srcdir) / "lesson-notebook.ipynb"
    if output.exists() and output.stat().st_mtime > source.stat().st_mtime:
        return
    executed = runpy.run_path(str(EXAMPLES / "lesson" / "build.py"))["executed"]
    with tempfile.TemporaryDirectory() as folder:
        nbformat.write(executed(Path(folder)), output)


def write_pages(app: Sphinx, exception: Exception | None) -> None:
    """Write the pages that documents embed, and what is downloaded beside them, to `live/`."""
    if exception is None and app.builder.format == "html":
        folder = Path(app.outdir) / "live"
        folder.mkdir(exist_ok=True)
        backhand.explain().save(folder / "explain.html")
        write_report(folder / "penguins.html")
        write_lesson(folder / "lesson.zip")


def write_report(output: Path) -> None:
    """Write the report on the penguins, by the command of the page that shows it."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "penguins.csv").write_bytes((EXAMPLES / "penguins.csv").read_bytes())
        command = [sys.executable, "-m", "backhand", "train", "penguins.csv",
                   "--target", "species", "--report", "penguins.html"]  # fmt: skip
        path = os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
        environment = {**os.environ, "PYTHONPATH": path}
        subprocess.run(command, cwd=folder, check=True, capture_output=True, env=environment)
        output.write_bytes((Path(folder) / "penguins.html").read_bytes())


def write_lesson(output: Path) -> None:
    """Write the notebook with the files that it reads, in the folders where it looks for them."""
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in (LESSON, "penguins.csv", "mistaken.py"):
            archive.write(EXAMPLES / name, f"examples/{name}")


def setup(app: Sphinx) -> dict[str, Any]:
    """Run the lesson before documents are read, and write the pages after the site."""
    app.connect("builder-inited", run_the_lesson)
    app.connect("build-finished", write_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
