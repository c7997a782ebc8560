"""What a training does next: a pure function of its state and of what was measured.

A `Controller` has no session, no clock and no callbacks: `loop.py` has those and carries out what
is decided here. So a driver may train one model or many, on one machine or several.
"""

from __future__ import annotations

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
    improved : bool
        Whether the parameters there are the best so far, and are to be returned.
    """

    state: TrainState
    rewind: bool = False
    improved: bool = False


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
        A block ends where the epochs done are a multiple of one of these: at validations, at
        callbacks, at checkpoints.
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

        Where an epoch comes in parts, it is one part.
        """
        return self.replay(state, self.length(state, most_epochs))

    def replay(self, state: TrainState, parts: int) -> Block:
        """Return the block of the `parts` parts after a state; the same in every call."""
        return self.plan.block(self.schedule(state), state.done, parts)

    def length(self, state: TrainState, most_epochs: int) -> int:
        """Return the number of parts in the next block."""
        if self.plan.parts > 1:
            return 1
        lengths = [every - state.done % every for every in self.periods]
        return min(self.plan.epochs - state.done, most_epochs, self.plan.most_epochs, *lengths)

    def divergence(self, state: TrainState, metrics: BlockMetrics) -> Divergence | None:
        """Return where the loss stopped being finite in the block after a state, if it did."""
        if np.isfinite(metrics.loss[-1]):
            return None
        finite = state.done + len(metrics.loss) - 1
        history = state.history.extended(metrics.loss[:-1], metrics.accuracy[:-1])
        return Divergence(finite // self.plan.parts + 1, finite, history)

    def validates(self, state: TrainState, block: Block) -> bool:
        """Return whether the validation rows are measured after the block that follows a state."""
        epochs, part = divmod(state.done + block.epochs, self.plan.parts)
        if part or self.validation_every is None:
            return False
        return self.validates_after(epochs)

    def validates_after(self, epoch: int) -> bool:
        """Return whether the validation rows are measured after the first `epoch` epochs."""
        every = self.validation_every
        return every is not None and (epoch % every == 0 or epoch == self.plan.epochs)

    def record(
        self,
        state: TrainState,
        block: Block,
        metrics: BlockMetrics,
        validation: tuple[float, float] | None = None,
    ) -> Decision:
        """Return what follows from a block's finite losses and the validation after it, if any."""
        done, figures = state.done + block.epochs, no_parts()
        if self.plan.parts > 1:
            row = [self.plan.weight_of(block), float(metrics.loss[0]), float(metrics.accuracy[0])]
            figures = np.vstack([state.part_figures, row])
            if done % self.plan.parts:
                return Decision(replace(state, done=done, part_figures=figures))
            metrics, figures = _mean_of_parts(figures), no_parts()
        history = state.history.extended(*metrics, validation)
        return self._stop(state, history, figures)

    def _stop(self, state: TrainState, history: History, figures: NDArray[np.float64]) -> Decision:
        """Apply early stopping to a history longer than the state's, and end after the last epoch.

        Where it ends training, or changes the learning rate, after an epoch that is not the last of
        the history, the new state is the one after that epoch, to which training rewinds.
        """
        epochs, epoch = len(history), len(state.history)
        seen, cuts, ended, improved = state.early_stopping, state.cuts, "", False
        if seen is None:
            epoch = epochs
        while epoch < epochs and not ended and cuts == state.cuts:
            assert seen is not None
            epoch += 1
            seen, best = seen.step(epoch, history)
            improved = best and seen.rule.restore_best is not None
            ended, cuts, seen = self.after_epoch(epoch, cuts, seen)
        if not ended and epoch == self.plan.epochs:
            ended = "done"
        found = replace(
            state, done=epoch * self.plan.parts, history=history.first(epoch),
            part_figures=figures, early_stopping=seen, cuts=cuts, ended=ended,
        )  # fmt: skip
        return Decision(found, epoch < epochs, improved)

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


def _mean_of_parts(figures: NDArray[np.float64]) -> BlockMetrics:
    """Return an epoch's loss and accuracy: the means over its parts, weighted by their rows."""
    weights, losses, accuracies = figures.T.copy()
    total = weights.sum()
    return BlockMetrics(
        np.array([(weights * losses).sum() / total]),
        np.array([(weights * accuracies).sum() / total]),
    )
