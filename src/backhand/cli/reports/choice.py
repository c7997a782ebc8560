"""What a search chose, as a report prints it."""

from __future__ import annotations

from rich.console import Console

from backhand.cli.reports.output import grid, hanging, print_grid, section
from backhand.model import Model
from backhand.selection import Chosen
from backhand.tabular.choice import choice_in_words, losses_by_penalty


def show_choice(out: Console, chosen: Chosen, model: Model) -> None:
    """Print what was chosen, the losses of the penalties, and the out-of-fold figures."""
    section(out, "Chosen", "", choice_in_words(chosen, model.sizes[1]))
    losses = losses_by_penalty(chosen)
    if len(losses.rows) > 1:
        table = grid("penalty λ", *(f"loss, {heading}" for heading in losses.headings))
        for row in losses.rows:
            table.add_row(*row)
        print_grid(out, table)
        out.print()
    if rows := model.metrics.get("out_of_fold_rows"):
        accuracy, loss = (model.metrics[f"out_of_fold_{name}"] for name in ("accuracy", "loss"))
        text = (
            f"Out-of-fold accuracy {accuracy:.4f}, loss {loss:.4f}: {rows:,} training rows, each "
            "predicted by a network that did not learn from it"
        )
        hanging(out, "", text, indent=2)
        out.print()
