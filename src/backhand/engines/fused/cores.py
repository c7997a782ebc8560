"""Several threads on one block: how many are worth it, and how they are run."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from threading import Thread

import numpy as np
from numpy.typing import NDArray


def threads_for(parts: int, asked: int | None) -> int:
    """As many as were asked for, or as the machine has, but one for each part of the work at most.

    Within a joblib worker, which shares the machine with others, the machine counts as one.
    """
    if parts == 1 or asked is not None:
        return min(parts, asked or 1)
    import joblib  # late, for small tables never need it

    if joblib.parallel.get_active_backend()[0].nesting_level > 0:
        return 1
    return int(min(parts, joblib.cpu_count()))


def together(work: Callable[[int], None], threads: int, sync: NDArray[np.int64]) -> None:
    """Run work(0) ... work(threads - 1) at the same time; sync[1] > 0 makes them give up.

    One is the caller's own; of several, none is: the caller's thread only waits, and so takes
    Ctrl-C at once. The work is finished even then, before the interrupt goes on: half of it would
    leave the caller's arrays in no good state.
    """
    if threads == 1:
        work(0)
        return

    def placed(me: int) -> None:
        _go_to_core_of_its_own(me)
        work(me)

    team = [Thread(target=placed, args=(me,), daemon=True) for me in range(threads)]
    started = []
    try:
        for thread in team:
            thread.start()
            started.append(thread)
    finally:
        if len(started) < threads:  # the others would wait for it for ever
            sync[1] = 1
        _wait_for(started)


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
