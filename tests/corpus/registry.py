"""The one registry of all cases."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

ROLES = ("development", "test_a", "test_b", "published", "frames")
"""The packages and the module that hold the cases."""


@dataclass(frozen=True)
class Case:
    """A function that computes the gradients by hand, and what is wrong in it.

    Attributes
    ----------
    role : str
        What it is for, one of `ROLES`.
    name : str
        Its collection (the part of its module after the role) and its qualified name; stable.
    function : callable
    faults : tuple of str
        The ids that a right diagnosis names: none for a right function, two for a pair. Where the
        doctor's dictionary has no such fault, the equation alone.
    mistakes : tuple of str
        What was written instead, in the author's words: one for each of `faults`.
    options : dict
        Keyword arguments of `check`, such as `layout="columns"`.
    frame : dict
        The choices that the code makes, such as `activation="tanh"`; empty where these are the
        equations' own.
    """

    role: str
    name: str
    function: Callable[..., Any]
    faults: tuple[str, ...]
    mistakes: tuple[str, ...]
    options: dict[str, Any]
    frame: dict[str, str]

    @property
    def collection(self) -> str:
        return self.name.partition(".")[0]


_registered: dict[str, Case] = {}


@cache
def cases(*collections: str) -> tuple[Case, ...]:
    """The cases of some collections, of all without any; every file is imported."""
    for role in ROLES:
        package = importlib.import_module(f"corpus.{role}")
        path = getattr(package, "__path__", ())
        for module in pkgutil.walk_packages(path, f"{package.__name__}."):
            importlib.import_module(module.name)
    return tuple(case for case in _registered.values()
                 if not collections or case.collection in collections)  # fmt: skip


def _register(
    faults: tuple[str, ...], mistakes: tuple[str, ...], options: dict[str, Any],
    frame: dict[str, str] | None,
) -> Callable[..., Any]:  # fmt: skip
    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        _, role, collection, *_ = function.__module__.split(".")
        name = f"{collection}.{getattr(function, '__qualname__', type(function).__qualname__)}"
        assert name not in _registered, f"{name} is registered twice"
        _registered[name] = Case(role, name, function, faults, mistakes, options, frame or {})
        return function

    return register


def right(*, frame: dict[str, str] | None = None, **options: Any) -> Callable[..., Any]:
    """Register a function without a fault."""
    return _register((), (), options, frame)


def wrong(
    fault: str, mistake: str, *, frame: dict[str, str] | None = None, **options: Any
) -> Callable[..., Any]:
    """Register a function with one fault."""
    return _register((fault,), (mistake,), options, frame)


def pair(
    fault_a: str,
    mistake_a: str,
    fault_b: str,
    mistake_b: str,
    *,
    frame: dict[str, str] | None = None,
    **options: Any,
) -> Callable[..., Any]:
    """Register a function with two independent faults."""
    return _register((fault_a, fault_b), (mistake_a, mistake_b), options, frame)
