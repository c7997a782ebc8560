"""The settings of a training on a table, with the defaults of `backhand train`.

It imports no NumPy, so that `backhand train --help` answers at once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from backhand.constraints import Exactly, Integer, Number, Or
from backhand.training.config import TrainConfig, check_settings, setting

UPDATES = 8000
"""Number of updates that training aims at where the number of epochs is not given."""

FEWEST_EPOCHS, MOST_EPOCHS = 10, 100
"""Bounds of the number of epochs, where it is not given."""

VALIDATIONS = 50
"""Number of times, about, that the held-out rows are measured during a training, for display."""

DEFAULTS = TrainConfig(
    batch_size=128, learning_rate=0.004, optimizer="adam", schedule="cosine", warmup=0.05, l2=0.0002
)
"""Of a training on a table."""


@dataclass(frozen=True)
class Settings:
    """How `fit_table` trains.

    Parameters
    ----------
    hidden : int, default=128
        H, the number of hidden units.
    epochs : int, optional
        Passes over the training rows; None: as many as make about `UPDATES` updates.
    test_size : float, default=0.2
        Share of each class that is held out.
    config : TrainConfig
        The settings of the training itself. The number of epochs, and of those between two
        measurements on the held-out rows, follow from the table: see `config_for`.

    Raises
    ------
    InputError
        If a setting is not what it should be.

    Examples
    --------
    >>> Settings(hidden=16).config_for(1000).epochs
    100
    """

    hidden: int = setting(128, constraint=Integer(1))
    epochs: int | None = setting(None, constraint=Or(Exactly(None), Integer(1)))
    test_size: float = setting(0.2, constraint=Number(0, 0.95))
    config: TrainConfig = DEFAULTS

    def __post_init__(self) -> None:
        check_settings(self)

    def epochs_for(self, rows: int) -> int:
        """Number of epochs on that many training rows."""
        if self.epochs is not None:
            return self.epochs
        updates = -(-rows // (self.config.batch_size or rows))
        return max(FEWEST_EPOCHS, min(round(UPDATES / updates), MOST_EPOCHS))

    def config_for(self, rows: int) -> TrainConfig:
        """The config of a training on that many rows."""
        epochs = self.epochs_for(rows)
        return replace(self.config, epochs=epochs, validation_every=max(1, epochs // VALIDATIONS))

    def values(self, rows: int) -> dict[str, Any]:
        """All settings of a training on that many rows, as JSON values for the model file."""
        return {
            "hidden": self.hidden,
            "test_size": self.test_size,
            **self.config_for(rows).values(),
        }
