"""Calls checked against a signature, with the name of the function in the message."""

from __future__ import annotations

from inspect import Signature
from typing import Any

from backhand.errors import did_you_mean


def check_call(name: str, known: Signature, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Check that a function can be called with these arguments.

    Raises
    ------
    TypeError
        As Python raises it, but with the public name of the function; for an unknown keyword it
        names the closest ones.
    """
    for keyword in kwargs:
        if keyword not in known.parameters:
            raise TypeError(
                f"{name}() got an unexpected keyword argument '{keyword}'. "
                f"{did_you_mean(keyword, known.parameters)}"
            )
    try:
        known.bind(*args, **kwargs)
    except TypeError as error:
        raise TypeError(f"{name}(): {error}") from None
