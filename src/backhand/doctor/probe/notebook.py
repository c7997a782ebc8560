"""Running the cells of a notebook for a function in it."""

from __future__ import annotations

import ast
import json
import linecache
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

MAGIC = re.compile(r"^(?P<indent>\s*)(?:[\w.,\s]+=\s*)?[%!?]|^(?P<help>\s*)[\w.]+\?+\s*$")
"""A line that IPython reads and Python does not: `%matplotlib inline`, `!pip …`, `files = !ls`."""

CELL_OF_CODE = {"%%time", "%%timeit", "%%capture", "%%prun"}
"""Cell magics below which there is Python."""

DEFINITIONS = (ast.FunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)


class Failed(Exception):
    """A cell that could not be run: its number and, as `__cause__`, the exception."""

    def __init__(self, cell: int) -> None:
        super().__init__(cell)
        self.cell = cell


def run_cells(path: Path, module: ModuleType, name: str) -> list[Failed]:
    """Run a notebook's cells of code in a module until `name` is there, and return what failed.

    A cell that fails does not keep the next from being run. Of the cells after the one that makes
    `name`, only definitions are run: helpers may come later, and so does what trains for minutes.

    Raises
    ------
    ValueError
        If the file is not a notebook.
    """
    failed = []
    for number, source in sources(path):
        file = f"{path.resolve()} cell {number}"
        linecache.cache[file] = len(source), None, source.splitlines(keepends=True), file
        try:
            tree = ast.parse(source, file)
            if hasattr(module, name):
                tree.body = [statement for statement in tree.body if _defines(statement)]
            exec(compile(tree, file, "exec", dont_inherit=True), vars(module))
        except BaseException as error:  # SystemExit, too
            failure = Failed(number)
            failure.__cause__ = error
            failed.append(failure)
    return failed


def sources(path: Path) -> Iterator[tuple[int, str]]:
    """The number of each cell of code, counted among these, and its text as Python reads it."""
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError("it is not a notebook, which is JSON with 'cells'") from error
    for number, text in enumerate(texts, 1):
        yield number, _python(text)


def _python(text: str) -> str:
    """A cell's text without what only IPython reads; every other line keeps its number."""
    try:
        ast.parse(text)
    except (SyntaxError, ValueError):
        lines = text.splitlines()
    else:
        return text
    first: str = next((line for line in lines if line.strip()), "")
    if first.startswith("%%") and first.split()[0] not in CELL_OF_CODE:
        return ""
    return "".join(f"{_line(line)}\n" for line in lines)


def _line(line: str) -> str:
    found = MAGIC.match(line)
    return f"{found['indent'] or found['help'] or ''}pass" if found else line


def _defines(statement: ast.stmt) -> bool:
    """Whether a statement is a definition, or gives a name to a number or another literal."""
    if isinstance(statement, ast.Assign):
        try:
            ast.literal_eval(statement.value)
        except ValueError:
            return False
        return True
    return isinstance(statement, DEFINITIONS)
