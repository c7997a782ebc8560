"""Shared by the scripts: separate processes for measurements, Markdown tables, a JSON file."""

from __future__ import annotations

import json
import subprocess
import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from backhand.errors import InputError
from backhand.support.atomic_files import check_output, replacing


def arguments_of(description: str | None) -> ArgumentParser:
    """Return a parser with the option of all scripts, `--json FILE`."""
    parser = ArgumentParser(description=(description or "").partition("\n")[0])
    parser.add_argument("--json", metavar="FILE", type=output_file, help="write all figures there")
    return parser


def output_file(name: str) -> Path:
    """Check that the file can be written, before its contents are measured."""
    try:
        return check_output(name, "the JSON file")
    except InputError as error:
        raise ArgumentTypeError(str(error)) from None  # argparse prints the message


def in_process(script: str, *arguments: object) -> dict[str, Any]:
    """Run a script of this folder in a separate process; return the JSON that it prints last."""
    command = [sys.executable, str(Path(__file__).with_name(script)), *map(str, arguments)]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    result: dict[str, Any] = json.loads(printed.splitlines()[-1])
    return result


def markdown(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a Markdown table; the first column is left-aligned, the others right-aligned."""
    print("| " + " | ".join(headings) + " |")
    print("|---" + "|---:" * (len(headings) - 1) + "|")
    for row in rows:
        print("| " + " | ".join(row) + " |", flush=True)
    print()


def write_json(path: Path | None, values: dict[str, Any]) -> None:
    """Write the file completely or not at all; do nothing without a file name."""
    if path is not None:
        with replacing(path) as temporary:
            temporary.write_text(json.dumps(values, indent=1, ensure_ascii=False) + "\n")
