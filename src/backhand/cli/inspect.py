"""`backhand inspect`: show the contents of a model file."""

from __future__ import annotations

from backhand.cli import options


def inspect(model: options.ModelFile, *, json: options.Json = False) -> None:
    """Show the contents of a model file. Sizes, classes, columns, metrics, training history."""
    from backhand.cli.reports.model import show_model
    from backhand.model import load

    show_model(load(model), model, as_json=json)
