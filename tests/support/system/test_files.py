"""Files and locks of Windows and macOS, simulated: what they refuse is refused."""

from __future__ import annotations

import errno
import io
import os
import struct
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backhand
from backhand.errors import InputError, OutputError
from backhand.support import atomic_files, system, trusted_folders

pytest.importorskip("fcntl")


def test_a_lock_holds_until_its_file_is_closed(tmp_path: Path, anywhere: str) -> None:
    path = tmp_path / "lock"
    path.write_bytes(b"who")
    first, second = (os.open(path, os.O_RDWR) for _ in range(2))
    assert system.files.lock(first) is True
    assert system.files.lock(second) is False
    assert os.read(second, 3) == b"who"  # which a locked byte could not be
    os.close(first)
    assert system.files.lock(second) is True
    os.close(second)


def test_a_file_system_without_locks_is_told_from_a_locked_file(
    tmp_path: Path, windows: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(sys.modules["msvcrt"], "locking", no_locks)
    with (tmp_path / "lock").open("w+b") as file, pytest.raises(OSError, match="No locks"):
        system.files.lock(file.fileno())
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
        assert path.name != lock or system.files.lock(os.open(path, os.O_RDWR)), "it is open"
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", checked)
    with trusted_folders.temporary(tmp_path, "part"):
        pass
    assert not list(tmp_path.iterdir())


def refusing(times: int, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Let `Path.replace` refuse so many times, as Windows does while the target is open."""
    replace, tried = Path.replace, list[Path]()

    def refused(path: Path, target: Path) -> Path:
        tried.append(path)
        if len(tried) <= times:
            raise PermissionError(errno.EACCES, "The process cannot access the file")
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", refused)
    monkeypatch.setattr(system.files, "PAUSE", 0.0)
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
    assert not system.files.is_immutable(tmp_path / "missing")
    monkeypatch.setattr(Path, "stat", lambda *_, **__: status)
    monkeypatch.setattr(system.files.stat, "FILE_ATTRIBUTE_READONLY", 1, raising=False)
    assert system.files.is_immutable(tmp_path / "m")
    status.st_file_attributes = 32
    assert not system.files.is_immutable(tmp_path / "m")


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
        system.files.reserve(file.fileno(), 5000)
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
        system.files.reserve(file.fileno(), 5000)


def test_mapped_files_are_not_kept_where_they_cannot_be_renamed(
    tmp_path: Path, windows: None
) -> None:
    with pytest.raises(InputError, match=r"--keep-cache .* which Windows cannot"):
        atomic_files.check_folder(tmp_path, keep=True)
    assert atomic_files.check_folder(tmp_path) == tmp_path


@pytest.mark.parametrize(
    ("name", "given", "expected"),
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
    name: str, given: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in {"HOME": "/home/me", **given}.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setattr(sys, "platform", name)
    assert system.files.cache_folder() == Path("/home/me") / expected


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
    monkeypatch.setattr(system.files, "descriptor_path", lambda _: None)
    assert written() == here and here.count(b"\n") == 3
    assert not list(tmp_path.glob("backhand-rows-*"))
