"""Finding the function that `MODULE_OR_FILE:FUNCTION` names."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Callable, Collection
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

from backhand.doctor.probe.refusal import Reason, Refusal
from backhand.errors import InputError, MissingFileError, did_you_mean

ALWAYS_OURS = {*sys.stdlib_module_names, "backhand", "jax", "numpy", "torch"}
"""Modules that are never looked for beside a user's file."""


def load_function(named: str) -> Callable[..., Any]:
    """The function, after its module was imported or its file run.

    Parameters
    ----------
    named : str
        `package.module:function`, `folder/file.py:function`, also `file.py:Class.method`.

    Raises
    ------
    MissingFileError
        If there is no such file or module.
    InputError
        If there is no such function in it.
    Refusal
        If the file itself raises.
    """
    place, colon, name = named.rpartition(":")
    if not colon or not place or not name:
        raise InputError(
            f"'{named}' does not name a function; expected MODULE_OR_FILE:FUNCTION, such as "
            "net.py:backward."
        )
    thing: Any = _file(Path(place)) if place.endswith(".py") else _module(place)
    try:
        return _function(thing, place, name)
    except InputError:
        raise
    except BaseException as error:  # of a module's own __getattr__
        raise InputError(f"{place} has no function '{name}': {_description(error)}.") from error


def _function(thing: Any, place: str, name: str) -> Callable[..., Any]:
    for part in name.split("."):
        if not hasattr(thing, part):
            known = [key for key, value in vars(thing).items()
                     if callable(value) and not key.startswith("_")]  # fmt: skip
            raise InputError(f"{place} has no function '{name}'. {did_you_mean(part, known)}")
        thing = getattr(thing, part)
    if not callable(thing):
        raise InputError(f"{place}:{name} is not a function but of type {type(thing).__name__}.")
    found: Callable[..., Any] = thing
    return found


def _file(path: Path) -> ModuleType:
    if not path.is_file():
        raise MissingFileError(f"{path} does not exist.")
    name = f"checked_{path.stem}"  # no library's: a student's file may be called io.py
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # which dataclasses and pickles look for
    _find_beside(path.resolve().parent, {path.stem})
    try:
        spec.loader.exec_module(module)
    except BaseException as error:  # SystemExit, pytest's Skipped
        raise _not_run(f"{path} could not be run", error, path) from error
    return module


def _module(name: str) -> ModuleType:
    if name in ALWAYS_OURS and (file := Path(f"{name}.py")).is_file():
        return _file(file)
    _find_beside(Path.cwd())
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(f"{error.name}.")):
            raise MissingFileError(
                f"no module named '{name}'; for a file, add .py to its name."
            ) from error
        raise _not_run(f"module {name} could not be imported", error) from error
    except BaseException as error:
        raise _not_run(f"module {name} could not be imported", error) from error


def _find_beside(folder: Path, but: Collection[str] = ()) -> None:
    """From now on, find modules in a folder, before what is installed, as a script there would.

    Unlike in a script, a file in the folder never shadows a module of the standard library or one
    that the check itself uses.
    """
    sys.meta_path.insert(0, _Beside(str(folder), {*ALWAYS_OURS, *but}))
    sys.path.append(str(folder))  # for folders without an __init__.py


class _Beside(MetaPathFinder):
    def __init__(self, folder: str, but: Collection[str]) -> None:
        self.folder, self.but = folder, but

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if path is not None or fullname in self.but:
            return None
        spec = PathFinder.find_spec(fullname, [self.folder], target)
        return spec if spec is not None and spec.loader is not None else None


def _not_run(what: str, error: BaseException, path: Path | None = None) -> Refusal:
    return Refusal(Reason.IMPORT_RAISES, f"{what}: {_description(error, path)}")


def _description(error: BaseException, path: Path | None = None) -> str:
    """The exception, with the line of the file that raised it."""
    try:
        return _shown(error, path)
    except BaseException:  # of a class of its own
        return "it raised an exception that cannot be printed"


def _shown(error: BaseException, path: Path | None) -> str:
    first = (str(error).strip().splitlines() or [""])[0]
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__)
             if path is not None and Path(frame.filename).resolve() == path.resolve()]  # fmt: skip
    where = f" (line {lines[-1]})" if lines else ""
    return f"{type(error).__name__}{f': {first}' if first else ''}{where}"
