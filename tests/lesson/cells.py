"""The lesson's notebook: its cells, its blanks filled in, and a run of them in this process."""

import ast
import importlib.util
import json
import re
import shutil
from pathlib import Path
from typing import Any

from conftest import ROOT

FOLDER = ROOT / "examples" / "lesson"
NAMES = re.compile(r"\b(?:[XYPSNKHd]|d?[WbZH][12]|dS)\b")
BLANK = re.compile(r"def my_(\w+)\(.*\):\n    return \.\.\.")


def program(name: str) -> Any:
    """A script of the lesson's folder as a module."""
    spec = importlib.util.spec_from_file_location(f"lesson_{name}", FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def notebook() -> dict[str, Any]:
    return json.loads((FOLDER / "lesson.ipynb").read_text())


def code_cells() -> list[str]:
    return ["".join(c["source"]) for c in notebook()["cells"] if c["cell_type"] == "code"]


def filled(cell: str, answers: dict[str, str]) -> str:
    """The cell with its blank, if it has one, filled in; the parameters are what the line reads."""
    blank = BLANK.search(cell)
    if blank is None or blank[1] not in answers:
        return cell
    return cell.replace(blank[0], definition(f"my_{blank[1]}", answers[blank[1]]))


def definition(name: str, code: str) -> str:
    """A function of the values that a line of code reads."""
    reads = dict.fromkeys(NAMES.findall(code))
    return f"def {name}({', '.join(reads)}):\n    return {code}"


def copied_examples(folder: Path) -> Path:
    """A copy of what the notebook reads and where it writes; the folder that it runs in."""
    (folder / "lesson").mkdir()
    for name in ("penguins.csv", "mistaken.py"):
        shutil.copy(ROOT / "examples" / name, folder)
    return folder / "lesson"


def run(cell: str, scope: dict[str, Any]) -> Any:
    """Run a cell; return the value of its last expression, which a notebook would show."""
    body = ast.parse(cell).body
    last = body.pop() if isinstance(body[-1], ast.Expr) else None
    exec(compile(ast.Module(body, []), "cell", "exec"), scope)
    return eval(compile(ast.Expression(last.value), "cell", "eval"), scope) if last else None
