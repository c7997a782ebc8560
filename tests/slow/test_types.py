"""A type checker finds every misuse of the public names, and nothing in what is right."""

import os
import re
import subprocess
import sys

import pytest

from conftest import ROOT

pytestmark = pytest.mark.slow
CLIENTS = ROOT / "tests" / "clients"


def errors_in(name: str) -> set[int]:
    """The lines of a client's program in which mypy finds an error."""
    pytest.importorskip("mypy")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", "pyproject.toml", str(CLIENTS / name)],
        capture_output=True, text=True, cwd=ROOT, env=os.environ | {"MYPYPATH": "src"},
    )  # fmt: skip
    found = re.findall(r"^(\S+):(\d+): error", done.stdout, re.MULTILINE)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    assert {file for file, _ in found} <= {f"tests/clients/{name}"}, done.stdout
    return {int(line) for _, line in found}


def test_a_right_program_has_no_error() -> None:
    assert errors_in("right.py") == set()


def test_every_planted_misuse_is_found() -> None:
    lines = (CLIENTS / "misused.py").read_text().splitlines()
    planted = {number for number, line in enumerate(lines, 1) if line.endswith("# wrong")}
    assert len(planted) >= 6 and errors_in("misused.py") == planted
