"""What is told of the rows of another table than that of training, on standard error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backhand.cli.standard_streams import write_message
from backhand.tables.schema.changes import Change
from backhand.tabular.prediction import Evaluated

MOST = 20
"""Changes that are printed."""


def show_changes(changes: Sequence[Change]) -> None:
    """Print a line for each column of which some values are not as in training."""
    for change in changes[:MOST]:
        write_message(f"{change}.")
    if changes[MOST:]:
        write_message(f"{len(changes) - MOST:,} more changes since training; --json prints all.")


def show_trained_on(evaluated: Evaluated, metrics: dict[str, Any]) -> None:
    """Print that some of the rows were trained on, and what the held-out ones gave."""
    if sentence := evaluated.about_training(metrics):
        write_message(sentence)
