"""Write the lesson as a web page: the notebook, run with its blanks open, and the network in it.

    python examples/lesson/build.py build/lesson.html

It needs nbclient, nbconvert and ipykernel.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from html import escape
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbconvert import HTMLExporter

EXAMPLES = Path(__file__).parent.parent
SAVED = "six-penguins.html"
"""What the lesson saves: the page of its trace."""


def executed(folder: Path) -> Any:
    """Run the notebook in a copy of the examples, where it may write."""
    shutil.copytree(EXAMPLES, folder, dirs_exist_ok=True)
    notebook = nbformat.read(folder / "lesson" / "lesson.ipynb", as_version=4)
    resources = {"metadata": {"path": str(folder / "lesson")}}
    quiet = ["--log-level=ERROR"]  # the kernel warns that it is on TCP, which here is this machine
    NotebookClient(notebook, timeout=120, resources=resources, extra_arguments=quiet).execute()
    return notebook


def with_the_page(notebook: Any, page: str) -> None:
    """Show the page of the trace below the cell that saves it."""
    cell = next(cell for cell in notebook.cells if f'save("{SAVED}")' in cell.source)
    frame = (f'<iframe title="The six penguins, number by number" srcdoc="{escape(page)}" '
             'style="width:100%;height:85vh;border:1px solid #999"></iframe>')  # fmt: skip
    cell.outputs.append(nbformat.v4.new_output("display_data", {"text/html": frame}))


def as_html(notebook: Any) -> str:
    """The notebook as one HTML file that loads nothing: it has no formulas for MathJax."""
    exporter = HTMLExporter(
        mathjax_url="", require_js_url="", jquery_url="", widget_renderer_url=""
    )
    return str(exporter.from_notebook_node(notebook)[0])


def main(output: Path) -> None:
    """Write the web page."""
    with tempfile.TemporaryDirectory() as folder:
        notebook = executed(Path(folder))
        with_the_page(notebook, (Path(folder) / "lesson" / SAVED).read_text(encoding="utf-8"))
    output.parent.mkdir(exist_ok=True)
    output.write_text(as_html(notebook), encoding="utf-8")
    print(f"Wrote {output}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "build/lesson.html"))
