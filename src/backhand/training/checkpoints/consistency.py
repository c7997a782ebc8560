"""Whether a training can stand where a file says that it does: compared with the training itself.

A checksum tells of damage, not of where a file comes from. So what can be derived from the training
is derived, and has to be the same: which tensors there are, of which dtype and shape; the updates
that so many parts of epochs are; and, by following the history once more, what early stopping has
seen, where the learning rate was cut, and whether that is the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backhand.errors import InputError, listed
from backhand.training.early_stopping import Watch
from backhand.training.history import History
from backhand.training.plan import Plan
from backhand.training.starting import check_memory
from backhand.training.state import Standing

ROUNDING = 1e-6
"""By so much a mean of hits may lie above 1."""


class _Followed(NamedTuple):
    """What follows from a history: the watch and the plan after it, its best epoch, its end."""

    watch: Watch | None
    plan: Plan
    best_epoch: int | None
    ended: str


@dataclass(frozen=True)
class Agreement:
    """What a standing of one training has to agree with.

    Attributes
    ----------
    first : Standing
        Where it begins.
    plan : Plan
        As it is there.
    watch : Watch or None
        The same.
    validation_every : int or None
        After how many epochs the validation rows are measured; None if there are none.
    """

    first: Standing
    plan: Plan
    watch: Watch | None
    validation_every: int | None

    def standing(self, tensors: Mapping[str, NDArray[Any]], header: Mapping[str, Any]) -> Standing:
        """The standing that these are; InputError with a clause if the training has none such."""
        done, best_updates = self._counts(header)
        epochs, part = divmod(done, self.plan.parts)
        self._check_tensors(tensors, epochs, part, best=best_updates is not None)
        found = Standing.from_tensors(tensors, header)
        self._check_figures(found, epochs)
        self._check_followed(found, self._follow(found.history))
        for state in (found.state, found.best):
            if state is not None:
                check_memory(state)
        if self.plan.order is not None:
            self.plan.order.check(found.order)
        return found

    def _counts(self, header: Mapping[str, Any]) -> tuple[int, int | None]:
        """Parts done, and the best state's updates; the header's values are of their types."""
        done, updates, best = (header[name] for name in ("done", "updates", "best_updates"))
        if not all(type(n) is int for n in (done, updates, *header["cuts"])):
            raise InputError("its counts of parts, updates or cuts are not all whole numbers")
        if not 0 <= done <= self.plan.epochs * self.plan.parts:
            raise InputError(f"it has done more or less than {self.plan.epochs} epochs hold")
        if updates != self._updates(done):
            raise InputError(f"its updates are not the {self._updates(done)} of what it has done")
        if best is not None and (type(best) is not int or not self._gives_back):
            raise InputError("it has a best state that this training does not look for")
        return done, best

    def _updates(self, parts: int) -> int:
        """Updates that were done after so many parts of epochs."""
        epochs, part = divmod(parts, self.plan.parts)
        of_parts = 0
        if part:
            assert self.plan.order is not None
            of_parts = part * (self.plan.order.window // self.plan.batch_size)
        return self.first.state.updates + epochs * self.plan.schedule.updates + of_parts

    @property
    def _gives_back(self) -> bool:
        return self.watch is not None and self.watch.rule.gives_back is not None

    def _check_tensors(
        self, tensors: Mapping[str, NDArray[Any]], epochs: int, part: int, *, best: bool
    ) -> None:
        """There are those that the training itself would write, and no others."""
        own, _ = self.first.to_tensors()
        expected = {name: (value.dtype, value.shape) for name, value in own.items()}
        expected |= {"history": (own["history"].dtype, (len(own["history"]), epochs)),
                     "part_figures": (own["part_figures"].dtype, (part, 3))}  # fmt: skip
        if best:
            expected |= {
                name.replace("last", "best", 1): kind
                for name, kind in expected.items()
                if name.startswith("last.")
            }
        if set(tensors) != set(expected):
            raise InputError(
                f"it holds {listed(sorted(tensors))}; expected {listed(sorted(expected))}"
            )
        for name, (dtype, shape) in expected.items():
            got = tensors[name]
            if got.dtype != dtype or got.shape != shape:
                raise InputError(
                    f"its {name} is {got.shape} of {got.dtype}; expected {shape} of {dtype}"
                )

    def _check_figures(self, found: Standing, epochs: int) -> None:
        """What was recorded is of losses and shares, measured when it is measured."""
        history, figures = found.history, np.array(found.part_figures).reshape(-1, 3)
        losses = np.concatenate([history.loss, *figures[:, :2].T])
        shares = np.concatenate([history.accuracy, figures[:, 2]])
        if not np.isfinite(losses).all() or not (figures[:, 0] > 0).all():
            raise InputError("its history is not of finite losses")
        measured = np.arange(1, epochs + 1)
        every = self.validation_every
        if every is None:
            when = np.zeros(epochs, bool)
        else:
            when = (measured % every == 0) | (measured == self.plan.epochs)
        of_validation = history.validation_accuracy
        if not all(np.isnan(v[~when]).all() for v in (history.validation_loss, of_validation)):
            raise InputError("its history has validation figures of epochs that have none")
        shares = np.concatenate([shares, of_validation[~np.isnan(of_validation)]])
        if not ((shares >= 0) & (shares <= 1 + ROUNDING)).all():
            raise InputError("its history has accuracies that are no shares")

    def _follow(self, history: History) -> _Followed:
        """Show the history to a watch that has seen nothing of it, as training did."""
        watch, plan, best_epoch, ended = copy(self.watch), self.plan, None, ""
        for epoch in range(1, len(history) + 1):
            if ended:
                raise InputError("its history goes on after training had ended")
            if watch is not None:
                if watch.improves(epoch, history) and self._gives_back:
                    best_epoch = epoch
                ended, plan = plan.after(epoch, watch)
        if not ended and len(history) == plan.epochs:
            ended = "done"
        return _Followed(watch, plan, best_epoch, ended)

    def _check_followed(self, found: Standing, followed: _Followed) -> None:
        watch, plan, best_epoch, ended = followed
        if found.ended != ended:
            raise InputError(f"it says that training ended ('{found.ended!s:.20}') otherwise than "
                             "its history does")  # fmt: skip
        if found.cuts != plan.schedule.cuts:
            raise InputError("its cuts of the learning rate are not those of its history")
        if watch is not None and found.watch is not None \
                and not np.array_equal(found.watch, watch.memory(), equal_nan=True):  # fmt: skip
            raise InputError("what early stopping has seen is not its history")
        if (found.best is None) != (best_epoch is None):
            raise InputError("it lacks the best state of its history, or has one too many")
        if ended and found.part_figures:
            raise InputError("it has parts of an epoch after training had ended")
        if best_epoch is not None and found.best is not None \
                and found.best.updates != self._updates(best_epoch * self.plan.parts):  # fmt: skip
            raise InputError(f"its best state is not of epoch {best_epoch}, the best so far")
