"""The records of `logging` on standard error, if the environment variable BACKHAND_LOG asks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from backhand.cli.standard_streams import write_stderr
from backhand.errors import InputError
from backhand.support.logs import ROOT
from backhand.support.visible_text import printable

VARIABLE = "BACKHAND_LOG"

LEVELS = ("debug", "info", "warning")

LINE = "%(asctime)s %(levelname)s %(name)s: %(message)s"


@contextmanager
def records_on_stderr() -> Iterator[None]:
    """Write records of the level that the environment names to standard error, one in a line.

    Raises
    ------
    InputError
        If it names none.
    """
    level = os.environ.get(VARIABLE, "").lower()
    if not level:
        yield
        return
    if level not in LEVELS:
        raise InputError(
            f"the environment variable {VARIABLE} is '{level}'; expected {', '.join(LEVELS[:-1])} "
            f"or {LEVELS[-1]}."
        )
    import logging

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            write_stderr(printable(self.format(record)))

    handler, logger = Lines(), logging.getLogger(ROOT)
    handler.setFormatter(logging.Formatter(LINE))
    before = logger.level
    logger.setLevel(level.upper())
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)
