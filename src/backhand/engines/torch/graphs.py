"""Updates as CUDA graphs: all kernels of one are started by one call.

An update of a small network is some dozens of kernels of a few microseconds each, which Python
starts more slowly than the device runs them. As a graph they are captured once for each length of a
batch, and replayed. That works since an update takes all that differs from one to the next from the
device (see `work`): it makes no transfer, and waits for nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backhand.engines.torch.work import Step, Work
from backhand.errors import warn
from backhand.support.optional import extra

torch = extra("torch", "the torch engine")

WARM_UPS = 2
"""Updates before a capture, in which libraries make their handles and compile their kernels."""

CLOSE = {"rtol": 1e-3, "atol": 1e-5, "equal_nan": True}
"""How nearly a replayed update must be the same as one that was not captured. They may be computed
by different kernels of one library; a mistake shows as another number altogether.
"""


class GraphStep:
    """A step whose updates are replayed.

    Each graph is compared once with the step itself. Where it cannot be captured, or its update is
    another, the step is used as it is, and a warning says so.
    """

    def __init__(self, step: Step, work: Work) -> None:
        self._step, self._work = step, work
        self._updates: dict[int, Callable[[], None]] = {}

    def __call__(self, count: int) -> None:
        if count not in self._updates:
            self._updates[count] = self._replayed(count)
        self._updates[count]()

    def _replayed(self, count: int) -> Callable[[], None]:
        """The update of a batch of that many rows; afterwards everything is as it was."""

        def update() -> None:
            self._step(count)

        before = [tensor.clone() for tensor in self._work.written()]
        try:
            for _ in range(WARM_UPS):
                self._restore(before)
                warm_up(update, self._work.counter.device)
            expected = [tensor.clone() for tensor in self._work.written()]
            self._restore(before)
            replay = captured(update)
            replay()
            same = all(
                torch.allclose(found, other, **CLOSE)
                for found, other in zip(self._work.written(), expected, strict=True)
            )
        except RuntimeError as error:
            same, reason = False, str(error).splitlines()[0]
        else:
            reason = "its result is another"
        self._restore(before)
        if not same:
            warn(f"an update could not be used as a CUDA graph ({reason}); it is run without one.")
            return update
        return replay

    def _restore(self, values: list[Any]) -> None:
        for tensor, value in zip(self._work.written(), values, strict=True):
            tensor.copy_(value)


def warm_up(update: Callable[[], None], device: Any) -> None:
    """Run an update on a stream of its own, as CUDA asks for before a capture."""
    stream = torch.cuda.Stream(device)
    stream.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(stream):
        update()
    torch.cuda.current_stream(device).wait_stream(stream)


def captured(update: Callable[[], None]) -> Callable[[], None]:
    """What an update starts on the device, as one call; it is not run meanwhile."""
    graph = torch.cuda.CUDAGraph()
    # Other threads may go on using the device.
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):
        update()
    replay: Callable[[], None] = graph.replay
    return replay
