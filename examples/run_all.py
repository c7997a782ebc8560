"""Run every example, and say how long it took.

    python examples/run_all.py                  # all of them; `make examples` does this
    python examples/run_all.py mnist serving    # those whose path contains one of the words

Examples are the scripts of `gallery/`, which run there, and `many_machines.py` and the `run.py` of
each folder that has one, which run in an empty folder. The output of one that fails is shown, and
its name at the end.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parent
ARGUMENTS = {"many_machines.py": [str(EXAMPLES / "penguins.csv")]}
ENVIRONMENT = {"MPLBACKEND": "Agg", "PYTHONIOENCODING": "utf-8", "OMP_WAIT_POLICY": "PASSIVE"}
"""No windows; any letter can be printed; threads that wait leave the cores to others."""

LIMIT = 600
"""Seconds after which an example that has not ended counts as failed."""


def find() -> list[Path]:
    """All examples, in alphabetical order within their groups."""
    gallery = sorted((EXAMPLES / "gallery").glob("*.py"))
    return [*gallery, EXAMPLES / "many_machines.py", *sorted(EXAMPLES.glob("*/run.py"))]


def run(script: Path) -> str | None:
    """Run an example; return what it printed if it failed."""
    command = [sys.executable, str(script), *ARGUMENTS.get(script.name, [])]
    environment = {**ENVIRONMENT, **os.environ}
    with (
        tempfile.TemporaryFile() as printed,
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
    ):
        try:
            where = script.parent if script.parent.name == "gallery" else folder
            code = subprocess.call(command, cwd=where, env=environment, timeout=LIMIT,
                                   stdin=subprocess.DEVNULL, stdout=printed,
                                   stderr=subprocess.STDOUT)  # fmt: skip
        except subprocess.TimeoutExpired:
            code = f"none: it had not ended after {LIMIT} s"
        printed.seek(0)
        output = printed.read().decode("utf-8", errors="replace")
    return f"{output}\nExit code {code}.\n" if code else None


def main(words: list[str]) -> int:
    """Run the examples that were asked for; return an exit code."""
    names = {path.relative_to(EXAMPLES).as_posix(): path for path in find()}
    chosen = [name for name in names if not words or any(word in name for word in words)]
    if not chosen:
        print(f"No example's path contains {' or '.join(words)}.", file=sys.stderr)
        return 2
    failed = []
    for name in chosen:
        print(f"{name:45}", end="", flush=True)
        began = time.perf_counter()
        problem = run(names[name])
        print(f"{time.perf_counter() - began:7.1f} s{'  failed' if problem else ''}", flush=True)
        if problem:
            failed.append(name)
            print(problem)
    print(f"{len(chosen) - len(failed)} of {len(chosen)} examples ran"
          + (f"; failed: {', '.join(failed)}" if failed else ""))  # fmt: skip
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
