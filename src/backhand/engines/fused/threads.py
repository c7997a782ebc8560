"""Several threads on one block: how many, how they run, wait for each other and share work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

from llvmlite import ir

from backhand.engines.fused.llvm.builder import Code, Value, Variable
from backhand.engines.thread_limits import available_threads
from backhand.support import system
from backhand.support.threads import join_all

SPINS = 4000
"""Loads of the counter before a waiting thread yields its core: some ten microseconds."""


def threads_for(parts: int, threads: int | None) -> int:
    """Return the number of threads for that many parts of work: as given, or as available."""
    if parts == 1:
        return 1
    return min(parts, threads or available_threads())


def run_threads(work: Callable[[int], None], threads: int) -> None:
    """Run work(0) ... work(threads - 1) at the same time, or none of them.

    One runs in the caller's thread. If there are several, all are new threads, so that an interrupt
    never ends one that the others wait for; they finish before the interrupt is raised, because
    half of their work would leave the caller's parameters in an undefined state.
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
        join_all([thread for thread in team if thread.ident is not None])


def _move_to_own_core(me: int) -> None:
    """Move the calling thread to a separate core, which it may leave again.

    Linux starts all threads on the core of their parent, and takes milliseconds to spread them.
    """
    with suppress(OSError):
        cores = system.machine.cores()
        system.machine.confine([cores[me % len(cores)]])
        system.machine.confine(cores)


def barrier(code: Code, arrivals: Value, threads: Value) -> None:
    """Wait until all threads have arrived; `arrivals` points to the count of their arrivals.

    Whatever a thread stored before the barrier, all threads read after it. (This is not a
    `function`: the arguments of those are `noalias`, so no other thread may change their memory.)
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
    """Loop over the parts that this thread processes in this phase, by work stealing.

    A thread begins with the same parts each time, which are in its cache, and continues with those
    that a slower thread has not begun. `claimed` (parts,) is incremented when a part is begun, and
    again when it is finished. So no phase begins a part before the previous phase has finished it,
    and every part is claimed: a part that is busy when other threads skip it is claimed in the next
    phase by the thread that was busy with it.
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
