"""What a worker does with the memories of its parts: the functions that `Parts` has it run.

A part is held once all that was kept for it has been done; until then, it is being built.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from backhand.cluster.transport import Memory, picklable

Given = dict[int, tuple[Any, ...]]
"""Further arguments of each part, by its number."""


SHARED = "shared"
"""What the memory of each part has under this key: a dictionary that all parts on its worker share,
also those of other tables."""

INTERRUPT = "interrupt"
"""What parts share under this key is a function that ends, from another thread, what their worker
waits for, such as a query: it is called if the worker has to end meanwhile."""


class NotHeld(NamedTuple):
    """The answer of a worker that does not have all of the parts."""


class Raised(NamedTuple):
    """What a function raised, in the place of its result."""

    error: Exception


def with_memories(
    memory: Memory,
    key: int,
    parts: Sequence[int],
    function: Callable[..., Any],
    given: Given | None,
    *args: Any,
) -> Any:
    """Return `function(memories of the parts, *args, given)`, or `NotHeld`."""
    held = memory.get(key, {})
    try:
        memories = {part: held[part] for part in parts}
    except KeyError:
        return NotHeld()
    return function(memories, *args, dict.fromkeys(parts, ()) if given is None else given)


def of_each_part(
    memories: dict[int, Memory], function: Callable[..., Any], *args_and_given: Any
) -> dict[int, Any]:
    """Return the function's result of each part, in order, until it raises something."""
    *args, given = args_and_given
    answers: dict[int, Any] = {}
    for part, memory in memories.items():
        try:
            answers[part] = function(memory, *args, *given[part])
        except Exception as error:
            answers[part] = Raised(picklable(error))
            break
    return answers


def begin(memory: Memory, key: int, parts: Sequence[int]) -> list[int]:
    """Begin to build those of the parts that are not held, and return them."""
    absent = [part for part in parts if part not in memory.get(key, {})]
    shared = memory.setdefault(SHARED, {})
    memory[key, "being built"] = {part: {SHARED: shared} for part in absent}
    return absent


def build(
    memory: Memory,
    key: int,
    parts: Sequence[int],
    function: Callable[..., Any],
    given: Given | None,
    *args: Any,
) -> None:
    """Do one of the calls that were kept, for the parts that are being built."""
    memories = {part: memory[key, "being built"][part] for part in parts}
    given = dict.fromkeys(parts, ()) if given is None else given
    for answer in of_each_part(memories, function, *args, given).values():
        if isinstance(answer, Raised):
            raise answer.error


def install(memory: Memory, key: int, parts: Sequence[int]) -> None:
    """Hold the parts that have been built."""
    built = memory.pop((key, "being built"))
    memory.setdefault(key, {}).update({part: built[part] for part in parts})


def forget(memory: Memory, key: int) -> None:
    """Hold none of these parts any more."""
    memory.pop(key, None)
