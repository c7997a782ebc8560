"""Windows and macOS, simulated: what they lack is absent, and what they refuse is refused."""

from __future__ import annotations

import ctypes
import errno
import io
import os
import re
import struct
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backhand
from backhand.errors import InputError, OutputError
from backhand.support import atomic_files, cpu_caches, memory_budget, platform, trusted_folders

fcntl = pytest.importorskip("fcntl")
from helpers.object_symbols import undefined  # noqa: E402
from helpers.other_systems import Kernel32, fake_msvcrt  # noqa: E402


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setitem(sys.modules, "msvcrt", fake_msvcrt())
    monkeypatch.setitem(sys.modules, "fcntl", None)
    monkeypatch.setattr(ctypes, "windll", types.SimpleNamespace(kernel32=Kernel32), raising=False)
    monkeypatch.setattr(trusted_folders, "OWNERS", False)


@pytest.fixture
def macos(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, Any]]:
    """The calls of `fcntl.fcntl`."""
    calls: list[tuple[int, Any]] = []
    module: Any = types.ModuleType("fcntl")
    module.F_FULLFSYNC, module.flock = 51, fcntl.flock
    module.LOCK_EX, module.LOCK_NB = fcntl.LOCK_EX, fcntl.LOCK_NB
    module.fcntl = lambda descriptor, number, what=0: calls.append((number, what))
    monkeypatch.setitem(sys.modules, "fcntl", module)
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.delattr(os, "posix_fallocate", raising=False)
    return calls


# Locks.


@pytest.fixture(params=["here", "windows"])
def anywhere(request: pytest.FixtureRequest) -> str:
    if request.param == "windows":
        request.getfixturevalue("windows")
    return request.param


def test_a_lock_holds_until_its_file_is_closed(tmp_path: Path, anywhere: str) -> None:
    path = tmp_path / "lock"
    path.write_bytes(b"who")
    first, second = (os.open(path, os.O_RDWR) for _ in range(2))
    assert platform.lock(first) is True
    assert platform.lock(second) is False
    assert os.read(second, 3) == b"who"  # which a locked byte could not be
    os.close(first)
    assert platform.lock(second) is True
    os.close(second)


def test_a_file_system_without_locks_is_told_from_a_locked_file(
    tmp_path: Path, windows: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(sys.modules["msvcrt"], "locking", no_locks)
    with (tmp_path / "lock").open("w+b") as file, pytest.raises(OSError, match="No locks"):
        platform.lock(file.fileno())
    with trusted_folders.temporary(tmp_path, "part") as folder:  # all the same
        assert folder.is_dir()
    assert not folder.exists()


def train_into(folder: Path) -> backhand.TrainResult:
    return backhand.train(
        backhand.init(2, 2, 2), np.arange(12.0).reshape(6, 2), np.array([0, 1] * 3), epochs=2,
        engine="reference", checkpoint=backhand.Checkpoint(folder, "1epochs", resume=True),
    )  # fmt: skip


def test_a_checkpoint_folder_is_locked(tmp_path: Path, anywhere: str) -> None:
    from backhand.training.checkpoints.lock import LOCK, locked

    with (
        locked(tmp_path / "kept"),
        pytest.raises(InputError, match=rf"another training \(process {os.getpid()} of"),
    ):
        train_into(tmp_path / "kept")
    assert len(train_into(tmp_path / "kept").history) == 2
    (tmp_path / "kept" / LOCK).write_text("a text of mine")
    with pytest.raises(InputError, match="was not written by Backhand"):
        train_into(tmp_path / "kept")


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_uses_is_not(
    tmp_path: Path, anywhere: str
) -> None:
    left = tmp_path / ".backhand-part-abcdefgh.part"
    left.mkdir(mode=0o700)
    (left / "new").write_text("half")
    (left / trusted_folders.LOCK).write_bytes(trusted_folders._host())
    (left / trusted_folders.LOCK).chmod(0o600)
    with trusted_folders.temporary(tmp_path, "part") as folder:
        assert not left.exists()
        trusted_folders.clear(tmp_path, "part")
        assert folder.exists()
    assert not list(tmp_path.iterdir())


def test_a_lock_is_closed_before_it_is_removed_where_that_is_necessary(
    tmp_path: Path, windows: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlink, lock = Path.unlink, trusted_folders.LOCK

    def checked(path: Path, missing_ok: bool = False) -> None:
        assert path.name != lock or platform.lock(os.open(path, os.O_RDWR)), "it is open"
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", checked)
    with trusted_folders.temporary(tmp_path, "part"):
        pass
    assert not list(tmp_path.iterdir())


# Files.


def refusing(times: int, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Let `Path.replace` refuse so many times, as Windows does while the target is open."""
    replace, tried = Path.replace, list[Path]()

    def refused(path: Path, target: Path) -> Path:
        tried.append(path)
        if len(tried) <= times:
            raise PermissionError(errno.EACCES, "The process cannot access the file")
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", refused)
    monkeypatch.setattr(platform, "PAUSE", 0.0)
    return tried


def test_a_file_that_another_program_has_open_is_replaced_after_some_tries(
    tmp_path: Path, windows: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "m").write_text("old")
    tried = refusing(3, monkeypatch)
    backhand.save(backhand.init(3, 2, 2), tmp_path / "m")
    assert len(tried) == 4
    assert backhand.load(tmp_path / "m").params.W1.shape == (3, 2)


def test_a_file_that_stays_open_is_an_error_and_unchanged(
    tmp_path: Path, windows: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "m").write_text("old")
    refusing(100, monkeypatch)
    with pytest.raises(OutputError, match="cannot access the file"):
        backhand.save(backhand.init(3, 2, 2), tmp_path / "m")
    assert (tmp_path / "m").read_text() == "old" and len(list(tmp_path.iterdir())) == 1


def test_elsewhere_a_refusal_is_final(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = refusing(1, monkeypatch)
    with pytest.raises(OutputError):
        backhand.save(backhand.init(3, 2, 2), tmp_path / "m")
    assert len(tried) == 1


def test_a_read_only_file_of_windows_is_refused_beforehand(
    tmp_path: Path, windows: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "m").touch()
    status = types.SimpleNamespace(st_file_attributes=1)
    assert not platform.is_immutable(tmp_path / "missing")
    monkeypatch.setattr(Path, "stat", lambda *_, **__: status)
    monkeypatch.setattr(platform.stat, "FILE_ATTRIBUTE_READONLY", 1, raising=False)
    assert platform.is_immutable(tmp_path / "m")
    status.st_file_attributes = 32
    assert not platform.is_immutable(tmp_path / "m")


def test_an_input_is_recognised_where_case_makes_no_difference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On macOS and Windows `Data.csv` and `data.csv` are one file; here a link makes them so."""
    (tmp_path / "data.csv").write_text("a,b\n")
    os.link(tmp_path / "data.csv", tmp_path / "Data.csv")
    with pytest.raises(InputError, match="is also the input"):
        atomic_files.check_output(tmp_path / "Data.csv", "the output", [tmp_path / "data.csv"])
    os.link(tmp_path / "data.csv", tmp_path / "other.csv")
    atomic_files.check_output(tmp_path / "other.csv", "the output", [tmp_path / "data.csv"])


def test_files_are_flushed_from_the_disks_memory_on_macos(
    tmp_path: Path, macos: list[tuple[int, Any]]
) -> None:
    backhand.save(backhand.init(3, 2, 2), tmp_path / "m")
    assert (51, 0) in macos


def test_space_is_reserved_on_macos(tmp_path: Path, macos: list[tuple[int, Any]]) -> None:
    with (tmp_path / "rows").open("w+b") as file:
        platform.reserve(file.fileno(), 5000)
        assert os.fstat(file.fileno()).st_size == 5000
    ((number, record),) = macos
    assert (number, struct.unpack("Iiqqq", record)) == (42, (4, 3, 0, 5000, 0))


def test_a_full_disk_is_reported_on_macos(
    tmp_path: Path, macos: list[tuple[int, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(sys.modules["fcntl"], "fcntl", full)
    with (tmp_path / "rows").open("w+b") as file, pytest.raises(OSError, match="No space"):
        platform.reserve(file.fileno(), 5000)


def test_mapped_files_are_not_kept_where_they_cannot_be_renamed(
    tmp_path: Path, windows: None
) -> None:
    with pytest.raises(InputError, match=r"--keep-cache .* which Windows cannot"):
        atomic_files.check_folder(tmp_path, keep=True)
    assert atomic_files.check_folder(tmp_path) == tmp_path


@pytest.mark.parametrize(
    ("system", "given", "expected"),
    [
        ("linux", {}, ".cache"),
        ("linux", {"XDG_CACHE_HOME": "/x"}, "/x"),
        ("darwin", {}, "Library/Caches"),
        ("win32", {}, "AppData/Local"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local"),
        ("win32", {"LOCALAPPDATA": "relative"}, "AppData/Local"),
    ],
)
def test_the_cache_folder(
    system: str, given: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"HOME": "/home/me", **given}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", system)
    assert platform.cache_folder() == Path("/home/me") / expected


def test_predictions_reach_a_stream_without_paths_of_descriptors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("duckdb")
    from backhand.tables.reading.reader import read_table
    from backhand.tables.writing import Added, stream_rows

    (tmp_path / "t.csv").write_bytes("x,é\r\n1,\"a,b\"\r\n2,\r\n".encode())  # fmt: skip
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def written() -> bytes:
        out = io.BytesIO()
        added = Added(["p"], [np.dtype(float)], iter([[np.array([0.5, 0.25])]]))
        assert stream_rows(read_table(tmp_path / "t.csv"), added, out) == 2
        return out.getvalue()

    here = written()
    monkeypatch.setattr(platform, "descriptor_path", lambda _: None)
    assert written() == here and here.count(b"\n") == 3
    assert not list(tmp_path.glob("backhand-rows-*"))


# Memory and caches.


def test_memory_is_that_which_windows_reports(
    windows: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_budget, "AVAILABLE", Path("/none"))
    monkeypatch.setattr(memory_budget, "MEMBERSHIP", Path("/none"))
    monkeypatch.setattr(memory_budget, "TAKEN", Path("/none"))
    monkeypatch.delattr(os, "sysconf")
    assert platform.installed_memory() == 8 * 2**30
    assert memory_budget.free_memory() == 3 * 2**30


def test_without_limits_of_processes_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resource", None)
    assert platform.limit_of("RLIMIT_AS") is None
    assert not platform.limit_memory(2**30)
    platform.use_reserve()
    platform.no_core_file()


@pytest.mark.parametrize(
    ("listed", "expected"),
    [({"hw.perflevel0.l1dcachesize": 131072, "hw.l1dcachesize": 65536}, 131072),
     ({"hw.l1dcachesize": 32768}, 32768)],
)  # fmt: skip
def test_macos_lists_caches_of_its_fastest_cores_or_of_all(
    listed: dict[str, int], expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Library:
        @staticmethod
        def sysctlbyname(name: bytes, size: Any, *_: object) -> int:
            if (found := listed.get(name.decode())) is None:
                return -1
            size._obj.value = found
            return 0

    monkeypatch.setattr(cpu_caches.platform, "system", lambda: "Darwin")
    monkeypatch.setattr(ctypes, "CDLL", lambda _: Library)
    assert cpu_caches._from_sysctl(1) == expected


# Other modules.


def test_no_other_module_depends_on_the_system() -> None:
    """But for the sizes of caches, and the name of the machine in a benchmark."""
    package = Path(backhand.__file__).parent
    asked = re.compile(r"\bsys\.platform|\bos\.name\b|platform\.system\(|hasattr\((?:os|signal),")
    found = {path.relative_to(package).as_posix() for path in package.rglob("*.py")
             if asked.search(path.read_text(encoding="utf-8"))}  # fmt: skip
    assert found == {"support/platform.py", "support/cpu_caches.py", "benchmark/machine.py"}


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
`sched_yield` on Windows (`platform.missing_symbols`). `_fltused` says that there are floating-point
numbers; nothing refers to it. No frame is so large that it has to be probed (`__chkstk`)."""


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
from backhand.support import platform, trusted_folders
from backhand.support.signals import signals_noted, signals_seen
assert not platform.OWNERS
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
