"""The connection of this process to a Ray cluster: one at a time, shared by all who train on it.

Ray has one connection per process. Whoever needs it first makes it, and the last one ends it. A
cluster that was started here ends with it; any other cluster, and a connection that the user has
made, stay as they were.
"""

from __future__ import annotations

import os
import shutil
import socket
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

from backhand.cluster import ray_server, ray_token
from backhand.cluster.ray_log import log_left_out
from backhand.errors import BackhandError, InputError
from backhand.support.optional import extra
from backhand.support.signals import signals_held

REACHING = 5.0
"""Seconds in which the machine at an address has to accept a connection."""

PURPOSE = "training on several machines"

REPORTS = "worker died or was killed|node with node id|Raylet is terminated|workers killed"
"""What Ray prints on standard output when a worker is lost, of which it says no more than we do."""

PATIENCE = "RAY_gcs_server_port_wait_time_s", "10"
"""How often Ray tries to join a cluster that answers, about once a second; by default 20 times."""

LOCAL, AUTO = "local", "auto"

_lock = Lock()
_users = 0
_folder: str | None = None
"""The temporary folder of the cluster that was started here."""
_made_here = False


def imported() -> Any:
    """Import Ray."""
    if "ray" in sys.modules:
        return extra("ray", PURPOSE)
    with _environment(RAY_DEDUP_LOGS="1", RAY_DEDUP_LOGS_SKIP_REGEX=REPORTS):  # read by the import
        return extra("ray", PURPOSE)


def join(address: str, workers: int) -> None:
    """Connect to a cluster, or share the connection that there is; `leave` ends it.

    Parameters
    ----------
    address : str
        "local", "auto" or an address, as in `connect`.
    workers : int
        Number of processes that a cluster which is started here keeps ready.

    Raises
    ------
    InputError
        If there is no such cluster, or this process is connected to another.
    """
    # Both before the import, which takes seconds, and at which Ray reads the variables.
    token = {} if _connected() else _check_reachable(_named(address))
    joined = False
    try:
        # An interrupted start would leave processes, and Ray sets handlers of signals.
        with _environment(**token), signals_held():
            _join(imported(), address, workers)
            joined = True
    except BaseException:
        if joined:  # a signal came meanwhile
            leave()
        raise


def _connected() -> bool:
    ray = sys.modules.get("ray")
    return ray is not None and bool(ray.is_initialized())


def _named(address: str) -> str:
    """Return the address that "auto" stands for, as far as the environment says."""
    return os.environ.get("RAY_ADDRESS", AUTO) if address == AUTO else address


def _join(ray: Any, address: str, workers: int) -> None:
    global _users, _made_here
    with _lock:
        if ray.is_initialized():
            _check_same(ray, address)
        else:
            _start(ray, workers) if address == LOCAL else _reach(ray, address)
            _made_here = True
        _users += 1


def leave() -> None:
    """End the connection if nobody else uses it and `join` has made it."""
    global _users, _made_here, _folder
    with _lock:
        _users -= 1
        if _users or not _made_here:
            return
        _made_here = False
        imported().shutdown()
        if _folder is not None:
            shutil.rmtree(_folder, ignore_errors=True)
            _folder = None


@contextmanager
def while_connected() -> Iterator[None]:
    """Use the connection in the context, which is an error if it has been ended meanwhile.

    Ray by itself would connect to any cluster that it finds on this machine, or start one.

    Raises
    ------
    BackhandError
        If it was ended, before or while the context lasts.
    """
    try:
        if _connected():
            yield
            return
    except Exception:
        if _connected():
            raise
    raise BackhandError(
        "the connection to the Ray cluster was ended, as by ray.shutdown(), while its workers were "
        "in use. Let it last until the training is over; a checkpoint lets the training resume."
    )


def is_local() -> bool:
    """Whether the cluster was started here, on this machine, for the workers alone."""
    return _folder is not None


def _start(ray: Any, workers: int) -> None:
    global _folder
    # The path of a socket may have 107 characters, of which Ray uses about 70.
    short = len(tempfile.gettempdir()) <= 24 or not Path("/tmp").is_dir()
    _folder = tempfile.mkdtemp(prefix="ray-", dir=None if short else "/tmp")
    try:
        with _environment(RAY_USAGE_STATS_ENABLED="0"):  # else it reports to Ray's authors
            _init(
                ray, LOCAL, num_cpus=min(workers, os.cpu_count() or 1), include_dashboard=False,
                _temp_dir=_folder,
            )  # fmt: skip
    except Exception as error:
        ray.shutdown()
        shutil.rmtree(_folder, ignore_errors=True)
        _folder = None
        raise InputError(
            f"Ray could not be started on this machine: {_line(error)}. If the machine is busy, "
            "try again later, or set RAY_raylet_start_wait_time_s=120 for Ray to wait so many "
            "seconds."
        ) from error


def _init(ray: Any, address: str, **options: Any) -> None:
    with warnings.catch_warnings():  # Ray warns its users of what will change
        warnings.simplefilter("ignore", FutureWarning)
        ray.init(address, log_to_driver=False, logging_level="ERROR", **options)


def _reach(ray: Any, address: str) -> None:
    patience = {} if PATIENCE[0] in os.environ else dict([PATIENCE])
    try:
        with log_left_out(), _environment(**patience):
            _init(ray, address)
    except Exception as error:
        ray.shutdown()
        if why := ray_token.refusal(error, _named(address)):
            raise InputError(why) from error
        where = "was found" if address == AUTO else f"could be joined at '{address}'"
        raise InputError(
            f"no Ray cluster {where}: {_line(error)}. The driver has to run on a machine of the "
            "cluster; 'ray start --head' starts a cluster, and 'ray status' shows it."
        ) from error


def _check_reachable(address: str) -> dict[str, str]:
    """Refuse a malformed address, and one where no Ray cluster answers, within seconds.

    Returns the environment variables with which Ray sends a token, if the cluster asks for one.

    (Ray itself waits for minutes for a program that listens there and does not answer.)
    """
    if address in (AUTO, LOCAL):  # Ray itself finds out
        return {}
    host, colon, port = address.rpartition(":")
    if not (colon and port.isdecimal()) or "://" in address:
        raise InputError(
            f"ray is '{address}'; expected 'local', 'auto' or the address of a Ray cluster, as "
            "'10.0.0.1:6379' (that of Ray Client, 'ray://…', is not one)."
        )
    try:
        # Ray would try for minutes to talk to a server that is not its own.
        answer = ray_server.answer(host, int(port), REACHING)
        if answer is None:
            raise ConnectionError("another program listens there")
    except (OSError, OverflowError) as error:
        raise InputError(
            f"no Ray cluster answers at '{address}': {_line(error)}. 'ray start --head' starts one "
            "and prints its address."
        ) from error
    return ray_token.variables() if ray_token.asked_for(answer) else {}


def _check_same(ray: Any, address: str) -> None:
    """Refuse another cluster than the one that this process is connected to."""
    here = ray.get_runtime_context().gcs_address
    if address == AUTO or (address == LOCAL and is_local()):
        return
    if address == LOCAL or _numeric(address) != _numeric(here):
        raise InputError(
            f"ray is '{address}', but this process is connected to the Ray cluster at {here}. Use "
            "ray='auto' for that one, or call ray.shutdown() first."
        )


@contextmanager
def _environment(**variables: str) -> Iterator[None]:
    """Set environment variables while the context lasts."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _numeric(address: str) -> tuple[str, str]:
    host, _, port = address.rpartition(":")
    try:
        return socket.gethostbyname(host), port
    except OSError:
        return host, port


def _line(error: BaseException) -> str:
    return " ".join(str(error).split()).rstrip(".")
