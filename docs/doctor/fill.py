"""Fill docs/questions.md with the functions of questions.py and the reports about them.

    PYTHONPATH=src python docs/doctor/fill.py

The page has a block of Python for each function and below it a block of text: both are replaced.
"""

from __future__ import annotations

import importlib.util
import inspect
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

from backhand.doctor import Report, check, oracles
from backhand.doctor.probe import tries

HERE = Path(__file__).parent
PAGE = HERE.parent / "questions.md"

BLOCKS = re.compile(r"```python\ndef (\w+)\(.*?```\n\n```text\n.*?```", re.DOTALL)
SECONDS = re.compile(r", in \d+\.\d\d s\b")


def load() -> ModuleType:
    """The module questions.py, which is beside this one and in no package."""
    spec = importlib.util.spec_from_file_location("questions", HERE / "questions.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def report_of(function: Callable[..., Any]) -> Report:
    """The report, without the limits of time that would change it on a busy machine."""
    with patch.object(oracles, "SECONDS", 60.0), patch.object(tries, "TOGETHER", 60.0):
        return check(function, autograd=False, seconds=60.0)


def block_of(function: Callable[..., Any], report: Report) -> str:
    """A function and the report about it, without the seconds that it took."""
    said = SECONDS.sub("", str(report))
    return f"```python\n{inspect.getsource(function)}```\n\n```text\n{said}\n```"


def main() -> None:
    questions = vars(load())
    page = BLOCKS.sub(
        lambda found: block_of(questions[found[1]], report_of(questions[found[1]])),
        PAGE.read_text(),
    )
    PAGE.write_text(page)


if __name__ == "__main__":
    main()
