"""A cluster of Ray over the hosts of network.py, with one CPU on each."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from network import Network

PORT, STORE = 6379, 100_000_000
ENDING = 20
"""Seconds after which what does not end is killed."""


class RayHosts:
    """Ray on each host of a network, the head on the first one.

    The cluster has a token of its own: since 2.59, Ray lets no process join without one.
    """

    def __init__(self, network: Network, folder: Path) -> None:
        self.network, self.folder = network, folder
        self.address = f"{network.address(1)}:{PORT}"
        token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
        self._environment = os.environ | token
        self._started: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        ray = Path(sys.executable).with_name("ray")
        head = ["--head", f"--port={PORT}", "--include-dashboard=false",
                f"--temp-dir={self.folder}"]  # fmt: skip
        for host in range(1, self.network.count + 1):
            command = [ray, "start", "--block", "--disable-usage-stats", "--num-cpus=1",
                       f"--node-ip-address={self.network.address(host)}",
                       f"--object-store-memory={STORE}",
                       *(head if host == 1 else [f"--address={self.address}"])]  # fmt: skip
            self._start(host, command, self.folder / f"host-{host}.log")

    def _start(self, host: int, command: Sequence[object], log: Path) -> None:
        with log.open("wb") as file:
            process = subprocess.Popen(
                self.network.command(host, command), env=self._environment,
                stdin=subprocess.DEVNULL, stdout=file, stderr=file,
            )  # fmt: skip
        self._started.append(process)
        with subprocess.Popen(["tail", f"--pid={process.pid}", "-n", "+1", "-f", str(log)],
                              stdout=subprocess.PIPE, text=True) as lines:  # fmt: skip
            assert lines.stdout is not None
            ready = any("Ray runtime started" in line for line in lines.stdout)
            lines.kill()
        if not ready:
            raise RuntimeError(f"Ray did not start on host {host}:\n{log.read_text()}")

    def run(self, command: Sequence[object], seconds: float) -> str:
        """Run a command on the first host; return what it prints."""
        there = self.network.command(1, command)
        return subprocess.run(there, env=self._environment, check=True, stdout=subprocess.PIPE,
                              text=True, timeout=seconds).stdout  # fmt: skip

    def end(self) -> None:
        for process in reversed(self._started):  # the head last
            process.terminate()
            try:
                process.wait(ENDING)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def ray_over(network: Network) -> Iterator[RayHosts]:
    """Start Ray on each host; all of it ends with the `with` block."""
    folder = Path(tempfile.mkdtemp(prefix="bhhosts", dir="/tmp"))  # sockets' paths must be short
    hosts = RayHosts(network, folder)
    try:
        hosts.start()
        yield hosts
    finally:
        hosts.end()
        shutil.rmtree(folder, ignore_errors=True)
