"""Optional packages: imported when used; when absent, an error says how to get them."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from backhand.errors import MissingDependencyError
from backhand.support.signals import signals_held


def extra(module: str, packages: str | None = None) -> Any:
    """The module of that name.

    Parameters
    ----------
    module : str
    packages : str, optional
        What to install for what is being done, if that is more than the module.

    Raises
    ------
    MissingDependencyError
        If it is not installed; the message says how to install it.
    """
    try:
        with signals_held():  # some abort the process if they are interrupted here
            return import_module(module)
    except ImportError as error:
        raise MissingDependencyError(
            f"this needs {module}, which is not installed. Install it with: "
            f"{Path(sys.executable).name} -m pip install {packages or module}."
        ) from error
