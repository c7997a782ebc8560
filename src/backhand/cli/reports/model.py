"""How `backhand inspect` shows what a model file says of itself."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.text import Text

from backhand.cli.reports.chart import chart
from backhand.cli.reports.output import columns_by_kind, console, print_json, section, some
from backhand.cli.terminal_text import MOST_LETTERS, printable
from backhand.errors import MOST_IN_NAME
from backhand.evaluation import finite
from backhand.model import Model
from backhand.tables.schema.schema import Category, Schema

MOST_COLUMNS = 30
"""Columns that are listed one by one."""

WIDEST_NAME = 60
"""Letters of a name that those of the others are filled up to."""


def show_model(model: Model, path: str, *, as_json: bool) -> None:
    """Sizes, classes, columns, settings, figures, versions, and the loss by epoch."""
    d, H, K = model.sizes
    if as_json:
        history = asdict(model.history).items()
        print_json("model", {
            "d": d, "H": H, "K": K, "dtype": str(model.params.W1.dtype),
            "classes": list(model.classes),
            "schema": None if model.schema is None else model.schema.to_json(),
            "hyperparameters": model.hyperparameters,
            "metrics": {name: finite(value) for name, value in model.metrics.items()},
            "versions": model.versions,
            "history": {name: [finite(float(v)) for v in values] for name, values in history},
        })  # fmt: skip
        return
    tensors = ", ".join(f"{name} {_size(value)}" for name, value in model.params._asdict().items())
    rows = [
        ("shape", f"{d} features → {H} hidden (ReLU) → {K} classes (softmax)"),
        ("tensors", f"{tensors}, {model.params.W1.dtype}"),
        ("classes", some(map(str, model.classes))),
    ]
    if model.schema is not None:
        rows += [("target", model.schema.target), *columns_by_kind(model.schema)]
    for title, values in (
        ("settings", model.hyperparameters),
        ("figures", model.metrics),
        ("versions", model.versions),
    ):
        if values:
            rows.append((title, ", ".join(f"{k} {_number(v)}" for k, v in values.items())))
    out = console()
    section(out, "Model", path, rows)
    if model.schema is not None:
        _columns(out, model.schema)
    if len(model.history) > 1:
        out.print("[bold]Loss[/bold] by epoch")
        out.print(Text(chart(model.history.loss)))


def _columns(out: Console, schema: Schema) -> None:
    out.print("[bold]Columns[/bold], as they were in training")
    width = max(len(column.name) for column in schema.columns[:MOST_COLUMNS])
    width = min(width, WIDEST_NAME)
    for column in schema.columns[:MOST_COLUMNS]:
        if isinstance(column, Category):
            what = some(column.categories)
        else:
            what = f"mean {column.mean:.6g}, standard deviation {column.std:.6g}"
        missing = "; missing marked" if column.missing else ""
        name = printable(column.name, MOST_IN_NAME)
        what = printable(what, MOST_LETTERS) + missing
        out.print(Text(f"  {name:<{width}}  {column.kind:<9} {what}"))
    if schema.columns[MOST_COLUMNS:]:
        out.print(f"  and {len(schema.columns) - MOST_COLUMNS:,} more; --json shows them all")
    out.print()


def _size(array: Any) -> str:
    return "×".join(map(str, array.shape))


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
