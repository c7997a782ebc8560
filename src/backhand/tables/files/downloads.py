"""Tables from an address on the web."""

from __future__ import annotations

import urllib.request
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request

from backhand.errors import BackhandError, InputError
from backhand.tables.files.copies import PIECE, new_copy

SECONDS = 60.0
"""How long a server may be silent."""

SCHEMES = ("http", "https")


class SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follows no redirect to another kind of address, such as ftp, or from https to http."""

    def redirect_request(
        self, req: Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> Request | None:
        old, new = (urlsplit(address).scheme.lower() for address in (req.full_url, newurl))
        if new not in SCHEMES or (old == "https" and new == "http"):
            refused = f"the server redirects from {old}:// to {new}://, which is not followed"
            raise HTTPError(newurl, code, refused, headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


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
    if parts.scheme.lower() not in SCHEMES:
        raise InputError(
            f"{address} cannot be read: only addresses that begin with https:// or http:// are. "
            "Download the table and name the file. Where DuckDB's extension httpfs is installed, "
            f"--query \"SELECT * FROM '{address}'\" reads what it reads."
        )
    request = Request(address, headers={"User-Agent": "backhand"})
    opener = urllib.request.build_opener(SafeRedirects)  # and the proxies of the environment
    try:
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
    return parts.path
