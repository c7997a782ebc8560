"""`Recipe`: which members a selection trains, and what is made of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backhand.constraints import Exactly, Flag, Integer, Number, Or
from backhand.errors import InputError
from backhand.selection.chosen import MOST
from backhand.training.config import TrainConfig, check_settings, setting
from backhand.training.early_stopping import EarlyStopping

PENALTIES = (0.0002, 0.002, 0.02)
"""λ that are compared, unless they are given."""

PATIENCE = 10
"""Measurements without improvement after which a member ends."""

MEMBERS = 5
"""Number of networks that learn from all rows and are folded, unless it is given."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What a selection compares, and how a member is trained.

    Attributes
    ----------
    config : TrainConfig
        The settings of every member; `l2` and `seed` are set for each. Without early stopping, that
        on the validation loss with a patience of `PATIENCE` is used.

    Raises
    ------
    InputError
        If a setting is invalid.

    Examples
    --------
    >>> from backhand.training.config import TrainConfig
    >>> recipe = Recipe(config=TrainConfig(epochs=50, optimizer="adam", seed=7), hidden=32)
    >>> recipe.penalties
    (0.0002, 0.002, 0.02)
    """

    config: TrainConfig = setting(TrainConfig())
    hidden: int = setting(128, "Number of hidden units of a member, H.", Integer(1))
    penalties: tuple[float, ...] = setting(PENALTIES, "λ that are compared.")
    members: int = setting(
        MEMBERS, "Number of networks that learn from all rows and are folded.", Integer(1, MOST)
    )
    seconds: float | None = setting(
        None, "Time after which no member of the search is begun or continued.",
        Or(Exactly(None), Number(0)),
    )  # fmt: skip
    kinks_among_rows: bool = setting(
        True,
        "Whether b1 begins so that the hidden units' kinks are among the rows, and not at 0. A\n"
        "row of weight 2 is then not quite the same as two rows.",
        Flag(),
    )

    def __post_init__(self) -> None:
        check_settings(self)
        penalties = self.penalties
        allowed = isinstance(penalties, tuple) and all(map(Number(0).allows, penalties))
        if not allowed or not penalties or len(set(penalties)) < len(penalties):
            raise InputError(
                f"penalties are {penalties!r}; expected a tuple of one or more different numbers "
                "of 0 or more."
            )
        if self.config.schedule == "adaptive":
            raise InputError(
                "the schedule adaptive acts when early stopping would, and a network that learns "
                "from all rows has none; choose another schedule."
            )
        if self.rule.best_by != "validation_loss":
            raise InputError(
                f"early stopping returns the epoch of the best {self.rule.best_by}; a selection "
                "expects validation_loss."
            )

    @property
    def rule(self) -> EarlyStopping:
        """When a member ends."""
        return self.config.early_stopping or EarlyStopping(PATIENCE)

    def seed_of(self, member: int) -> int:
        """Return the seed of a member: those of one fold share it, whatever their λ."""
        return int(np.random.SeedSequence([self.config.seed, member]).generate_state(1)[0])
