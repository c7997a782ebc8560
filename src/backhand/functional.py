"""The equations as users call them: the arguments are checked first, then the equation is computed.

`backhand.forward` is `equations.forward` after `validation.check_forward`, and so on. Engines,
which check once and then compute many times, call the equations themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from backhand import equations, validation
from backhand.equations import Gradients, Parameters
from backhand.support.signatures import check_call

P = ParamSpec("P")
R = TypeVar("R")


def checked(equation: Callable[P, R], check: Callable[P, None]) -> Callable[P, R]:
    """Return `equation`, under its own name and docstring, after `check` of the same arguments."""
    known = signature(equation)

    @wraps(equation)
    def checked_equation(*args: P.args, **kwargs: P.kwargs) -> R:
        check_call(equation.__name__, known, args, kwargs)
        check(*args, **kwargs)
        return equation(*args, **kwargs)

    return checked_equation


@wraps(equations.sgd)
def _sgd(params: Parameters, grads: Gradients, learning_rate: float) -> Parameters:
    # A NumPy scalar would turn float32 parameters into float64.
    return equations.sgd(params, grads, float(learning_rate))


if TYPE_CHECKING:  # so that an editor shows their docstrings
    from backhand.equations import accuracy as accuracy
    from backhand.equations import backward as backward
    from backhand.equations import cross_entropy as cross_entropy
    from backhand.equations import forward as forward
    from backhand.equations import init as init
    from backhand.equations import sgd as sgd
else:
    init = checked(equations.init, validation.check_init)
    forward = checked(equations.forward, validation.check_forward)
    cross_entropy = checked(equations.cross_entropy, validation.check_loss)
    accuracy = checked(equations.accuracy, validation.check_loss)
    backward = checked(equations.backward, validation.check_backward)
    sgd = checked(_sgd, validation.check_sgd)
