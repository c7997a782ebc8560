"""Tables from an address on the web."""

from __future__ import annotations

import urllib.request
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.parse import urlsplit

from backhand.errors import BackhandError, InputError
from backhand.tables.files.copies import PIECE, new_copy

SECONDS = 60.0
"""How long a server may be silent."""


def download(address: str, copy: str) -> str:
    """Write what an address gives to a new file; return the name whose ending says the format.

    Raises
    ------
    InputError
        If it is no address on the web, or cannot be downloaded.
    OutputError
        If the disk is full.
    """
    parts = urlsplit(address)
    if parts.scheme.lower() not in ("http", "https"):
        raise InputError(
            f"{address} cannot be read: only addresses that begin with https:// or http:// are. "
            "Download the table and name the file. Where DuckDB's extension httpfs is installed, "
            f"--query \"SELECT * FROM '{address}'\" reads what it reads."
        )
    request = urllib.request.Request(address, headers={"User-Agent": "backhand"})
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as stream, new_copy(copy) as file:
            while piece := stream.read(PIECE):
                file.write(piece)
    except BackhandError:
        raise
    except (OSError, ValueError, HTTPException) as error:
        if isinstance(error, HTTPError):
            error.close()
        said = str(getattr(error, "reason", None) or error).rstrip(".")
        raise InputError(f"{address} cannot be downloaded: {said}.") from error
    return parts.path
