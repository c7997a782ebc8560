"""The parts of a table or of arrays: each is held by one worker, and found there by its number.

How many parts there are depends on sizes alone (`part_count`); which worker holds which one changes
no bit, since whatever is computed of the rows is computed part by part, and merged in the order of
the parts. So a worker that is lost is no loss of bits: its parts are made again elsewhere, by the
calls of `keep` that made them, and what it was asked is asked again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass
from itertools import count as counted
from itertools import zip_longest
from threading import RLock
from typing import Any

from backhand.cluster import part_memory
from backhand.cluster.assignment import assigned
from backhand.cluster.transport import Transport, WorkerLost, told
from backhand.errors import BackhandError, comma_list
from backhand.support.logs import Log

LOG = Log(__name__)


FEWEST, MOST, ROWS = 8, 1024, 4096
"""Parts of a batch: as many as it has thousands of rows, about, but some for small batches too."""

SECONDS = 3600.0
"""Time limit of a call, unless another is given. (A worker that is dead is noticed sooner.)"""

MOST_LOSSES = 3
"""Number of times in a row that a call may end with lost workers and without any answer."""

_KEYS = counted()


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


@dataclass(frozen=True, eq=False)
class _Kept:
    """A call of `keep`, to be made again where its parts are made again."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    of_part: Sequence[tuple[Any, ...]] | None
    seconds: float
    name: Hashable


class Parts:
    """Parts, and the workers that hold them; several functions may be called at the same time.

    Parameters
    ----------
    transport : Transport
    count : int
        Number of parts.
    sizes : sequence of float, optional
        Their sizes, by which they are shared out: each worker has neighbouring parts.
    machines : sequence of collections of str, optional
        The machines (of `transport.machines`) where each part can be made; None: all.
    near : sequence of collections of str, optional
        The machines where what each part is made of is already: one with a worker is preferred.

    Raises
    ------
    BackhandError
        If no worker is on a machine where a part can be made.

    Examples
    --------
    >>> from backhand.cluster.connect import connect
    >>> def write(memory, rows): memory["rows"] = rows
    >>> def total(memory): return sum(memory["rows"])
    >>> with connect(2) as transport:
    ...     parts = Parts(transport, 3)
    ...     _ = parts.keep(write, of_part=[([1, 2],), ([3],), ([4, 5],)])
    ...     parts.each(total)
    [3, 3, 9]
    """

    def __init__(
        self,
        transport: Transport,
        count: int,
        sizes: Sequence[float] | None = None,
        machines: Sequence[Collection[str]] | None = None,
        near: Sequence[Collection[str]] | None = None,
    ) -> None:
        self.transport, self.count = transport, count
        self._key = next(_KEYS)
        self._sizes = list(sizes) if sizes is not None else [1.0] * count
        self._machines, self._near = machines, near
        self._living = set(range(len(transport.places)))
        self._kept: list[_Kept] = []
        self._lock = RLock()
        self.holders = [-1] * count
        self._assign(range(count))

    def of_worker(self, worker: int) -> list[int]:
        """Return the parts that a worker holds, in order."""
        return list(self._held.get(worker, ()))

    def each(
        self,
        function: Callable[..., Any],
        *args: Any,
        of_part: Sequence[tuple[Any, ...]] | None = None,
        seconds: float = SECONDS,
        done: Callable[[int], None] | None = None,
    ) -> list[Any]:
        """Return `function(memory, *args, *of_part[p])` of each part p, in their order.

        `memory` is that of the part, a dictionary. The function may be called again, on another
        worker, if one is lost: it must only read the memory. `done` is called with each part that
        is done, once and in any order; every part is then a call of its own.

        Raises
        ------
        BackhandError
            What the function raised, of the first part where it raised something (as `told`); or
            if workers are lost again and again.
        """
        found: dict[int, Any] = {}
        call = part_memory.of_each_part
        for answer in self.by_worker(
            call, function, *args, of_part=of_part, seconds=seconds, done=done
        ):
            found |= answer
        for part in sorted(found):
            if isinstance(found[part], part_memory.Raised):
                raise self._told(found[part].error, self.holders[part])
        return [found[part] for part in range(self.count)]

    def keep(
        self,
        function: Callable[..., Any],
        *args: Any,
        of_part: Sequence[tuple[Any, ...]] | None = None,
        seconds: float = SECONDS,
        name: Hashable = None,
        done: Callable[[int], None] | None = None,
    ) -> list[Any]:
        """As `each`, for a function that writes to the memory of its part.

        It is called again, in the order of all such calls, where the parts of a lost worker are
        made again. Called twice in a row it must leave the same memory as once. A call that raises
        is forgotten, with whatever it has left in the memories; so are earlier calls of the same
        `name`, of which it undoes what they have done.
        """
        kept = _Kept(function, args, of_part, seconds, name)
        with self._lock:  # a part that is made again meanwhile has to be made with this call too
            self._kept.append(kept)
            try:
                found = self.each(function, *args, of_part=of_part, seconds=seconds, done=done)
            except BaseException:
                self._kept.remove(kept)
                raise
            self._kept = [one for one in self._kept
                          if one is kept or name is None or one.name != name]  # fmt: skip
            return found

    def by_worker(
        self,
        function: Callable[..., Any],
        *args: Any,
        of_part: Sequence[tuple[Any, ...]] | None = None,
        seconds: float = SECONDS,
        done: Callable[[int], None] | None = None,
    ) -> list[Any]:
        """Return `function(memories, *args, given)` of each worker that holds parts.

        `memories` are those of its parts, by number, in order, and `given` what `of_part` has for
        these, by number. It must only read the memories. Every part is in one of the answers; which
        ones are together in one may change when a worker is lost.
        """
        waiting, fruitless = set(range(self.count)), 0
        answers: dict[int, Any] = {}
        errors: dict[int, BackhandError] = {}
        while waiting:
            losses: list[WorkerLost] = []
            lacking: dict[int, tuple[int, ...]] = {}
            before = len(waiting)
            alone = done is not None
            for worker, parts, call in self._begun(waiting, alone, function, args, of_part):
                try:
                    answer = call.result(seconds)
                    if isinstance(answer, part_memory.NotHeld):
                        lacking[worker] = (*lacking.get(worker, ()), *parts)
                        continue
                    answers[parts[0]] = answer
                except WorkerLost as lost:
                    losses.append(lost)
                    continue
                except Exception as error:
                    errors[parts[0]] = self._told(error, worker)
                waiting -= set(parts)
                if done is not None:
                    for part in parts:
                        done(part)
            for worker, failure in self._make_again(lacking).items():
                if isinstance(failure, WorkerLost):
                    losses.append(failure)
                else:
                    errors[lacking[worker][0]] = self._told(failure, worker)
                    waiting -= set(lacking[worker])
            for loss in losses:
                self._replace(loss)
            if losses:
                fruitless = fruitless + 1 if len(waiting) == before else 0
                if fruitless > MOST_LOSSES:
                    raise self._lost_again_and_again(losses[0], fruitless)
        if errors:
            raise errors[min(errors)]
        return [answers[first] for first in sorted(answers)]

    def release(self) -> None:
        """Forget all parts, here and on the workers; nothing can be called any more."""
        with self._lock:
            self._kept.clear()
            for worker in self._living:
                self.transport.submit(worker, part_memory.forget, self._key)

    def _begun(
        self,
        waiting: Collection[int],
        alone: bool,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        of_part: Sequence[tuple[Any, ...]] | None,
    ) -> list[tuple[int, tuple[int, ...], Any]]:
        """Return the worker, the parts and the call of all that wait; `alone`, each by itself."""
        groups = list(self._held.items())
        if alone:  # the first parts of all workers, then their second ones
            turns = zip_longest(*([(worker, (part,)) for part in held] for worker, held in groups))
            groups = [group for turn in turns for group in turn if group is not None]
        calls = []
        for worker, held in groups:
            parts = held
            if len(waiting) < self.count:
                parts = tuple(part for part in held if part in waiting)
            if parts:
                given = _given(of_part, parts)
                call = part_memory.with_memories
                calls.append((
                    worker, parts,
                    self.transport.submit(worker, call, self._key, parts, function, given, *args),
                ))  # fmt: skip
        return calls

    def _make_again(self, lacking: dict[int, tuple[int, ...]]) -> dict[int, Exception]:
        """Do all that has been kept for parts that workers do not have (yet, or any more).

        The workers do it at the same time. What fails is returned, by worker.
        """
        failed: dict[int, Exception] = {}
        with self._lock:
            absent = self._done(part_memory.begin, {w: (p,) for w, p in lacking.items()}, failed)
            for kept in self._kept if any(absent.values()) else ():
                calls = {
                    worker: (parts, kept.function, _given(kept.of_part, parts), *kept.args)
                    for worker, parts in absent.items() if worker not in failed
                }  # fmt: skip
                self._done(part_memory.build, calls, failed, kept.seconds)
            built = {w: (p,) for w, p in absent.items() if w not in failed}
            self._done(part_memory.install, built, failed)
        return failed

    def _done(
        self,
        function: Callable[..., Any],
        calls: dict[int, tuple[Any, ...]],
        failed: dict[int, Exception],
        seconds: float = SECONDS,
    ) -> dict[int, Any]:
        """Return what a function returns for the arguments of each worker; add what it raises."""
        answers: dict[int, Any] = {}
        begun = [(worker, self.transport.submit(worker, function, self._key, *args))
                 for worker, args in calls.items()]  # fmt: skip
        for worker, call in begun:
            try:
                answers[worker] = call.result(seconds)
            except Exception as error:
                failed[worker] = error
        return answers

    def _replace(self, lost: WorkerLost) -> None:
        """Put another worker in the place of a lost one, or share its parts out to the others."""
        with self._lock:
            place, then = self.transport.places[lost.worker], "another is in its place"
            if not self.transport.replace(lost):
                self._living.discard(lost.worker)
                then = "its parts go to the others"
            LOG.warning("worker %d (%s) is lost: %s; %s", lost.worker + 1, place, lost.why, then)
            if not self._living:
                raise BackhandError(
                    f"all workers are lost, the last one, {lost.worker + 1}, since: {lost.why}. "
                    "Look after the machines; a checkpoint lets the training resume."
                )
            moved = [part for part in self._held.get(lost.worker, ())
                     if lost.worker not in self._able(part)]  # fmt: skip
            self._assign(moved)

    def _assign(self, parts: Sequence[int]) -> None:
        """Assign parts to workers that are not lost."""
        able = [self._able(part) for part in parts]
        for part, workers in zip(parts, able, strict=True):
            if not workers:
                where = comma_list(sorted(self._machines[part])) if self._machines else "none"
                raise BackhandError(
                    f"no worker is left on a machine that has part {part + 1} ({where}). "
                    "Start workers there, or give other machines the same files."
                )
        found = assigned([self._sizes[part] for part in parts], able)
        for part, worker in zip(parts, found, strict=True):
            self.holders[part] = worker
        self._held = {
            worker: tuple(part for part in range(self.count) if self.holders[part] == worker)
            for worker in dict.fromkeys(self.holders)
        }

    def _able(self, part: int) -> tuple[int, ...]:
        """Return the workers that can hold a part: those near to its rows, if there are any."""
        able = tuple(sorted(self._living))
        if self._machines is not None:
            able = self._on(self._machines[part], able)
        return able if self._near is None else self._on(self._near[part], able) or able

    def _on(self, machines: Collection[str], workers: Sequence[int]) -> tuple[int, ...]:
        return tuple(w for w in workers if self.transport.machines[w] in machines)

    def _told(self, error: Exception, worker: int) -> BackhandError:
        return told(error, f"worker {worker + 1} ({self.transport.places[worker]})")

    def _lost_again_and_again(self, lost: WorkerLost, times: int) -> BackhandError:
        place = self.transport.places[lost.worker]
        return BackhandError(
            f"workers were lost {times} times in a row at the same call and without any progress; "
            f"at last, worker {lost.worker + 1} ({place}): {lost.why}. Often a machine has too "
            "little memory for the parts of its workers: use more machines, or fewer workers on "
            "each."
        )


def _given(
    of_part: Sequence[tuple[Any, ...]] | None, parts: Sequence[int]
) -> dict[int, tuple[Any, ...]] | None:
    return None if of_part is None else {part: of_part[part] for part in parts}
