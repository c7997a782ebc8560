"""What a training does next: a pure function of its state and of what was measured.

A `Controller` has no session, no clock and no callbacks: `loop.py` has those and carries out what
is decided here. So a driver may train one model or many, on one machine or several.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from backhand.engines import Block, BlockMetrics
from backhand.errors import InputError
from backhand.training.early_stopping import EarlyStoppingState
from backhand.training.history import History
from backhand.training.plan import Plan
from backhand.training.schedules import Schedule
from backhand.training.state import TrainState, no_parts


class Decision(NamedTuple):
    """What follows from a block.

    Attributes
    ----------
    state : TrainState
        The state after the block. Its tensors are still those from before the block: the driver
        reads the new ones from the session.
    rewind : bool
        Whether the session is past that state and must return to it first.
    best : int or None
        Parts of epochs done at the best epoch so far, if it is one of the block's and its
        parameters are to be returned.
    """

    state: TrainState
    rewind: bool = False
    best: int | None = None


class Divergence(NamedTuple):
    """The loss of some epoch was not finite.

    Attributes
    ----------
    epoch : int
        That epoch, counted from 1.
    finite_parts : int
        Parts of epochs with a finite loss; the parameters began the last of them.
    history : History
        The whole epochs with a finite loss.
    """

    epoch: int
    finite_parts: int
    history: History


@dataclass(frozen=True)
class Controller:
    """Decides the next block, validation, early stopping, cuts of the learning rate, and the end.

    Attributes
    ----------
    plan : Plan
    periods : tuple of int
        A block ends where the epochs done are a multiple of one of these: at callbacks, at
        checkpoints.
    validation_every : int or None
        Epochs between two validations; None: there are no validation rows.
    """

    plan: Plan
    periods: tuple[int, ...] = ()
    validation_every: int | None = None

    def schedule(self, state: TrainState) -> Schedule:
        """The learning rate's, with the cuts that were made."""
        return replace(self.plan.schedule, cuts=state.cuts) if state.cuts else self.plan.schedule

    def share(self, state: TrainState) -> float:
        """Share of the epoch under way that is done."""
        return state.done % self.plan.parts / self.plan.parts

    def next_block(self, state: TrainState, most_epochs: int) -> Block:
        """Return the next block: at most `most_epochs` epochs, up to the end of a period.

        Its last epoch is at most the first one after which patience may run out, so that no epoch
        is trained in vain. Where an epoch comes in parts, it is one part.
        """
        block = self.replay(state, self.length(state, most_epochs))
        if self.validation_every is None:
            return block
        parts = np.arange(state.done + 1, state.done + block.epochs + 1)
        epochs, part = np.divmod(parts, self.plan.parts)
        return replace(block, validated=(part == 0) & self.validates_after(epochs))

    def replay(self, state: TrainState, parts: int) -> Block:
        """Return the block of the `parts` parts after a state, without validation.

        It is the same in every call.
        """
        return self.plan.block(self.schedule(state), state.done, parts)

    def length(self, state: TrainState, most_epochs: int) -> int:
        """Return the number of parts in the next block."""
        if self.plan.parts > 1:
            return 1
        done = state.done
        lengths = [every - done % every for every in self.periods]
        if (seen := state.early_stopping) is not None and seen.measurements_left < math.inf:
            every = 1 if seen.rule.monitor == "loss" else self.validation_every or 1
            lengths.append((done // every + int(seen.measurements_left)) * every - done)
        return min(self.plan.epochs - done, most_epochs, self.plan.most_epochs, *lengths)

    def validates_after(self, epochs: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return whether the validation rows are measured after each of these numbers of epochs."""
        every = self.validation_every
        found = np.zeros(epochs.shape, bool)
        if every is not None:
            found |= (epochs % every == 0) | (epochs == self.plan.epochs)
        return found

    def divergence(self, state: TrainState) -> Divergence | None:
        """Return where the loss stopped being finite, if that is where a new state is."""
        under_way, history = state.part_figures, state.history
        loss = under_way[-1, 1] if len(under_way) else history.loss[-1]
        if math.isfinite(loss):
            return None
        whole = history if len(under_way) else history.first(len(history) - 1)
        finite = state.done - 1
        return Divergence(finite // self.plan.parts + 1, finite, whole)

    def record(self, state: TrainState, block: Block, metrics: BlockMetrics) -> Decision:
        """Return what follows from a block's figures; the last loss may not be finite."""
        done, figures = state.done + len(metrics.loss), no_parts()
        if self.plan.parts > 1:
            row = [self.plan.weight_of(block), float(metrics.loss[0]), float(metrics.accuracy[0])]
            figures = np.vstack([state.part_figures, row])
            if done % self.plan.parts:
                return Decision(replace(state, done=done, part_figures=figures))
            metrics, figures = _mean_of_parts(figures, metrics), no_parts()
        return self._stop(state, state.history.extended(*metrics), figures)

    def _stop(self, state: TrainState, history: History, figures: NDArray[np.float64]) -> Decision:
        """Apply early stopping to a history longer than the state's, and end after the last epoch.

        Where it ends training, or changes the learning rate, after an epoch that is not the last of
        the history, the new state is the one after that epoch, to which training rewinds.
        """
        epochs, epoch = len(history), len(state.history)
        seen, cuts, ended, best_epoch = state.early_stopping, state.cuts, "", None
        if seen is None:
            epoch = epochs
        while epoch < epochs and not ended and cuts == state.cuts:
            assert seen is not None
            epoch += 1
            seen, best = seen.step(epoch, history)
            best_epoch = epoch if best else best_epoch
            ended, cuts, seen = self.after_epoch(epoch, cuts, seen)
        if not ended and epoch == self.plan.epochs:
            ended = "done"
        found = replace(
            state, done=epoch * self.plan.parts, history=history.first(epoch),
            part_figures=figures, early_stopping=seen, cuts=cuts, ended=ended,
        )  # fmt: skip
        returned = seen is not None and seen.rule.restore_best is not None
        best_parts = best_epoch * self.plan.parts if best_epoch is not None and returned else None
        return Decision(found, epoch < epochs, best_parts)

    def after_epoch(
        self, epoch: int, cuts: tuple[int, ...], seen: EarlyStoppingState
    ) -> tuple[str, tuple[int, ...], EarlyStoppingState]:
        """Return the effect of early stopping on the training after its first `epoch` epochs.

        Returns
        -------
        ended : {"", "perfect", "patience"}
        cuts : tuple of int
            One more, if the learning rate is cut instead of ending training.
        seen : EarlyStoppingState
            With its patience reset, if so.
        """
        if seen.perfect:
            return "perfect", cuts, seen
        if not seen.out_of_patience:
            return "", cuts, seen
        if not replace(self.plan.schedule, cuts=cuts).can_slow_down(epoch):
            return "patience", cuts, seen
        return "", (*cuts, epoch), seen.reset_wait()

    def follow(self, begin: TrainState, history: History) -> tuple[TrainState, int | None]:
        """Return the state that a whole history leads to, without tensors, and its best epoch.

        It is the state that `record` reaches block by block; a checkpoint is compared with it.

        Raises
        ------
        InputError
            If training had ended before the history does; the message is a clause.
        """
        seen, cuts, ended, best_epoch = begin.early_stopping, begin.cuts, "", None
        for epoch in range(1, len(history) + 1):
            if seen is None:
                break
            if ended:
                raise InputError("its history continues after training had ended")
            seen, best = seen.step(epoch, history)
            if best and seen.rule.restore_best is not None:
                best_epoch = epoch
            ended, cuts, seen = self.after_epoch(epoch, cuts, seen)
        if not ended and len(history) == self.plan.epochs:
            ended = "done"
        found = replace(begin, history=history, early_stopping=seen, cuts=cuts, ended=ended)
        return found, best_epoch


def _mean_of_parts(figures: NDArray[np.float64], last: BlockMetrics) -> BlockMetrics:
    """Return an epoch's figures: the means over its parts, weighted by their rows.

    The validation figures are those after the last part.
    """
    weights, losses, accuracies = figures.T.copy()
    total = weights.sum()
    return BlockMetrics(
        np.array([(weights * losses).sum() / total]),
        np.array([(weights * accuracies).sum() / total]),
        last.validation_loss,
        last.validation_accuracy,
    )
