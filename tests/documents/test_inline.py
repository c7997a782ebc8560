"""Commands and options that the sentences of the documents name exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from backhand.cli.app import app
from conftest import ROOT
from documents import checks
from documents.blocks import documents, tokens_of

PROGRAM = typer.main.get_command(app)


def options_of(command: Any) -> set[str]:
    named = ((*parameter.opts, *parameter.secondary_opts) for parameter in command.params)
    return {"--help"}.union(*named)


OPTIONS = options_of(PROGRAM)
COMMANDS = {name: options_of(command) for name, command in PROGRAM.commands.items()}
"""The options of each command of Backhand."""


def options_of_scripts() -> set[str]:
    options = set()
    for folder in ("benchmarks", "docs", "tests", ".github"):
        for script in (ROOT / folder).rglob("*.py"):
            options |= set(re.findall(r'"(--[a-z][\w-]*)"', script.read_text(encoding="utf-8")))
    return options


def inline(page: Path) -> list[tuple[int, str]]:
    """The code in the sentences, with the line where its paragraph begins."""
    return [((token.map or [0])[0] + 1, child.content)
            for token in tokens_of(page) for child in token.children or []
            if child.type == "code_inline"]  # fmt: skip


def check(code: str, options: set[str]) -> None:
    """Raise if the code is a command or an option, and there is none of that name."""
    words = [word.partition("=")[0] if word.startswith("--") else word for word in code.split()]
    if words and words[0] == "backhand" and len(words) > 1:
        named = words[1]
        if named.isidentifier() and named.islower():
            assert named in COMMANDS, f"backhand has no command {named}"
        unknown = {word for word in words if word.startswith("--")} - COMMANDS.get(named, options)
        assert not unknown, f"{named} has no {unknown}"
    elif code.startswith("--"):
        unknown = {word for word in words if re.match(r"--[a-z]", word)} - options
        assert not unknown, f"no command has {unknown}"
    elif words and words[0] in ("make", "pip", "python") and len(words) > 1:
        checks.check(words[0], shlex.split(code)[1:])


@pytest.fixture(scope="module")
def options() -> set[str]:
    stand_in = {"--option"}
    return stand_in.union(OPTIONS, *COMMANDS.values()) | options_of_scripts()


@pytest.mark.parametrize("page", documents(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_commands_and_options_in_sentences_exist(
    page: Path, options: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(page.parent)
    for line, code in inline(page):
        try:
            check(code, options)
        except (AssertionError, checks.CannotRun) as error:
            raise AssertionError(f"{page.relative_to(ROOT)}:{line}: `{code}`: {error}") from None


@pytest.mark.parametrize(
    "code",
    ["backhand learn", "backhand train --fast", "--no-such-option 3", "make coffee",
     "pip install '.[everything]'", "python benchmarks/none.py", "python -m benchmarks.none"],
)  # fmt: skip
def test_what_does_not_exist_is_found(code: str, options: set[str]) -> None:
    with pytest.raises((AssertionError, checks.CannotRun)):
        check(code, options)
