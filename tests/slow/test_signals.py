"""Signals at random moments: each command ends soon, in one true sentence, and leaves nothing.

The figures are in the output of `pytest -s`.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest

import backhand
from backhand.cli.written_output import INCOMPLETE, NOTHING

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX"),
]

SIGNALS = {signal.SIGINT: 300, signal.SIGTERM: 300, signal.SIGHUP: 100}
"""How many of each."""

MOST_SECONDS = 20.0
"""From the signal to the end, on a machine that does much else besides."""

ROWS = 20_000

PATIENT = """
import numpy as np
def backward(X, y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    S = H1 @ W2 + b2
    P = np.exp(S - S.max(axis=1, keepdims=True))
    P /= P.sum(axis=1, keepdims=True)
    dS = (P - np.eye(P.shape[1])[y]) / len(y)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}
"""


class Ended(NamedTuple):
    """How a command ended that was sent a signal, or was done before it came."""

    code: int
    said: str
    printed: str
    seconds: float
    late: bool


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A table, a model of it and a function to check."""
    path = tmp_path_factory.mktemp("signals")
    rows = "".join(f"{i % 97},{i * 7 % 11},{'ab'[i % 2]}\n" for i in range(ROWS))
    (path / "t.csv").write_text("x,z,t\n" + rows)
    (path / "f.py").write_text(PATIENT)
    done = subprocess.run(command("train", "--quick", "t.csv", "-t", "t", "-o", "m.safetensors",
                                  "--epochs", "1"), cwd=path, check=False)  # fmt: skip
    assert done.returncode == 0
    return path


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "backhand", *arguments]


def signalled(arguments: list[str], number: int, after: float, cwd: Path) -> Ended:
    """Run it, and send the signal so many seconds after it was started."""
    process = subprocess.Popen(
        arguments, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=os.environ | {"TMPDIR": str(cwd / "tmp")},
    )  # fmt: skip
    began = time.monotonic()
    try:
        out, said = process.communicate(timeout=after)
        return Ended(process.returncode, said, out, time.monotonic() - began, True)
    except subprocess.TimeoutExpired:
        pass
    process.send_signal(number)
    began = time.monotonic()
    out, said = process.communicate(timeout=120)
    return Ended(process.returncode, said, out, time.monotonic() - began, False)


CASES = {
    "train": (["train", "--quick", "../t.csv", "-t", "t", "--epochs", "12", "-o",
              "new.safetensors"], "new.safetensors", "the model is saved in new.safetensors"),
    "predict": (["predict", "../m.safetensors", "../t.csv", "-o", "new.csv"],
                "new.csv", "all rows are in new.csv"),
    "print": (["predict", "../m.safetensors", "../t.csv"], None, ""),
    "check": (["check", "../f.py:backward"], None, ""),
}  # fmt: skip


def whole(path: Path) -> bool:
    """Whether an output is all there."""
    if path.suffix == ".csv":
        return path.read_bytes().count(b"\n") == ROWS + 1
    return backhand.load(path).params is not None


def faults(ended: Ended, number: int, name: str, here: Path) -> list[str]:
    """What is wrong with how it ended."""
    _, output, sentence = CASES[name]
    there = output is not None and (here / output).exists()
    found = []
    # Before Backhand's first line Python answers: to Ctrl-C with a traceback, else by ending.
    early = ended.code == -number and not there and not ended.printed
    interrupted = ended.code == 128 + number
    if not (early or interrupted or ended.code == 0):
        found.append(f"exit {ended.code}")
    if ended.seconds > MOST_SECONDS and not ended.late:
        found.append(f"{ended.seconds:.1f} s")
    if not early and ("Traceback" in ended.said or "internal error" in ended.said):
        found.append("a traceback")
    if interrupted:
        honest = [sentence] if there else [NOTHING]
        if name == "print":
            honest = [INCOMPLETE] if ended.printed else [INCOMPLETE, NOTHING]
        last = ended.said.splitlines(keepends=True)[-1] if ended.said else ""
        if last not in [f"backhand: interrupted; {one}.\n" for one in honest]:
            found.append(f"said {ended.said!r}, and the output is {'there' if there else 'not'}")
    if there and not whole(here / str(output)):
        found.append("half a file")
    if ended.code == 0 and output is not None and not there:
        found.append("exit 0 and no output")
    left = {p.name for p in here.iterdir()} - {output, "tmp"}
    left |= {p.name for p in (here / "tmp").iterdir()} if not early else set()
    if left:
        found.append(f"left {sorted(left)}")
    return found


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_a_command_ends_well_whenever_it_is_told_to(folder, number) -> None:
    random.seed(int(number))
    names = list(CASES)
    lengths = {}
    for name in names:
        here = made(folder / f"length-{name}-{number}")
        began = time.monotonic()
        subprocess.run(command(*CASES[name][0]), cwd=here, capture_output=True, check=True)
        lengths[name] = time.monotonic() - began
    wrong, codes, slowest = [], Counter(), 0.0
    for i in range(SIGNALS[number]):
        name = names[i % len(names)]
        here = made(folder / f"{number}-{i}")
        after = random.uniform(0.0, 1.1) * lengths[name]
        ended = signalled(command(*CASES[name][0]), number, after, here)
        codes[name, ended.code] += 1
        slowest = max(slowest, 0.0 if ended.late else ended.seconds)
        wrong += [f"{name} after {after:.3f} s: {what}: {ended.said[-400:]!r}"
                  for what in faults(ended, number, name, here)]  # fmt: skip
    print(f"\n{signal.Signals(number).name}: {dict(codes)}; slowest {slowest:.2f} s; "
          f"{len(wrong)} wrong")  # fmt: skip
    assert not wrong, "\n".join(wrong)
    assert sum(n for (_, code), n in codes.items() if code == 128 + number) > SIGNALS[number] // 3


def made(path: Path) -> Path:
    (path / "tmp").mkdir(parents=True)
    return path
