"""Hosts on this machine, each with an address of its own and a link of a given delay and rate.

    sudo python benchmarks/network.py [--hosts 3] [--delay-ms 1] [--mbit 100]

Each host is a network namespace of Linux; network_link.py carries packets between them. Run as a
script, it measures the link: the time of a round trip, and the rate of one stream of TCP. It needs
root, and `ip` (Debian: iproute2).
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from argparse import ArgumentParser
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from statistics import median

from output import markdown

PORT = 7100


class Network:
    """Hosts 1 to `count`; use it with `with`, which removes them.

    Parameters
    ----------
    count : int
    delay : float
        Seconds from one host to another.
    bits_per_second : float
        Rate of each host's link, in each direction.
    """

    def __init__(self, count: int, delay: float, bits_per_second: float) -> None:
        self.count, self.delay, self.rate = count, delay, bits_per_second
        self._name = f"bh{os.getpid()}"
        self._cleanup = ExitStack()

    def __enter__(self) -> Network:
        if os.geteuid() != 0 or shutil.which("ip") is None:
            sys.exit(
                "network.py needs root and the command `ip` (Debian: apt-get install iproute2)."
            )
        signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))  # hosts are removed
        with ExitStack() as failing:
            failing.push(self._cleanup)
            self._build()
            self._cleanup = failing.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._cleanup.close()

    def address(self, host: int) -> str:
        return f"10.77.0.{host}"

    def command(self, host: int, command: Sequence[object]) -> list[str]:
        """Return the command that runs another one on a host."""
        return ["ip", "netns", "exec", self._namespace(host), *map(str, command)]

    def _namespace(self, host: int) -> str:
        return f"{self._name}-{host}"

    def _device(self, host: int) -> str:
        return f"{self._name}t{host}"

    def _build(self) -> None:
        hosts = range(1, self.count + 1)
        for host in hosts:
            _ip("netns", "add", self._namespace(host))
            self._cleanup.callback(_remove, self._namespace(host))
        link = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("network_link.py")), str(self.delay),
             str(self.rate), *map(self._device, hosts)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        self._cleanup.callback(_end, link)
        assert link.stdout is not None
        if link.stdout.readline().strip() != b"ready":
            raise RuntimeError("network_link.py did not start; what it printed is above.")
        for host in hosts:
            self._connect(host)

    def _connect(self, host: int) -> None:
        device, inside = self._device(host), ("-n", self._namespace(host))
        _ip("link", "set", device, "netns", self._namespace(host))
        _ip(*inside, "link", "set", "lo", "up")
        _ip(*inside, "address", "add", f"{self.address(host)}/24", "dev", device)
        _ip(*inside, "link", "set", device, "txqueuelen", "1000", "up")


def _remove(namespace: str) -> None:
    """End the processes of a host and remove it."""
    listed = subprocess.run(["ip", "netns", "pids", namespace], stdout=subprocess.PIPE, text=True)
    for number in listed.stdout.split():
        with suppress(ProcessLookupError):
            os.kill(int(number), signal.SIGKILL)
    _ip("netns", "delete", namespace)


def _end(link: subprocess.Popen[bytes]) -> None:
    with link:  # closes its pipes, which ends it, and waits
        pass


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)


def _serve(address: str) -> None:
    """Answer one client: one byte for each byte, until it sends 0; then count what it sends."""
    with socket.create_server((address, PORT)) as server:
        print("ready", flush=True)
        client, _ = server.accept()
        with client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while (byte := client.recv(1)) != b"\0":
                client.sendall(byte)
            while client.recv(1 << 20):
                pass


def _measure(address: str) -> None:
    """Print the median time of a round trip in ms, and the rate of a stream in Mbit/s."""
    with socket.create_connection((address, PORT), timeout=30) as server:
        server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        times = []
        for _ in range(200):
            began = time.perf_counter()
            server.sendall(b"\1")
            server.recv(1)
            times.append(time.perf_counter() - began)
        server.sendall(b"\0")
        payload, began = bytes(30_000_000), time.perf_counter()
        server.sendall(payload)
        server.shutdown(socket.SHUT_WR)
        server.recv(1)
        seconds = time.perf_counter() - began
    print(median(times) * 1e3, len(payload) * 8 / seconds / 1e6)


def measured(network: Network) -> tuple[float, float]:
    """Return the round trip in ms and the rate in Mbit/s from host 1 to host 2."""
    script, address = [sys.executable, __file__], network.address(2)
    server = network.command(2, [*script, "--serve", address])
    with subprocess.Popen(server, stdout=subprocess.PIPE) as serving:
        assert serving.stdout is not None
        serving.stdout.readline()
        client = network.command(1, [*script, "--measure", address])
        printed = subprocess.run(client, check=True, stdout=subprocess.PIPE, timeout=60).stdout
    round_trip, rate = map(float, printed.split())
    return round_trip, rate


def main() -> None:
    parser = ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--hosts", type=int, default=3)
    parser.add_argument("--delay-ms", type=float, default=1.0)
    parser.add_argument("--mbit", type=float, default=100.0)
    parser.add_argument("--serve", metavar="ADDRESS")
    parser.add_argument("--measure", metavar="ADDRESS")
    arguments = parser.parse_args()
    if arguments.serve:
        _serve(arguments.serve)
    elif arguments.measure:
        _measure(arguments.measure)
    else:
        with Network(arguments.hosts, arguments.delay_ms / 1e3, arguments.mbit * 1e6) as network:
            round_trip, rate = measured(network)
        markdown(["link", "wanted", "measured"], [
            ["round trip, ms", f"{2 * arguments.delay_ms:g}", f"{round_trip:.2f}"],
            ["TCP, Mbit/s", f"{arguments.mbit:g}", f"{rate:.1f}"],
        ])  # fmt: skip


if __name__ == "__main__":
    main()
