"""The contract of a transport: workers that run functions, wherever they are.

There are two: `in_process.InProcess`, workers that are threads of this process, and
`ray_actors.RayActors`, workers that are actors of Ray. What travels, in which order it is added, and what is
done when a worker is lost is decided above it (`parts.py`), and is the same for both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from backhand.errors import BackhandError

Memory = dict[Any, Any]
"""What a worker keeps from one call to the next, by key; it is lost with the worker."""


class WorkerLost(BackhandError):
    """A worker does not exist any more, or does not answer in time.

    Attributes
    ----------
    worker : int
    """

    def __init__(self, worker: int, why: str) -> None:
        super().__init__(f"worker {worker + 1} is lost: {why}.")
        self.worker = worker


class Call(Protocol):
    """A call under way on a worker."""

    def result(self, seconds: float) -> Any:
        """Wait for what the function returns.

        Raises
        ------
        WorkerLost
            If the worker is lost, or has not answered after so many seconds.
        Exception
            What the function raised, as it is, with the worker's place as a note.
        """
        ...


class Transport(Protocol):
    """Workers that run functions.

    Attributes
    ----------
    places : sequence of str
        Where each worker is, for people: its host and process.
    in_this_process : bool
        Whether the workers are threads of this process, which share its cores.
    """

    places: Sequence[str]
    in_this_process: bool

    def submit(self, worker: int, function: Callable[..., Any], *args: Any) -> Call:
        """Run `function(memory, *args)` on a worker, after what was submitted to it before.

        Parameters
        ----------
        worker : int
        function : callable
            A function of a module, found by its name on the worker; it gets the worker's `Memory`.
        args
            What can be pickled; arrays are received read-only. What `share` returned is replaced by its value.
        """
        ...

    def share(self, value: Any) -> Any:
        """Put a value once on each machine that needs it; return what stands for it in `args`."""
        ...

    def replace(self, worker: int) -> bool:
        """Put a new worker, with an empty memory, in the place of a lost one; False: there is no room."""
        ...

    def close(self) -> None:
        """End all workers, and leave no process and no object behind. It may be called again."""
        ...
