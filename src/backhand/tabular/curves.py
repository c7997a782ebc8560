"""What the learning curves of a model are of, in words: for the page and `inspect`."""

from __future__ import annotations

from backhand.model import Model, penalised
from backhand.selection import Chosen


def curves_in_words(model: Model) -> str:
    """Return sentences on what the curves of the losses contain, and where those of a search end.

    Returns
    -------
    str
        Empty where there is nothing to say.
    """
    said = []
    if penalised(model):
        said.append(
            "The training loss contains the penalty, which the other losses do not; so it can be "
            "the higher one."
        )
    if model.chosen is not None and model.chosen.trials:
        said.append(_end_of_means(model.chosen, len(model.history)))
    return " ".join(said)


def _end_of_means(chosen: Chosen, epochs: int) -> str:
    """Return of which networks the curves are means, and why they end where they do."""
    ends = [trial.epochs for trial in chosen.trials if trial.l2 == chosen.l2]
    averaged = f"each network that is averaged was trained for {chosen.epochs:,} epochs"
    if chosen.networks == 1:
        averaged = f"the network of the model was trained for {chosen.epochs:,} epochs"
    of_one = "The curves are those of the network of the search with the chosen penalty"
    if len(ends) < 2:
        return f"{of_one}, which ended after epoch {epochs:,}; {averaged}."
    last = f", the last after epoch {max(ends):,}" if max(ends) > epochs else ""
    return (
        f"The curves are means of the {len(ends)} networks of the search with the chosen penalty. "
        f"They end after epoch {epochs:,}, where the first of these networks ended{last}; "
        f"{averaged}."
    )
