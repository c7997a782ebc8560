"""`connect`: the transport that a caller asks for, open while a context lasts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from backhand.cluster.in_process import InProcess
from backhand.cluster.transport import Transport
from backhand.constraints import Exactly, Integer, Or, Text, check
from backhand.engines.thread_limits import available_threads
from backhand.support.logs import Log
from backhand.support.signals import signals_held

LOG = Log(__name__)


MOST_WORKERS = 10_000
"""More workers than this are a mistake in the arguments."""


@contextmanager
def connect(
    workers: int, ray: str | None = None, threads: int | None = None
) -> Iterator[Transport]:
    """Open a transport with some workers, and close it when the context ends.

    Parameters
    ----------
    workers : int
    ray : str, optional
        None: workers are threads of this process. "local": workers are processes on this machine,
        of a Ray cluster that is started here and ended with the context. "auto": the Ray cluster
        of this machine, or that of the environment variable RAY_ADDRESS. Otherwise the address of
        a Ray cluster, as "10.0.0.1:6379".
    threads : int, optional
        Number of threads of each worker; of Ray, that many CPUs are asked for. None: of Ray one,
        otherwise this process's threads divided by the number of workers.

    Raises
    ------
    InputError
        If an argument is not as above, no cluster answers at the address, or it has no room.
    MissingDependencyError
        If `ray` is given and Ray is not installed.

    Examples
    --------
    >>> with connect(2) as transport:
    ...     calls = [transport.submit(n, lambda memory, x: 10 * x, n) for n in range(2)]
    ...     [call.result(seconds=10) for call in calls]
    [0, 10]
    """
    check("workers", workers, Integer(1, MOST_WORKERS))
    check("ray", ray, Or(Exactly(None), Text()))
    check("threads", threads, Or(Integer(1), Exactly(None)))
    transport: Transport
    if ray is None:
        transport = InProcess(workers, threads or max(1, available_threads() // workers))
    else:
        from backhand.cluster.ray_actors import RayActors

        transport = RayActors(workers, ray, threads or 1)
    LOG.info("%d workers of %d threads: %s", workers, transport.threads,
             ", ".join(transport.places))  # fmt: skip
    try:
        yield transport
    finally:
        with signals_held():
            transport.close()
