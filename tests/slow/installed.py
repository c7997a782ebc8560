"""The wheel, tested as it is installed: several Pythons, each with several sets of packages.

    python tests/slow/installed.py --python python3.11 --python python3.14 --set core --set newest

builds the wheel once. Then, for each Python and set, it makes an empty environment, installs the
wheel and what the set has into it with pip (wheels only: nothing is compiled), copies the tests
out of the source tree, runs them there, and prints a row of a Markdown table.

core    the wheel alone: no extra
floor   the extras, each package in the least version that pyproject.toml allows
newest  the extras, each package in the newest version

An extra that has no wheel for a Python is left out, and the table says so. PyTorch is left out
unless `--torch` is given: on Linux its build for CUDA would be downloaded, of several GB.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = ("fast", "tables", "formats", "sklearn", "onnx", "plot", "report", "widget")
RUNNERS = ("hypothesis", "pytest")
COPIED = ("tests", "examples", "docs", "benchmarks")
FILES = ("pyproject.toml", "constraints.txt", "README.md", "CHANGELOG.md", "CONTRIBUTING.md")
ABOUT_THE_SOURCE = ("tests/test_architecture.py", "tests/test_packaging.py",
                    "tests/documents", "tests/doctor/test_corpus.py")  # fmt: skip
"""Tests of the source tree or of its documents, not of what is installed."""

SOME = ("tests/equations/test_optimizers.py", "tests/engines/test_registry.py",
        "tests/engines/test_sums.py", "tests/engines/test_reference_run.py",
        "tests/training/test_training.py", "tests/estimator/test_estimator.py",
        "tests/tables/test_tables.py", "tests/tables/test_packed_files.py",
        "tests/tables/test_arrow_streams.py", "tests/cli/test_cli.py", "tests/exports",
        "tests/test_model_file.py", "tests/plot/test_displays.py")  # fmt: skip
"""With `--some`: what differs between versions of Python and of packages, if anything does."""


Done = subprocess.CompletedProcess[str]


class Row(NamedTuple):
    """One environment, and what the tests said there."""

    python: str
    which: str
    packages: int
    megabytes: float
    passed: int
    skipped: Counter[str]
    failed: list[str]
    seconds: float
    without: list[str]

    def __str__(self) -> str:
        absent = sum(n for reason, n in self.skipped.items() if "is not installed" in reason)
        skipped = f"{self.skipped.total()} ({absent})"
        without = ", ".join(self.without) or "–"
        return (
            f"| {self.python} | {self.which} | {self.packages} | {self.megabytes:.0f} "
            f"| {self.passed} | {skipped} | {len(self.failed)} | {self.seconds:.0f} | {without} |"
        )


HEAD = """\
| Python | set | packages | MB | passed | skipped (package absent) | failed | seconds | left out |
|---|---|---:|---:|---:|---:|---:|---:|---|"""


def floors() -> list[str]:
    """The least version of each package that the wheel or an extra asks for, as constraints."""
    asked = [*PROJECT["dependencies"]]
    asked += [
        one for extra in (*EXTRAS, "torch") for one in PROJECT["optional-dependencies"][extra]
    ]
    found = (re.match(r"([\w.-]+)>=([\w.]+)", one) for one in asked)
    return sorted({f"{match[1]}=={match[2]}" for match in found if match})


def runners(which: str) -> list[str]:
    """What only tests need: not with the core alone, and never pinned by a floor."""
    if which == "core":
        return [*RUNNERS]
    names = (re.match(r"[\w.-]+", one)[0] for one in PROJECT["optional-dependencies"]["test"])
    return [name for name in names if name != "backhand"]


class Environment:
    """An empty virtual environment, which pip fills from outside."""

    def __init__(self, python: str, folder: Path) -> None:
        self.folder, self.python = folder, folder / "bin" / "python"
        run([python, "-m", "venv", "--without-pip", str(folder)])

    def install(self, *packages: str, constraints: Path | None = None) -> bool:
        """Whether pip could install these, from wheels."""
        command = [sys.executable, "-m", "pip", "--python", str(self.python), "install", "--quiet",
                   "--disable-pip-version-check", "--only-binary", ":all:", *packages]  # fmt: skip
        if constraints is not None:
            command += ["--constraint", str(constraints)]
        done = run(command, check=False)
        if done.returncode:
            print(done.stderr[-1000:], file=sys.stderr)
        return not done.returncode

    def install_each(self, packages: list[str], constraints: Path | None = None) -> list[str]:
        """Install these, together if that is possible; those that cannot be are returned."""
        if not packages or self.install(*packages, constraints=constraints):
            return []
        return [one for one in packages if not self.install(one, constraints=constraints)]

    def size(self) -> tuple[int, float]:
        """The number of packages, and the megabytes that they take."""
        site = next(self.folder.glob("lib/python*/site-packages"))
        files = [path for path in site.rglob("*") if path.is_file() and not path.is_symlink()]
        return len([*site.glob("*.dist-info")]), sum(path.stat().st_size for path in files) / 1e6


def run(command: list[str], *, check: bool = True, cwd: Path = ROOT) -> Done:
    """What a command wrote, without the source tree on Python's path."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    return subprocess.run(
        command, check=check, capture_output=True, text=True, env=environment, cwd=cwd
    )


def build(folder: Path) -> Path:
    run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", str(folder), str(ROOT)]
    )
    return next(folder.glob("*.whl"))


def copy_tests(folder: Path) -> None:
    """Everything that the tests read, without the package."""
    for name in COPIED:
        ignored = shutil.ignore_patterns("__pycache__", "build", ".hypothesis")
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    for name in FILES:
        shutil.copy(ROOT / name, folder)


def tested(environment: Environment, tree: Path, tests: list[str], *, old: bool) -> tuple:
    """Passed, skipped by reason, failed, seconds.

    Old packages call what newer ones under them have deprecated, which is no fault of ours.
    """
    where = "import backhand; print(backhand.__file__)"
    home = run([str(environment.python), "-c", where], cwd=tree).stdout.strip()
    assert Path(home).is_relative_to(environment.folder), f"not the installed wheel: {home}"
    report = tree / "report.xml"
    began = time.perf_counter()
    ignored = [f"--ignore={name}" for name in ABOUT_THE_SOURCE]
    ignored += ["-W", "ignore::DeprecationWarning"] if old else []
    done = run([str(environment.python), "-m", "pytest", "-q", "-p", "no:cacheprovider",
                "--continue-on-collection-errors", f"--junit-xml={report}", *ignored, *tests],
               cwd=tree, check=False)  # fmt: skip
    seconds = time.perf_counter() - began
    if not report.exists():
        raise SystemExit(done.stdout[-3000:] + done.stderr[-3000:])
    (environment.folder / "output.txt").write_text(done.stdout + done.stderr)
    passed, failed, skipped = 0, [], Counter()
    for case in ET.parse(report).getroot().iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        if case.find("failure") is not None or case.find("error") is not None:
            failed.append(name)
        elif (skip := case.find("skipped")) is not None:
            skipped[skip.get("message", "")] += 1
        else:
            passed += 1
    return passed, skipped, failed, seconds


def row(python: str, which: str, wheel: Path, folder: Path, options: argparse.Namespace) -> Row:
    """Make one environment, and run the tests in it."""
    environment = Environment(python, folder / "environment")
    constraints = None
    if which == "floor":
        constraints = folder / "floor.txt"
        constraints.write_text("\n".join(floors()))
    extras = [] if which == "core" else [*EXTRAS, *(["torch"] if options.torch else [])]
    if not environment.install(str(wheel), constraints=constraints):
        raise SystemExit(f"the wheel cannot be installed for {python}")
    without = environment.install_each([f"{wheel}[{extra}]" for extra in extras], constraints)
    without = [one.rpartition("[")[2].rstrip("]") for one in without]
    packages, megabytes = environment.size()
    without += environment.install_each(runners(which), constraints)
    tree = folder / "tree"
    copy_tests(tree)
    version = run([str(environment.python), "-c", VERSION]).stdout.strip()
    tests = options.tests or (list(SOME) if options.some else ["tests"])
    found = tested(environment, tree, tests, old=which == "floor")
    return Row(version, which, packages, megabytes, *found, without)


VERSION = """
import sys, sysconfig
free = "t" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
print(".".join(map(str, sys.version_info[:3])) + free)
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--python", action="append", help="an interpreter; repeat for more")
    parser.add_argument("--set", action="append", choices=("core", "floor", "newest"), dest="sets")
    parser.add_argument("--torch", action="store_true", help="with the extra torch")
    parser.add_argument("--some", action="store_true", help="a part of the tests")
    parser.add_argument("--keep", type=Path, help="make the environments here, and keep them")
    parser.add_argument("tests", nargs="*", help="files or folders, instead of all tests")
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        top = options.keep or Path(temporary)
        top.mkdir(parents=True, exist_ok=True)
        wheel = build(Path(tempfile.mkdtemp(dir=top)))
        for python in options.python or [sys.executable]:
            for which in options.sets or ["core", "floor", "newest"]:
                folder = Path(tempfile.mkdtemp(dir=top, prefix=f"{which}-"))
                rows.append(row(python, which, wheel, folder, options))
                print("\n".join([HEAD] * (len(rows) == 1) + [str(rows[-1])]), flush=True)
                for name in rows[-1].failed:
                    print(f"{rows[-1].python} {which}: {name}", file=sys.stderr)
                if options.keep is None:
                    shutil.rmtree(folder)
    return any(row.failed for row in rows)


if __name__ == "__main__":
    raise SystemExit(main())
