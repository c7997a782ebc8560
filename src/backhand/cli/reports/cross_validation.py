"""The report of a cross-validation: each figure's mean over the folds, and its interval."""

from __future__ import annotations

from backhand.cli.reports.evaluation import NAMES
from backhand.cli.reports.output import console, grid, print_grid
from backhand.tabular.cross_validation import CrossValidation


def show_cross_validation(validated: CrossValidation, rows: int) -> None:
    """Print the figures; `rows` are those that the model is trained on."""
    out, count = console(), len(validated.folds)
    out.print(f"[bold]Cross-validation[/bold] of {count} folds, each held out once")
    out.print()
    table = grid("figure", "mean", "95 % interval", "lowest fold", "highest fold")
    for name, interval in validated.figures().items():
        folds = [fold.to_json()[name] for fold in validated.folds]
        figures = (interval.mean, min(folds), max(folds))
        mean, lowest, highest = (f"{value:.4f}" for value in figures)
        between = f"{interval.low:.4f} to {interval.high:.4f}"
        table.add_row(NAMES.get(name, name), mean, between, lowest, highest)
    print_grid(out, table)
    out.print()
    out.print(
        f"The figures are those of {count} models, each trained without the rows of its fold.\n"
        f"The model that is saved is trained on all {rows:,} rows."
    )
    out.print()
