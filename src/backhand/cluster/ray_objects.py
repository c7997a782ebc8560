"""Objects in Ray's store: rows that are on the cluster already, and where they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from backhand.cluster import ray_connection
from backhand.errors import BackhandError, InputError

SECONDS = 3600.0
"""Time limit for objects that other tasks are still computing."""


def is_reference(value: Any) -> bool:
    """Whether it is a reference to an object in Ray's store. (Ray is not imported to find out.)"""
    kind = type(value)
    return kind.__name__ == "ObjectRef" and kind.__module__.partition(".")[0] == "ray"


def wait_for(references: Sequence[Any], seconds: float = SECONDS) -> None:
    """Wait until objects exist, wherever they are.

    That is done before workers are started: these would take the CPUs that the tasks which compute
    the objects wait for.

    Raises
    ------
    InputError
        If this process is not connected to Ray.
    BackhandError
        If they do not exist after that many seconds.
    """
    ray = ray_connection.imported()
    if not ray.is_initialized():
        raise InputError(
            "references to objects of Ray were passed, and this process is not connected to a Ray "
            "cluster: call ray.init first, and make the objects then."
        )
    some = list(dict.fromkeys(references))
    _, absent = ray.wait(some, num_returns=len(some), timeout=seconds, fetch_local=False)
    if absent:
        raise BackhandError(
            f"{len(absent)} of {len(some)} objects do not exist after {seconds:g} s; 'ray status' "
            "shows whether the tasks that compute them have room on the cluster."
        )


def machines_near(runs: Sequence[Sequence[Any]]) -> list[frozenset[str]]:
    """Return, for the references of each run, the machine that has most of their bytes.

    Objects of less than 100 kB, which Ray has everywhere, count nothing: there may be no machine.
    """
    ray = ray_connection.imported()
    addresses = {node["NodeID"]: node["NodeManagerAddress"] for node in ray.nodes()}
    every = list(dict.fromkeys(one for run in runs for one in run))
    found = ray.experimental.get_object_locations(every, timeout_ms=10_000) if every else {}
    return [_nearest([found[one] for one in run if one in found], addresses) for run in runs]


def _nearest(locations: Sequence[dict[str, Any]], addresses: dict[str, str]) -> frozenset[str]:
    sizes: Counter[str] = Counter()
    for location in locations:
        for node in location["node_ids"]:
            if node in addresses:
                sizes[addresses[node]] += location["object_size"] or 0
    return frozenset(machine for machine, _ in sizes.most_common(1))
