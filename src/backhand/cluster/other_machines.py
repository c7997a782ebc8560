"""Warns of workers that may compute other bits than this process, such as on another CPU."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from backhand.errors import warn_once


def warn_of_others(
    here: Mapping[str, str], workers: Iterable[tuple[str, Mapping[str, str]]]
) -> None:
    """Warn, once, of the first worker whose bits depend on something else than those here.

    Parameters
    ----------
    here : mapping of str to str
        What `Engine.depends_on` returns in this process.
    workers : iterable of (str, mapping)
        The place of each worker, and what it returns there.

    Examples
    --------
    >>> warn_of_others({"CPU": "znver4"}, [("this process", {"CPU": "znver4"})])
    """
    for place, there in workers:
        for name, value in here.items():
            if there.get(name) != value:
                warn_once(
                    f"the worker at {place} has {name} {there.get(name)}, and this process "
                    f"{value}: what it computes may differ in the last digits. Use machines of one "
                    "kind for results that can be repeated to the bit."
                )
                return
