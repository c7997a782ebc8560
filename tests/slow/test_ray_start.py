"""Clusters that `ray start --head` has started, with and without a token, are joined by address."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytest.importorskip("ray")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.ray,
    pytest.mark.skipif(sys.platform == "win32", reason="process groups are of POSIX"),
]

DRIVER = """
import sys
from backhand.cluster.connect import connect
from backhand.errors import InputError
from helpers import worker_functions as functions
try:
    with connect(2, sys.argv[1]) as transport:
        calls = [transport.submit(n, functions.write, "rows", [n, n]) for n in range(2)]
        print([call.result(60) for call in calls])
except InputError as error:
    print(error)
"""


def environment(home: Path, **variables: str) -> dict[str, str]:
    """This process's environment, without what it says of tokens and with another home folder."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    patience = {"RAY_raylet_start_wait_time_s": "120", "RAY_agent_register_timeout_ms": "120000"}
    return kept | patience | {"HOME": str(home)} | variables


@contextmanager
def head(home: Path, **variables: str) -> Iterator[str]:
    """A cluster of this machine alone; yields its address."""
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="r", dir="/tmp", ignore_cleanup_errors=True) as folder:
        command = [
            sys.executable, "-c", "from ray.scripts.scripts import main; main()", "start", "--head",
            "--block", f"--port={port}", "--num-cpus=2", f"--temp-dir={folder}",
            "--object-store-memory=80000000", "--include-dashboard=false", "--disable-usage-stats",
        ]  # fmt: skip
        process = subprocess.Popen(
            command, env=environment(home, **variables), stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True, text=True,
        )  # fmt: skip
        assert process.stdout is not None
        try:
            for line in process.stdout:
                if "Ray runtime started" in line:
                    break
            yield f"127.0.0.1:{port}"
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.communicate(timeout=60)


def drive(address: str, home: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", DRIVER, address],
        env=environment(home, **variables), capture_output=True, text=True, timeout=180,
    )  # fmt: skip


def test_a_cluster_with_a_token_is_joined_by_its_user_without_settings(tmp_path) -> None:
    mine, other = tmp_path / "mine", tmp_path / "other"
    (mine / ".ray").mkdir(parents=True)
    other.mkdir()
    (mine / ".ray" / "auth_token").write_text("a" * 64)
    with head(mine, RAY_AUTH_MODE="token") as address:
        done = drive(address, mine)
        assert (done.stdout, done.stderr) == ("[2, 2]\n", "")
        done = drive(address, other, RAY_AUTH_TOKEN="a" * 64)
        assert (done.stdout, done.stderr) == ("[2, 2]\n", "")
        for variables, why in (
            ({}, "none was sent"),
            ({"RAY_AUTH_TOKEN": "b" * 64}, "that of RAY_AUTH_TOKEN is another one"),
        ):
            done = drive(address, other, **variables)
            assert f"asks for its token, and {why}: before Python starts, set" in done.stdout
            assert done.stdout.count("\n") == 1 and not done.stderr


def test_a_cluster_without_a_token_takes_no_notice_of_one(tmp_path) -> None:
    with head(tmp_path, RAY_AUTH_MODE="disabled") as address:
        for variables in ({}, {"RAY_AUTH_TOKEN": "b" * 64}):
            done = drive(address, tmp_path, **variables)
            assert (done.stdout, done.stderr) == ("[2, 2]\n", "")
