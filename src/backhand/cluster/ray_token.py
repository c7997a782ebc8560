"""The token that a Ray cluster may ask of every process that joins it.

Ray reads it from RAY_AUTH_TOKEN, from the file that RAY_AUTH_TOKEN_PATH names, or from
~/.ray/auth_token, and sends it if RAY_AUTH_MODE was "token" when Ray was imported. `ray start` of
2.60 turns that on by itself where there is a token, but `ray.init` with an address does not. A
cluster without a token takes no notice of one.
"""

from __future__ import annotations

import os
from pathlib import Path

from backhand.errors import InputError

MODE, TOKEN, FILE = "RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"

DEFAULT = "~/.ray/auth_token"
"""The file in which Ray keeps a token that it has made."""


def variables() -> dict[str, str]:
    """Return the environment variables with which Ray sends the token; none if there is no token.

    Raises
    ------
    InputError
        If the environment asks for a token that is not there (at which Ray ends the process).
    """
    mode = os.environ.get(MODE)
    if mode is not None and mode.lower() != "token":
        return {}
    source = _source()
    if mode is not None and source is None:
        raise InputError(f"{MODE} is '{mode}', but no token was found: {_to_set()}.")
    return {} if source is None else {MODE: "token"}


def refusal(error: BaseException | None, address: str) -> str | None:
    """Return what to do about a token that was refused; None if that is not why joining failed."""
    while error is not None:
        text = str(error)
        if "InvalidAuthToken" in text or "Unauthenticated" in text:
            # Ray's message says so, if it did not send a token.
            sent = None if "RAY_AUTH_MODE is currently 'disabled'" in text else _source()
            why = f"that of {sent} is another one" if sent else "none was sent"
            return (
                f"the Ray cluster at '{address}' asks for its token, and {why}: {_to_set()}. On "
                "the machine where the cluster was started, 'ray get-auth-token' prints its token."
            )
        error = error.__cause__ or error.__context__
    return None


def _to_set() -> str:
    return (
        f"before Python starts, set {MODE}=token, and {TOKEN} to the token of the cluster or "
        f"{FILE} to a file that has it (otherwise {DEFAULT} is read)"
    )


def _source() -> str | None:
    """Return where the token comes from; None: there is none."""
    if os.environ.get(TOKEN, "").strip():
        return TOKEN
    named = os.environ.get(FILE)
    try:
        with Path(named or DEFAULT).expanduser().open(encoding="utf-8", errors="replace") as file:
            found = bool(file.readline().strip())
    except (OSError, RuntimeError):  # RuntimeError: there is no home folder
        found = False
    if named and not found:
        raise InputError(f"{FILE} is '{named}', which cannot be read or has no token.")
    return (named or DEFAULT) if found else None
