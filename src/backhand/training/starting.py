"""The state that a training begins with: afresh, or where another one ended."""

from __future__ import annotations

import numpy as np

from backhand.engines import State
from backhand.equations import Parameters
from backhand.errors import InputError
from backhand.optimizers import Optimizer


def first_state(params: Parameters, rule: Optimizer) -> State:
    """These parameters, and an optimizer that remembers nothing yet."""
    zeros = Parameters(*(np.zeros_like(value) for value in params))
    return State(params, (zeros,) * rule.slots, 0)


def going_on(params: Parameters, rule: Optimizer, state: State) -> State:
    """These parameters, with what the optimizer remembers in `state`.

    Raises
    ------
    InputError
        If that is not the memory of such an optimizer, or not of such parameters.
    """
    shapes = [value.shape for value in params]
    if not isinstance(state, State):
        raise InputError(
            f"state is a {type(state).__name__}; expected the `last` or `best` of a TrainResult."
        )
    if len(state.slots) != rule.slots or any(
        [value.shape for value in slot] != shapes for slot in state.slots
    ):
        raise InputError(
            f"the state is not one of {rule.name} on these parameters: it holds "
            f"{len(state.slots)} arrays of memory for each of {[v.shape for v in state.params]}."
        )
    slots = tuple(
        Parameters(*(value.astype(params.W1.dtype, copy=False) for value in slot))
        for slot in state.slots
    )
    return State(params, slots, state.updates)
