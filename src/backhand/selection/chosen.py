"""`Chosen`: what a selection chose and from what, as a model file holds it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

from backhand.constraints import Constraint, Exactly, Flag, Integer, Number, Or
from backhand.errors import InputError
from backhand.support import display

MOST = 10_000
"""Maximum number of trials, and of networks."""


class Trial(NamedTuple):
    """A member of the search.

    Attributes
    ----------
    l2 : float
        λ.
    fold : int
        The fold that it is measured on.
    epochs : int
        Epochs done.
    best_epoch : int
        The one whose parameters are kept.
    loss, accuracy : float
        Of the fold, at the best epoch; infinite and nan where the member diverged.
    """

    l2: float
    fold: int
    epochs: int
    best_epoch: int
    loss: float
    accuracy: float

    def to_json(self) -> list[float | None]:
        """Return a list of JSON values; figures that are not finite are None."""
        return [value if value is None or math.isfinite(value) else None for value in self]

    @classmethod
    def from_json(cls, value: Any) -> Trial | None:
        """Return what `to_json` wrote, or None if it is something else."""
        if not isinstance(value, list) or len(value) != len(OF_TRIAL):
            return None
        if not all(allowed.allows(v) for allowed, v in zip(OF_TRIAL, value, strict=True)):
            return None
        l2, fold, epochs, best_epoch, loss, accuracy = value
        return cls(
            l2, fold, epochs, best_epoch,
            math.inf if loss is None else loss, math.nan if accuracy is None else accuracy,
        )  # fmt: skip


class Encodings(NamedTuple):
    """The encodings of the rows that were compared.

    Attributes
    ----------
    chosen : str
        The one with the least loss.
    folds : int
        The folds that all were measured on. Fewer than in the search: the others were given up.
    losses : tuple of (str, float)
        Their names, and their mean losses on these folds, each with its best penalty: calibrated,
        unless an encoding was given up; infinite where it diverged or the time was over.
    """

    chosen: str
    folds: int
    losses: tuple[tuple[str, float], ...]

    def to_json(self) -> dict[str, Any]:
        """Return JSON values; a loss that is not finite is None."""
        losses = {name: loss if math.isfinite(loss) else None for name, loss in self.losses}
        return self._asdict() | {"losses": losses}

    @classmethod
    def from_json(cls, value: Any) -> Encodings | None:
        """Return what `to_json` wrote, or None if it is something else."""
        if not isinstance(value, dict) or set(value) != set(cls._fields):
            return None
        chosen, folds, losses = (value[name] for name in cls._fields)
        if not isinstance(losses, dict) or len(losses) > MOST or not Integer(1).allows(folds):
            return None
        if not isinstance(chosen, str) or chosen not in losses:
            return None
        if not all(map(Or(Exactly(None), Number(0)).allows, losses.values())):
            return None
        return cls(chosen, folds, tuple(
            (name, math.inf if loss is None else loss) for name, loss in losses.items()
        ))  # fmt: skip


OF_TRIAL: tuple[Constraint, ...] = (
    Number(0), Integer(0), Integer(0), Integer(0), Or(Exactly(None), Number(0)),
    Or(Exactly(None), Number(0, 1)),
)  # fmt: skip
"""What the values of a trial may be."""

OF_CHOICE: dict[str, Constraint] = {
    "l2": Number(0), "networks": Integer(1, MOST), "epochs": Integer(1), "scale": Number(0),
    "rows": Integer(0),
    "loss": Or(Exactly(None), Number(0)), "calibrated_loss": Or(Exactly(None), Number(0)),
    "cut": Flag(),
}  # fmt: skip
"""What the other values may be."""


@display.shown
@dataclass(frozen=True)
class Chosen:
    """What a selection chose, and from what.

    Attributes
    ----------
    l2 : float
        λ.
    networks : int
        Number of networks that learned from all training rows, and were averaged.
    epochs : int
        Epochs of each of them.
    scale : float
        1 / T, by which the logits are multiplied; 0 where the network answers with the class
        shares, since nothing that was tried is clearly better.
    rows : int
        Rows that were predicted by networks that did not learn from them.
    loss, calibrated_loss : float or None
        The mean loss of these rows, before and after calibration; None without such rows.
    cut : bool
        Whether the search ended for lack of time.
    trials : tuple of Trial
        In the chosen encoding.
    encodings : Encodings or None
        None where the rows came in one encoding.
    """

    l2: float
    networks: int
    epochs: int
    scale: float
    rows: int
    loss: float | None
    calibrated_loss: float | None
    cut: bool
    trials: tuple[Trial, ...]
    encodings: Encodings | None = None

    def _summary(self) -> display.Summary:
        tried, count = len(self.losses()), len(self.trials)
        rows: list[tuple[str, ...]] = [
            ("λ", f"{self.l2:g}", f"of {tried} tried" if tried > 1 else ""),
            ("networks", f"{self.networks:,}", f"of {self.epochs:,} epochs"),
            ("temperature", f"{self.temperature:.3g}"),
        ]
        if self.calibrated_loss is not None:
            rows.append(
                ("out-of-fold loss", f"{self.calibrated_loss:.4g}", f"({self.rows:,} rows)")
            )
        cut = "cut for lack of time" if self.cut else ""
        rows += [("trials", f"{count:,}", cut)] if count else []
        return display.Summary("Chosen", rows)

    @property
    def temperature(self) -> float:
        """T; infinite where the network answers with the class shares."""
        return 1 / self.scale if self.scale > 0 else math.inf

    def losses(self) -> dict[float, list[float]]:
        """Return the losses on the folds of each λ that was tried, the smallest λ first."""
        found: dict[float, list[float]] = {l2: [] for l2 in sorted(t.l2 for t in self.trials)}
        for trial in self.trials:
            found[trial.l2].append(trial.loss)
        return found

    def to_json(self) -> dict[str, Any]:
        """Return JSON values."""
        trials = [trial.to_json() for trial in self.trials]
        encodings = None if self.encodings is None else self.encodings.to_json()
        return vars(self) | {"trials": trials, "encodings": encodings}

    @classmethod
    def from_json(cls, value: Any) -> Chosen:
        """Return what `to_json` wrote.

        Raises
        ------
        InputError
            If it is something else; the message is a clause.
        """
        wrong = InputError("its record of what was chosen is not what Backhand writes")
        if not isinstance(value, dict) or set(value) != {*OF_CHOICE, "trials", "encodings"}:
            raise wrong
        trials = value["trials"]
        if not isinstance(trials, list) or len(trials) > MOST:
            raise wrong
        if not all(allowed.allows(value[name]) for name, allowed in OF_CHOICE.items()):
            raise wrong
        read = [trial for trial in map(Trial.from_json, trials) if trial is not None]
        if len(read) < len(trials):
            raise wrong
        encodings = value["encodings"]
        if encodings is not None and (encodings := Encodings.from_json(encodings)) is None:
            raise wrong
        return cls(**value | {"trials": tuple(read), "encodings": encodings})
