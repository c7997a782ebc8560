"""`backhand train`: train a model on a table, evaluate it and save it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backhand.cli import options, written_output
from backhand.support.signals import signals_held
from backhand.table_settings import Settings

if TYPE_CHECKING:
    from backhand.model import Model
    from backhand.training.checkpoints.checkpoint import Checkpoint

DEFAULT = Settings()


def train(
    data: options.OptionalData = None,
    *,
    target: Annotated[
        str, typer.Option("--target", "-t", metavar="COLUMN", help="Column to predict.")
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", show_default="name of DATA with .safetensors",
            help="Model file to write.",
        ),
    ] = None,
    hidden: Annotated[int, typer.Option(help="Number of hidden units, H.")] = DEFAULT.hidden,
    epochs: Annotated[
        int | None,
        typer.Option(show_default="10 to 100, for about 8,000 updates",
                     help="Passes over the training rows."),
    ] = DEFAULT.epochs,
    batch_size: Annotated[
        int, typer.Option(help="Mini-batch size (rows per update).")
    ] = DEFAULT.config.batch_size or 0,
    learning_rate: Annotated[
        float, typer.Option(help="Peak learning rate, η; it rises first, then falls to 0.")
    ] = DEFAULT.config.learning_rate,
    optimizer: Annotated[
        str, typer.Option(help="adam, sgd, momentum or nesterov.")
    ] = str(DEFAULT.config.optimizer),
    l2: options.L2 = DEFAULT.config.l2,
    seed: Annotated[
        int, typer.Option(help="Random seed for the split, initial parameters and shuffling.")
    ] = DEFAULT.config.seed,
    test_size: Annotated[
        float, typer.Option(help="Fraction of each class held out for evaluation.")
    ] = DEFAULT.test_size,
    drop: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN", show_default=False,
                     help="Column to ignore; may be repeated."),
    ] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN", show_default=False,
                     help="Column to use although it would be dropped, as identifiers are; may be "
                          "repeated."),
    ] = None,
    numeric: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN", show_default=False,
                     help="Column to read as numbers, whatever texts are among them; may be "
                          "repeated."),
    ] = None,
    categorical: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN", show_default=False,
                     help="Column to treat as categories, although it holds numbers; may be "
                          "repeated."),
    ] = None,
    decimal: Annotated[
        str | None,
        typer.Option(metavar="SIGN", show_default="found in the column",
                     help="Decimal sign of numbers: . or ,"),
    ] = None,
    date_order: Annotated[
        str | None,
        typer.Option(metavar="ORDER", show_default="found in the column",
                     help="Order of dates with the year last: dmy or mdy."),
    ] = None,
    missing: Annotated[
        list[str] | None,
        typer.Option(metavar="TEXT", show_default="NA, None, ? and similar, in features only",
                     help="Text that means a missing value, in features and in the target (-999 "
                          "includes -999.0); may be repeated. An empty field is always missing. "
                          "With --missing '', NA, None, ? and similar are ordinary texts."),
    ] = None,
    query: options.Query = None,
    memory: options.Memory = None,
    cache_dir: options.CacheDir = None,
    keep_cache: Annotated[
        bool, typer.Option("--keep-cache", help="Keep the encoded rows there, as .npy files.")
    ] = False,
    checkpoint: Annotated[
        Path | None,
        typer.Option(metavar="DIR", show_default=False,
                     help="Folder for periodic checkpoints."),
    ] = None,
    every: Annotated[
        str | None,
        typer.Option(metavar="INTERVAL", show_default="30s",
                     help="Interval between checkpoints: 30s, 5min, 2epochs."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Resume from the last checkpoint, if there is one.")
    ] = False,
    engine: options.EngineName = "auto",
    device: options.Device = None,
    threads: options.Threads = None,
    report_file: options.ReportFile = None,
    all_classes: options.AllClasses = False,
    explain_words: options.ExplainWords = False,
    json: options.Json = False,
) -> None:  # fmt: skip
    """Train a classifier on a table. Evaluates it on held-out rows and saves it."""
    import sys

    from backhand.cli.report_file import command_line, report_path, show_report
    from backhand.cli.reports.training import TrainReport
    from backhand.engines import make_engine
    from backhand.model import HEAD
    from backhand.support.atomic_files import check_folder, check_output
    from backhand.support.memory_budget import budget
    from backhand.tables.array_store import ArrayStore
    from backhand.tables.reading.reader import expand, read_table
    from backhand.tables.schema.choices import ColumnChoices
    from backhand.tabular.advice import advise
    from backhand.tabular.training import fit_table, prepare_table
    from backhand.training.callbacks import Every

    chosen_settings: dict[str, Any] = {
        "batch_size": batch_size, "learning_rate": learning_rate, "optimizer": optimizer,
        "l2": l2, "seed": seed,
    }  # fmt: skip
    settings = Settings(hidden, epochs, test_size, replace(DEFAULT.config, **chosen_settings))
    choices = ColumnChoices(
        drop=tuple(drop or ()), keep=tuple(keep or ()), numeric=tuple(numeric or ()),
        categorical=tuple(categorical or ()), missing=tuple(missing) if missing else None,
        decimal=decimal, date_order=date_order,
    )  # fmt: skip
    chosen = make_engine(engine, device, threads)
    inputs = expand(data) if data is not None else []
    output = check_output(
        output or default_output(data), "the model file", inputs, ours=None if output else HEAD
    )
    written_output.expect_file(output, f"the model is saved in {output}")
    page = report_path(report_file, data, output)
    periodic = checkpoint_from(checkpoint, every, resume=resume)
    available = budget(memory)
    folder = check_folder(cache_dir, keep=keep_cache)
    report = TrainReport(as_json=json, all_classes=all_classes, explain_words=explain_words)
    with report.progress("reading") as display:
        table = read_table(
            data, query, memory=available, cache_dir=folder, watch=display.show_loading
        )
        prepared = prepare_table(
            table, target, settings, choices,
            matrices=ArrayStore(available // 2, folder, keep=keep_cache),
            watch=display.show_reading,
        )  # fmt: skip
        if page is None:
            table.close()
    report.table(prepared)
    report.network(prepared, settings, chosen.name)
    sys.stdout.flush()  # a full output fails here, before the first epoch

    def keep_model(model: Model) -> None:
        with signals_held():  # a signal must not discard a finished training
            save_or_rescue(model, output)

    with report.progress() as display:
        model, evaluation = fit_table(
            prepared, settings, engine=chosen, callbacks=[Every(None, display.show_epochs)],
            checkpoint=periodic, trained=keep_model, notify=display.show_message,
        )  # fmt: skip
        keep_model(model)  # with its metrics
    advice = advise(prepared, model, evaluation)
    report.result(model, evaluation, advice, output)
    if page is not None:
        from backhand.report_page.write import write_training_report

        write_training_report(
            page, prepared, model, evaluation, table, advice=advice, command=command_line(),
            model_file=str(output),
        )  # fmt: skip
        table.close()
        show_report(page, as_json=json)


def save_or_rescue(model: Model, output: Path) -> None:
    """Save a trained model; if that fails, save it in a temporary folder, so that it is not lost.

    Raises
    ------
    OutputError
        If it could not be saved in `output`; the message says where it is instead.
    """
    import shutil
    import tempfile

    from backhand.errors import BackhandError, OutputError
    from backhand.model import save

    try:
        save(model, output)
    except BackhandError as error:
        try:
            rescued = Path(tempfile.mkdtemp(prefix="backhand-model-")) / output.name
        except OSError:
            raise error from None
        try:
            save(model, rescued)
        except BackhandError:
            shutil.rmtree(rescued.parent, ignore_errors=True)
            raise error from None
        raise OutputError(f"{error} The trained model is in {rescued}.") from error


def checkpoint_from(folder: Path | None, every: str | None, *, resume: bool) -> Checkpoint | None:
    """Return the checkpoint that --checkpoint, --every and --resume describe, if any."""
    from backhand.errors import InputError
    from backhand.training.checkpoints.checkpoint import Checkpoint

    if folder is not None:
        made = Checkpoint(folder, every or "30s", resume=resume)
        made.check()
        return made
    if resume:
        raise InputError("--resume needs a checkpoint folder; name it with --checkpoint DIR.")
    if every is not None:
        raise InputError("--every needs a checkpoint folder; name it with --checkpoint DIR.")
    return None


def default_output(data: str | None) -> Path:
    """Return `penguins.safetensors`, in the working folder, for any `…/penguins.csv.gz`."""
    name = Path(data or "model").name.removesuffix(".gz")
    stem = Path(name).stem
    return Path(f"{'model' if set('*?[') & set(stem) else stem}.safetensors")
