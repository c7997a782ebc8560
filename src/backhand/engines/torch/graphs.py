"""Updates as CUDA graphs: all kernels of one are started by one call.

An update of a small network is some dozens of kernels of a few microseconds each, which Python
starts more slowly than the device runs them. As a graph they are captured once for each length of a
batch, and replayed. That works since an update takes all that differs from one to the next from the
device (see `work`): it makes no transfer, and waits for nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from backhand.engines.torch.work import Run, Step, Work
from backhand.errors import warn
from backhand.support.optional import extra

torch = extra("torch", "the torch engine")

AT_ONCE = 16
"""Updates in one graph, where as many of one length follow each other."""


class Plain:
    """The updates of a step, each started on its own."""

    def __init__(self, step: Step) -> None:
        self._step = step

    def do(self, run: Run) -> None:
        """Do the updates of a run."""
        for _ in range(run.batches):
            self._step(run.rows)


class Replayed:
    """The updates of a step, replayed: some of a run at once, and the rest one by one.

    Each graph is compared once with the step itself. Where it cannot be captured, or its result is
    another, the step is used as it is, and a warning says so.
    """

    def __init__(self, step: Step, work: Work) -> None:
        self._step, self._work = step, work
        self._graphs: dict[Run, Callable[[], None]] = {}
        self._pool: Any = None

    def do(self, run: Run) -> None:
        """Do the updates of a run."""
        times, rest = divmod(run.batches, AT_ONCE)
        for size, count in ((AT_ONCE, times), (1, rest)):
            for _ in range(count):
                self._replay_of(Run(run.rows, size))()

    def _replay_of(self, run: Run) -> Callable[[], None]:
        if run not in self._graphs:
            self._graphs[run] = self._checked(run)
        return self._graphs[run]

    def _checked(self, run: Run) -> Callable[[], None]:
        """What does a run, captured and compared; afterwards everything is as it was."""
        plain = partial(Plain(self._step).do, run)
        before = self._copies()
        try:
            warm_up(plain, self._work.counter.device)
            self._restore(before)
            plain()
            expected = self._copies()
            self._restore(before)
            replay, self._pool = captured(plain, self._pool)
            replay()
            reason = "" if _close(self._copies(), expected) else "its result is another"
        except RuntimeError as error:
            reason = str(error).splitlines()[0]
        self._restore(before)
        if not reason:
            return replay
        warn(f"an update could not be used as a CUDA graph ({reason}); it is done without one.")
        return plain

    def _copies(self) -> list[Any]:
        return [tensor.clone() for tensor in self._work.written()]

    def _restore(self, values: list[Any]) -> None:
        for tensor, value in zip(self._work.written(), values, strict=True):
            tensor.copy_(value)


def _close(found: list[Any], expected: list[Any]) -> bool:
    """Whether tensors are the same but for rounding."""
    return all(
        torch.allclose(one.double(), other.double(), rtol=1e-3, atol=1e-5, equal_nan=True)
        for one, other in zip(found, expected, strict=True)
    )


def warm_up(update: Callable[[], None], device: Any) -> None:
    """Run an update on a stream of its own, as CUDA asks for before a capture.

    Libraries make their handles in it and kernels are compiled, which a capture does not allow.
    """
    stream = torch.cuda.Stream(device)
    stream.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(stream):
        update()
    torch.cuda.current_stream(device).wait_stream(stream)


def captured(update: Callable[[], None], pool: Any) -> tuple[Callable[[], None], Any]:
    """What an update starts on the device, as one call, and the memory that such graphs share.

    They are replayed one after the other, and none leaves anything there for the next.
    """
    graph = torch.cuda.CUDAGraph()
    # Other threads may go on using the device.
    with torch.cuda.graph(graph, pool=pool, capture_error_mode="thread_local"):
        update()
    return graph.replay, graph.pool()
