"""Which worker holds which part: neighbours together, about as much for each worker.

It changes no bit of any result.
"""

from __future__ import annotations

from collections.abc import Sequence


def assigned(sizes: Sequence[float], able: Sequence[Sequence[int]]) -> list[int]:
    """Return the worker of each part.

    Parameters
    ----------
    sizes : sequence of float
        How large each part is.
    able : sequence of sequences of int
        The workers that can hold each part, at least one.

    Examples
    --------
    >>> assigned([1, 1, 1, 1], [(0, 1)] * 4)
    [0, 0, 1, 1]
    >>> assigned([1, 1, 1, 1], [(0, 1), (0, 1), (0, 1), (0,)])
    [0, 1, 1, 0]
    """
    holders, loads = [-1] * len(sizes), dict.fromkeys((w for some in able for w in some), 0.0)
    alike: dict[tuple[int, ...], list[int]] = {}
    for part, workers in enumerate(able):
        alike.setdefault(tuple(workers), []).append(part)
    for workers, parts in sorted(alike.items(), key=lambda item: (len(item[0]), item[1])):
        sized = [sizes[part] for part in parts]
        if not sum(sized):
            sized = [1.0] * len(parts)
        room = _room([loads[worker] for worker in workers], sum(sized))
        for part, size, place in zip(parts, sized, _places(sized, room), strict=True):
            holders[part] = workers[place]
            loads[workers[place]] += size
    return holders


def _places(sizes: Sequence[float], room: Sequence[float]) -> list[int]:
    """Return in which of the rooms, which follow each other, the middle of each part is."""
    ends = [sum(room[: n + 1]) for n in range(len(room))]
    before, places = 0.0, []
    for size in sizes:
        middle = before + size / 2
        places.append(next((n for n, end in enumerate(ends) if middle < end), len(ends) - 1))
        before += size
    return places


def _room(loads: Sequence[float], more: float) -> list[float]:
    """Return how much of `more` each gets, so that those with less than the others have as much."""
    filled = sorted(loads)
    for count in range(len(filled), 0, -1):
        level = (sum(filled[:count]) + more) / count
        if level >= filled[count - 1]:
            return [max(0.0, level - load) for load in loads]
    raise AssertionError("the lowest alone is always below the level")
