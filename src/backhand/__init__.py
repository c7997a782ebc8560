"""Backhand: the two-layer MLP classifier with its backward pass written by hand.

The public names are listed once, in `__init__.pyi`: type checkers read it, and so does this module.
Each is imported when it is first used: `import backhand` costs nothing, and never imports torch,
DuckDB or scikit-learn unless they are needed.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"


def _homes() -> dict[str, str]:
    """The module of each public name, from lines such as `from MODULE import NAME as NAME`."""
    with open(f"{__file__}i", encoding="utf-8") as stub:  # noqa: PTH123  (pathlib takes 10 ms)
        parts = [line.split() for line in stub if line.startswith("from backhand")]
    return {name: module for _, module, _, name, *_ in parts}


_HOMES = _homes()

_NEEDS = {
    "backhand.estimator": "sklearn", "backhand.estimator.ray_classifier": "sklearn",
    "backhand.fitting": "duckdb", "backhand.tables.reading.reader": "duckdb",
}  # fmt: skip
"""Modules that cannot be imported without an optional package."""


def __getattr__(name: str) -> Any:
    if name == "__all__":
        return _available()
    if name not in _HOMES:
        return _renamed(name)
    home = _HOMES[name]
    if home == "backhand":  # a module of its own
        return import_module(f"backhand.{name}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def _renamed(name: str) -> Any:
    """Return the value of a public name that has been renamed."""
    from backhand.support.deprecated import current_name

    if (new := None if name.startswith("_") else current_name(name)) is None:
        raise AttributeError(f"module 'backhand' has no attribute '{name}'")
    return __getattr__(new)


def __dir__() -> list[str]:
    return _available()


def _available() -> list[str]:
    """The public names whose optional package is installed: `dir`, `help` and `import *` use these.

    Any other public name raises a `MissingDependencyError`, which says how to install its package.
    """
    from backhand.support.optional import is_installed

    missing = {home for home, module in _NEEDS.items() if not is_installed(module)}
    return sorted(["__version__", *(n for n, home in _HOMES.items() if home not in missing)])
