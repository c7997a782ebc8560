"""The package without what Linux alone has, and its compiled code for other systems."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("fcntl")
from helpers.object_symbols import undefined

# The compiled code, for other systems.


OBJECTS = """
import os, sys
triple, cpu, folder = sys.argv[1:]
os.environ.update(NUMBA_CPU_NAME=cpu, NUMBA_CPU_FEATURES="")
from llvmlite import binding
binding.initialize_all_targets(); binding.initialize_all_asmprinters()
binding.get_process_triple = lambda: triple
from pathlib import Path
import numpy as np
from backhand.engines.fused.llvm import compiler
from backhand.engines.fused.llvm.precision import CONVERSION, bf16_precision, precision_of
from backhand.engines.fused.prediction import predict
from backhand.engines.fused.work import apply_gradient, train_program
float32, float64 = precision_of(np.float32), precision_of(np.float64)
for write in (train_program, predict, apply_gradient):
    for precision in (float32, float64, bf16_precision(CONVERSION)):
        name = f"{write.__name__}.{precision.name}"
        code = compiler._compile(write, precision, name, compiler.silently, None)
        (Path(folder) / name).write_bytes(code)
"""

CALLED = {
    "x86_64-pc-windows-msvc": {"_fltused", "memset", "sched_yield"},
    "arm64-apple-macosx11.0.0": {"bzero", "memset_pattern16", "sched_yield"},
    "aarch64-unknown-linux-gnu": {"memset", "sched_yield"},
}
"""What the compiled programs may call on each system, all of which its C library has, but for
`sched_yield` on Windows (`missing_symbols`). `_fltused` says that there are floating-point numbers;
nothing refers to it. No frame is so large that it has to be probed (`__chkstk`)."""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("triple", "cpu"),
    [("x86_64-pc-windows-msvc", "haswell"), ("arm64-apple-macosx11.0.0", "apple-m1"),
     ("aarch64-unknown-linux-gnu", "neoverse-n1")],
)  # fmt: skip
def test_compiled_code_of_other_systems_calls_what_they_have(
    triple: str, cpu: str, tmp_path: Path
) -> None:
    pytest.importorskip("llvmlite")
    done = subprocess.run(
        [sys.executable, "-c", OBJECTS, triple, cpu, str(tmp_path)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    objects = {path.name: undefined(path.read_bytes()) for path in tmp_path.iterdir()}
    assert len(objects) == 9
    assert set().union(*objects.values()) == CALLED[triple], objects
    assert all("sched_yield" in objects[name] for name in objects if name.startswith("train"))


# All of it, without what Linux alone has.


WITHOUT = """
import sys, warnings
import arro3.core, duckdb, joblib, llvmlite.binding, numpy as np, threadpoolctl  # as they are here
import ctypes, http.client, multiprocessing, ssl, subprocess, tempfile, urllib.request, zipfile
import matplotlib.pyplot, onnx, onnxruntime, rich.console, rich.progress, scipy.sparse
import sklearn.model_selection, sklearn.neural_network, sklearn.pipeline, torch, typer
import backhand.cli.app, rich.live, rich.progress, rich.table
from helpers.other_systems import import_everything, take_away_what_windows_lacks
take_away_what_windows_lacks()
print(*import_everything(), sep="\\n", file=sys.stderr)
from pathlib import Path
import backhand
from backhand.support import system, trusted_folders
from backhand.support.signals import signals_noted, signals_seen
assert not system.files.OWNERS
Path("t.csv").write_text("x,c,t\\n" + "1,u,a\\n2,v,b\\n3,u,b\\n" * 50)
model = backhand.fit("t.csv", "t", hidden=4, epochs=3, engine="fused")
backhand.save(model, "m.safetensors")
model = backhand.load("m.safetensors")
assert model.predict("t.csv").shape == (150,)
for _ in range(2):
    kept = backhand.Checkpoint("kept", "1epochs", resume=True)
    backhand.train(backhand.init(2, 3, 2), np.eye(2, dtype="f"), np.arange(2), epochs=2,
                   checkpoint=kept, engine="reference")
Path("net.py").write_text("def backward(*a):\\n    return None\\n")
from backhand.doctor.apart.check_process import CheckProcess
with CheckProcess("net.py:backward") as apart:
    assert apart.report()
with signals_seen(print), signals_noted():
    pass
from backhand.__main__ import main
sys.argv = ["backhand", "predict", "m.safetensors", "t.csv"]
main()
"""


@pytest.mark.slow
def test_everything_works_without_what_windows_lacks(tmp_path: Path) -> None:
    for package in ("duckdb", "llvmlite", "matplotlib", "onnx", "sklearn", "torch"):
        pytest.importorskip(package)
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) >= 151, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "kept", "m.safetensors", "net.py", "t.csv",
    ]  # fmt: skip
