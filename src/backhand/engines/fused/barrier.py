"""Threads that work on one block meet here, between its halves of a step."""

from __future__ import annotations

from llvmlite import ir

from backhand.engines.fused.llvm.builder import Code, Value

SPINS = 4000
"""How often a thread looks before it lets others have its core: some ten microseconds."""


def meet(code: Code, sync: Value, threads: Value) -> None:
    """Wait until all threads have come; `sync` counts their arrivals.

    What any thread stored before it came, all see after it. (No `function`: the memory that its
    arguments point to must not change, but for what it does itself.)
    """
    with code.when(threads > 1):
        mine = code.add_atomically(sync, 1)
        everyone = (mine // threads + 1) * threads
        spins = code.variable(code.integer(0))
        with code.repeat_while(lambda: code.load_atomically(sync) < everyone):
            spins.set(spins.get() + 1)
            with code.when(spins.get() > SPINS):
                code.call("sched_yield", ir.IntType(32))
