"""What a search chose, in words and figures: for the report, the page and `inspect`."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from backhand.errors import comma_list
from backhand.model import Model
from backhand.selection import Chosen, Encodings

FRACTIONS = {2: "half", 3: "two thirds", 4: "three quarters", 5: "four fifths"}
"""The part of the rows that is not in a fold, by the number of folds."""


def choice_in_words(chosen: Chosen, hidden: int) -> list[tuple[str, str]]:
    """Return what was chosen, each under a title.

    Parameters
    ----------
    chosen : Chosen
    hidden : int
        Hidden units of the model: those of all its networks.
    """
    encodings = chosen.encodings
    return [
        *([] if encodings is None else [("numbers", _encoding(encodings))]),
        ("networks", _networks(chosen, hidden)),
        ("penalty", _penalty(chosen)),
        ("temperature", _temperature(chosen)),
    ]


IN_WORDS = {"standard": "standardised", "bins": "by bins"}
"""The encodings of numbers."""


def _encoding(encodings: Encodings) -> str:
    """Return which encoding was chosen, and the losses that decided."""
    losses, best = dict(encodings.losses), encodings.chosen
    others = [
        f"{IN_WORDS.get(name, name)} {loss:.4f}" if math.isfinite(loss) else
        f"{IN_WORDS.get(name, name)} not measured"
        for name, loss in losses.items() if name != best
    ]  # fmt: skip
    return (
        f"{IN_WORDS.get(best, best)}: out-of-fold loss {losses[best]:.4f}, {', '.join(others)} "
        f"({encodings.folds} folds)"
    )


def _networks(chosen: Chosen, hidden: int) -> str:
    k, epochs = chosen.networks, chosen.epochs
    why = "the median of the search" if chosen.trials else "since the rows allow no search"
    how = f"trained on all training rows for {epochs:,} epoch{'s' if epochs > 1 else ''}, {why}"
    if k == 1:
        return f"1 of {hidden:,} hidden units, {how}"
    return f"{k:,} of {hidden // k:,} hidden units, each {how}; averaged into one of {hidden:,}"


def _penalty(chosen: Chosen) -> str:
    tried = [f"{l2:g}" for l2 in chosen.losses()]
    cut = "; the time ended the search" if chosen.cut else ""
    if len(tried) < 2:
        return f"λ {chosen.l2:g}{cut}"
    return f"λ {chosen.l2:g}, chosen from {comma_list(tried)}{cut}"


def _temperature(chosen: Chosen) -> str:
    if chosen.scale == 0:
        return "the class shares for every row, since nothing that was tried is better"
    shown = f"{chosen.temperature:.3g}"
    return "1 (nothing to correct)" if shown == "1" else f"{shown} (1: nothing to correct)"


def out_of_fold_in_words(model: Model) -> str:
    """Return why the out-of-fold figures are not those of the saved network; empty without any."""
    chosen = model.chosen
    if chosen is None or not chosen.rows or not chosen.scale:
        return ""
    folds = len(chosen.losses().get(chosen.l2, []))
    alike = not chosen.cut and "time" not in model.hyperparameters
    part = FRACTIONS.get(folds, "a part") if alike else "a part"
    k = chosen.networks
    saved = "learned" if k == 1 else f"is the mean of {k:,} that learned"
    return (
        f"These are the figures of single networks that learned from {part} of the rows. The saved "
        f"network {saved} from all, so it is usually better."
    )


class Losses(NamedTuple):
    """A table of the losses by penalty: its headings, and a row for each λ."""

    headings: list[str]
    rows: list[list[str]]


def losses_by_penalty(chosen: Chosen) -> Losses:
    """Return the mean loss of each λ on the folds, for each number of folds that some λ ended at.

    So only figures of the same folds are in one column. They are those before the temperature.
    """
    by_penalty = chosen.losses()
    counts = sorted({len(losses) for losses in by_penalty.values()})
    most = counts[-1] if counts else 0
    every = None if chosen.cut else most
    headings = [_folds(count, "all" if count == every else "first") for count in counts]
    rows = [
        [f"{l2:g}{' (chosen)' if l2 == chosen.l2 else ''}",
         *(_mean(losses[:count]) if len(losses) >= count else "–" for count in counts)]
        for l2, losses in by_penalty.items()
    ]  # fmt: skip
    return Losses(headings, rows)


def _folds(count: int, which: str) -> str:
    if count == 1:
        return "one fold"
    return "both folds" if (count, which) == (2, "all") else f"{which} {count} folds"


def _mean(losses: list[float]) -> str:
    mean = float(np.mean(losses))
    return f"{mean:.4f}" if math.isfinite(mean) else "diverged"
