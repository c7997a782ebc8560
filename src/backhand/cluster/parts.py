"""The parts of a table or of arrays: each is held by one worker, and found there by its number.

How many parts there are depends on sizes alone (`part_count`); which worker holds which one changes no
bit, since whatever is computed of the rows is computed part by part, and merged in the order of the parts.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from itertools import count
from typing import Any

from backhand.cluster.transport import Call, Memory, Transport

FEWEST, MOST, ROWS = 8, 1024, 4096
"""Parts of a batch: as many as it has thousands of rows, about, but some for small batches too."""

SECONDS = 600.0
"""Time limit of a call, unless another is given."""


SHARED = "shared"
"""What the memory of each part has for a key: a dictionary that all parts on one worker share."""

_numbers = count()
"""Numbers for `Parts`, so that several have memories of their own on the same workers."""


def part_count(units: int, batch_size: int | None) -> int:
    """Return the number of parts of so many units, for batches of so many rows; None: of all rows.

    Units cannot be cut: they are row groups, files or blocks of rows.

    Examples
    --------
    >>> part_count(100, 128), part_count(100, 65536), part_count(3, 128), part_count(100, None)
    (8, 16, 3, 100)
    """
    wanted = MOST if batch_size is None else min(max(FEWEST, batch_size // ROWS), MOST)
    return max(1, min(units, wanted))


class Parts:
    """Parts, and the workers that hold them; several functions may be called at the same time.

    Parameters
    ----------
    transport : Transport
    count : int
        Number of parts.
    sizes : sequence of float, optional
        Their sizes, by which they are shared out: each worker has neighbouring parts.
    able : sequence of sets of int, optional
        The workers that can hold each part: on whose machine its files are. By default all.
    """

    def __init__(
        self,
        transport: Transport,
        count: int,
        sizes: Sequence[float] | None = None,
        able: Sequence[frozenset[int]] | None = None,
    ) -> None:
        self.transport, self.count = transport, count
        everyone = frozenset(range(len(transport.places)))
        self.able = list(able or [everyone] * count)
        self.holders: list[int] = _shared_out(sizes or [1.0] * count, self.able)
        self._number = next(_numbers)

    def of_worker(self, worker: int) -> list[int]:
        """Return the parts that a worker holds, in order."""
        return [part for part, holder in enumerate(self.holders) if holder == worker]

    def each(
        self,
        function: Callable[..., Any],
        *args: Any,
        of_part: Sequence[tuple[Any, ...]] | None = None,
        seconds: float = SECONDS,
    ) -> list[Any]:
        """Return `function(memory, *args, *of_part[p])` of each part p, in their order.

        `memory` is that of the part, a dictionary. The function may be called again, on another
        worker, if one is lost: it must only read the memory. What it raises is raised, that of the first part that fails.
        """
        found: dict[int, Any] = {}
        for answer in self.by_worker(_of_parts, function, args, of_part=of_part, seconds=seconds):
            found |= answer
        return [found[part] for part in range(self.count)]

    def keep(
        self,
        function: Callable[..., Any],
        *args: Any,
        of_part: Sequence[tuple[Any, ...]] | None = None,
        key: Hashable = None,
        seconds: float = SECONDS,
    ) -> list[Any]:
        """As `each`, for a function that writes to the memory of its part.

        It is called again, in the order of all such calls, on the worker that takes over the parts of a lost one.
        Of the calls with the same `key`, unless it is None, only the last is: what it writes takes the
        place of what those before have written.
        """
        return self.each(function, *args, of_part=of_part, seconds=seconds)

    def by_worker(
        self,
        function: Callable[..., Any],
        *args: Any,
        of_part: Sequence[tuple[Any, ...]] | None = None,
        seconds: float = SECONDS,
    ) -> list[Any]:
        """Return `function(memories, *args, given)` of each worker that holds parts.

        `memories` are those of its parts, by number, in order, and `given` what `of_part` has for
        these, by number. It must only read the memories.
        """
        calls: list[Call] = []
        for worker in dict.fromkeys(self.holders):
            mine = self.of_worker(worker)
            given = {part: () if of_part is None else of_part[part] for part in mine}
            calls.append(
                self.transport.submit(worker, _with_memories, self._number, function, args, given)
            )
        return [call.result(seconds) for call in calls]


def _with_memories(
    memory: Memory,
    number: int,
    function: Callable[..., Any],
    args: tuple[Any, ...],
    given: dict[int, Any],
) -> Any:
    shared = memory.setdefault(SHARED, {})
    parts = {part: memory.setdefault((number, part), {SHARED: shared}) for part in given}
    return function(parts, *args, given)


def _of_parts(
    memories: dict[int, Memory],
    function: Callable[..., Any],
    args: tuple[Any, ...],
    given: dict[int, tuple[Any, ...]],
) -> dict[int, Any]:
    return {part: function(memories[part], *args, *given[part]) for part in given}


def _shared_out(sizes: Sequence[float], able: Sequence[frozenset[int]]) -> list[int]:
    """Return the worker of each part: neighbours together, about the same size for each.

    Parts that the same workers can hold are shared out among these.
    """
    holders = [0] * len(sizes)
    for workers in dict.fromkeys(able):
        among = sorted(workers)
        parts = [part for part, some in enumerate(able) if some == workers]
        total, before = sum(sizes[part] for part in parts) or 1.0, 0.0
        for part in parts:
            place = int((before + sizes[part] / 2) / total * len(among))
            holders[part] = among[min(len(among) - 1, place)]
            before += sizes[part]
    return holders
