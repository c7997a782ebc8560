"""What the scripts here share: a process for each measurement, Markdown tables, a JSON file."""

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
    """A parser with what all scripts have: `--json FILE`."""
    parser = ArgumentParser(description=(description or "").partition("\n")[0])
    parser.add_argument("--json", metavar="FILE", type=output_file, help="write all figures there")
    return parser


def output_file(name: str) -> Path:
    """Whether the file can be written, before minutes are spent on its contents."""
    try:
        return check_output(name, "the JSON file")
    except InputError as error:
        raise ArgumentTypeError(str(error)) from None  # whose words argparse prints


def in_process(script: str, *arguments: object) -> dict[str, Any]:
    """Run a script of this folder in a process of its own; the JSON that it prints last."""
    command = [sys.executable, str(Path(__file__).with_name(script)), *map(str, arguments)]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    result: dict[str, Any] = json.loads(printed.splitlines()[-1])
    return result


def markdown(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a Markdown table: the first column to the left, the others to the right."""
    print("| " + " | ".join(headings) + " |")
    print("|---" + "|---:" * (len(headings) - 1) + "|")
    for row in rows:
        print("| " + " | ".join(row) + " |", flush=True)
    print()


def write_json(path: Path | None, values: dict[str, Any]) -> None:
    """The whole file or none of it; nothing where no file is named."""
    if path is not None:
        with replacing(path) as temporary:
            temporary.write_text(json.dumps(values, indent=1, ensure_ascii=False) + "\n")
