"""The filters of warnings that Python sets when it starts."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

HIDDEN = (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning)
"""What Python ignores outside of `__main__`, where `__main__` is a user's script."""


@contextmanager
def python_default_filters() -> Iterator[list[warnings.WarningMessage]]:
    """Record the warnings that Python's default filters show, instead of pytest's."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.resetwarnings()
        for category in HIDDEN:
            warnings.simplefilter("ignore", category)
        yield caught
