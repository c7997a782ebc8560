"""Tables from an address on the web."""

from __future__ import annotations

import urllib.request
from http.client import HTTPException
from typing import Any
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
    if not _is_on_the_web(address):
        raise InputError(
            f"{address} cannot be read: only addresses that begin with https:// or http:// are. "
            "Download the table and name the file. Where DuckDB's extension httpfs is installed, "
            f"--query \"SELECT * FROM '{address}'\" reads what it reads."
        )
    request = urllib.request.Request(address, headers={"User-Agent": "backhand"})
    try:
        opener = urllib.request.build_opener(_RedirectsOnTheWeb)
        with opener.open(request, timeout=SECONDS) as stream, new_copy(copy) as file:
            while piece := stream.read(PIECE):
                file.write(piece)
    except BackhandError:
        raise
    except (OSError, ValueError, HTTPException) as error:
        if isinstance(error, HTTPError):
            error.close()
        said = str(getattr(error, "reason", None) or error).rstrip(".")
        raise InputError(f"{address} cannot be downloaded: {said}.") from error
    return urlsplit(address).path


def _is_on_the_web(address: str) -> bool:
    return urlsplit(address).scheme.lower() in ("http", "https")


class _RedirectsOnTheWeb(urllib.request.HTTPRedirectHandler):
    """Follows a server's redirects, but not to ftp://, which `urllib` would open too."""

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        if not _is_on_the_web(newurl):
            fp.close()
            raise InputError(
                f"{req.full_url} cannot be downloaded: its server redirects to {newurl[:100]}, and "
                "only addresses that begin with https:// or http:// are read."
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)
