"""Writing a file so that there is never half of one: the only place that replaces files."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from backhand.errors import InputError, OutputError


def check_output(
    path: str | Path, role: str, inputs: Iterable[str | Path] = (), ending: str = ""
) -> Path:
    """Whether a file can be written there, before any work is done for it.

    `inputs` are files that are read for it, and must not be replaced by it; `ending` is how its
    name has to end, so that it takes the place of none of another kind.

    Raises
    ------
    InputError
        If a folder or a device stands there, or a file that is read; if its folder does not exist
        or cannot be written to; or if it ends otherwise.
    """
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{role} {path} is a folder; name a file.")
    if not path.name.endswith(ending):
        raise InputError(f"{role} {path} must end in {ending}, which is what is written.")
    if path.exists() and not path.is_file():
        raise InputError(
            f"{role} {path} is no ordinary file, which could be replaced; name a file."
        )
    if any(Path(other).exists() and path.resolve() == Path(other).resolve() for other in inputs):
        raise InputError(f"{role} {path} is a file that is read; name another.")
    if not path.parent.is_dir():
        raise InputError(f"{role} {path}: the folder {path.parent} does not exist; make it first.")
    if not os.access(path.parent, os.W_OK):
        raise InputError(f"{role} {path}: no permission to write in the folder {path.parent}.")
    return path


def check_folder(folder: Path | None, *, keep: bool = False) -> Path | None:
    """Whether temporary files can be made there; with `keep`, one has to be named.

    Raises
    ------
    InputError
        If it is not there or no folder, cannot be written to, or is not named.
    """
    if folder is None:
        if keep:
            raise InputError("--keep-cache keeps files in a folder: name it with --cache-dir.")
        return None
    if not folder.is_dir():
        what = "is no folder" if folder.exists() else "does not exist; make it first"
        raise InputError(f"the cache folder {folder} {what}.")
    if not os.access(folder, os.W_OK):
        raise InputError(f"the cache folder {folder}: no permission to write there.")
    return folder


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; what is written there takes its place at the end.

    The temporary file is flushed to disk and renamed, which is atomic, and the folder flushed.
    When the body fails, the temporary file is removed and `path` stays as it was. Where `path` is a
    link, the file that it leads to is replaced.

    Raises
    ------
    OutputError
        If writing fails: no space left, no permission.
    """
    path = Path(path).resolve()
    temporary: Path | None = None
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        yield temporary
        _flush(temporary)
        # mkstemp makes files private; a result has the mode that any new file would have.
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
        _flush(path.parent)
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        reason = error.strerror or str(error)
        raise OutputError(
            f"{path} could not be written: {reason}. Nothing was left behind, and a "
            "file that was there is unchanged."
        ) from error
    finally:
        if temporary is not None:
            with suppress(FileNotFoundError):
                temporary.unlink()


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _umask() -> int:
    # The only portable way to read the mask is to set it.
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
