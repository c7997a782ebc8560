"""What is at an address, as far as it can be found out without Ray."""

import socket
from contextlib import contextmanager
from threading import Thread

import pytest

from backhand.cluster import ray_connection
from backhand.errors import InputError


@contextmanager
def server(answer: bytes):
    """A program that listens at a port, and answers so; yields the port."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        connections = []

        def serve() -> None:
            connection, _ = listening.accept()
            connections.append(connection)
            connection.sendall(answer)

        thread = Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1]
        thread.join(10)
        for connection in connections:
            connection.close()


def test_a_server_of_http2_may_be_ray(monkeypatch) -> None:
    monkeypatch.setattr(ray_connection, "REACHING", 0.5)
    with server(bytes([0, 0, 6, 4, 0, 0, 0, 0, 0]) + bytes(6)) as port:
        ray_connection._check_reachable(f"127.0.0.1:{port}")


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
def test_another_program_at_the_port_is_refused_within_seconds(answer, monkeypatch) -> None:
    monkeypatch.setattr(ray_connection, "REACHING", 0.1)
    with server(answer) as port, pytest.raises(InputError, match="no Ray cluster answers at"):
        ray_connection._check_reachable(f"127.0.0.1:{port}")


def test_a_port_where_nothing_listens_is_refused() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with pytest.raises(InputError, match="no Ray cluster answers at"):
            ray_connection._check_reachable(f"127.0.0.1:{port}")
