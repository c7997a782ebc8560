"""Several threads on one block: how many, how they run, wait for each other and share work."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

from llvmlite import ir

from backhand.engines.fused.llvm.builder import Code, Value, Variable
from backhand.engines.thread_limits import available_threads

SPINS = 4000
"""Loads of the counter before a waiting thread yields its core: some ten microseconds."""


def threads_for(parts: int, threads: int | None) -> int:
    """The number of threads for so many parts of work: those given, or those available."""
    if parts == 1:
        return 1
    return min(parts, threads or available_threads())


def run_threads(work: Callable[[int], None], threads: int) -> None:
    """Run work(0) ... work(threads - 1) at the same time, or none of them.

    A single one runs in the caller's thread; of several, none does, so that an interrupt never ends
    one that the others wait for. They finish before the interrupt is raised: half of their work
    would leave the caller's parameters in an undefined state.
    """
    if threads == 1:
        work(0)
        return
    gate = Event()
    complete: list[bool] = []

    def begin(me: int) -> None:
        gate.wait()
        if complete:
            _move_to_own_core(me)
            work(me)

    team = [Thread(target=begin, args=(me,), daemon=True) for me in range(threads)]
    try:
        for thread in team:
            thread.start()
        complete.append(True)
    finally:
        gate.set()
        _wait_for([thread for thread in team if thread.ident is not None])


def _move_to_own_core(me: int) -> None:
    """Move the calling thread to a core of its own, which it may leave again.

    Linux starts all threads on the core of their parent, and takes milliseconds to spread them.
    """
    if hasattr(os, "sched_setaffinity"):
        with suppress(OSError):
            cores = os.sched_getaffinity(0)
            os.sched_setaffinity(0, {sorted(cores)[me % len(cores)]})
            os.sched_setaffinity(0, cores)


def _wait_for(team: list[Thread]) -> None:
    interruption: BaseException | None = None
    while team:
        try:
            team[-1].join()
            team.pop()
        except BaseException as error:
            interruption = error
    if interruption is not None:
        raise interruption


def barrier(code: Code, arrivals: Value, threads: Value) -> None:
    """Wait until all threads have arrived; `arrivals` points to the count of their arrivals.

    What any thread stored before it, all read after it. (No `function`: the memory that a
    function's arguments point to changes by what it does itself only.)
    """
    with code.if_(threads > 1):
        mine = code.atomic_add(arrivals, 1)
        everyone = (mine // threads + 1) * threads
        spins = code.variable(code.integer(0))
        with code.while_(lambda: code.atomic_load(arrivals) < everyone):
            spins.set(spins.get() + 1)
            with code.if_(spins.get() > SPINS):
                code.call("sched_yield", ir.IntType(32))


@contextmanager
def claim_parts(
    code: Code, claimed: Value, parts: Value, threads: Value, me: Value, phase: Variable
) -> Iterator[Value]:
    """Loop over the parts that this thread does in this phase, by work stealing.

    A thread begins with the parts that it always does, which its cache holds, and continues with
    those that a slower thread has not begun. `claimed` (parts,) counts: one more when a part is
    begun, and one more when it is done. So no phase begins a part that the phase before it has not
    finished, and none is left out: a part that one thread is at when others pass by is found by it
    in its own next phase.
    """
    now = phase.get()
    first = parts * me // threads
    with code.loop(parts + first, start=first) as n:
        part = code.select(n < parts, n, n - parts)
        claim = code.at(claimed, part)
        with (
            code.if_(code.atomic_load(claim).equals(now)),
            code.if_(code.atomic_cmpxchg(claim, now, now + 1)),
        ):
            yield part
            code.atomic_store(now + 2, claim)
    phase.set(now + 2)
