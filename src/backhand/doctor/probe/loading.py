"""Finding the function that `MODULE_OR_FILE:FUNCTION` names."""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
import traceback
from collections.abc import Callable, Collection
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from backhand.doctor.probe.notebook import run_cells
from backhand.doctor.probe.refusal import Reason, Refusal
from backhand.errors import InputError, MissingFileError, did_you_mean

ALWAYS_OURS = {*sys.stdlib_module_names, "backhand", "jax", "numpy", "torch"}
"""Modules that are never looked for beside a user's file."""


class Loaded(NamedTuple):
    """A function, and what its notebook's cells raised before or after it was made."""

    function: Callable[..., Any]
    failed: list[str]


def load_function(named: str) -> Loaded:
    """The function, after its module was imported or its file run.

    Parameters
    ----------
    named : str
        `package.module:function`, `folder/file.py:function`, `notebook.ipynb:function`, also
        `file.py:Class.method`.

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
            f"{_first_function(named) or 'net.py:backward'}."
        )
    failed: list[str] = []
    if place.endswith(".ipynb"):
        thing, failed = _notebook(Path(place), name)
    else:
        thing = _file(Path(place)) if place.endswith(".py") else _module(place)
    try:
        return Loaded(_function(thing, place, name), failed)
    except InputError:
        raise
    except BaseException as error:  # of a module's own __getattr__
        raise InputError(f"{place} has no function '{name}': {_description(error)}.") from error


def _first_function(named: str) -> str:
    """A function that is defined in a file, best one called backward; the file is not run."""
    path = Path(named)
    if path.suffix != ".py" or not path.is_file():
        return ""
    found = re.findall(r"^def (\w+)\(", path.read_text("utf-8", "replace"), re.MULTILINE)
    names = sorted(found, key=lambda name: "backward" not in name)
    return f"{named}:{names[0]}" if names else ""


def _function(thing: Any, place: str, name: str) -> Callable[..., Any]:
    for part in name.split("."):
        if not hasattr(thing, part):
            known = [key for key, value in vars(thing).items()
                     if callable(value) and not key.startswith("_")]  # fmt: skip
            raise InputError(f"{place} has no function '{name}'. {did_you_mean(part, known)}")
        thing = getattr(thing, part)
    if not callable(thing):
        raise InputError(f"{place}:{name} is of type {type(thing).__name__}; expected a function.")
    found: Callable[..., Any] = thing
    return found


def _notebook(path: Path, name: str) -> tuple[ModuleType, list[str]]:
    module = _prepared(path, ModuleType(_own_name(path)))
    module.__dict__.update(__file__=str(path), display=lambda *_, **__: None)
    try:
        cells = run_cells(path, module, name.split(".")[0])
    except ValueError as error:
        raise Refusal(Reason.IMPORT_RAISES, f"the file {path} could not be run: {error}") from error
    failed = []
    for cell in cells:
        assert cell.__cause__ is not None
        own = Path(f"{path.resolve()} cell {cell.cell}")
        failed.append(f"cell {cell.cell} of {path} raises {_description(cell.__cause__, own)}")
    if failed and not hasattr(module, name.split(".")[0]):
        raise Refusal(Reason.IMPORT_RAISES, f"{failed[0]}; no cell makes '{name}'")
    return module, failed


def _own_name(path: Path) -> str:
    """A module's name that is no library's: a student's file may be called io.py."""
    return f"checked_{path.stem}"


def _prepared(path: Path, module: ModuleType) -> ModuleType:
    """The module, with what its code needs when it runs."""
    if not path.is_file():
        raise MissingFileError(f"{path} does not exist.")
    sys.modules[module.__name__] = module  # which dataclasses and pickles look for
    _find_beside(path.resolve().parent, {path.stem})
    return module


def _file(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(_own_name(path), path)
    assert spec is not None and spec.loader is not None
    module = _prepared(path, importlib.util.module_from_spec(spec))
    try:
        spec.loader.exec_module(module)
    except BaseException as error:  # SystemExit, pytest's Skipped
        raise _not_run(f"the file {path} could not be run", error, path) from error
    return module


def _module(name: str) -> ModuleType:
    if name in ALWAYS_OURS and (file := Path(f"{name}.py")).is_file():
        return _file(file)
    if not all(part.isidentifier() for part in name.split(".")) or Path(name).is_file():
        if Path(name).exists():
            what = "folder" if Path(name).is_dir() else "file"
            raise InputError(
                f"{name} is a {what}; expected a module, or a file that ends in .py or .ipynb."
            )
        raise MissingFileError(f"no module named '{name}'; for a file, add .py to its name.")
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
