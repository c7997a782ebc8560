"""Fill docs/explain.md with what its commands print.

    PYTHONPATH=src python docs/explain/fill.py

A block of the shell begins with the lines of its commands, `$ backhand …`; what is below them in
the block is replaced by the output. `> FILE` discards it, and `| head -16` cuts it.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

PAGE = Path(__file__).parent.parent / "explain.md"
EXAMPLES = PAGE.parent.parent / "examples"

WIDTH = "100"
"""Columns of the output."""

BLOCK = re.compile(r"```console\n((?:\$ [^\n]*\n)+)(.*?)```", re.DOTALL)
"""Commands, and what they print."""


def output(command: str, run: Callable[[list[str]], str]) -> str:
    """What a line of the shell prints; `run` runs the words of a command."""
    words = shlex.split(command.removeprefix("$ "))
    if ">" in words:
        run(words[: words.index(">")])
        return ""
    if "|" in words:
        bar = words.index("|")
        return "".join(run(words[:bar]).splitlines(keepends=True)[: -int(words[-1])])
    return run(words)


def run_apart(words: list[str]) -> str:
    """Run a command in a process of its own, as wide as the page."""
    wide = {**os.environ, "COLUMNS": WIDTH, "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [sys.executable, "-m", *words], stdout=subprocess.PIPE, text=True, check=True, env=wide
    )
    return done.stdout


def filled(page: str, run: Callable[[list[str]], str]) -> str:
    """The page with what its commands print."""

    def block(found: re.Match[str]) -> str:
        printed = "".join(output(command, run) for command in found[1].splitlines())
        return f"```console\n{found[1]}{printed}```"

    return BLOCK.sub(block, page)


def main() -> None:
    page = PAGE.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        Path("examples").symlink_to(EXAMPLES)
        page = filled(page, run_apart)
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
