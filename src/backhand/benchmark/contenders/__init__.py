"""The contenders: ways to do the same training step, each in the words of its own library.

A contender starts from a `Problem` and a number of threads and gives a `Run`. Their libraries are
imported when they start, never before.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple, cast

if TYPE_CHECKING:
    from backhand.benchmark.problem import Problem


class Trace(NamedTuple):
    """What a run recorded: the loss of each step before its update, and the accuracy if it does."""

    loss: Any
    accuracy: Any | None


Run = Callable[[int], Trace]
"""Does so many full-batch steps, from the problem's parameters every time it is called."""


class Contender(NamedTuple):
    """A name, the library it needs, and where the function stands that starts it.

    One with a slow start takes seconds to compile, which a quick look does not wait for.
    """

    name: str
    library: str
    module: str
    function: str
    slow_start: bool = False

    @property
    def installed(self) -> bool:
        """Whether its library is there."""
        return find_spec(self.library) is not None

    def start(self, problem: Problem, threads: int) -> Run:
        """Get ready to run; compiling may wait for the first run."""
        module = import_module(f"{__name__}.{self.module}")
        return cast(Run, getattr(module, self.function)(problem, threads))


CONTENDERS = (
    Contender("backhand", "backhand", "backhand", "backhand"),
    Contender("numpy by hand", "numpy", "numpy", "by_hand"),
    Contender("torch by hand", "torch", "torch", "by_hand"),
    Contender("torch autograd", "torch", "torch", "autograd"),
    Contender("torch compile", "torch", "torch", "compiled", slow_start=True),
    Contender("scikit-learn", "sklearn", "sklearn", "scikit_learn"),
    Contender("jax", "jax", "jax", "jit_scan"),
)
"""In the order of the tables. Their number of threads is set by `process.confine`, where a library
has no call for it."""

OURS = CONTENDERS[0]
"""The one that all others are compared with."""
