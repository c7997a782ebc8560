"""A table whose rows are in parts that workers hold."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backhand.cluster.parts import Parts
from backhand.errors import BackhandError, InputError
from backhand.tables.parted.part import PartFacts, close_part, of_table
from backhand.tables.table import T, Table


class Reader(NamedTuple):
    """What a worker reads.

    Attributes
    ----------
    place : str
        Where it is, for people.
    parts, rows : int
        Its number of parts, and their rows.
    files : list of str
        The files in which these are.
    seconds : float
        How long it took to encode the rows.
    """

    place: str
    parts: int
    rows: int
    files: list[str]
    seconds: float


class PartedTable(Table):
    """Stands in for a `Table` where the workers are called; each part is a `Table` on a worker.

    `read_parted_table` makes one. There is no connection: rows are reached through `each`.

    Attributes
    ----------
    parts : Parts
        The parts; the memory of each has its table.
    lengths : list of int
        The rows of each part, whose sum is N.
    seconds : list of float
        How long it took to encode each part, once that is done.
    """

    def __init__(self, parts: Parts, source: str, facts: Sequence[PartFacts]) -> None:
        first = facts[0]
        self._describe(first.names, first.types, source, as_text=first.as_text, points=first.points)
        self.parts, self.lengths = parts, [part.rows for part in facts]
        self.rows, self.seconds = sum(self.lengths), [0.0] * len(facts)
        self._files_of_parts = [part.files for part in facts]
        self.delimiter = first.delimiter
        self.remarks = list(dict.fromkeys(told for part in facts for told in part.remarks))

    @property
    def empty(self) -> bool:
        """Whether there are no rows."""
        return not self.rows

    @property
    def readers(self) -> list[Reader]:
        """What each worker reads at present, in their order; those without parts, too."""
        places, found = self.parts.transport.places, list[Reader]()
        for worker, place in enumerate(places):
            held = self.parts.of_worker(worker)
            files = dict.fromkeys(name for part in held for name in self._files_of_parts[part])
            found.append(Reader(
                place, len(held), sum(self.lengths[part] for part in held), list(files),
                sum(self.seconds[part] for part in held),
            ))  # fmt: skip
        return found

    def each(
        self,
        function: Callable[..., T],
        *args: Any,
        of_part: Sequence[tuple[Any, ...]] | None = None,
    ) -> list[T]:
        """Return `function(part, *args, *of_part[p])` of each part p, in their order."""
        return self.parts.each(of_table, function, args, of_part=of_part, done=self.counting())

    def counting(self) -> Callable[[int], None]:
        """Return a function that reports the rows of a pass, called with each part that is done."""
        rows = 0

        def done(part: int) -> None:
            nonlocal rows
            rows += self.lengths[part]
            self.progressed(rows)

        return done

    def keep(
        self,
        function: Callable[..., T],
        *args: Any,
        of_part: Sequence[tuple[Any, ...]] | None = None,
        name: Hashable = None,
    ) -> list[T]:
        """As `each`, for a function that changes the part."""
        return self.parts.keep(of_table, function, args, of_part=of_part, name=name)

    def by_part(self, *arrays: NDArray[Any]) -> list[tuple[NDArray[Any], ...]]:
        """Return the rows of arrays (N, …) that each part has."""
        cuts = np.cumsum(self.lengths)[:-1]
        pieces = [np.split(array, cuts) for array in arrays]
        return [tuple(cut[part] for cut in pieces) for part in range(self.parts.count)]

    def know_plain(self, columns: Iterable[int]) -> None:
        """Set the text columns that are `plain`, here and in all parts."""
        super().know_plain(columns)
        self.keep(_know_plain, self._plain, name="plain")

    def where(self, row: int) -> str:
        """Return the file and line of a row, counted from 1, if they are known, else `source`."""
        ends = np.cumsum(self.lengths)
        part = int(np.searchsorted(ends, row))
        if part == len(ends):
            return self.source
        of_part = [(row - int(ends[part]) + self.lengths[part] if p == part else None,)
                   for p in range(len(ends))]  # fmt: skip
        return self.each(_where, of_part=of_part)[part] or self.source

    def unchanged(self) -> AbstractContextManager[None]:
        """Return a context that raises `InputError` if a file changes that its passes read."""
        return self._unchanged()

    @contextmanager
    def _unchanged(self) -> Iterator[None]:
        try:
            yield
        except InputError as error:
            with suppress(BackhandError):
                if (change := self.change()) is not None:
                    raise change from error
            raise
        if (change := self.change()) is not None:
            raise change

    def change(self) -> InputError | None:
        """Return an error about a file that has changed and that its passes read, or None."""
        return next((change for change in self.each(_change) if change is not None), None)

    def _count(self) -> int:
        return self.rows

    def close(self) -> None:
        """Close the tables of all parts; what has been encoded of them stays with the workers.

        After an error, the transport ends what is under way: this would wait for it.
        """
        self.parts.keep(close_part, name="close")


def _know_plain(part: Table, columns: frozenset[int]) -> None:
    part.know_plain(columns)


def _where(part: Table, row: int | None) -> str | None:
    return None if row is None else part.where(row)


def _change(part: Table) -> InputError | None:
    return part.change()
