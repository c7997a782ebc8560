"""Write lesson.ipynb from lesson.md, which is the file to change.

    python examples/lesson/make.py

Text becomes a cell of text, each block of Python a cell of code, without outputs. Pictures are put
into the text, so that the notebook is one file.
"""

from __future__ import annotations

import base64
import json
import re
from html import escape
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SOURCE, NOTEBOOK = HERE / "lesson.md", HERE / "lesson.ipynb"

CODE = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
PICTURE = re.compile(r"!\[([^\]]*)\]\(([^)]+\.svg)\)")
HEADING = re.compile(r"^(?=#{2,3} )", re.MULTILINE)


def notebook(text: str) -> dict[str, Any]:
    """Return the notebook of a source, as JSON holds it."""
    cells = [cell for part in parts(text) for cell in part]
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number:03}"
    python = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": python, "language_info": {"name": "python"}}
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def parts(text: str) -> list[list[dict[str, Any]]]:
    """The cells of each piece: text (a cell for each heading) and code, in turn."""
    pieces = CODE.split(text)
    return [
        [code_cell(piece)] if number % 2 else
        [text_cell(section) for section in HEADING.split(piece) if section.strip()]
        for number, piece in enumerate(pieces)
    ]  # fmt: skip


def code_cell(code: str) -> dict[str, Any]:
    """A cell of code, as it is before it has been run."""
    return {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [],
            "source": lines(code)}  # fmt: skip


def text_cell(text: str) -> dict[str, Any]:
    """A cell of text, with its pictures in it."""
    return {"cell_type": "markdown", "metadata": {},
            "source": lines(PICTURE.sub(picture, unwrapped(text)))}  # fmt: skip


def picture(found: re.Match[str]) -> str:
    """A picture as an element that contains it: JupyterLab shows no attachment that is an SVG."""
    alternative, path = found.groups()
    data = base64.b64encode((HERE / path).read_bytes()).decode("ascii")
    return f'<img alt="{escape(alternative)}" src="data:image/svg+xml;base64,{data}">'


def unwrapped(text: str) -> str:
    """The text with a paragraph per line: some notebooks show each line break as one."""
    paragraphs = re.split(r"(\n{2,})", text.strip())
    return "".join(
        part if part.startswith(("\n", "|", "```", "    ")) else re.sub(r"\n(?![-*] ) *", " ", part)
        for part in paragraphs
    )


def lines(text: str) -> list[str]:
    """The lines of a cell, as notebooks store them."""
    return text.strip().splitlines(keepends=True)


def main() -> None:
    """Write the notebook."""
    made = notebook(SOURCE.read_text(encoding="utf-8"))
    NOTEBOOK.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
