"""The commands of a document: those of Backhand run in this process, others are checked."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from runpy import run_path
from unittest import mock

from typer.testing import CliRunner

from backhand.cli.app import app
from conftest import ROOT
from documents.checks import MAKEFILE, CannotRun, check, check_python

SIMPLE = frozenset({
    "cat", "chmod", "cp", "cut", "echo", "grep", "gunzip", "gzip", "head", "ls", "mkdir", "mv",
    "printf", "rm", "sort", "tail", "touch", "wc",
})  # fmt: skip
"""Commands of every system, which are run."""


@dataclass
class Command:
    """A line `$ …`, with those that a backslash adds to it, and the output shown below."""

    text: str
    shown: str = ""


@dataclass(frozen=True)
class Printed:
    """What a command printed; `code` is None if it was checked but not run.

    `terminal` has standard output and error as a terminal shows them together.
    """

    code: int | None
    terminal: str = ""
    output: bytes = b""
    errors: str = ""


def commands_of(text: str) -> list[Command]:
    """The commands of a block, each with its output."""
    commands: list[Command] = []
    unfinished = False
    for line in text.splitlines():
        if line.startswith("$ "):
            commands.append(Command(line[2:]))
        elif unfinished:
            commands[-1].text += "\n" + line.removeprefix("> ")
        elif commands:
            commands[-1].shown += line + "\n"
        elif line.strip():
            raise CannotRun(f"{line!r} is above the first command; one begins with '$ '.")
        else:
            continue
        unfinished = not commands[-1].shown and commands[-1].text.endswith("\\")
    return commands


def words_of(text: str) -> list[str]:
    lexer = shlex.shlex(text.replace("\\\n", " "), posix=True, punctuation_chars="|<>&;")
    lexer.whitespace_split = True
    return list(lexer)


def execute(text: str) -> Printed:
    """Run or check a command, which may be a pipe."""
    words = words_of(text)
    stages = split(words, "|")
    names = [Path(stage[0]).name for stage in stages if stage]
    if all(name in SIMPLE for name in names):
        done = subprocess.run(["sh", "-c", text], capture_output=True, check=False)
        return finished(done)
    printed = Printed(None)
    for stage in stages:
        printed = one(stage, printed)
    return printed


def split(words: list[str], at: str) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for word in words:
        if word == at:
            parts.append([])
        else:
            parts[-1].append(word)
    return parts


def one(words: list[str], before: Printed) -> Printed:
    """One command of a pipe, with its redirections and variables."""
    words, given, target = redirected(words, before.output)
    variables = {}
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
        name, _, value = words.pop(0).partition("=")
        variables[name] = value
    if any(set(word) <= set("&;|") for word in words if word):
        raise CannotRun("write one command on a line, without && and ;")
    with mock.patch.dict(os.environ, variables):
        printed = run(words, given)
    if target and printed.code is not None:
        Path(target).write_bytes(printed.output)
        printed = Printed(printed.code, terminal=printed.errors, errors=printed.errors)
    return replace(
        printed,
        terminal=before.errors + printed.terminal,
        errors=before.errors + printed.errors,
    )


def redirected(words: list[str], given: bytes) -> tuple[list[str], bytes, str]:
    """The words without `< FILE` and `> FILE`, the input, and the file to write."""
    left, target = [], ""
    following = iter(words)
    for word in following:
        if word == "<":
            given = Path(next(following)).read_bytes()
        elif word == ">":
            target = next(following)
        else:
            left.append(word)
    return left, given, target


def run(words: list[str], given: bytes) -> Printed:
    """Run one command, or check it."""
    name, *rest = words
    name = Path(name).name
    if name == "backhand" or words[:3] == ["python", "-m", "backhand"]:
        return backhand(rest if name == "backhand" else words[3:], given)
    if name in SIMPLE:
        done = subprocess.run(words, input=given, capture_output=True, check=False)
        return finished(done)
    if name == "cd":
        os.chdir(Path(rest[0]).expanduser())
        return Printed(0)
    if name in ("python", "python3"):
        return python(rest)
    if name == "make" and (recipe := recipe_of(rest)):
        return backhand(words_of(recipe), given)
    check(name, rest)
    return Printed(None)


def finished(done: subprocess.CompletedProcess[bytes]) -> Printed:
    errors = done.stderr.decode()
    return Printed(done.returncode, done.stdout.decode() + errors, done.stdout, errors)


def backhand(words: list[str], given: bytes) -> Printed:
    result = CliRunner().invoke(app, words, input=given)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Printed(result.exit_code, result.output, result.stdout_bytes, result.stderr)


def python(words: list[str]) -> Printed:
    """Run `python -c CODE` or a file that the document has made; another is checked."""
    made = not words[0].startswith("-") and Path(words[0]).exists()
    if words[0] != "-c" and (not made or (ROOT / words[0]).exists()):
        check_python(words)
        return Printed(None)
    with captured() as text:
        if words[0] == "-c":
            exec(words[1], {"__name__": "__main__"})
        else:
            with mock.patch("sys.argv", words):
                run_path(words[0], run_name="__main__")
    return Printed(0, text.getvalue(), text.getvalue().encode())


@contextlib.contextmanager
def captured() -> Iterator[io.StringIO]:
    text = io.StringIO()
    with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
        yield text


def recipe_of(targets: list[str]) -> str | None:
    """The arguments of `backhand`, if that is all that a target of Makefile runs."""
    target = re.escape(targets[0] if targets else "")
    found = re.search(rf"^{target}:.*\n\t\$\(BIN\)/backhand (.*)\n\n", MAKEFILE, re.MULTILINE)
    return found[1] if found else None
