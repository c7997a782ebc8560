"""What a search chose, as a report prints it."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from backhand.cli.reports.output import grid, hanging, print_grid, section
from backhand.model import Model
from backhand.selection import Chosen
from backhand.tabular.choice import choice_in_words, losses_by_penalty, out_of_fold_in_words


def show_choice(out: Console, chosen: Chosen, model: Model, seconds: float | None) -> None:
    """Print what was chosen, the losses of the penalties, and the out-of-fold figures.

    `seconds` are those of the search, if there was one.
    """
    search = [] if seconds is None else [("search", f"{seconds:,.1f} s")]
    section(out, "Chosen", "", choice_in_words(chosen, model.sizes[1]) + search)
    losses = losses_by_penalty(chosen)
    if len(losses.rows) > 1:
        out.print(Text("Losses on the folds, before the temperature", "bold"))
        table = grid("penalty λ", *(f"loss, {heading}" for heading in losses.headings))
        for row in losses.rows:
            table.add_row(*row)
        print_grid(out, table)
        out.print()
    if rows := model.metrics.get("out_of_fold_rows"):
        accuracy, loss = (model.metrics[f"out_of_fold_{name}"] for name in ("accuracy", "loss"))
        text = (
            f"Out-of-fold accuracy {accuracy:.4f}, loss {loss:.4f}: {rows:,} training rows, each "
            f"predicted by a network that did not learn from it. {out_of_fold_in_words(model)}"
        )
        hanging(out, "", text, indent=2)
        out.print()
