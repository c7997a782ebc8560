"""Threads that are waited for, whatever interrupts the wait."""

from __future__ import annotations

from threading import Thread


def join_all(team: list[Thread]) -> None:
    """Wait until all threads have ended; an interrupt is raised after that."""
    interruption: BaseException | None = None
    while team:
        try:
            team[-1].join()
            team.pop()
        except BaseException as error:
            interruption = error
    if interruption is not None:
        raise interruption
