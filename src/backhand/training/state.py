"""`TrainState`: the state of a training between two blocks, and the one way to continue from it.

A checkpoint holds such a state, a `TrainResult` carries one, and `train(state=…)`, `warm_start`,
`partial_fit` and a resumed checkpoint all continue from one by `TrainState.continue_from`; each of
them chooses which parts to keep.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Flag, auto
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.engines import OptimizerState
from backhand.engines.argument_checks import check_state
from backhand.equations import Parameters
from backhand.errors import InputError
from backhand.training.config import TrainConfig
from backhand.training.early_stopping import EarlyStoppingState
from backhand.training.history import History


class Keep(Flag):
    """The parts of a state that a training may continue with.

    PARAMETERS are θ. OPTIMIZER is the optimizer state: its slots and number of updates.
    EARLY_STOPPING is the patience left, and the best epoch with its parameters. SCHEDULE are the
    cuts of the learning rate. PROGRESS are the epochs done, their history and the end; SAMPLER is
    the order of the rows.
    """

    PARAMETERS = auto()
    OPTIMIZER = auto()
    EARLY_STOPPING = auto()
    SCHEDULE = auto()
    PROGRESS = auto()
    SAMPLER = auto()
    EVERYTHING = PARAMETERS | OPTIMIZER | EARLY_STOPPING | SCHEDULE | PROGRESS | SAMPLER


def no_parts() -> NDArray[np.float64]:
    """The figures of no part of an epoch."""
    return np.empty((0, 3))


@dataclass(frozen=True)
class TrainState:
    """All that a training needs to continue, bit for bit.

    Attributes
    ----------
    optimizer : OptimizerState
        The present parameters, the optimizer state, and the number of updates.
    best : OptimizerState or None
        The same at the best epoch, where early stopping returns that one's parameters.
    done : int
        Parts of epochs that are done; most trainings have one part per epoch.
    ended : {"", "done", "patience", "perfect", "callback", "interrupt", "diverged"}
        Why training ended, as in `TrainResult`; empty while there is more to do.
    history : History
        Of the whole epochs.
    part_figures : ndarray of shape (n, 3)
        Of each part of the epoch under way: the weight of its rows, their mean loss and accuracy.
    early_stopping : EarlyStoppingState or None
    cuts : tuple of int
        Epochs after which the learning rate was cut.
    rows_seen : int
        Rows that were visited before this training, which the schedule "invscaling" counts.
    sampler : dict of ndarray
        `Sampler.state_dict`, in a checkpoint; otherwise empty: the sampler itself has it.
    """

    optimizer: OptimizerState
    best: OptimizerState | None = None
    done: int = 0
    ended: str = ""
    history: History = field(default_factory=History)
    part_figures: NDArray[np.float64] = field(default_factory=no_parts)
    early_stopping: EarlyStoppingState | None = None
    cuts: tuple[int, ...] = ()
    rows_seen: int = 0
    sampler: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    @classmethod
    def initial(cls, params: Parameters, config: TrainConfig, rows_seen: int = 0) -> TrainState:
        """Return the state in which a new training with these settings begins."""
        rule = config.early_stopping
        return cls(
            OptimizerState.initial(params, config.rule),
            early_stopping=None if rule is None else EarlyStoppingState(rule),
            rows_seen=rows_seen,
        )

    @property
    def returned(self) -> OptimizerState:
        """What training returns if it ends here: the best epoch's state, or the last."""
        return self.optimizer if self.best is None else self.best

    def continue_from(self, past: TrainState, keep: Keep) -> TrainState:
        """Return this state, of a training that begins, with parts of a past state.

        Parameters
        ----------
        past : TrainState
            The state of a training that may have had other settings.
        keep : Keep
            Which of its parts.

        Returns
        -------
        TrainState

        Raises
        ------
        InputError
            If a part does not fit: the state of another update rule, or other shapes.
        """
        kept: dict[str, Any] = {}
        begin = self.optimizer
        if Keep.PARAMETERS in keep:
            begin = begin._replace(params=past.optimizer.params)
        kept["optimizer"] = _with_memory(begin, past.optimizer, keep)
        if Keep.EARLY_STOPPING in keep and past.early_stopping and self.early_stopping:
            rule = self.early_stopping.rule
            seen = past.early_stopping.under(rule)
            kept["early_stopping"] = seen
            if rule.restore_best is not None and seen.best is not None and past.best is not None:
                begin = begin._replace(params=past.best.params)
                kept["best"] = _with_memory(begin, past.best, keep)
        if Keep.SCHEDULE in keep:
            # Without the epochs that they followed, the cuts were made before the first.
            kept["cuts"] = past.cuts if Keep.PROGRESS in keep else (0,) * len(past.cuts)
        if Keep.PROGRESS in keep:
            kept |= {name: getattr(past, name) for name in PROGRESS}
        if Keep.SAMPLER in keep:
            kept["sampler"] = past.sampler
        return replace(self, **kept)


PROGRESS = ("done", "ended", "history", "part_figures", "rows_seen")
"""The fields of a `TrainState` that are its progress."""


def _with_memory(begin: OptimizerState, past: OptimizerState, keep: Keep) -> OptimizerState:
    """Return the parameters of `begin`, with the moments in `past` if those are kept."""
    if Keep.OPTIMIZER not in keep:
        return begin
    slots = past.slots
    if isinstance(slots, tuple):
        slots = tuple(_in_dtype(begin.params.W1.dtype, slot) for slot in slots)
    state = OptimizerState(begin.params, slots, past.updates)
    check_state(state, begin.params, len(begin.slots))
    return state


def check_second_moments(state: OptimizerState) -> None:
    """Check that Adam's second moments, which are means of squares, are not negative.

    Raises
    ------
    InputError
        If one is below 0.
    """
    if any((v < 0).any() for slot in state.slots[1:] for v in slot):
        raise InputError(
            "the state's second slot contains negative numbers; it must contain means of squares."
        )


def _in_dtype(dtype: Any, slot: Any) -> Any:
    """Return the slot in that dtype; anything else unchanged, for the check to report."""
    if not isinstance(slot, Parameters) or not all(
        isinstance(v, np.ndarray) and v.dtype.kind == "f" for v in slot
    ):
        return slot
    return Parameters(*(v.astype(dtype, copy=False) for v in slot))
