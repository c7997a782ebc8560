"""Compressed files: gzip, bzip2, xz, Zstandard, and zip files that hold one table."""

from __future__ import annotations

import bz2
import errno
import gzip
import lzma
import sys
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, cast

from backhand.errors import BackhandError, InputError, listed, shortened
from backhand.support.optional import extra
from backhand.tables.files.copies import PIECE, new_copy
from backhand.tables.files.kinds import format_by_name, packing_by_name


def unpack(name: str, path: str, packing: str, inside: str, copy: str) -> str:
    """Write what a compressed file holds to a new file; return the name of what it holds.

    `inside` is the present name, whose ending may say the compression.

    It is read in pieces, and its names are not used as paths. How much it holds is limited by the
    disk.

    Raises
    ------
    InputError
        If it is damaged or incomplete, needs a password, or is a zip file that does not hold
        exactly one table.
    OutputError
        If the disk is full.
    """
    with _damage_told(name, packing):
        if packing == "zip":
            with zipfile.ZipFile(path) as archive:
                member = _only_table(name, archive)
                with archive.open(member) as packed:
                    _copy(packed, copy)
                return member.filename
        with _opened(path, packing) as packed:
            _copy(packed, copy)
    return str(Path(inside).with_suffix("")) if packing_by_name(inside) else inside


def _copy(packed: Any, copy: str) -> None:
    with new_copy(copy) as file:
        while piece := packed.read(PIECE):
            file.write(piece)


def _opened(path: str, packing: str) -> BinaryIO:
    if packing == "gzip":
        return cast(BinaryIO, gzip.open(path))
    if packing == "bzip2":
        return cast(BinaryIO, bz2.open(path))
    if packing == "xz":
        return cast(BinaryIO, lzma.open(path))
    return cast(BinaryIO, _zstd().open(path))


def _zstd() -> Any:
    """The module for Zstandard, which the standard library has from Python 3.14 on."""
    if sys.version_info >= (3, 14):
        return import_module("compression.zstd")
    return extra("backports.zstd", "reading .zst files")


@contextmanager
def _damage_told(name: str, packing: str) -> Iterator[None]:
    """Turn the errors of the libraries into sentences."""
    try:
        yield
    except BackhandError:
        raise
    except EOFError as error:
        raise InputError(
            f"{name} is truncated: its {packing} stream has no end; download or compress it again."
        ) from error
    except RuntimeError as error:  # of zipfile; NotImplementedError is one
        told = (
            "it needs a password; unpack it first"
            if "password" in str(error)
            else shortened(str(error))
        )
        raise InputError(f"{name} cannot be read: {told.rstrip('.')}.") from error
    except (zlib.error, lzma.LZMAError, zipfile.BadZipFile) as error:
        raise _damaged(name, packing, error) from error
    except OSError as error:
        if error.errno in (None, errno.EINVAL):  # of gzip and bz2, or a place that is none
            raise _damaged(name, packing, error) from error
        raise InputError(f"{name} cannot be read: {error.strerror}.") from error
    except Exception as error:
        if type(error).__name__ == "ZstdError":
            raise _damaged(name, packing, error) from error
        raise


def _damaged(name: str, packing: str, error: Exception) -> InputError:
    said = shortened(str(error)).rstrip(".")
    return InputError(f"{name} cannot be read: it is damaged or not a {packing} file ({said}).")


def _only_table(name: str, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    """The one member that is a table by its ending; or the only one, whatever its ending."""
    members = [member for member in archive.infolist() if _is_content(member)]
    tables = [member for member in members if format_by_name(member.filename)] or members
    if len(tables) != 1:
        held = listed(member.filename for member in tables)
        raise InputError(
            f"{name} holds {held if tables else 'no file'}; expected exactly one table. "
            + ("Unpack it, and name one of them." if tables else "Is it complete?")
        )
    if tables[0].flag_bits & 1:
        raise InputError(f"{name} is encrypted; unpack it first, with its password.")
    return tables[0]


def _is_content(member: zipfile.ZipInfo) -> bool:
    """Return whether a member is a file that a user put there, not one of the system's."""
    parts = PurePosixPath(member.filename).parts
    return not member.is_dir() and "__MACOSX" not in parts and not parts[-1].startswith(".")
