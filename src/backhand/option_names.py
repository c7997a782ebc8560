"""How a message names a setting: as an option of the command that runs, or as an argument."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

_options: Mapping[str, str] = {}


@contextmanager
def at_shell(options: Mapping[str, str]) -> Iterator[None]:
    """Name settings by a command's options, each by the name of its parameter.

    It holds for all threads: those that work for the command give warnings too.
    """
    global _options
    before, _options = _options, options
    try:
        yield
    finally:
        _options = before


def is_option(name: str) -> bool:
    """Whether a setting is an option of the command that runs."""
    return name in _options


def named(name: str) -> str:
    """Return `--test-size` in a command that has this option, and `test_size` in Python."""
    return _options.get(name, name)


def given(name: str, value: object = True) -> str:
    """Return `--test-size 0.3` or, for True, `--quick`; in Python `test_size=0.3`, `quick=True`."""
    if name not in _options:
        return f"{name}={value!r}"
    return _options[name] if value is True else f"{_options[name]} {value}"
