"""What tests have workers do: functions of a module, which a worker finds by their names."""

from __future__ import annotations

import os
import time
from typing import Any

import numpy as np

from backhand.cluster.part_memory import SHARED
from backhand.engines.thread_limits import available_threads
from backhand.errors import BackhandError, InputError


def write(memory: dict, name: str, rows: Any) -> int:
    memory[name] = rows
    return len(rows)


def double(memory: dict, name: str) -> None:
    memory["doubled"] = [2 * row for row in memory[name]]


def total(memory: dict, name: str) -> float:
    return sum(memory[name])


def kept(memory: dict) -> dict:
    return {key: value for key, value in memory.items() if key != SHARED}


def numbers(memories: dict, of: Any, given: dict) -> tuple:
    return sorted(memories), of, given


def process(memories: dict, given: dict) -> int:
    return os.getpid()


def parts_and_sum(memories: dict, x: np.ndarray, given: dict) -> tuple:
    return sorted(memories), float(x.sum()), x.flags.writeable


def wait(memory: dict, seconds: float) -> str:
    time.sleep(seconds)
    return "done"


def compute(memory: dict, seconds: float) -> str:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        pass
    return "done"


def refuse(memory: dict, name: str, least: int) -> None:
    if len(memory[name]) < least:
        raise InputError(f"{len(memory[name])} rows are not {least}.")


def fail(memory: dict) -> None:
    raise KeyError("W1")


class Unpicklable(BackhandError):
    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} and {two} do not fit.")


def fail_unpicklably(memory: dict) -> None:
    raise Unpicklable(1, 2)


def end_process(memory: dict) -> None:
    os._exit(1)


def threads(memory: dict) -> int:
    return available_threads()


def node(memories: dict, given: dict) -> str:
    import ray

    return ray.get_runtime_context().get_node_id()
