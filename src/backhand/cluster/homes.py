"""Where sessions live: on which worker, and which one takes over from a worker that is lost."""

from __future__ import annotations

from collections import deque
from threading import Lock

from backhand.cluster.transport import Transport, WorkerLost
from backhand.errors import BackhandError


class Home:
    """A worker, from its beginning to its loss.

    Attributes
    ----------
    worker : int
    ended : deque of int
        The sessions on it that are no longer used; the worker is told so with the next call.
    """

    def __init__(self, worker: int) -> None:
        self.worker = worker
        self.ended: deque[int] = deque()

    def take_ended(self) -> list[int]:
        """Return the sessions that are no longer used, each once."""
        found = []
        while self.ended:
            found.append(self.ended.popleft())
        return found


class Homes:
    """The home that each worker's sessions have; several threads may use it.

    Parameters
    ----------
    transport : Transport
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._homes = [Home(worker) for worker in range(len(transport.places))]
        self._losing = Lock()

    def __len__(self) -> int:
        return len(self._homes)

    def of(self, worker: int) -> Home:
        """Return where sessions of a worker are; once it is lost, where they are begun again."""
        return self._homes[worker]

    def lose(self, home: Home, loss: WorkerLost) -> bool:
        """Put a new worker in the place of a lost one, or let another take over.

        Returns
        -------
        bool
            Whether this was done now: another session may have noticed the loss before.

        Raises
        ------
        BackhandError
            If there is no other.
        """
        with self._losing:
            if home not in self._homes:
                return False
            found = self._another(home, loss)
            self._homes = [found if one is home else one for one in self._homes]
            return True

    def _another(self, home: Home, loss: WorkerLost) -> Home:
        if self._transport.replace(loss):
            return Home(home.worker)
        others = [one for one in self._homes if one is not home]
        if not others:
            raise BackhandError(
                f"all workers are lost, the last one, {loss.worker + 1}, since: {loss.why}. A "
                "checkpoint lets the training resume."
            ) from loss
        return min(others, key=others.count)
