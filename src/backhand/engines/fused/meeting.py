"""Threads that work on one block meet here, between its halves of a step."""

from __future__ import annotations

from llvmlite import ir

from backhand.engines.fused.ir import Code, Value, function

SPINS = 4000
"""How often a thread looks before it lets others have its core: some ten microseconds."""


@function
def meet(code: Code, sync: Value, threads: Value) -> None:
    """Wait until all threads have come; sync[0] counts arrivals, sync[1] > 0 ends all waiting."""
    abandoned = code.at(sync, 1)
    with code.when(threads > 1):
        mine = code.add_atomically(sync, 1)
        everyone = (mine // threads + 1) * threads
        spins = code.variable(code.integer(0))

        def alone() -> Value:
            missing = code.load_atomically(sync) < everyone
            given_up = code.load_atomically(abandoned) > 0
            return code.select(given_up, code.truth(False), missing)

        with code.repeat_while(alone):
            spins.set(spins.get() + 1)
            with code.when(spins.get() > SPINS):
                code.call("sched_yield", ir.IntType(32))
