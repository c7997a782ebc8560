"""Which functions are graded: files, folders and patterns, as the user names them."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from backhand.errors import InputError

ENDINGS = (".py", ".ipynb")


class Submission(NamedTuple):
    """A function in a file."""

    file: str
    function: str

    @property
    def named(self) -> str:
        """As for `load_function`."""
        return f"{self.file}:{self.function}"


def find_submissions(places: Iterable[str], function: str | None = None) -> list[Submission]:
    """The submissions in the order of their files' names, each once.

    Parameters
    ----------
    places : iterable of str
        Files, folders and patterns such as `submissions/*.py`, each with `:function` at its end
        unless `function` is given.
    function : str, optional
        The name of the function where a place has none.

    Raises
    ------
    InputError
        If no function is named, or no file is found.
    """
    found: dict[Submission, None] = {}
    for place in places:
        where, name = _split(place, function)
        files = list(_files(where))
        if not files:
            raise InputError(
                f"no {' or '.join(ENDINGS)} file is named by '{where}'; expected a file, a folder "
                "or a pattern such as 'submissions/*.py:backward'."
            )
        found.update((Submission(file, name), None) for file in files)
    return sorted(found)


def _split(place: str, function: str | None) -> tuple[str, str]:
    where, _, name = place.rpartition(":")
    if where and all(part.isidentifier() for part in name.split(".")):
        return where, name
    if where and name and (function is None or not Path(place).exists()) and any(_files(where)):
        raise InputError(f"'{name}' in '{place}' is not the name of a function.")
    if function is None:
        raise InputError(
            f"'{place}' does not name a function; expected PLACE:FUNCTION, such as "
            f"'{place}:backward', or --function."
        )
    return place, function


def _files(where: str) -> Iterator[str]:
    path = Path(where)
    if path.is_dir():
        for file in path.rglob("*"):
            inside = file.relative_to(path).parts
            if file.is_file() and file.suffix in ENDINGS and not any(map(_is_hidden, inside)):
                yield str(file)
    elif path.is_file():
        yield where
    else:
        matching = glob.glob(where, recursive=True)  # noqa: PTH207
        yield from (file for file in matching
                    if Path(file).is_file() and Path(file).suffix in ENDINGS)  # fmt: skip


def _is_hidden(name: str) -> bool:
    """Whether a file or folder is a tool's: .ipynb_checkpoints, .venv, __pycache__."""
    return name.startswith((".", "__"))
