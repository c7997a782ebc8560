"""Fill docs/explain.md with what its commands and its Python print, and README with its table.

    PYTHONPATH=src python docs/explain/fill.py

A block of the shell begins with the lines of its commands, `$ backhand …`; what is below them in
the block is replaced by the output. `> FILE` discards it, and `| head -16` cuts it. A block of
Python is what the interpreter shows, and runs as a doctest.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import redirect_stdout
from doctest import DocTestParser
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parent.parent / "explain.md"
ROOT = PAGE.parent.parent
README = ROOT / "README.md"

WIDTH = "100"
"""Columns of the output."""

BLOCK = re.compile(r"```console\n((?:\$ [^\n]*\n)+)(.*?)```", re.DOTALL)
"""Commands, and what they print."""


INDENTED = re.compile(r"^    (\$ backhand explain .*)\n(?:(?:    .*)?\n)+", re.MULTILINE)
"""The same as an indented block, in README."""

SESSION = re.compile(r"```pycon\n(.*?)```", re.DOTALL)
"""Statements, and what they print."""


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


def readme_filled(readme: str, run: Callable[[list[str]], str]) -> str:
    """README with the table that its command prints."""

    def block(found: re.Match[str]) -> str:
        lines = ["", *output(found[1], run).splitlines()]
        return f"    {found[1]}" + "".join(f"{'    ' if s else ''}{s}\n" for s in lines) + "\n"

    return INDENTED.sub(block, readme)


def continued(page: str) -> str:
    """The page with what its statements print, one session from the first to the last."""
    names: dict[str, Any] = {}

    def block(found: re.Match[str]) -> str:
        lines = []
        for example in DocTestParser().get_examples(found[1]):
            printed = io.StringIO()
            with redirect_stdout(printed):
                exec(compile(example.source, str(PAGE), "single"), names)
            first, *others = example.source.splitlines()
            lines += [f">>> {first}", *(f"... {line}" for line in others)]
            lines += [line or "<BLANKLINE>" for line in printed.getvalue().splitlines()]
        return "\n".join(["```pycon", *lines, "", "```"])

    return SESSION.sub(block, page)


def main() -> None:
    page = PAGE.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        Path("examples").symlink_to(ROOT / "examples")
        page = continued(filled(page, run_apart))
        readme = readme_filled(README.read_text(encoding="utf-8"), run_apart)
    PAGE.write_text(page, encoding="utf-8")
    README.write_text(readme, encoding="utf-8")


if __name__ == "__main__":
    main()
