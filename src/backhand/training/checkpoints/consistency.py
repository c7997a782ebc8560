"""Checks that the state in a checkpoint is one that its training can reach.

A checksum detects damage, but does not show where a file comes from. So whatever can be derived
from the training is derived and compared: which tensors there are, of which dtype and shape; the
number of updates; and, by replaying the history, the state of early stopping, the cuts of the
learning rate, and whether training has ended.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from backhand.engines import OptimizerState
from backhand.errors import InputError, listed
from backhand.training.checkpoints.file_format import Tensors, from_tensors, to_tensors
from backhand.training.controller import Controller
from backhand.training.plan import Plan
from backhand.training.state import Keep, TrainState, check_second_moments

ROUNDING = 1e-6
"""A mean of hits may be above 1 by this much."""


@dataclass(frozen=True)
class Consistency:
    """What a state of one training has to agree with.

    Attributes
    ----------
    begin : TrainState
        Where the training begins.
    controller : Controller
        What decides in it.
    """

    begin: TrainState
    controller: Controller

    @property
    def _plan(self) -> Plan:
        return self.controller.plan

    def state(self, tensors: Tensors, header: Mapping[str, Any]) -> TrainState:
        """The state in these tensors and header; InputError with a clause if it is impossible."""
        done, best_updates = self._counts(header)
        epochs, part = divmod(done, self._plan.parts)
        self._check_tensors(tensors, epochs, part, best=best_updates is not None)
        rule = None if self.begin.early_stopping is None else self.begin.early_stopping.rule
        found = from_tensors(tensors, header, rule)
        self._check_figures(found, epochs)
        self._check_followed(found)
        for state in (found.optimizer, found.best):
            if state is not None:
                check_second_moments(state)
        if self._plan.sampler is not None:
            self._plan.sampler.check_state_dict(found.sampler)
        return self.begin.continue_from(found, Keep.EVERYTHING)

    def _counts(self, header: Mapping[str, Any]) -> tuple[int, int | None]:
        """Parts done, and the best state's updates; the header's values are of their types."""
        done, updates, best = (header[name] for name in ("done", "updates", "best_updates"))
        if not all(type(n) is int for n in (done, updates, header["rows_seen"], *header["cuts"])):
            raise InputError("its counts of parts, updates, rows or cuts are not all whole numbers")
        if not 0 <= done <= self._plan.epochs * self._plan.parts:
            raise InputError(f"it has done more or less than {self._plan.epochs} epochs hold")
        if header["ended"] == "diverged":  # at the last parameters whose loss was finite
            possible = range(self.begin.optimizer.updates, self._updates(done + self._plan.parts))
            if updates not in possible:
                raise InputError(f"its updates are not of its {len(possible)} first")
        elif updates != self._updates(done):
            raise InputError(f"its updates are not the {self._updates(done)} of what it has done")
        if header["rows_seen"] != self.begin.rows_seen:
            raise InputError("it begins after other rows than this training")
        if best is not None and (type(best) is not int or not self._restores_best):
            raise InputError("it has a best state, but this training does not restore one")
        return done, best

    def _updates(self, parts: int) -> int:
        """Return the number of updates after that many parts of epochs."""
        return self.begin.optimizer.updates + self._plan.updates_of(parts)

    @property
    def _restores_best(self) -> bool:
        seen = self.begin.early_stopping
        return seen is not None and seen.rule.restore_best is not None

    def _check_tensors(self, tensors: Tensors, epochs: int, part: int, *, best: bool) -> None:
        """Check that the tensors are those that the training would write."""
        own, _ = to_tensors(self.begin)
        expected = {name: (value.dtype, value.shape) for name, value in own.items()
                    if not name.startswith("best.")}  # fmt: skip
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

    def _check_figures(self, found: TrainState, epochs: int) -> None:
        """Check that the history holds finite losses and shares, where they are measured."""
        history, figures = found.history, found.part_figures
        losses = np.concatenate([history.loss, *figures[:, :2].T])
        shares = np.concatenate([history.accuracy, figures[:, 2]])
        if not np.isfinite(losses).all() or not (figures[:, 0] > 0).all():
            raise InputError("its history has losses that are not finite")
        when = self.controller.validates_after(np.arange(1, epochs + 1))
        of_validation = history.validation_accuracy
        if not all(np.isnan(v[~when]).all() for v in (history.validation_loss, of_validation)):
            raise InputError("its history has validation figures of epochs without validation")
        shares = np.concatenate([shares, of_validation[~np.isnan(of_validation)]])
        if not ((shares >= 0) & (shares <= 1 + ROUNDING)).all():
            raise InputError("its history has accuracies that are not shares")

    def _check_followed(self, found: TrainState) -> None:
        """Early stopping, the cuts, the best epoch and the end follow from the history."""
        state, best_epoch = self.controller.follow(self.begin, found.history)
        if found.ended not in (state.ended, "diverged"):
            raise InputError(f"its end of training ('{found.ended!s:.20}') does not follow from "
                             "its history")  # fmt: skip
        if found.cuts != state.cuts:
            raise InputError("its cuts of the learning rate are not those of its history")
        if found.early_stopping != state.early_stopping:
            raise InputError("its state of early stopping does not follow from its history")
        if state.ended and len(found.part_figures):
            raise InputError("it has parts of an epoch after training had ended")
        if best_epoch is not None:
            expected = self._updates(best_epoch * self._plan.parts)
            right = found.best is not None and found.best.updates == expected
        else:  # then it is the best state that the training began with, if any
            right = _same(found.best, self.begin.best)
        if not right:
            raise InputError("its best state is not the one of its history's best epoch")


def _same(one: OptimizerState | None, other: OptimizerState | None) -> bool:
    if one is None or other is None:
        return one is other
    sets = zip((one.params, *one.slots), (other.params, *other.slots), strict=True)
    return one.updates == other.updates and all(
        np.array_equal(a, b) for mine, theirs in sets for a, b in zip(mine, theirs, strict=True)
    )
