"""The contract of a transport: workers that run functions, wherever they are.

There are two: `in_process.InProcess`, workers that are threads of this process, and
`ray_actors.RayActors`, workers that are actors of Ray. What travels, in which order it is added,
and what is done when a worker is lost is decided above it (`parts.py`), and is the same for both.
"""

from __future__ import annotations

import pickle
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
        Its number, from 0.
    why : str
        The reason, as part of a sentence.
    incarnation : int
        How many workers were in this place before the lost one.
    """

    def __init__(self, worker: int, why: str, incarnation: int) -> None:
        super().__init__(f"worker {worker + 1} is lost: {why}.")
        self.worker, self.why, self.incarnation = worker, why, incarnation


class Call(Protocol):
    """A call under way on a worker."""

    def result(self, seconds: float) -> Any:
        """Wait for what the function returns.

        Raises
        ------
        WorkerLost
            If the worker is lost, or has not answered after so many seconds.
        Exception
            What the function raised, as it is.
        """
        ...


class Transport(Protocol):
    """Workers that run functions; several threads may call them at the same time.

    Attributes
    ----------
    places : sequence of str
        Where each worker is, for people: its machine and process.
    machines : sequence of str
        The machine of each worker: workers of one machine see the same files.
    threads : int
        Number of threads that a function on a worker may compute with.
    in_this_process : bool
        Whether the workers are threads of this process.
    """

    threads: int
    in_this_process: bool

    @property
    def places(self) -> Sequence[str]: ...

    @property
    def machines(self) -> Sequence[str]: ...

    def submit(self, worker: int, function: Callable[..., Any], *args: Any) -> Call:
        """Run `function(memory, *args)` on a worker, after what was submitted to it before.

        Parameters
        ----------
        worker : int
        function : callable
            A function of a module, found by its name on the worker; it gets the worker's `Memory`.
        args
            What can be pickled; arrays are received read-only. What `share` returned, here or in
            tuples, lists and dictionaries, is replaced by its value.
        """
        ...

    def share(self, value: Any) -> Any:
        """Put a value once on each machine that needs it; return what stands for it in `args`."""
        ...

    def replace(self, lost: WorkerLost) -> bool:
        """Put a new worker, with an empty memory, in the place of a lost one.

        Nothing is done if that has happened since. False: there is no room for one, and calls of
        this worker raise `WorkerLost` from now on.
        """
        ...

    def close(self) -> None:
        """End all workers, and leave no process and no object behind. It may be called again."""
        ...


def told(error: Exception, place: str) -> BackhandError:
    """Return an error of a worker as one of ours; another library's gets the worker's place.

    Examples
    --------
    >>> told(KeyError("W1"), "worker 2 (this process)")
    BackhandError("worker 2 (this process) failed: KeyError: 'W1'.")
    """
    if isinstance(error, BackhandError):
        return error
    message = " ".join(str(error).split()).rstrip(".")
    ours = BackhandError(f"{place} failed: {type(error).__name__}: {message}.")
    ours.__cause__ = error
    return ours


def picklable(error: Exception) -> Exception:
    """Return the error, or what can travel instead: a `BackhandError` with its message."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # whatever a class that was not made for it may raise
        what = (
            str(error) if isinstance(error, BackhandError) else f"{type(error).__name__}: {error}"
        )
        return BackhandError(what)
    return error
