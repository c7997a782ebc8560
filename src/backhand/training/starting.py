"""The state that a training begins with: afresh, or where another one ended."""

from __future__ import annotations

from typing import Any

import numpy as np

from backhand.engines import OptimizerState
from backhand.engines.argument_checks import check_state
from backhand.equations import Parameters
from backhand.errors import InputError
from backhand.optimizers import Optimizer


def going_on(params: Parameters, rule: Optimizer, state: OptimizerState) -> OptimizerState:
    """These parameters, with what the optimizer remembers in `state`.

    Raises
    ------
    InputError
        If that is not the memory of such an optimizer, or not of such parameters.
    """
    if not isinstance(state, OptimizerState):
        raise InputError(
            f"state is a {type(state).__name__}; expected the `last` or `best` of a TrainResult."
        )
    slots = state.slots
    if isinstance(slots, tuple):
        slots = tuple(_in(params.W1.dtype, slot) for slot in slots)
    going = OptimizerState(params, slots, state.updates)
    try:
        check_state(going, params, rule.slots)
    except InputError as error:
        raise InputError(
            f"the state is not one of {rule.name} on these parameters: {error}"
        ) from error
    return going


def check_memory(state: OptimizerState) -> None:
    """Adam's second moments, of the only rule with two slots, are means of squares.

    Raises
    ------
    InputError
        If one is below 0.
    """
    if any((v < 0).any() for slot in state.slots[1:] for v in slot):
        raise InputError("the state's second slot holds numbers below 0, which no square is.")


def _in(dtype: Any, slot: Any) -> Any:
    """Memory in that dtype; what is no such thing stays what it is, to be told."""
    if not isinstance(slot, Parameters) or not all(
        isinstance(v, np.ndarray) and v.dtype.kind == "f" for v in slot
    ):
        return slot
    return Parameters(*(v.astype(dtype, copy=False) for v in slot))
