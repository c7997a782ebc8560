"""Commands that are not run: what they name exists."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path

from conftest import ROOT

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = {name for line in re.findall(r"^([\w -]+):(?!=)", MAKEFILE, re.MULTILINE)
           for name in line.split()}  # fmt: skip
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = frozenset(PROJECT["optional-dependencies"])
ADDRESSES = {address.removesuffix(".git") for address in PROJECT.get("urls", {}).values()}
FOLDERS = ("tests/", "docs/", "examples/", "benchmarks/", "src/", ".github/")


class CannotRun(Exception):
    """A command that can neither be run nor be checked, or that names what does not exist."""


def check(name: str, words: list[str]) -> None:
    """Raise if a command, without its name, names what is not there."""
    if name not in CHECKS:
        raise CannotRun(
            f"{name!r} is neither run nor checked; write <!-- not run: REASON --> above the block"
        )
    CHECKS[name](words)


def check_make(words: list[str]) -> None:
    for word in words:
        if "=" not in word and word not in TARGETS:
            raise CannotRun(f"Makefile has no target {word!r}")


def check_pip(words: list[str]) -> None:
    """The extras of Backhand are those of pyproject.toml."""
    for word in words:
        found = re.fullmatch(r"(?:\.|backhand)(?:\[(.+)\])?", word)
        unknown = set(found[1].split(",")) - EXTRAS if found and found[1] else set()
        if unknown:
            raise CannotRun(f"there is no extra {sorted(unknown)}")


def check_git(words: list[str]) -> None:
    for word in words:
        if word.startswith("https:") and word.removesuffix(".git") not in ADDRESSES:
            raise CannotRun(f"{word} is not an address of [project.urls]")


def check_python(words: list[str]) -> None:
    """A script or a module of the repository, or pip, venv or pytest."""
    if words[0] != "-m":
        if not any((place / words[0]).is_file() for place in (ROOT, Path.cwd())):
            raise CannotRun(f"there is no {words[0]}")
        check_files(words[1:])
    elif words[1] in CHECKS:
        CHECKS[words[1]](words[2:])
    else:
        path = words[1].replace(".", "/") + ".py"
        known = words[1] in ("venv", "backhand", "http.server")
        if not known and not any((ROOT / place / path).is_file() for place in ("", "tests")):
            raise CannotRun(f"there is no module {words[1]}")
        check_files(words[2:])


def check_files(words: list[str]) -> None:
    """Paths of the repository name something; one with FOLDER or PAGE stands for others."""
    for word in words:
        path = word.partition("::")[0].rstrip("/")
        if (
            path.startswith(FOLDERS)
            and not re.search(r"[A-Z]{4}", path)
            and not any(ROOT.glob(path))
        ):
            raise CannotRun(f"there is no {path}")


CHECKS: dict[str, Callable[[list[str]], None]] = {
    "git": check_git,
    "jupyter": check_files,
    "make": check_make,
    "mypy": check_files,
    "pip": check_pip,
    "pytest": check_files,
    "python": check_python,
    "ruff": check_files,
    "uv": check_pip,
}
"""What is checked of a command that is not run."""
