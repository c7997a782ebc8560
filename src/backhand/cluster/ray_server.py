"""Asks whether a Ray cluster is at an address, before Ray is imported: one call of gRPC, by hand.

Ray itself would try for minutes to talk to a server that is not its own, and to one that wants a
token.
"""

from __future__ import annotations

import os
import socket

HEADERS, DATA, RESET, SETTINGS, AWAY = 1, 0, 3, 4, 7
"""Kinds of frames of HTTP/2 (RFC 9113, section 6)."""

END_STREAM, END_HEADERS = 1, 4

STREAM = 1

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, SETTINGS, 0, 0, 0, 0, 0])
"""How a client of HTTP/2 begins: with its settings, here none. A server begins with its own."""

FIELDS = {
    ":method": "POST", ":scheme": "http", ":path": "/ray.rpc.NodeInfoGcsService/CheckAlive",
    ":authority": "ray", "te": "trailers", "content-type": "application/grpc",
}  # fmt: skip
"""The call with which Ray's own processes ask whether the cluster is alive."""

EMPTY = bytes(5)
"""A message of gRPC without content: not compressed, of length 0."""


def answer(host: str, port: int, seconds: float) -> bytes | None:
    """Return what a server says to a call without a token; None: it does not speak HTTP/2.

    Parameters
    ----------
    host : str
    port : int
    seconds : float
        How long to wait for the connection, and for each part of the answer.

    Returns
    -------
    bytes or None
        The contents of the frames that came; empty if the cluster speaks TLS, which is not tried.

    Raises
    ------
    OSError
        If nothing listens there.
    """
    with socket.create_connection((host, port), seconds) as connection:
        if os.environ.get("RAY_USE_TLS", "0") != "0":
            return b""
        call = _frame(HEADERS, END_HEADERS, _fields()) + _frame(DATA, END_STREAM, EMPTY)
        said = b""
        try:
            connection.sendall(PREFACE + call)
            while True:
                head = connection.recv(9, socket.MSG_WAITALL)
                if len(head) < 9 or not (said or head[3] == SETTINGS):
                    break
                said += head + connection.recv(int.from_bytes(head[:3]), socket.MSG_WAITALL)
                ours = int.from_bytes(head[5:]) == STREAM
                if (ours and head[4] & END_STREAM) or head[3] in (RESET, AWAY):
                    break
        except (TimeoutError, ConnectionError):
            pass
    return said or None


def _frame(kind: int, flags: int, content: bytes) -> bytes:
    head = len(content).to_bytes(3) + bytes([kind, flags])
    return head + STREAM.to_bytes(4) + content


def _fields() -> bytes:
    """Return the header's fields, each as a literal with its name (RFC 7541, section 6.2.2)."""
    parts = [text.encode() for pair in FIELDS.items() for text in pair]
    lengths = [bytes([0, len(part)] if n % 2 == 0 else [len(part)]) for n, part in enumerate(parts)]
    return b"".join(length + part for length, part in zip(lengths, parts, strict=True))
