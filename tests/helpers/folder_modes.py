"""Folders of any mode, a model and a table for the tests of files and folders."""

from __future__ import annotations

import stat
from pathlib import Path

from typer.testing import CliRunner

import backhand
from backhand.cli.app import app

CSV = "x,t\n" + "".join(f"{i / 4},{'ab'[i % 2]}\n" for i in range(60))


def model() -> backhand.Parameters:
    return backhand.init(3, 2, 2)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def folder_of_mode(path: Path, bits: int) -> Path:
    path.mkdir()
    path.chmod(bits)
    return path


def run(*arguments: str):
    return CliRunner().invoke(app, arguments)
