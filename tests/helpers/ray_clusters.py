"""Ray clusters of several nodes on this machine, and the processes that they leave."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

STORE = 80 * 2**20


@contextmanager
def cluster_of(nodes: int) -> Iterator[Any]:
    """A Ray cluster with nodes of one CPU each; its processes and its folder end with it."""
    from ray.cluster_utils import Cluster

    folder = tempfile.mkdtemp(prefix="r", dir="/tmp")
    before = ray_processes()
    cluster = Cluster()
    try:
        add_node(cluster, temp_dir=folder)
        for _ in range(nodes - 1):
            add_node(cluster)
        yield cluster
    finally:
        cluster.shutdown()
        shutil.rmtree(folder, ignore_errors=True)
    assert all_ended(before), "the cluster has left processes"


def add_node(cluster: Any, **options: Any) -> Any:
    """One more node, on this machine."""
    return cluster.add_node(
        num_cpus=1, object_store_memory=STORE, include_dashboard=False, **options
    )


def ray_processes() -> set[int]:
    """Numbers of the processes of Ray that this process has started, directly or not.

    Idle ones, which a cluster keeps ready for whoever comes next, are not among them.
    """
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
            state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
            mine = f"BACKHAND_TEST={os.getpid()}".encode() in (folder / "environ").read_bytes()
        except OSError:  # it has ended meanwhile
            continue
        if state != "Z" and mine and b"ray" in command.lower() and b"IDLE" not in command:
            found.add(int(folder.name))
    return found


def all_ended(before: set[int], seconds: float = 30.0) -> bool:
    """Whether the processes of Ray that were not there before end soon."""
    return within(seconds, lambda: not ray_processes() - before)


def within(seconds: float, happens: Callable[[], bool]) -> bool:
    """Whether something happens within so many seconds."""
    ends = time.monotonic() + seconds
    while not happens():
        if time.monotonic() > ends:
            return False
        time.sleep(0.05)
    return True
