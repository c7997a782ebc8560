"""Twenty processes that start at once with an empty cache of compiled code."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("llvmlite")

pytestmark = pytest.mark.slow

PROCESSES = 20

FIT = """
import hashlib, sys, numpy as np, backhand
sys.stdin.readline()
X, y = np.arange(80.0).reshape(40, 2) / 80, np.arange(40) % 2
result = backhand.train(backhand.init(2, 5, 2, seed=0), X, y, epochs=5, engine="fused")
print(hashlib.sha256(b"".join(a.tobytes() for a in result.params)).hexdigest())
"""


@pytest.mark.parametrize("kind", ["empty", "killed"])
def test_many_first_starts_at_once(tmp_path: Path, kind: str) -> None:
    """All end well with the same numbers, and one file of each program is kept.

    "killed": half of them, at once, while the others go on.
    """
    folder = tmp_path / "cache"
    processes = [
        subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", FIT], text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=os.environ | {"BACKHAND_CACHE_DIR": str(folder)},
        )
        for _ in range(PROCESSES)
    ]  # fmt: skip
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    if kind == "killed":
        while not (folder.exists() and list(folder.iterdir())):
            assert any(process.poll() is None for process in processes)
        for process in processes[::2]:
            process.kill()
    survivors = processes if kind == "empty" else processes[1::2]
    said = [process.communicate(timeout=300) for process in processes]
    ended = {process.returncode for process in survivors}
    assert ended == {0}, [err for _, err in said if err]
    assert len({out for (out, _), p in zip(said, processes, strict=True) if p in survivors}) == 1
    files = sorted(path.name for path in folder.iterdir() if path.suffix == ".o")
    programs = {name.split("-")[0] for name in files}
    assert len(files) == len(programs) > 0
    left = [path for path in folder.iterdir() if path.suffix != ".o"]
    if kind == "killed" and left:  # what the killed ones left, the next who keeps something removes
        from backhand.support.atomic_files import replacing

        with replacing(folder / "x.o") as new:
            new.write_bytes(b"")
        left = [path for path in folder.iterdir() if path.suffix != ".o"]
    assert not left
    print(f"{len(survivors)} of {PROCESSES} ended well; kept: {files}")


@pytest.mark.parametrize("installed", [True, False])
def test_the_first_fit_finds_its_engine_imported_where_it_can_be(installed: bool) -> None:
    hide = "" if installed else "sys.modules['llvmlite'] = None\n"
    script = f"""
import sys
{hide}from backhand import MLPClassifier
before = set(sys.modules)
MLPClassifier(max_iter=1).fit([[0.0], [1.0]], [0, 1])
print([name for name in sys.modules if name not in before and ".fused" in name])
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")
