"""Files that are replaced: permissions, owners, links, names, and what is refused beforehand."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import threading
import warnings

import pytest

import backhand
from backhand.errors import InputError
from backhand.support.atomic_files import begins_with, check_output
from helpers.folder_modes import CSV, folder_of_mode, mode, model, run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="files have no owners there")


@pytest.mark.parametrize("bits", [0o600, 0o640, 0o444, 0o755])
def test_permissions_stay(tmp_path, bits) -> None:
    (tmp_path / "m").write_bytes(b"old")
    (tmp_path / "m").chmod(bits)
    backhand.save(model(), tmp_path / "m")
    assert mode(tmp_path / "m") == bits and backhand.load(tmp_path / "m").sizes == (3, 2, 2)


def test_a_new_file_has_the_permissions_of_any_other(tmp_path) -> None:
    before = os.umask(0o027)
    try:
        backhand.save(model(), tmp_path / "m")
    finally:
        os.umask(before)
    assert mode(tmp_path / "m") == 0o640


def test_the_umask_stays_whatever_threads_do(tmp_path) -> None:
    before = os.umask(0o077)
    try:
        threads = [
            threading.Thread(
                target=lambda i=i: [backhand.save(model(), tmp_path / f"{i}") for _ in range(20)]
            )
            for i in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        found = os.umask(before)
    assert found == 0o077
    assert {mode(path) for path in tmp_path.iterdir()} == {0o600}
    assert len(list(tmp_path.iterdir())) == 4


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives away")
def test_the_owner_stays(tmp_path) -> None:
    (tmp_path / "m").write_bytes(b"old")
    os.chown(tmp_path / "m", 1234, 4321)
    backhand.save(model(), tmp_path / "m")
    status = (tmp_path / "m").stat()
    assert (status.st_uid, status.st_gid) == (1234, 4321)


@pytest.mark.parametrize(
    ("number", "told"), [(errno.EINVAL, False), (errno.EIO, True), (errno.EMFILE, True)]
)
def test_after_the_rename_nothing_fails(tmp_path, monkeypatch, number, told) -> None:
    path, fsync = tmp_path / "m", os.fsync
    path.write_bytes(b"old")

    def only_files(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(number, os.strerror(number))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", only_files)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        backhand.save(model(), path)
    assert backhand.load(path).sizes == (3, 2, 2)
    assert ["could not be flushed" in str(one.message) for one in caught] == [True] * told


def test_without_permissions_on_the_file_system_files_are_replaced(tmp_path, monkeypatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    (tmp_path / "m").write_bytes(b"old")
    (tmp_path / "m").chmod(0o664)
    for name in ("chmod", "fchmod", "chown", "fchown"):
        monkeypatch.setattr(os, name, refuse)
    backhand.save(model(), tmp_path / "m")
    assert backhand.load(tmp_path / "m").sizes == (3, 2, 2)


def test_a_name_may_be_as_long_as_the_file_system_allows(tmp_path) -> None:
    longest = os.pathconf(tmp_path, "PC_NAME_MAX")
    for name in ("m" * longest, "é" * (longest // 2)):
        assert check_output(tmp_path / name, "the model file") == tmp_path / name
        backhand.save(model(), tmp_path / name)
    for name in ("m" * (longest + 1), "é" * (longest // 2 + 1)):
        with pytest.raises(InputError, match="choose a shorter name"):
            check_output(tmp_path / name, "the model file")


def test_what_could_not_be_replaced_is_refused_beforehand(tmp_path, monkeypatch) -> None:
    for first, second in (("a", "b"), ("b", "a")):
        (tmp_path / first).symlink_to(tmp_path / second)
    with pytest.raises(InputError, match="not a regular file"):
        check_output(tmp_path / "a", "the output")
    with pytest.raises(InputError, match="not a valid file name"):
        check_output(f"{tmp_path}/a\0b", "the output")

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "mkdir", full)
    with pytest.raises(backhand.OutputError, match="No space left"):
        check_output(tmp_path / "new", "the output")


def test_an_immutable_file_is_refused_beforehand(tmp_path) -> None:
    path = tmp_path / "m"
    path.write_text("old")
    if subprocess.run(["chattr", "+i", str(path)], capture_output=True).returncode:
        pytest.skip("no file can be made immutable here")
    try:
        with pytest.raises(InputError, match="it is immutable"):
            check_output(path, "the output")
    finally:
        subprocess.run(["chattr", "-i", str(path)], check=True)


def test_a_file_of_another_user_in_a_sticky_folder_is_refused(tmp_path, monkeypatch) -> None:
    sticky = folder_of_mode(tmp_path / "sticky", 0o1777)
    (sticky / "m").write_text("theirs")
    monkeypatch.setattr(os, "geteuid", lambda: sticky.stat().st_uid + 1)
    with pytest.raises(InputError, match="belongs to another user"):
        check_output(sticky / "m", "the output")


def test_names_that_we_chose_replace_only_what_we_wrote(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.csv").write_text(CSV)
    quick = ("--quick", "--epochs", "1", "--engine", "reference")
    commands = {
        "model.safetensors": ("train", "model.csv", "-t", "t", *quick),
        "model.py": ("export", "model.safetensors", "--to", "numpy"),
    }
    for name, command in commands.items():
        file = tmp_path / name
        file.write_text("mine")
        done = run(*command)
        assert done.exit_code == 2 and "--output (-o)" in done.stderr
        assert file.read_text() == "mine"
        file.unlink()
        file.symlink_to(tmp_path / "elsewhere")
        assert run(*command).exit_code == 2
        file.unlink()
        for _ in range(2):  # what we wrote, we replace
            assert run(*command).exit_code == 0, name
    file.write_text("mine")
    assert run(*command, "-o", name).exit_code == 0
    assert file.read_text() != "mine" and not (tmp_path / "elsewhere").exists()


def test_every_format_is_known_by_its_head(tmp_path) -> None:
    from backhand.exports import numpy, onnx
    from backhand.model import HEAD

    backhand.save(model(), tmp_path / "m")
    numpy.export_numpy(model(), tmp_path / "m.py")
    heads = {"m": HEAD, "m.py": numpy.HEAD}
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("BACKHAND_CACHE_DIR", raising=False)
        try:
            onnx.export_onnx(model(), tmp_path / "m.onnx")
            heads["m.onnx"] = onnx.HEAD
        except backhand.MissingDependencyError:
            pass
    for name in heads:
        assert [other for other, head in heads.items() if begins_with(tmp_path / name, head)] == [
            name
        ]
