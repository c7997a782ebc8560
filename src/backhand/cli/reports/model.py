"""The report of `backhand inspect`."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from backhand.cli.reports.chart import chart
from backhand.cli.reports.columns import columns_by_kind
from backhand.cli.reports.output import (
    console,
    entry,
    grid,
    hanging,
    network_shape,
    print_grid,
    print_json,
    section,
)
from backhand.errors import MOST_IN_NAME, comma_list
from backhand.evaluation import finite
from backhand.model import Model, class_names, penalised
from backhand.support.visible_text import MAX_CHARACTERS, printable
from backhand.tables.schema.columns import Category, Date, day_shown
from backhand.tables.schema.date_orders import FIRST
from backhand.tables.schema.schema import Schema
from backhand.tabular.choice import choice_in_words
from backhand.tabular.curves import curves_in_words

MAX_COLUMNS = 30
"""Number of columns that are listed."""


def show_model(model: Model, path: str, *, as_json: bool) -> None:
    """Print sizes, classes, columns, settings, metrics, versions, and the loss per epoch."""
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
            "chosen": None if model.chosen is None else model.chosen.to_json(),
            "history": {name: [finite(float(v)) for v in values] for name, values in history},
        })  # fmt: skip
        return
    tensors = ", ".join(f"{name} {_size(value)}" for name, value in model.params._asdict().items())
    rows = [
        ("shape", network_shape(d, H, K)),
        ("tensors", f"{tensors}, {model.params.W1.dtype}{_trained_in(model)}"),
        ("classes", comma_list(class_names(model))),
    ]
    if model.schema is not None:
        rows += [("target", model.schema.target), *columns_by_kind(model.schema)]
    if model.chosen is not None:
        rows += choice_in_words(model.chosen, H)
    for title, values in (
        ("settings", model.hyperparameters),
        ("metrics", model.metrics),
        ("versions", model.versions),
    ):
        shown = [f"{k} {_number(v)}" for k, v in values.items() if not isinstance(v, list)]
        if shown:
            rows.append((title, ", ".join(shown)))
    out = console()
    section(out, "Model", path, rows)
    if model.schema is not None:
        _columns(out, model.schema)
    if len(model.history) > 1:
        watched = "early stopping" if "stopping_rows" in model.metrics else "held out"
        watched = watched if model.chosen is None else "out of fold"
        _curves(out, model, watched)


def _trained_in(model: Model) -> str:
    """`, trained in bf16 (avx512bf16)`, where the settings say so."""
    settings = model.hyperparameters
    if settings.get("precision", "auto") == "auto":
        return ""
    products = settings.get("bf16_products")
    return f", trained in {settings['precision']}{f' ({products})' if products else ''}"


def _curves(out: Console, model: Model, watched: str) -> None:
    """Draw the losses, and tell where each curve begins, ends and is best.

    `watched` names the rows of the validation figures.
    """
    history, training = model.history, "training"
    if penalised(model):
        training += " (with penalty)"
    curves = {training: history.loss, watched: history.validation_loss}
    out.print(Text("Loss by epoch", "bold"))
    for line in chart(curves, "epoch", out.width - len("  epoch")):
        out.print(Text(line))
    out.print()
    first, *others = history.figures()
    table = grid(*first)
    for name, *figures in others:
        rows, _, figure = name.rpartition("_")
        of = watched if rows else training if figure == "loss" else "training"
        table.add_row(f"{figure}, {of}", *figures)
    print_grid(out, table)
    if said := curves_in_words(model):
        hanging(out, "", said, indent=0)


def _columns(out: Console, schema: Schema) -> None:
    out.print("[bold]Columns[/bold], with their statistics in the training rows")
    names = [printable(column.name, MOST_IN_NAME) for column in schema.columns[:MAX_COLUMNS]]
    width = min(max(map(cell_len, names)), out.width // 3) + 2
    for name, column in zip(names, schema.columns, strict=False):
        if isinstance(column, Category):
            what = comma_list(column.categories)
        elif isinstance(column, Date):
            what = _date(column)
        else:
            what = f"mean {column.mean:.6g}, standard deviation {column.std:.6g}"
            if count := max(0, len(column.bins) - 1):
                what += f"; {count} bin{'s' if count > 1 else ''}"
        missing = "; missing values flagged" if column.missing else ""
        what = printable(what, MAX_CHARACTERS) + missing
        entry(out, name, f"{column.kind:<9} {what}", width)
    if schema.columns[MAX_COLUMNS:]:
        out.print(f"  and {len(schema.columns) - MAX_COLUMNS:,} more; --json prints all")
    out.print()


def _date(column: Date) -> str:
    """Return the mean and the range of a date; in whole days, unless they are times of day."""
    ends = [x for x in (column.least, column.most) if x is not None]
    clock = all(0 <= x < 1 for x in (column.mean, *ends))
    moments = [column.mean, *ends] if clock else [math.floor(x) for x in (column.mean, *ends)]
    mean, *span = map(day_shown, moments)
    order = f", {FIRST[column.order]} first" if column.order else ""
    return f"mean {mean}{', from ' + ' to '.join(span) if span else ''}{order}"


def _size(array: Any) -> str:
    return "×".join(map(str, array.shape))


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
