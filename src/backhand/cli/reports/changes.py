"""What is told of the rows of another table than that of training, on standard error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backhand.cli.standard_streams import write_message
from backhand.tables.schema.changes import Change

MOST = 20
"""Changes that are printed."""

NEARLY_ALL, HARDLY_ANY = 0.995, 0.005
"""Shares above and below which "about" would be odd."""


def show_changes(changes: Sequence[Change]) -> None:
    """Print a line for each column of which some values are not as in training."""
    for change in changes[:MOST]:
        write_message(f"{change}.")
    if changes[MOST:]:
        write_message(f"{len(changes) - MOST:,} more changes since training; --json prints all.")


def show_trained_on(share: float, metrics: dict[str, Any]) -> None:
    """Print that some of the rows were trained on, and what the held-out ones gave."""
    if not share > HARDLY_ANY:
        return
    some = "all" if share > NEARLY_ALL else f"about {share:.0%}"
    accuracy = metrics.get("held_out_accuracy")
    known = isinstance(accuracy, float)
    instead = (
        f"on rows held out from training the accuracy was {accuracy:.4f}"
        if known
        else "evaluate it on other rows"
    )
    write_message(
        f"the model was trained on {some} of these rows, so the figures say how well it knows "
        f"them, not how good it is; {instead}."
    )
