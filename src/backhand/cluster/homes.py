"""Which worker holds which sessions, and which one takes over from a worker that is lost."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from threading import Lock

from backhand.cluster.transport import Transport, WorkerLost
from backhand.errors import BackhandError
from backhand.support.logs import Log

LOG = Log(__name__)


class Home:
    """A worker, from its beginning to its loss.

    Attributes
    ----------
    worker : int
    arrays : set of int
        The arrays that it has, by their numbers.
    ended : deque of int
        Sessions and arrays on it that are no longer used; its next call says so.
    """

    def __init__(self, worker: int) -> None:
        self.worker = worker
        self.arrays: set[int] = set()
        self.ended: deque[int] = deque()

    def drop(self, array: int) -> None:
        """Let it forget an array, if it has it."""
        if array in self.arrays:
            self.arrays.discard(array)
            self.ended.append(array)

    def take_ended(self) -> list[int]:
        """Return what is no longer used, each number once."""
        found = []
        with suppress(IndexError):  # there is no more
            while True:
                found.append(self.ended.popleft())
        return found


class Homes:
    """The home that the sessions of each worker have; several threads may use it.

    Parameters
    ----------
    transport : Transport
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.all = [Home(worker) for worker in range(len(transport.places))]
        self._losing = Lock()

    def of(self, worker: int) -> Home:
        """Return where sessions of a worker are; once it is lost, where they are begun again."""
        return self.all[worker]

    def lose(self, home: Home, loss: WorkerLost) -> bool:
        """Put a new worker in the place of a lost one, or let another take over.

        Returns
        -------
        bool
            Whether this was done now: another session may have noticed the loss before.

        Raises
        ------
        BackhandError
            If no other worker is left.
        """
        with self._losing:
            if home not in self.all:
                return False
            found = self._another(home, loss)
            self.all = [found if one is home else one for one in self.all]
            return True

    def _another(self, home: Home, loss: WorkerLost) -> Home:
        place = self._transport.places[loss.worker]
        if self._transport.replace(loss):
            LOG.warning("worker %d (%s) is lost: %s; another is in its place, at %s",
                        loss.worker + 1, place, loss.why,
                        self._transport.places[loss.worker])  # fmt: skip
            return Home(home.worker)
        LOG.warning("worker %d (%s) is lost: %s; others do its work", loss.worker + 1, place,
                    loss.why)  # fmt: skip
        others = [one for one in self.all if one is not home]
        if not others:
            raise BackhandError(
                f"all workers are lost, the last one, {loss.worker + 1}, since: {loss.why}. A "
                "checkpoint lets the training resume."
            ) from loss
        return min(others, key=others.count)
