"""Several threads on one block: how many are worth it, and how they are run."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread

from backhand.engines.thread_limits import available_threads


def threads_for(parts: int, asked: int | None) -> int:
    """As many as were asked for, or are available, but one for each part of the work at most."""
    if parts == 1:
        return 1
    return min(parts, asked or available_threads())


def together(work: Callable[[int], None], threads: int) -> None:
    """Run work(0) ... work(threads - 1) at the same time, or none of them.

    One is the caller's own thread; of several, none is: an interrupt never takes away one that the
    others wait for. They finish before the interrupt goes on, since half of their work would leave
    what the caller has in no good state.
    """
    if threads == 1:
        work(0)
        return
    gate = Event()
    complete: list[bool] = []

    def begin(me: int) -> None:
        gate.wait()
        if complete:
            _go_to_core_of_its_own(me)
            work(me)

    team = [Thread(target=begin, args=(me,), daemon=True) for me in range(threads)]
    try:
        for thread in team:
            thread.start()
        complete.append(True)
    finally:
        gate.set()
        _wait_for([thread for thread in team if thread.ident is not None])


def _go_to_core_of_its_own(me: int) -> None:
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
