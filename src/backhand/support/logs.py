"""Records of what was done, for the standard library's `logging`: silent until it is set up.

The logger of each module has its name, below `backhand`. `logging` itself is not imported here: a
program that has not imported it has nothing that would receive a record.

Levels: INFO is what a run did, a few records of each; DEBUG is how, and what is done for each of
many models; WARNING is a loss that was made good. What warns (`errors.warn`) is not recorded as
well: `logging.captureWarnings` does that, for all libraries.
"""

from __future__ import annotations

import sys
from typing import Any

ROOT = __name__.partition(".")[0]


class Log:
    """The records of one module.

    Parameters
    ----------
    name : str
        The module's `__name__`.

    Examples
    --------
    >>> LOG = Log(__name__)
    >>> LOG.info("read %s: %d rows", "penguins.csv", 344)
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._logger: Any = None

    def debug(self, message: str, *args: object) -> None:
        """Record how something was done; the message has a place for each of `args`, as in `%`."""
        self._record(10, message, args)

    def info(self, message: str, *args: object) -> None:
        """Record what was done."""
        self._record(20, message, args)

    def warning(self, message: str, *args: object) -> None:
        """Record a loss that was made good."""
        self._record(30, message, args)

    def _record(self, level: int, message: str, args: tuple[object, ...]) -> None:
        if self._logger is None:
            logging = sys.modules.get("logging")
            if logging is None or not hasattr(logging, "NullHandler"):  # it is being imported
                return
            _make_silent(logging)
            self._logger = logging.getLogger(self._name)
        if self._logger.isEnabledFor(level):
            self._logger.log(level, message, *args, stacklevel=3)


def _make_silent(logging: Any) -> None:
    """Give the logger of the package a handler, without which warnings would be printed."""
    root = logging.getLogger(ROOT)
    if not any(isinstance(handler, logging.NullHandler) for handler in root.handlers):
        root.addHandler(logging.NullHandler())
