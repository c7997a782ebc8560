"""Each system call of what writes files fails once, at each place in turn.

Then there is the whole new file and no error, or the old file as it was and a sentence, and nothing
else beside it. Calls are made to fail in this process, where Python makes them; for what DuckDB
writes, the system itself refuses to let a file grow, at one size after the other.
"""

from __future__ import annotations

import contextlib
import errno
import gc
import io
import mmap
import os
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backhand
from backhand.model import as_model
from backhand.table_settings import Settings
from backhand.tables.array_store import ArrayStore
from backhand.tables.reading.reader import read_table
from backhand.tabular.prediction import predict_table
from backhand.tabular.training import fit_table, prepare_table

fcntl = pytest.importorskip("fcntl")
resource = pytest.importorskip("resource")

pytestmark = [
    pytest.mark.slow,
    # Popen knows nothing more of a process where a call fails just after that has been started.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

OLD = b"the old file"

ERRORS = {
    "open": errno.EMFILE, "write": errno.ENOSPC, "pwrite": errno.ENOSPC, "close": errno.EIO,
    "read": errno.EIO, "fsync": errno.EIO, "replace": errno.EPERM, "rename": errno.EPERM,
    "mkdir": errno.ENOSPC, "rmdir": errno.EBUSY, "unlink": errno.EBUSY, "remove": errno.EBUSY,
    "stat": errno.EIO, "lstat": errno.EIO, "fstat": errno.EIO, "fchmod": errno.EPERM,
    "fchown": errno.EPERM, "scandir": errno.EMFILE, "listdir": errno.EMFILE, "access": errno.EIO,
    "pathconf": errno.EIO, "ftruncate": errno.EIO, "posix_fallocate": errno.ENOSPC,
    "setxattr": errno.ENOTSUP,
}  # fmt: skip
"""How each function of `os` fails."""

CLEARING = {"os.unlink", "os.rmdir", "os.scandir", "os.remove", "os.stat", "os.lstat", "os.open"}
"""Where one of these fails while something is removed, the next who writes there removes it."""


class Injector:
    """Counts the calls of each function, and makes the one of a chosen number fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
        self.root = str(root)
        self.counts: dict[str, int] = {}
        self.chosen: tuple[str, int] | None = None
        self.active = False
        for name, number in ERRORS.items():
            if hasattr(os, name):
                # A descriptor is closed, whatever close says.
                first = name == "close"
                monkeypatch.setattr(os, name, self._failing(f"os.{name}", getattr(os, name), number,
                                                            first=first))  # fmt: skip
        for module, name, number in (
            (fcntl, "flock", errno.ENOLCK), (fcntl, "ioctl", errno.ENOTTY),
            (mmap, "mmap", errno.ENOMEM),
        ):  # fmt: skip
            function = self._failing(f"{module.__name__}.{name}", getattr(module, name), number)
            monkeypatch.setattr(module, name, function)
        opened, injector = io.open, self

        def io_open(*args: Any, **kwargs: Any) -> Any:
            if not injector._concerns(args):
                return opened(*args, **kwargs)
            injector._count("io.open", errno.EMFILE)
            return Failing(opened(*args, **kwargs), injector)

        monkeypatch.setattr(io, "open", io_open)

    def _failing(
        self, name: str, function: Callable[..., Any], number: int, *, first: bool = False
    ) -> Callable[..., Any]:
        def called(*args: Any, **kwargs: Any) -> Any:
            if not self._concerns(args):
                return function(*args, **kwargs)
            if first:
                function(*args, **kwargs)
                self._count(name, number)
                return None
            self._count(name, number)
            return function(*args, **kwargs)

        return called

    def _concerns(self, args: tuple[Any, ...]) -> bool:
        """Whether it is about what is written, or a descriptor; not the data, or a module."""
        named = args and isinstance(args[0], str | os.PathLike)
        return not named or os.fspath(args[0]).startswith(self.root) or "/" not in str(args[0])

    def _count(self, name: str, number: int) -> None:
        if not self.active:
            return
        self.counts[name] = self.counts.get(name, 0) + 1
        if self.chosen == (name, self.counts[name]):
            raise OSError(number, os.strerror(number))

    @contextlib.contextmanager
    def failing(self, chosen: tuple[str, int] | None) -> Iterator[None]:
        self.counts, self.chosen, self.active = {}, chosen, True
        try:
            yield
        finally:
            self.active = False


class Failing:
    """A file whose write, flush and close may fail."""

    def __init__(self, file: Any, injector: Injector) -> None:
        self._file, self._injector = file, injector

    def write(self, data: Any) -> Any:
        self._injector._count("file.write", errno.ENOSPC)
        return self._file.write(data)

    def close(self) -> None:
        self._file.close()
        self._injector._count("file.close", errno.EIO)

    def __enter__(self) -> Failing:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Any]:
        return iter(self._file)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def descriptors() -> int:
    there = Path("/proc/self/fd")
    return len(list(there.iterdir())) if there.exists() else 0


def left_in(folder: Path, *names: str) -> list[str]:
    """What is there beside the results: in the folder itself, and of ours in those beneath."""
    beside = {path.name for path in folder.iterdir() if path.name not in names}
    return sorted(beside | {path.name for path in folder.rglob("*backhand-*")})


def try_all(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    work: Callable[[Path], None],
    state: Callable[[Path], str],
    *names: str,
    before: Callable[[Path], None] = lambda _: None,
    silent: bool = False,
) -> None:
    """Make each call of `work` in a folder fail; `state` is "old" or "new", or what else it is.

    `names` are the results, beside which nothing stays; `silent` work need not say that it failed.
    """
    with monkeypatch.context() as patch:
        injector = Injector(patch, tmp_path)

        def once(folder: Path, chosen: tuple[str, int] | None) -> BaseException | None:
            try:
                with injector.failing(chosen), warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    work(folder)
            except backhand.BackhandError as error:
                return error
            return None

        for number in range(2):  # the first imports what it needs
            folder = tmp_path / f"count-{number}"
            folder.mkdir(mode=0o700)
            before(folder)
            assert once(folder, None) is None
            assert state(folder) == "new" and not left_in(folder, *names)
        counts = dict(injector.counts)
        failed = []
        faults = [(name, n + 1) for name, count in counts.items() for n in range(count)]
        refusals = 0
        for i, chosen in enumerate(faults):
            folder = tmp_path / str(i)
            folder.mkdir(mode=0o700)
            before(folder)
            open_before = descriptors()
            try:
                error = once(folder, chosen)
            except Exception as other:
                failed.append((chosen, "is no sentence", repr(other)))
                continue
            refusals += error is not None
            found, left = state(folder), left_in(folder, *names)
            if found not in (("old", "new") if silent else ("old",) if error else ("new",)):
                failed.append((chosen, found, str(error)))
            if left and chosen[0] not in CLEARING:
                failed.append((chosen, "left behind", left))
            if error is not None and (not str(error) or "\n" in str(error)):
                failed.append((chosen, "is no sentence", str(error)))
            if error is not None:
                error = error.with_traceback(None)  # whose frames hold files
            if descriptors() > open_before:
                gc.collect()
            if descriptors() > open_before:
                failed.append((chosen, "a descriptor stays open", str(error)))
            if left or error:
                again = once(folder, None)
                if again is not None or state(folder) != "new" or left_in(folder, *names):
                    failed.append((chosen, "the next one", repr(again), left_in(folder, *names)))
        assert not failed, f"{len(failed)} of {len(faults)}: {failed[:12]}"
    print(f"\n{len(faults)} faults, {refusals} refusals: "
          + ", ".join(f"{name} {count}" for name, count in sorted(counts.items())))  # fmt: skip


def file_state(name: str, is_whole: Callable[[Path], bool]) -> Callable[[Path], str]:
    def state(folder: Path) -> str:
        content = (folder / name).read_bytes()
        if content == OLD:
            return "old"
        return "new" if is_whole(folder / name) else f"neither: {content[:20]!r}"

    return state


def with_old(name: str) -> Callable[[Path], None]:
    def before(folder: Path) -> None:
        (folder / name).write_bytes(OLD)
        (folder / name).chmod(0o640)

    return before


@pytest.fixture(scope="module")
def model() -> backhand.Model:
    return as_model(backhand.init(3, 4, 2))


@pytest.fixture(scope="module")
def csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("table") / "d.csv"
    path.write_text("x,z,t\n" + "".join(f"{i},{i % 7},{'ab'[i % 2]}\n" for i in range(60)))
    return path


def test_saving(monkeypatch, tmp_path, model) -> None:
    backhand.save(model, tmp_path / "expected")
    expected = (tmp_path / "expected").read_bytes()
    try_all(
        monkeypatch, tmp_path, lambda folder: backhand.save(model, folder / "m"),
        file_state("m", lambda path: path.read_bytes() == expected), "m", before=with_old("m"),
    )  # fmt: skip


@pytest.mark.parametrize(("to", "name"), [("numpy", "m.py"), ("onnx", "m.onnx")])
def test_exporting(monkeypatch, tmp_path, model, to, name) -> None:
    if to == "onnx":
        pytest.importorskip("onnxruntime")
        from backhand.exports.onnx import export_onnx as export
    else:
        from backhand.exports.numpy import export_numpy as export
    export(model, tmp_path / name)
    expected = (tmp_path / name).read_bytes()
    try_all(
        monkeypatch, tmp_path, lambda folder: export(model, folder / name),
        file_state(name, lambda path: path.read_bytes() == expected), name, before=with_old(name),
    )  # fmt: skip


def test_checkpoints(monkeypatch, tmp_path) -> None:
    """What a fault breaks off goes on to the very bits."""
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((40, 3)), np.arange(40) % 2
    results: dict[Path, Any] = {}

    def work(folder: Path) -> None:
        results.pop(folder, None)
        results[folder] = backhand.train(
            backhand.init(3, 4, 2, seed=0), X, y, epochs=4, batch_size=8, engine="reference",
            checkpoint=backhand.Checkpoint(folder / "kept", "1epochs", resume=True),
        )  # fmt: skip

    whole = backhand.train(backhand.init(3, 4, 2, seed=0), X, y, epochs=4, batch_size=8,
                           engine="reference")  # fmt: skip

    def state(folder: Path) -> str:
        if folder not in results:
            return "old"
        same = all(map(np.array_equal, results[folder].params, whole.params))
        return "new" if same else "other bits"

    try_all(monkeypatch, tmp_path, work, state, "kept")


SETTINGS = Settings(quick=True, epochs=1, hidden=4)


def test_keeping_the_encoded_rows(monkeypatch, tmp_path, csv) -> None:
    names = [f"{part}_{what}.npy" for part in ("training", "held_out") for what in "Xy"]

    def work(folder: Path) -> None:
        table = read_table(csv, memory="64MB", cache_dir=folder)
        try:
            prepare_table(table, "t", SETTINGS, matrices=ArrayStore(0, folder, keep=True))
        finally:
            table.close()

    (tmp_path / "expected").mkdir(mode=0o700)
    work(tmp_path / "expected")
    expected = {name: (tmp_path / "expected" / name).read_bytes() for name in names}

    def state(folder: Path) -> str:
        there = [name for name in names if (folder / name).exists()]
        if any((folder / name).read_bytes() != expected[name] for name in there):
            return "not whole"
        return "new" if len(there) == len(names) else "old"

    try_all(monkeypatch, tmp_path, work, state, *names)


def trained(csv: Path) -> backhand.Model:
    return fit_table(prepare_table(read_table(csv), "t", SETTINGS), SETTINGS)[0]


@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".parquet"])
def test_predictions(monkeypatch, tmp_path, csv, ending) -> None:
    model, name = trained(csv), f"p{ending}"
    predict_table(model, read_table(csv, once=True, memory="64MB"), tmp_path / name)
    expected = (tmp_path / name).read_bytes()

    def work(folder: Path) -> None:
        table = read_table(csv, once=True, memory="64MB", cache_dir=folder)
        try:
            predict_table(model, table, folder / name)
        finally:
            table.close()

    state = file_state(name, lambda path: path.read_bytes() == expected)
    try_all(monkeypatch, tmp_path, work, state, name, before=with_old(name))
    # What DuckDB writes: no file may grow beyond so many bytes. (Python ignores SIGXFSZ.)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    sizes = sorted({int(size) for size in np.linspace(40, len(expected) - 1, 25)})
    for size in sizes:
        folder = tmp_path / f"limit-{size}"
        folder.mkdir()
        with_old(name)(folder)
        table = read_table(csv, once=True, memory="64MB")
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
            with pytest.raises(backhand.BackhandError):
                predict_table(model, table, folder / name)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            table.close()
        assert state(folder) == "old" and not left_in(folder, name)
    print(f"{len(sizes)} limits of size")


def test_keeping_compiled_code(monkeypatch, tmp_path) -> None:
    """Whatever fails, what is kept is whole, and no process ends for it."""
    compiler = pytest.importorskip("backhand.engines.fused.llvm.compiler")
    code = b"code" * 1000

    def work(folder: Path) -> None:
        compiler._keep(folder / "cache" / "f.o", code)

    def state(folder: Path) -> str:
        file = folder / "cache" / "f.o"
        return (
            "old" if not file.exists() else "new" if compiler._kept(file) == code else "not whole"
        )

    try_all(monkeypatch, tmp_path, work, state, "cache", silent=True)
    file = tmp_path / "count-1" / "cache" / "f.o"
    with monkeypatch.context() as patch:
        injector = Injector(patch, tmp_path)
        with injector.failing(None):
            assert compiler._kept(file) == code
        faults = [(name, n + 1) for name, count in injector.counts.items() for n in range(count)]
        for chosen in faults:
            with injector.failing(chosen), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                assert compiler._kept(file) in (code, None)
        print(f"{len(faults)} faults of reading it")
