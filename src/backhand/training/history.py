"""`History`: what training recorded, one entry per epoch."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from backhand.support import display


def _empty() -> NDArray[np.float64]:
    return np.empty(0)


@display.shown
@dataclass(frozen=True)
class History:
    """What training recorded: one float64 entry per epoch, in arrays of equal length.

    Attributes
    ----------
    loss : ndarray of shape (E,)
        Mean loss in nats, penalty included, each batch measured before its own update; so, for
        full batches, the loss before the epoch's update.
    accuracy : ndarray of shape (E,)
        Share of rows classified correctly, 0..1, measured at the same moments.
    validation_loss, validation_accuracy : ndarray of shape (E,)
        Measured after the epoch's updates, on the validation rows, without penalty; nan where not
        measured.

    Examples
    --------
    >>> import backhand
    >>> import numpy as np
    >>> params = backhand.init(3, 4, 3, dtype=np.float64)
    >>> history = backhand.train(params, np.eye(3), np.arange(3), epochs=5).history
    >>> len(history), history.loss.dtype, bool(history.loss[-1] < history.loss[0])
    (5, dtype('float64'), True)
    """

    loss: NDArray[np.float64] = field(default_factory=_empty)
    accuracy: NDArray[np.float64] = field(default_factory=_empty)
    validation_loss: NDArray[np.float64] = field(default_factory=_empty)
    validation_accuracy: NDArray[np.float64] = field(default_factory=_empty)

    def __len__(self) -> int:
        return len(self.loss)

    def _summary(self) -> display.Summary:
        title = f"History of {len(self):,} epochs" if len(self) != 1 else "History of 1 epoch"
        rows = self.figures()
        line = [(name, first, "to", last) for name, first, last, *_ in rows[1:]]
        return display.Summary(title, rows, line, self.loss)

    def figures(self) -> list[tuple[str, ...]]:
        """Rows of a table: first, last and best value of each figure that was measured."""
        rows: list[tuple[str, ...]] = []
        for name in ("loss", "accuracy", "validation_loss", "validation_accuracy"):
            values = getattr(self, name)
            measured = np.flatnonzero(np.isfinite(values))
            if not len(measured):
                continue
            rows = rows or [("", "first", "last", "best", "in epoch")]
            found = values[measured]
            best = found.argmax() if name.endswith("accuracy") else found.argmin()
            shown = (f"{found[place]:.4g}" for place in (0, -1, best))
            rows.append((name, *shown, f"{measured[best] + 1:,}"))
        return rows

    def extended(
        self,
        loss: NDArray[np.float64],
        accuracy: NDArray[np.float64],
        validation_loss: NDArray[np.float64],
        validation_accuracy: NDArray[np.float64],
    ) -> History:
        """The history with the epochs that followed."""
        return History(
            np.concatenate([self.loss, loss]),
            np.concatenate([self.accuracy, accuracy]),
            np.concatenate([self.validation_loss, validation_loss]),
            np.concatenate([self.validation_accuracy, validation_accuracy]),
        )

    def first(self, epochs: int) -> History:
        """The history of the first `epochs` epochs."""
        return History(
            self.loss[:epochs],
            self.accuracy[:epochs],
            self.validation_loss[:epochs],
            self.validation_accuracy[:epochs],
        )
