"""What the site shows of Backhand at work: the page of `explain`, and the lesson, run."""

from __future__ import annotations

import runpy
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from sphinx.application import Sphinx

import backhand

ROOT = Path(__file__).parents[2]
LESSON = ROOT / "examples" / "lesson"
NOTEBOOK = "lesson-notebook.ipynb"


def run_the_lesson(app: Sphinx) -> None:
    """Write the notebook with its outputs beside the documents, unless it is newer than its source.

    It is run with its blanks open, which takes half a minute.
    """
    source, output = LESSON / "lesson.ipynb", Path(app.srcdir) / NOTEBOOK
    if output.exists() and output.stat().st_mtime > source.stat().st_mtime:
        return
    executed = runpy.run_path(str(LESSON / "build.py"))["executed"]
    with tempfile.TemporaryDirectory() as folder:
        nbformat.write(executed(Path(folder)), output)


def write_the_page(app: Sphinx, exception: Exception | None) -> None:
    """Write the interactive page, as `backhand explain -o` does."""
    if exception is None and app.builder.format == "html":
        folder = Path(app.outdir) / "live"
        folder.mkdir(exist_ok=True)
        backhand.explain().save(folder / "explain.html")


def setup(app: Sphinx) -> dict[str, Any]:
    """Run the lesson before documents are read, and write the page after the site."""
    app.connect("builder-inited", run_the_lesson)
    app.connect("build-finished", write_the_page)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
