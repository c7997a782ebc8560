"""`backhand train`: train a model on a table, evaluate it and save it."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple
from urllib.parse import urlsplit

import typer

from backhand.cli import options, written_output
from backhand.cli.option_groups import with_groups
from backhand.cli.train_options import (
    SPELLED,
    TITLES,
    ColumnOptions,
    EngineOptions,
    FileOptions,
    StorageOptions,
    WorkerOptions,
)
from backhand.support.signals import signals_held
from backhand.table_settings import Settings

if TYPE_CHECKING:
    from backhand.cli.reports.progress import ProgressDisplay
    from backhand.cli.reports.training import TrainReport
    from backhand.engines import Engine
    from backhand.evaluation import Evaluation
    from backhand.model import Model
    from backhand.selection import SearchProgress
    from backhand.tables.schema.choices import ColumnChoices
    from backhand.tables.table import Table
    from backhand.tabular.advice import Advice
    from backhand.tabular.room import Room
    from backhand.tabular.sharing import Workers
    from backhand.tabular.training import Prepared
    from backhand.training.checkpoints.checkpoint import Checkpoint


@with_groups(titles=TITLES, spelled=SPELLED)
def train(
    data: options.OptionalData = None,
    *,
    target: Annotated[
        str | None,
        typer.Option("--target", "-t", metavar="COLUMN", show_default="required",
                     help="Column to predict."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", show_default="name of DATA with .safetensors",
            help="Model file to write, in the format safetensors.",
        ),
    ] = None,
    query: options.Query = None,
    settings: Settings,
    reading: FileOptions,
    columns: ColumnOptions,
    storage: StorageOptions,
    computing: EngineOptions,
    sharing: WorkerOptions,
    report_file: options.ReportFile = None,
    all_classes: options.AllClasses = False,
    explain_words: options.ExplainWords = False,
    json: options.Json = False,
) -> None:  # fmt: skip
    """Train a classifier on a table. Evaluates it on held-out rows and saves it."""
    from backhand.cli.arguments import no_target, warn_of_replaced_model
    from backhand.cli.report_file import command_line, report_path, show_report
    from backhand.cli.reports.changes import show_changes
    from backhand.cli.reports.training import TrainReport
    from backhand.tabular.training import prepare_table

    if target is None:
        raise no_target(data, query, **reading.stated())
    choices, engine = columns.choices(), computing.made()
    inputs = table_files(data, settings.validation, elsewhere=sharing.ray is not None)
    output = checked_output(output, data, inputs)
    page = report_path(report_file, inputs, output)
    periodic, room = storage.periodic(settings), storage.room(settings)
    report = TrainReport(as_json=json, all_classes=all_classes, explain_words=explain_words)
    with sharing.connected(data, query, settings, computing.threads) as workers:
        with report.progress("reading") as display:
            tables = read_tables(data, query, settings, reading, storage, workers, display)
            prepared = prepare_table(
                tables.table, target, settings, choices, validation=tables.validation,
                matrices=room.matrices(), watch=display.show_reading,
            )  # fmt: skip
        report.table(prepared)
        if workers is not None:
            report.workers(workers, prepared)
            engine = workers.engine(engine, tables.table, computing.device, computing.threads)
        show_changes(prepared.changes)
        report.network(prepared, settings, engine)
        warn_of_replaced_model(output, prepared)
        sys.stdout.flush()  # a full output fails here, before the first epoch
        model, evaluation, advice = train_prepared(
            prepared, tables, settings, choices, room, engine, periodic, report, output,
            close=page is None,
        )  # fmt: skip
        if page is not None:
            from backhand.report_page.write import write_training_report

            write_training_report(
                page, prepared, model, evaluation, tables.evaluated, advice=advice,
                command=command_line(), model_file=str(output),
            )  # fmt: skip
            tables.close()
            show_report(page, as_json=json)


def train_prepared(
    prepared: Prepared,
    tables: Tables,
    settings: Settings,
    choices: ColumnChoices,
    room: Room,
    engine: Engine,
    checkpoint: Checkpoint | None,
    report: TrainReport,
    output: Path,
    *,
    close: bool,
) -> tuple[Model, Evaluation | None, list[Advice]]:
    """Train, save and report on a table that was read; with `close`, it is not needed after."""
    from backhand.tabular.advice import advise
    from backhand.tabular.cross_validation import cross_validate
    from backhand.tabular.training import fit_table
    from backhand.training.callbacks import Every

    def keep_model(model: Model) -> None:
        with signals_held():  # a signal must not discard a finished training
            save_or_rescue(model, output)

    searched: float | None = None

    def show_search(search: SearchProgress) -> None:
        nonlocal searched
        searched = search.seconds if search.searching else searched
        display.show_search(search)

    with report.progress() as display:
        shown = [Every(None, display.show_epochs)]
        validated = None if settings.cv is None else cross_validate(
            tables.table, prepared, settings, choices, engine=engine, callbacks=shown,
            watch=show_search, matrices=room.matrices_of_fold, evaluated=report.fold,
            notify=display.show_fold,
        )  # fmt: skip
        display.show_fold("")  # what follows is of all rows
        if close:
            tables.close()
        model, evaluation = fit_table(
            prepared, settings, engine=engine, callbacks=shown, watch=show_search,
            checkpoint=checkpoint, trained=keep_model, notify=display.show_message,
        )  # fmt: skip
        if validated is not None:
            model, evaluation = validated.given_to(model), validated.pooled
        keep_model(model)  # with its metrics
    of_folds = [] if validated is None else validated.advice
    advice = [*of_folds, *advise(prepared, model, evaluation)]
    report.result(model, evaluation, advice, output, validated, searched)
    return model, evaluation, advice


class Tables(NamedTuple):
    """The table to train on, and the second table if there is one."""

    table: Table
    validation: Table | None

    @property
    def evaluated(self) -> Table:
        """The table with the held-out rows."""
        return self.table if self.validation is None else self.validation

    def close(self) -> None:
        """Release their memory and temporary files."""
        self.table.close()
        if self.validation is not None:
            self.validation.close()


def read_tables(
    data: str | None,
    query: str | None,
    settings: Settings,
    reading: FileOptions,
    storage: StorageOptions,
    workers: Workers | None,
    display: ProgressDisplay,
) -> Tables:
    """Read DATA, and the file of --validation by the same options."""
    from backhand.tables.reading.reader import read_table

    room, second = storage.room(settings), settings.validation
    if data is not None and workers is not None and workers.shared == "rows":
        read = partial(
            workers.read, settings=settings, reading=reading.stated(), memory=storage.memory,
            cache_dir=room.folder, watch=display.show_loading,
        )  # fmt: skip
        return Tables(read(data), None if second is None else read(second))
    stated = {**reading.stated(), "memory": room.table, "cache_dir": room.folder}
    table = read_table(data, query, **stated, watch=display.show_loading)
    return Tables(table, None if second is None else read_table(second, **stated))


def table_files(*given: str | None, elsewhere: bool = False) -> list[str]:
    """Return the files that are to be read as tables, none of which is a model.

    They may be `elsewhere`, on the machines of workers, and not here.
    """
    from backhand.cli.arguments import check_no_models
    from backhand.errors import MissingFileError
    from backhand.tables.reading.reader import expand

    inputs: list[str] = []
    for name in given:
        try:
            inputs += [] if name is None else expand(name)
        except MissingFileError:
            if not elsewhere:
                raise
    check_no_models(inputs)
    return inputs


def checked_output(output: Path | None, data: str | None, inputs: list[str]) -> Path:
    """Return the path of the model file, once it can be written and replaces no input."""
    from backhand.cli.arguments import check_names_no_other_format
    from backhand.model import HEAD
    from backhand.support.atomic_files import check_output

    if output is not None:
        check_names_no_other_format(output)
    named = output is not None and output.suffix == ".safetensors"
    ours = None if named else HEAD  # another name may be that of a table
    checked = check_output(output or default_output(data), "the model file", inputs, ours=ours)
    written_output.expect_file(checked, f"the model is saved in {checked}")
    return checked


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


def default_output(data: str | None) -> Path:
    """Return `penguins.safetensors`, in the working folder, for any `…/penguins.csv.gz`."""
    from backhand.tables.files.kinds import PACKED
    from backhand.tables.files.streams import is_address

    if data == "-" or data is None:
        return Path("model.safetensors")
    path = Path(urlsplit(data).path if is_address(data) else data)
    stem = path.with_suffix("").stem if path.suffix.lower() in PACKED else path.stem
    return Path(f"{'model' if not stem or set('*?[') & set(stem) else stem}.safetensors")
