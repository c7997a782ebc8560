"""A computation on a CUDA device, recorded once and then launched as a whole.

A small network's update is a hundred operations of a few microseconds each, and to launch them one
by one takes many times as long as they do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from backhand.support.optional import extra

torch = extra("torch", "the torch engine")


class Recorded:
    """A function of tensors, recorded for arguments of certain shapes.

    Arguments and results are tensors, or tuples of them, or what is no tensor, which stays as it
    was. A result is overwritten by the next call.
    """

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self._arguments = each(torch.clone, arguments)
        here, aside = torch.cuda.current_stream(), torch.cuda.Stream()
        aside.wait_stream(here)
        with torch.cuda.stream(aside):  # once before: a first call may allocate and synchronise
            function(*self._arguments)
        here.wait_stream(aside)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph, capture_error_mode="thread_local"):
            self._results = function(*self._arguments)

    def __call__(self, *arguments: Any) -> Any:
        for kept, given in zip(leaves(self._arguments), leaves(arguments), strict=True):
            kept.copy_(given)
        self._graph.replay()
        return self._results


def on_cuda(value: Any) -> bool:
    """Whether the tensors in tuples of them are on a CUDA device."""
    return any(one.is_cuda for one in leaves(value))


def each(function: Callable[[Any], Any], value: Any) -> Any:
    """The function's value for each tensor in tuples of them."""
    if isinstance(value, tuple):
        values = [each(function, one) for one in value]
        return type(value)(*values) if hasattr(value, "_fields") else tuple(values)
    return function(value) if isinstance(value, torch.Tensor) else value


def leaves(value: Any) -> Iterator[Any]:
    """The tensors in tuples of them."""
    if isinstance(value, tuple):
        for one in value:
            yield from leaves(one)
    elif isinstance(value, torch.Tensor):
        yield value
