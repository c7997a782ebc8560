"""The public names and the public members of their classes, for the reference and its tests.

The names are those of `src/backhand/__init__.pyi`, and the `__all__` of the two modules among them.
A member of a class is public if its name has no underscore in front, or is `__call__`, and it is
not in `INTERNAL`.
"""

from __future__ import annotations

import inspect
import re
from functools import cache, cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

import backhand

INTERNAL = {
    # Called by scikit-learn, and by training.
    "Checkpoint": {
        "check", "on_fit_task_begin", "on_fit_task_end", "open", "open_fleet", "open_stages",
        "setup", "teardown",
    },
    # Called and read by training.
    "Callback": {"__call__"},
    "Every": {"__call__"},
    "FleetCallback": {"__call__"},
    "MLflow": {"__call__"},
    "TensorBoard": {"__call__"},
    "EarlyStopping": {"best_by", "needs_validation", "restore_best"},
    "History": {"extended", "figures", "first"},
    "Member": {"config", "rule", "values"},
    # Called by the page and the widget.
    "Trace": {"page_contents", "passes"},
    # Called by what reads tables.
    "Table": {
        "by_part", "change", "each", "empty", "family", "index", "keep", "know_plain",
        "located_by", "plain", "progressed", "read_from", "unchanged", "warn_of_remarks",
        "watched_by", "where",
    },
    # Scikit-learn makes them, for its routing of metadata.
    "MLPClassifier": {"set_fit_request", "set_partial_fit_request", "set_score_request"},
    "MLPClassifierCV": {"set_fit_request", "set_score_request"},
    "RayMLPClassifier": {"set_fit_request", "set_partial_fit_request", "set_score_request"},
    # Called by the engines; `update` is described by the protocol.
    "optimizers.Optimizer": {"constants", "rate"},
    "optimizers.SGD": {"constants", "rate", "update"},
    "optimizers.Momentum": {"constants", "rate", "update"},
    "optimizers.Nesterov": {"constants", "rate", "update"},
    "optimizers.Adam": {"constants", "rate", "update"},
}  # fmt: skip
"""Members without an underscore that are not part of the public interface, by class."""


RETURNED = {
    "Entry": "backhand.explanation.trace.entry.Entry",
    "Value": "backhand.explanation.trace.value.Value",
    "Evaluation": "backhand.evaluation.Evaluation",
}
"""Classes of what public names return, with pages of their own: nobody imports them."""


@cache
def listed_names() -> list[str]:
    """Return the names that `__init__.pyi` lists, whatever is installed."""
    stub = Path(backhand.__file__).with_suffix(".pyi").read_text(encoding="utf-8")
    return re.findall(r"^from backhand\S* import \w+ as (\w+)$", stub, re.MULTILINE)


def public_names() -> dict[str, Any]:
    """Return the public names whose packages are installed: "train", "lesson.Marker"."""
    found = {name: getattr(backhand, name) for name in listed_names() if name in dir(backhand)}
    modules = {name: value for name, value in found.items() if inspect.ismodule(value)}
    for module, value in modules.items():
        found |= {f"{module}.{name}": getattr(value, name) for name in value.__all__}
    return found


def returned() -> dict[str, Any]:
    """Return the classes of `RETURNED`, by name."""
    found = {name: path.rpartition(".") for name, path in RETURNED.items()}
    return {name: getattr(import_module(m), kind) for name, (m, _, kind) in found.items()}


def members(name: str, kind: type) -> dict[str, Any]:
    """Return the public methods and properties that Backhand defines in a class, by name.

    Those that a class has from another public one are the other's.
    """
    found = {}
    bases = [base for base in kind.__mro__[1:] if base.__name__ in listed_names()]
    for member in dir(kind):
        home = next(base for base in kind.__mro__ if member in vars(base))
        value = vars(home)[member]
        ours = home.__module__.startswith("backhand.")
        named = not member.startswith("_") or member == "__call__"
        inherited = any(inspect.getattr_static(base, member, None) is value for base in bases)
        internal = member in INTERNAL.get(name, ())
        if ours and named and is_described(value) and not inherited and not internal:
            found[member] = value
    return found


def is_described(value: Any) -> bool:
    """Whether a member has a docstring of its own: a method or a property."""
    return is_method(value) or isinstance(value, property | cached_property)


def is_method(value: Any) -> bool:
    """Whether a member is called: a method of any kind, also one that is not always available."""
    available_if = type(value).__name__ == "_AvailableIfDescriptor"
    return (
        inspect.isfunction(value) or isinstance(value, classmethod | staticmethod) or available_if
    )


def methods(name: str, kind: type) -> list[str]:
    """Return the names of the public methods, in the order of the alphabet."""
    return [member for member, value in members(name, kind).items() if is_method(value)]


def fields(kind: type) -> set[str]:
    """Return the names of the fields of a record: a dataclass or a named tuple."""
    declared = getattr(kind, "__dataclass_fields__", None) or getattr(kind, "_fields", ())
    return {field for field in declared if not field.startswith("_")}
