"""`backhand train`: a table in, a trained, judged and saved model out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backhand.cli import options, written_output
from backhand.support.signals import signals_held

if TYPE_CHECKING:
    from backhand.model import Model
    from backhand.training import Checkpoint


def train(
    data: options.OptionalData = None,
    *,
    target: Annotated[
        str, typer.Option("--target", "-t", metavar="COLUMN", help="The column to predict.")
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", show_default="the data's name, .safetensors",
            help="Where to save the model.",
        ),
    ] = None,
    hidden: Annotated[int, typer.Option(help="Hidden units, H.")] = 128,
    epochs: Annotated[
        int | None,
        typer.Option(show_default="about 8,000 updates' worth, 10 to 100",
                     help="Passes over the training rows."),
    ] = None,
    batch_size: Annotated[int, typer.Option(help="Rows an update.")] = 128,
    learning_rate: Annotated[
        float, typer.Option(help="Peak of the learning rate: it warms up, then falls off.")
    ] = 0.004,
    optimizer: Annotated[str, typer.Option(help="adam, sgd, momentum or nesterov.")] = "adam",
    weight_decay: Annotated[
        float, typer.Option(help="λ of the penalty λ/2 (‖W1‖² + ‖W2‖²).")
    ] = 0.0002,
    seed: Annotated[
        int, typer.Option(help="Of the split, the first weights and the shuffles.")
    ] = 0,
    test_size: Annotated[
        float, typer.Option(help="Share of each class that is held out for judging.")
    ] = 0.2,
    drop: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN", show_default=False,
                     help="A column not to use; may be given several times."),
    ] = None,
    categorical: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN", show_default=False,
                     help="A column whose numbers are names; may be given several times."),
    ] = None,
    missing: Annotated[
        list[str] | None,
        typer.Option(metavar="TEXT", show_default="NA, None, ? and such, in features only",
                     help="A text that means missing too, in features and in the target (-999 is "
                          "also -999.0); may be given several times. An empty field always does. "
                          "With --missing '' NA, None, ? and such do not."),
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
                     help="Folder to save in, again and again, where training stands."),
    ] = None,
    every: Annotated[
        str | None,
        typer.Option(metavar="SPAN", show_default="30s", help="How often: 30s, 5min, 2epochs."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the last checkpoint, if there is one.")
    ] = False,
    engine: options.EngineName = "auto",
    device: options.Device = None,
    threads: options.Threads = None,
    json: options.Json = False,
) -> None:  # fmt: skip
    """Train a classifier on a table. It is judged on held-out rows and saved."""
    import sys

    import numpy as np

    from backhand.cli.reports.training import TrainReport
    from backhand.engines import make_engine
    from backhand.model import HEAD
    from backhand.support.atomic_files import check_folder, check_output
    from backhand.support.memory_budget import budget
    from backhand.tables.array_store import ArrayStore
    from backhand.tables.reading.reader import expand, read_table
    from backhand.tabular import Settings, fit_table, prepare_table
    from backhand.training import Every

    settings = Settings(
        hidden=hidden, epochs=epochs, batch_size=batch_size, learning_rate=learning_rate,
        optimizer=optimizer, weight_decay=weight_decay, seed=seed, test_size=test_size,
    )  # fmt: skip
    chosen = make_engine(engine, device, threads)
    inputs = expand(data) if data is not None else []
    output = check_output(
        output or default_output(data), "the model file", inputs, ours=None if output else HEAD
    )
    written_output.expect(output, f"the model is saved in {output}")
    keeping = checkpoint_of(checkpoint, every, resume=resume)
    room = budget(memory)
    folder = check_folder(cache_dir, keep=keep_cache)
    report = TrainReport(as_json=json)
    with report.progress("reading") as watcher:
        table = read_table(data, query, memory=room, cache_dir=folder, watch=watcher.load)
        prepared = prepare_table(
            table, target, settings, drop or (), categorical or (), missing=missing or None,
            matrices=ArrayStore(room // 2, folder, keep=keep_cache), watch=watcher.read,
        )  # fmt: skip
        table.close()
    report.table(prepared)
    report.network(prepared, settings, chosen.name)
    sys.stdout.flush()  # a report that has no room is known before the first epoch

    def keep(model: Model) -> None:
        with signals_held():  # training is done: nothing is thrown away now
            save_somewhere(model, output)

    with report.progress() as watcher:
        for dtype in (np.float32, np.float64):  # which training and prediction compute in
            chosen.prepare(dtype, watcher.say)
        model, evaluation = fit_table(
            prepared, settings, engine=chosen, callbacks=[Every(None, watcher.show)],
            checkpoint=keeping, trained=keep,
        )  # fmt: skip
        if evaluation is not None:
            keep(model)  # with its figures
    report.result(model, evaluation, output)


def save_somewhere(model: Model, output: Path) -> None:
    """Save a trained model; where that fails, in a temporary folder, so that it is not lost.

    Raises
    ------
    OutputError
        If it could not be saved where it was wanted; the message says where it is.
    """
    import shutil
    import tempfile

    from backhand.errors import BackhandError, OutputError
    from backhand.model import save

    try:
        save(model, output)
    except BackhandError as error:
        try:
            refuge = Path(tempfile.mkdtemp(prefix="backhand-model-")) / output.name
        except OSError:
            raise error from None
        try:
            save(model, refuge)
        except BackhandError:
            shutil.rmtree(refuge.parent, ignore_errors=True)
            raise error from None
        raise OutputError(f"{error} The trained model is in {refuge}.") from error


def checkpoint_of(folder: Path | None, every: str | None, *, resume: bool) -> Checkpoint | None:
    """What the three options say together."""
    from backhand.errors import InputError
    from backhand.training import Checkpoint

    if folder is not None:
        made = Checkpoint(folder, every or "30s", resume=resume)
        made.check()
        return made
    if resume:
        raise InputError("--resume goes on from a folder: name it with --checkpoint.")
    if every is not None:
        raise InputError("--every is about checkpoints: name their folder with --checkpoint.")
    return None


def default_output(data: str | None) -> Path:
    """`penguins.safetensors`, in the working folder, for any `…/penguins.csv.gz`."""
    name = Path(data or "model").name.removesuffix(".gz")
    stem = Path(name).stem
    return Path(f"{'model' if set('*?[') & set(stem) else stem}.safetensors")
