"""The contenders: implementations of the same training step in several libraries.

A contender takes a `Problem` and a number of threads and returns a `Run`. Its library is imported
when it starts.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from backhand.choices import PrecisionName

if TYPE_CHECKING:
    from backhand.benchmark.problem import Problem


class Trace(NamedTuple):
    """The loss of each step before its update, and the accuracy if the library records it."""

    loss: Any
    accuracy: Any | None


Run = Callable[[int], Trace]
"""Does the given number of full-batch steps; every call starts from the initial parameters."""


class Contender(NamedTuple):
    """A name, the library that is needed, and the module and function that start it.

    A contender with `slow_start` compiles for seconds, so a quick measurement omits it.
    """

    name: str
    library: str
    module: str
    function: str
    slow_start: bool = False

    @property
    def installed(self) -> bool:
        """Whether the library is installed."""
        return find_spec(self.library) is not None

    def start(self, problem: Problem, threads: int) -> Run:
        """Prepare a run; compilation may be deferred to the first run."""
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
"""In the order of the tables. `process.confine` sets the number of threads of a library that has no
function for it."""

BF16_CONTENDERS = (
    Contender("backhand bf16", "backhand", "backhand", "in_bf16"),
    CONTENDERS[0],
    Contender("torch autocast", "torch", "torch", "autocast"),
    Contender("torch autocast compile", "torch", "torch", "compiled_autocast", slow_start=True),
    Contender("jax bf16", "jax", "jax", "jit_scan_bf16"),
)
"""The same step with products of bf16, beside Backhand's in float32."""

CONTENDERS_IN: dict[PrecisionName, tuple[Contender, ...]] = {
    "auto": CONTENDERS, "bf16": BF16_CONTENDERS,
}  # fmt: skip
"""The contenders in a precision; the first is Backhand, with which all others are compared."""
