"""`Grouping`: how many sessions are advanced in one call to a worker.

A call to another process costs the driver as much as some ten thousand operations: about as much as
a whole training on a hundred rows. So short trainings are advanced together. Trainings of many
blocks are not: they would wait for each other, and one worker would be busy long after the others.
"""

from __future__ import annotations

import math

MOST = 32
"""Sessions in a call."""

SHARE = 8
"""A thread takes at most this share of its fair share of all sessions at once."""

SECONDS = 0.04
"""Duration of a call of several sessions."""

BYTES = 2**18
"""Bytes of the states of the sessions that are advanced together."""


class Grouping:
    """The number of sessions in a call, which grows while each of them needs one call only.

    It changes no bit of a session whose engine advances one after the other.

    Parameters
    ----------
    most : int
        The number that it may grow to.

    Examples
    --------
    >>> grouping = Grouping.of(sessions=1000, threads=4)
    >>> for _ in range(3):
    ...     grouping.begun(1000)
    ...     grouping.advanced(0.001)
    >>> grouping.size
    4
    """

    def __init__(self, most: int) -> None:
        self.size, self._most = 1, most
        self._calls, self._seconds = 0, math.inf

    @classmethod
    def of(cls, sessions: int, threads: int) -> Grouping:
        """Return the grouping of one of several threads that share the sessions."""
        return cls(min(MOST, max(1, sessions // (SHARE * threads))))

    def begun(self, state_bytes: int) -> None:
        """Note that a session begins whose state takes that many bytes."""
        if self._calls > 1:
            self.size = 1
        elif self._calls == 1:
            wanted = self.size / 2 if self._seconds > SECONDS else self.size
            wanted = 2 * self.size if self._seconds < SECONDS / 2 else wanted
            self.size = max(1, min(int(wanted), self._most, BYTES // state_bytes))
        self._calls = 0

    def advanced(self, seconds: float) -> None:
        """Note that a call has taken so long."""
        self._calls, self._seconds = self._calls + 1, seconds
