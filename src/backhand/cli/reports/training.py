"""The report of `backhand train`, printed part by part."""

from __future__ import annotations

import shlex
from collections import Counter
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path

from rich.text import Text

from backhand.cli.reports.choice import show_choice
from backhand.cli.reports.columns import columns_by_kind
from backhand.cli.reports.cross_validation import show_cross_validation
from backhand.cli.reports.evaluation import show_evaluation, show_words
from backhand.cli.reports.notes import note_lines
from backhand.cli.reports.output import (
    console,
    engine_shown,
    hanging,
    network_shape,
    print_json,
    section,
)
from backhand.cli.reports.progress import ProgressDisplay, progress_display
from backhand.cli.reports.workers import workers_in_words, workers_to_json
from backhand.cli.written_output import replaced, replacing_clause
from backhand.engines import Engine
from backhand.errors import MOST_IN_NAME, comma_list
from backhand.evaluation import Evaluation
from backhand.model import Model, class_names
from backhand.selection import Recipe
from backhand.support.visible_text import MAX_CHARACTERS, printable
from backhand.table_settings import Settings
from backhand.tabular.advice import Advice
from backhand.tabular.cross_validation import CrossValidation
from backhand.tabular.sharing import Workers
from backhand.tabular.training import Prepared


def _missing(prepared: Prepared) -> list[tuple[str, str]]:
    """Return the missing values per column, and the texts that were read as missing."""
    texts = Counter[str]()
    for missing in prepared.missing.values():
        texts.update(missing.texts)
    rows = [("missing", comma_list(f"{name} {m.rows:,}" for name, m in prepared.missing.items()))]
    spellings = comma_list(f"'{text}' {n:,}" for text, n in texts.most_common())
    return (rows if prepared.missing else []) + ([("missing as", spellings)] if texts else [])


class TrainReport:
    """Print to standard output, as text or as JSON lines."""

    def __init__(
        self, *, as_json: bool, all_classes: bool = False, explain_words: bool = False
    ) -> None:
        self._json, self._all_classes, self._explain_words = as_json, all_classes, explain_words
        self._console = console()

    def table(self, prepared: Prepared) -> None:
        """Print how the table was read."""
        counts = prepared.class_counts
        if self._json:
            columns = [{"name": c.name, "kind": c.kind} for c in prepared.schema.columns]
            print_json("table", {
                "source": prepared.source, "rows": prepared.rows,
                "unlabelled": prepared.unlabelled, "target": prepared.target.name,
                "classes": counts, "columns": columns,
                "missing": {name: m.rows for name, m in prepared.missing.items()},
                "missing_texts": {name: m.texts for name, m in prepared.missing.items() if m.texts},
                "dropped": [{"name": n.column, "why": n.what} for n in prepared.notes
                            if n.kind == "dropped"],
                "notes": [asdict(note) for note in prepared.notes],
                "remarks": prepared.remarks,
                "changes": [change.to_json() for change in prepared.changes],
            })  # fmt: skip
            return
        classes = comma_list(f"{name} {n:,}" for name, n in counts.items())
        skipped = f" ({prepared.unlabelled:,} without a label skipped)"
        rows = [
            ("rows", f"{prepared.rows:,}{skipped if prepared.unlabelled else ''}"),
            ("target", prepared.target.name),
            ("classes", f"{len(counts):,}: {classes}"),
            *columns_by_kind(prepared.schema),
        ]
        rows += _missing(prepared)
        rows += [("read", remark) for remark in prepared.remarks]
        section(self._console, "Table", prepared.source, rows + note_lines(prepared.notes))

    def workers(self, workers: Workers, prepared: Prepared) -> None:
        """Print what the workers share, and what each of them reads."""
        if self._json:
            print_json("workers", workers_to_json(workers, prepared.readers))
            return
        section(self._console, "Workers", "", workers_in_words(workers, prepared.readers))

    def network(self, prepared: Prepared, settings: Settings, engine: Engine) -> None:
        """Print the shape and size of the network, and how it is trained."""
        encodings = prepared.encodings(settings)
        d = next(iter(encodings.values())).schema.width
        H, K = settings.hidden, len(prepared.target.classes)
        training = prepared.training.rows
        epochs, size = settings.epochs_for(training), d * H + H + H * K + K
        folds = [] if prepared.folds is None else prepared.folds.measured
        if self._json:
            print_json("model", {
                "d": d, "H": H, "K": K, "parameters": size, "engine": engine.name,
                "precision": engine.precision,
                "bf16_products": engine.depends_on().get("bf16"), "epochs": epochs,
                "training_rows": training, "stopping_rows": prepared.stopping.rows,
                "held_out_rows": prepared.held_out.rows, "how": prepared.how, "folds": len(folds),
                "settings": settings.values(training),
            })  # fmt: skip
            return
        rows = [
            ("shape", network_shape(d, H, K)),
            ("size", f"{size:,} parameters{'' if settings.quick else ' per network'}, float32"),
            ("rows", _rows(prepared, settings)),
            ("training", f"{_training(settings, epochs)}, {engine_shown(engine)}"),
        ]
        if prepared.folds is not None:
            if len(encodings) > 1:
                width = encodings["bins"].schema.width
                rows.append(("numbers", f"standardised, or by bins: {width:,} features"))
            rows.append(("search", _search(settings.recipe_for(prepared.folds), len(folds))))
        section(self._console, "Model", "", rows)

    def progress(self, message: str = "starting") -> AbstractContextManager[ProgressDisplay]:
        """Return the display for reading a table or for training."""
        return progress_display(self._console, message, as_json=self._json)

    def fold(self, evaluation: Evaluation) -> None:
        """Print the evaluation of a fold, as JSON only."""
        if self._json:
            print_json("fold", evaluation.to_json())

    def result(
        self,
        model: Model,
        evaluation: Evaluation | None,
        warnings: list[Advice],
        output: Path,
        validated: CrossValidation | None = None,
        search_seconds: float | None = None,
    ) -> None:
        """Print how well the model performs, what to beware of, and how to use it."""
        training = _figures(model, "training")
        best, chosen = model.metrics.get("best_epoch"), model.chosen
        if self._json:
            print_json("result", {
                "held_out": None if evaluation is None else evaluation.to_json(),
                "training_accuracy": training["accuracy"], "training_loss": training["loss"],
                "best_epoch": best, "chosen": None if chosen is None else chosen.to_json(),
                "out_of_fold": _figures(model, "out_of_fold") or None,
                "cross_validation": None if validated is None else validated.to_json(),
                "warnings": [asdict(warning) for warning in warnings], "output": str(output),
                "replaced": replaced(output),
            })  # fmt: skip
            return
        if best is not None:
            print(
                f"Stopped after {len(model.history):,} epochs; the model is that of epoch {best:,}"
            )
        if chosen is not None:
            show_choice(self._console, chosen, model, search_seconds)
        if validated is not None:
            show_cross_validation(validated, model.metrics["training_rows"])
        if evaluation is None:
            self._trained_on_all(model)
        else:
            title = "Held-out accuracy" if validated is None else "Accuracy of all folds together"
            show_evaluation(
                evaluation, title, as_json=False, all_classes=self._all_classes,
                beside={"out of fold": _figures(model, "out_of_fold"), "training": training},
            )  # fmt: skip
        self._warnings(warnings)
        print(f"Saved {printable(str(output))}{replacing_clause(output)}")
        print(f"Use it: backhand predict {printable(shlex.quote(str(output)))} NEW_DATA")
        if self._explain_words:
            print()
            show_words()

    def _trained_on_all(self, model: Model) -> None:
        """Print the figures of the training rows, where none were held out."""
        rows, out = model.metrics["class_rows"], self._console
        accuracy, loss = (model.metrics[f"training_{name}"] for name in ("accuracy", "loss"))
        hanging(
            out, "", f"Training accuracy {accuracy:.4f}, loss {loss:.4f} (no rows were held out)", 2
        )
        commonest = printable(class_names(model)[rows.index(max(rows))], MOST_IN_NAME)
        share = max(rows) / sum(rows)
        hanging(out, "", f"Always answering '{commonest}' would score {share:.4f}", 2)
        out.print()

    def _warnings(self, warnings: list[Advice]) -> None:
        if not warnings:
            return
        self._console.print(Text("Warnings", "bold"))
        for warning in warnings:
            text = printable(f"{warning.what} {warning.advice}".strip(), MAX_CHARACTERS)
            hanging(self._console, "  ! ", text, indent=4)
        self._console.print()


def _figures(model: Model, rows: str) -> dict[str, float]:
    """Accuracy and loss of some rows, if they were measured."""
    names = {name: f"{rows}_{name}" for name in ("accuracy", "loss")}
    return {name: model.metrics[key] for name, key in names.items() if key in model.metrics}


def _search(recipe: Recipe, folds: int) -> str:
    """What a search tries, in a few words."""
    if not folds:
        return "none, since the rows cannot be divided into folds"
    count = len(recipe.penalties)
    penalties = f"{count} penalties" if count > 1 else f"penalty λ {recipe.penalties[0]:g}"
    budget = "" if recipe.seconds is None else f", {recipe.seconds:g} s at most"
    return f"{folds} fold{'s' if folds > 1 else ''} of the training rows, {penalties}{budget}"


def _rows(prepared: Prepared, settings: Settings) -> str:
    """How many rows are for what, and how they were chosen."""
    training, stopping = prepared.training.rows, prepared.stopping.rows
    parts = [f"{training:,} to train on"]
    parts += [f"{stopping:,} for early stopping"] if stopping else []
    if settings.cv is not None:
        by = "".join(f", by {name}" for name in (settings.group, settings.time) if name is not None)
        return f"{', '.join(parts)}; before that, {settings.cv} folds{by}"
    how = f" ({prepared.how})" if prepared.how else ""
    return f"{', '.join(parts)}, {prepared.held_out.rows:,} held out{how}"


def _training(settings: Settings, epochs: int) -> str:
    """How the network is trained, in a few words."""
    config = settings.config
    parts = [f"{epochs:,} epochs{' at most' if config.early_stopping else ''}",
             f"batches of {settings.batch_size:,}", config.rule.name]  # fmt: skip
    parts += [f"dropout {settings.dropout:g}"] if settings.dropout else []
    parts += [f"{settings.class_weight} classes"] if settings.class_weight else []
    return ", ".join(parts)
