"""`NetworkWorkers`: the workers that hold sessions, with the arrays that these read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from threading import Lock
from typing import Any

import numpy as np

from backhand.cluster.homes import Home, Homes
from backhand.cluster.networks import SentRows, Unknown, Used, hold, use
from backhand.cluster.parts import SECONDS
from backhand.cluster.transport import Call, Transport, WorkerLost, told
from backhand.engines import Data, Engine
from backhand.errors import BackhandError

MOST_ARRAYS = 24
"""Arrays that stay on the machines for sessions to come: those that were used last."""

MOST_LOSSES = 5
"""Workers that may be lost in a row by one call."""

_families = count()


class NetworkWorkers:
    """The workers of the sessions of one engine; several threads may use them.

    Parameters
    ----------
    transport : Transport
    engines : sequence of Engine
        That of each worker.

    Attributes
    ----------
    numbers : iterator of int
        New numbers for sessions and arrays.
    """

    def __init__(self, transport: Transport, engines: Sequence[Engine]) -> None:
        self._transport, self._engines = transport, engines
        self._homes, self._family, self.numbers = Homes(transport), next(_families), count()
        self._shared: dict[int, tuple[Any, Any]] = {}
        self._sharing = Lock()

    def __len__(self) -> int:
        return len(self._engines)

    @property
    def places(self) -> Sequence[str]:
        """Where each worker is."""
        return self._transport.places

    def on_each(self, function: Callable[..., Any], *args: Any) -> list[Any]:
        """Return `function(memory, engine, *args)` of each worker, with its own engine."""

        def begin(home: Home) -> Call:
            engine = self._engines[home.worker]
            return self._transport.submit(home.worker, function, engine, *args)

        begun = {home: begin(home) for home in self._homes.all}

        def end(home: Home) -> Any:
            return self.answer(home, begun.pop(home) if home in begun else begin(home))

        return [self.persist(worker, end) for worker in range(len(self))]

    def use(
        self, home: Home, used: Sequence[Used], function: Callable[..., Any], *args: Any
    ) -> Call:
        """Begin a call of `function(networks, sessions, *args)` on a worker."""
        ended = home.take_ended()
        return self._transport.submit(home.worker, use, self._family, ended, used, function, *args)

    def send(self, home: Home, *data: Data) -> tuple[list[SentRows], list[Call]]:
        """Send rows to a worker: return what stands for them, and the calls that send them.

        Each array is put on each machine once.
        """
        calls = []
        with self._sharing:
            sent = [SentRows(tuple(map(self._number_of, rows[:3])), rows.numbers) for rows in data]
            for number in {n for rows in sent for n in rows.arrays if n is not None} - home.arrays:
                home.arrays.add(number)
                engine, (_, there) = self._engines[home.worker], self._shared[number]
                calls.append(self._transport.submit(
                    home.worker, hold, self._family, engine, number, there
                ))  # fmt: skip
        return sent, calls

    def _number_of(self, array: Any) -> int | None:
        """Return the number of an array, which is put on the machines if it is not there."""
        if array is None:
            return None
        found = next((n for n, (known, _) in self._shared.items() if known is array), None)
        if found is None:
            # A memory map would be opened again by its path, which another machine does not have.
            plain = np.asarray(array) if isinstance(array, np.memmap) else array
            found, entry = next(self.numbers), (array, self._transport.share(plain))
        else:
            entry = self._shared.pop(found)
        self._shared[found] = entry  # the last one
        if len(self._shared) > MOST_ARRAYS:
            oldest = next(iter(self._shared))
            del self._shared[oldest]
            for home in self._homes.all:
                home.drop(oldest)
        return found

    def answer(self, home: Home, call: Call) -> Any:
        """Wait for what a worker returns.

        Raises
        ------
        WorkerLost
            If it is lost.
        BackhandError
            What it raises; an error that is not Backhand's own, as a sentence.
        """
        try:
            return call.result(SECONDS)
        except Exception as error:
            raise told(error, f"worker {home.worker + 1} ({self.places[home.worker]})") from error

    def persist(self, worker: int, attempt: Callable[[Home], Any]) -> Any:
        """Return `attempt(home)`, which is called again where a worker is lost.

        Raises
        ------
        BackhandError
            What it raises, or if workers are lost again and again.
        """
        losses: list[WorkerLost] = []
        while len(losses) < MOST_LOSSES:
            home = self._homes.of(worker)
            try:
                found = attempt(home)
            except WorkerLost as error:
                losses += [error] * self._homes.lose(home, error)
                continue
            if not isinstance(found, Unknown):
                return found
            home.arrays.clear()  # so they are sent again
        raise BackhandError(
            f"workers were lost {MOST_LOSSES} times in a row at the same call; at last, "
            f"{losses[-1]} If their memory does not suffice, use fewer workers on each machine."
        ) from losses[-1]
