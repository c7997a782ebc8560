"""Optional packages: imported when used; when absent, an error says how to install them."""

from __future__ import annotations

import re
import sys
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from backhand.errors import MissingDependencyError
from backhand.support.signals import signals_held

EXTRAS = {
    "joblib": "fast", "llvmlite": "fast", "threadpoolctl": "fast",
    "arro3.core": "tables", "duckdb": "tables",
    "python_calamine": "formats", "arro3.io": "formats", "backports.zstd": "formats",
    "scipy": "sklearn", "sklearn": "sklearn",
    "torch": "torch",
    "onnx": "onnx", "onnxruntime": "onnx",
    "anywidget": "widget", "traitlets": "widget",
    "matplotlib": "plot",
    "mlflow": "mlflow",
    "ray": "ray",
    "tensorboardX": "tensorboard",
}  # fmt: skip
"""The extra of Backhand's that brings each optional package, by the name it is imported by."""

LEAST = {"sklearn": ("scikit-learn", (1, 7))}
"""Packages of which older versions cannot be used: their name and least version, by module."""

HINTS = {
    "torch": " (on Linux that is the build for CUDA, of several GB; for the much smaller one for "
    "the CPU, first install torch by the command that the selector on pytorch.org shows)",
}
"""What to know before an extra is installed."""


def extra(module: str, purpose: str) -> Any:
    """Import an optional package.

    Parameters
    ----------
    module : str
        One of `EXTRAS`, or what an engine of another package needs.
    purpose : str
        What needs it, as the subject of the message: "reading tables".

    Returns
    -------
    module

    Raises
    ------
    MissingDependencyError
        If it is not installed; the message says how to install it.
    """
    if sys.modules.get(module) is not None:
        return import_module(module)  # none of its code runs
    try:
        with signals_held():  # some abort the process if they are interrupted here
            return import_module(module)
    except ImportError as error:
        raise MissingDependencyError(
            f"{purpose} needs {module}, which is not installed; install it with: "
            f"{pip(module)}{HINTS.get(module, '')}."
        ) from error


def install(module: str) -> str:
    """What to do about a module that is missing."""
    if module in EXTRAS:
        return f"Install it with: {pip(module)}{HINTS.get(module, '')}."
    return f"Put {module} beside the file or install it where backhand runs, or do not import it."


def is_installed(module: str) -> bool:
    """Whether an optional package is installed, and not too old; it is not imported."""
    if find_spec(module) is None:
        return False
    if module not in LEAST:
        return True
    package, least = LEAST[module]
    try:
        return tuple(map(int, re.findall(r"\d+", version(package))[:2])) >= least
    except PackageNotFoundError:
        return False


def pip(module: str) -> str:
    """Return the command that installs a module: an extra of Backhand's, or by its own name."""
    package = f"'backhand[{EXTRAS[module]}]'" if module in EXTRAS else module
    return f"{Path(sys.executable).name} -m pip install {package}"
