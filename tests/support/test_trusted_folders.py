"""Trust in folders, links, permissions, names that we chose, and what is left behind."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import backhand
from backhand.errors import BackhandWarning, InputError
from backhand.support.atomic_files import begins_with, check_folder, replacing
from backhand.support.trusted_folders import (
    LOCK,
    check_parent,
    check_private,
    clear,
    make,
    opened,
    temporary,
)
from backhand.tables.array_store import BACKHAND_FILE, ArrayStore
from backhand.tables.reading.reader import read_table
from helpers.folder_modes import CSV, folder_of_mode, mode, model

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="files have no owners there")


# Trust


@pytest.mark.parametrize("bits", [0o777, 0o775, 0o1777, 0o702])
def test_a_folder_that_others_may_write_to_is_not_private(tmp_path, bits) -> None:
    with pytest.raises(InputError, match=rf"the folder .*mode is {bits:o}.*chmod go-w"):
        check_private(folder_of_mode(tmp_path / "f", bits), "the folder")


def test_a_link_is_no_private_folder(tmp_path) -> None:
    folder_of_mode(tmp_path / "own", 0o700)
    (tmp_path / "link").symlink_to(tmp_path / "own")
    with pytest.raises(InputError, match="is a link; name the folder"):
        check_private(tmp_path / "link", "the folder")
    with opened(folder_of_mode(tmp_path / "other", 0o755), "the folder") as folder:
        os.close(folder.open("new", os.O_RDWR | os.O_CREAT))
    assert mode(tmp_path / "other" / "new") == 0o600


@pytest.mark.parametrize("kind", ["link", "dangling link", "hard link", "pipe", "folder"])
def test_what_is_not_a_file_of_ours_is_not_opened(tmp_path, kind) -> None:
    precious, there = tmp_path / "precious", tmp_path / "f" / "name"
    precious.write_text("precious")
    folder_of_mode(tmp_path / "f", 0o700)
    if kind == "link":
        there.symlink_to(precious)
    elif kind == "dangling link":
        there.symlink_to(tmp_path / "nothing")
    elif kind == "hard link":
        there.hardlink_to(precious)
    elif kind == "pipe":
        os.mkfifo(there)
    else:
        there.mkdir()
    with opened(tmp_path / "f", "the folder") as folder:
        for flags in (os.O_RDONLY, os.O_RDWR | os.O_CREAT):
            with pytest.raises((InputError, IsADirectoryError)):
                folder.open("name", flags)
    assert precious.read_text() == "precious" and not (tmp_path / "nothing").exists()


def test_a_file_that_others_may_have_written_is_not_read(tmp_path) -> None:
    (tmp_path / "file").write_text("text")
    (tmp_path / "file").chmod(0o664)
    with opened(tmp_path, "the folder") as folder:
        with pytest.raises(InputError, match="other users"):
            folder.read("file")
        (tmp_path / "file").chmod(0o644)
        assert folder.read("file") == b"text"


def test_temporary_files_may_be_made_in_a_sticky_folder(tmp_path) -> None:
    check_parent(folder_of_mode(tmp_path / "sticky", 0o1777), "the folder")
    for bits in (0o777, 0o775):
        shared = folder_of_mode(tmp_path / f"{bits:o}", bits)
        with pytest.raises(InputError, match=r"the cache folder.*chmod go-w"):
            check_folder(shared)
        with pytest.raises(InputError, match=r"the cache folder.*chmod go-w"):
            ArrayStore(0, shared).array("X", (3, 3), np.float32)
        (shared / "d.csv").write_text(CSV)
        with pytest.raises(InputError, match=r"the cache folder.*chmod go-w"):
            read_table(shared / "d.csv", cache_dir=shared)


def test_folders_are_made_for_the_user_alone(tmp_path) -> None:
    before = os.umask(0o002)
    try:
        make(tmp_path / "a" / "b")
    finally:
        os.umask(before)
    assert mode(tmp_path / "a") == mode(tmp_path / "a" / "b") == 0o700


# The cache of compiled code


def kept_after(folder: Path, code: bytes = b"code") -> bytes | None:
    compiler = pytest.importorskip("backhand.engines.fused.llvm.compiler")
    compiler._warn.cache_clear()
    compiler._keep(folder / "f.o", code)
    return compiler._kept(folder / "f.o")


def test_compiled_code_is_kept_where_nobody_else_may_write(tmp_path) -> None:
    before = os.umask(0o000)
    try:
        assert kept_after(tmp_path / "new" / "cache") == b"code"
    finally:
        os.umask(before)
    assert mode(tmp_path / "new" / "cache") == 0o700
    assert mode(tmp_path / "new" / "cache" / "f.o") == 0o600


@pytest.mark.parametrize("kind", [0o777, 0o775, "link"])
def test_a_cache_that_others_may_write_to_is_not_used(tmp_path, kind) -> None:
    compiler = pytest.importorskip("backhand.engines.fused.llvm.compiler")
    own = folder_of_mode(tmp_path / "own", 0o700)
    assert kept_after(own) == b"code"
    folder = own
    if kind == "link":
        folder = tmp_path / "link"
        folder.symlink_to(own)
    else:
        own.chmod(kind)
    before = (own / "f.o").read_bytes()
    with pytest.warns(BackhandWarning, match="each process compiles for itself") as told:
        assert kept_after(folder, b"other") is None
        assert compiler._kept(folder / "f.o") is None
    assert len(told) == 1
    assert (own / "f.o").read_bytes() == before


def test_links_and_pipes_in_the_cache_are_replaced_not_followed(tmp_path) -> None:
    diary = tmp_path / "diary"
    diary.write_text("dear diary")
    folder = folder_of_mode(tmp_path / "cache", 0o700)
    (folder / "f.o").symlink_to(diary)
    compiler = pytest.importorskip("backhand.engines.fused.llvm.compiler")
    assert compiler._kept(folder / "f.o") is None
    assert kept_after(folder) == b"code" and diary.read_text() == "dear diary"
    (folder / "f.o").unlink()
    os.mkfifo(folder / "f.o")
    assert compiler._kept(folder / "f.o") is None


def test_a_relative_home_makes_no_cache(tmp_path, monkeypatch) -> None:
    compiler = pytest.importorskip("backhand.engines.fused.llvm.compiler")
    monkeypatch.delenv("BACKHAND_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert compiler.cache_folder() == tmp_path / ".cache" / "backhand"
    monkeypatch.setenv("HOME", "also-relative")
    assert compiler.cache_folder() is None
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert compiler.cache_folder() == tmp_path / "backhand"


# Checkpoints


def train_into(folder: Path) -> backhand.TrainResult:
    X, y = np.arange(12.0).reshape(6, 2), np.array([0, 1] * 3)
    checkpoint = backhand.Checkpoint(folder, "1epochs", resume=True)
    params = backhand.init(2, 2, 2)
    return backhand.train(params, X, y, epochs=2, engine="reference", checkpoint=checkpoint)


def test_a_checkpoint_folder_is_the_users_own(tmp_path) -> None:
    train_into(tmp_path / "kept")
    assert mode(tmp_path / "kept") == 0o700
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    with pytest.raises(InputError, match=r"checkpoint folder .* is a link"):
        train_into(tmp_path / "link")
    (tmp_path / "kept").chmod(0o775)
    with pytest.raises(InputError, match=r"checkpoint folder .*mode is 775.*chmod go-w"):
        train_into(tmp_path / "kept")


def test_the_lock_of_a_checkpoint_folder_is_no_link_and_nobodys_file(tmp_path) -> None:
    precious, folder = tmp_path / "precious", folder_of_mode(tmp_path / "kept", 0o700)
    precious.write_text("precious")
    (folder / "held-by").symlink_to(precious)
    with pytest.raises(InputError, match="held-by is a link"):
        train_into(folder)
    (folder / "held-by").unlink()
    (folder / "held-by").symlink_to(tmp_path / "nothing")
    with pytest.raises(InputError, match="held-by is a link"):
        train_into(folder)
    (folder / "held-by").unlink()
    (folder / "held-by").write_text("a text of mine")
    with pytest.raises(InputError, match="was not written by Backhand"):
        train_into(folder)
    assert precious.read_text() == "precious" and not (tmp_path / "nothing").exists()
    assert (folder / "held-by").read_text() == "a text of mine"


def test_a_checkpoint_is_not_read_through_a_link(tmp_path) -> None:
    train_into(tmp_path / "one")
    two = folder_of_mode(tmp_path / "two", 0o700)
    for path in (tmp_path / "one").glob("checkpoint-*"):
        (two / path.name).symlink_to(path)
    with pytest.raises(InputError, match=r"no checkpoint in .* can be read"):
        train_into(two)


# Rows that are kept


def encoded(folder: Path, name: str = "training_X") -> Path:
    with ArrayStore(0, folder, keep=True) as places:
        places.array(name, (4, 3), np.float32)[:] = np.arange(12).reshape(4, 3)
    return folder / f"{name}.npy"


def test_kept_rows_are_whole_and_replace_only_our_own(tmp_path) -> None:
    for _ in range(2):  # the second replaces the first
        path = encoded(tmp_path)
        assert np.array_equal(np.load(path, mmap_mode="r"), np.arange(12.0).reshape(4, 3))
        assert [p.name for p in tmp_path.iterdir()] == [path.name] and begins_with(
            path, BACKHAND_FILE
        )
    before = path.read_bytes()
    with pytest.raises(KeyboardInterrupt), ArrayStore(0, tmp_path, keep=True) as places:
        places.array("training_X", (9, 9), np.float32)[:] = 0
        raise KeyboardInterrupt
    assert path.read_bytes() == before and len(list(tmp_path.iterdir())) == 1
    np.save(path, np.ones(3))
    with pytest.raises(InputError, match="Backhand did not write"):
        encoded(tmp_path)
    assert np.array_equal(np.load(path), np.ones(3))


def test_kept_rows_do_not_follow_a_link(tmp_path) -> None:
    (tmp_path / "cache").mkdir()
    ours = encoded(tmp_path, "precious")
    before = ours.read_bytes()
    for target in (ours, tmp_path / "nothing"):
        (tmp_path / "cache" / "training_X.npy").symlink_to(target)
        with pytest.raises(InputError, match="Backhand did not write"):
            encoded(tmp_path / "cache")
        (tmp_path / "cache" / "training_X.npy").unlink()
    assert ours.read_bytes() == before and not (tmp_path / "nothing").exists()


# Folders of killed processes


def killed_while_writing(path: Path) -> None:
    body = (
        "import os, signal, sys, backhand\n"
        "os.rename = os.replace = lambda *a, **k: os.kill(os.getpid(), signal.SIGKILL)\n"
        "backhand.save(backhand.init(3, 2, 2), sys.argv[1])\n"
    )
    done = subprocess.run([sys.executable, "-c", body, str(path)], capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr


def test_what_a_killed_process_left_is_removed_by_the_next(tmp_path) -> None:
    path = tmp_path / "m"
    killed_while_writing(path)
    (left,) = tmp_path.iterdir()
    assert left.name.endswith(".part") and mode(left) == 0o700
    with replacing(path) as new:  # which is not removed, for all that the next one does
        backhand.save(model(), tmp_path / "other")
        new.write_text("whole")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m", "other"]


def test_a_folder_whose_process_died_before_it_locked_it_is_removed(tmp_path) -> None:
    for name in (".backhand-part-abcdefgh.part", ".backhand-part-bbbbbbbb.part"):
        (tmp_path / name).mkdir(mode=0o700)
    (tmp_path / name / LOCK).touch(mode=0o600)
    clear(tmp_path, "part")
    assert not list(tmp_path.iterdir())


def test_a_folder_of_another_machine_has_a_day(tmp_path) -> None:
    """Its lock may not be seen here."""
    killed_while_writing(tmp_path / "m")
    (left,) = tmp_path.iterdir()
    (left / LOCK).write_text("backhand on another machine\n")
    clear(tmp_path, "part")
    assert left.exists()
    yesterday = time.time() - 90_000
    os.utime(left / LOCK, (yesterday, yesterday))
    clear(tmp_path, "part")
    assert not left.exists()


def test_folders_of_a_user_are_never_cleared(tmp_path) -> None:
    own = tmp_path / "backhand-part-results_"
    own.mkdir(mode=0o700)
    (own / "mine").write_text("mine")
    (tmp_path / ".backhand-part-abcdefgh.part").symlink_to(own)
    with temporary(tmp_path, "part"):
        pass
    assert (own / "mine").read_text() == "mine"


# Rows that DuckDB spills

SPILL = """
import os, sys
from backhand.tables.reading.reader import read_table
table = read_table(sys.argv[1], memory="64MB", cache_dir=sys.argv[2])
columns = ", ".join(f"sin(i * {j + 2}) AS x{j}" for j in range(12))
table.connection.execute(f"CREATE TABLE big AS SELECT {columns} FROM range(500_000) r(i)")
print("spilled", flush=True)
sys.stdin.readline()
table.close()
print(os.listdir(sys.argv[2]), flush=True)
sys.stdin.readline()
"""


@pytest.mark.parametrize("number", [None, "SIGKILL", "SIGHUP", "SIGXCPU"])
def test_spilled_rows_are_private_and_do_not_outlive_the_process(tmp_path, number) -> None:
    (tmp_path / "d.csv").write_text(CSV)
    spill = tmp_path / "spill"
    spill.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-c", SPILL, str(tmp_path / "d.csv"), str(spill)], text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, umask=0o000,
    )  # fmt: skip
    with process:
        assert process.stdout.readline() == "spilled\n"
        (folder,) = spill.iterdir()
        files = list(folder.iterdir())
        assert sum(path.stat().st_size for path in files) > 10**6
        assert mode(folder) == 0o700
        if sys.platform == "linux":
            assert {mode(path) for path in files} <= {0o600, 0o666}  # without access lists: 666
        if number is None:
            process.stdin.write("\n")
            process.stdin.flush()
            assert process.stdout.readline() == "[]\n"
        process.send_signal(getattr(signal, number or "SIGKILL"))
        process.wait(60)
    deadline = time.monotonic() + 30
    while list(spill.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not list(spill.iterdir())


def test_without_a_guard_the_next_process_removes_what_was_spilled(tmp_path, monkeypatch) -> None:
    (tmp_path / "d.csv").write_text(CSV)
    left = tmp_path / "spill" / "backhand-spill-abcdefgh"
    left.mkdir(parents=True, mode=0o700)
    (left / LOCK).write_text(f"backhand on {os.uname().nodename}\n")
    (left / "duckdb_temp_storage-0.tmp").write_text("rows")

    def no_shell(*_: object, **__: object) -> None:
        raise FileNotFoundError(errno.ENOENT, "no shell")

    monkeypatch.setattr(subprocess, "Popen", no_shell)
    table = read_table(tmp_path / "d.csv", cache_dir=tmp_path / "spill")
    assert not left.exists()
    table.close()
    assert not list((tmp_path / "spill").iterdir())


def test_a_forked_child_leaves_the_spilled_rows_alone(tmp_path) -> None:
    (tmp_path / "d.csv").write_text(CSV)
    script = (
        "import os, sys\n"
        "from backhand.tables.reading.reader import read_table\n"
        "table = read_table(sys.argv[1], cache_dir=sys.argv[2])\n"
        "child = os.fork()\n"
        "if child == 0: sys.exit(0)\n"
        "os.waitpid(child, 0)\n"
        "print(len(os.listdir(sys.argv[2])))\n"
    )
    spill = tmp_path / "spill"
    spill.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "d.csv"), str(spill)],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.stdout == "1\n", done.stderr
    assert not list(spill.iterdir())
