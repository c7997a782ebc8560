"""`fit`: a model from a table in one call, as `backhand train` makes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import KW_ONLY, dataclass, fields, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backhand.choices import EngineName, PrecisionName, ShareName
from backhand.engines import Engine, engine_of
from backhand.errors import InputError, MissingFileError, warn
from backhand.model import Model
from backhand.report_page.write import check_report, write_training_report
from backhand.selection import SearchProgress
from backhand.support.memory_budget import budget
from backhand.table_settings import Settings
from backhand.tables.reading.frames import as_table, called
from backhand.tables.reading.reader import expand
from backhand.tables.schema.choices import ColumnChoices
from backhand.tables.table import Table
from backhand.tabular.advice import advise
from backhand.tabular.cross_validation import cross_validate
from backhand.tabular.room import room_for
from backhand.tabular.sharing import Sharing, Workers, connected
from backhand.tabular.training import Prepared, fit_table, prepare_table
from backhand.training.callbacks import Callback, call_each, check_callbacks
from backhand.training.checkpoints.checkpoint import Checkpoint, check_checkpoint
from backhand.training.train import taking

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    Rows = ArrayLike | Mapping[str, Any] | PathLike[str] | Table | None
    """What holds a table; data frames are `ArrayLike` to a type checker, and so is a text."""

    Names = str | Sequence[str]


@dataclass(frozen=True)
class FitArguments(Settings):
    """All arguments of `fit`: a table, settings, what is stated of the columns, what computes.

    The settings are checked where `settings` makes a `Settings` of them.
    """

    data: Rows
    target: str
    _: KW_ONLY
    query: str | None = None
    validation: Any = None
    drop: Names = ()
    keep: Names = ()
    numeric: Names = ()
    categorical: Names = ()
    missing: Names | None = None
    decimal: str | None = None
    date_order: str | None = None
    format: str | None = None
    encoding: str | None = None
    sheet: str | None = None
    table: str | None = None
    header: bool | None = None
    report: str | PathLike[str] | None = None
    engine: EngineName | Engine = "auto"
    device: str | None = None
    threads: int | None = None
    precision: PrecisionName = "auto"
    memory: int | str | None = None
    workers: int | None = None
    ray: str | None = None
    share: ShareName = "auto"
    callbacks: Sequence[Callback] = ()
    checkpoint: Checkpoint | None = None

    def __post_init__(self) -> None:
        """Nothing: see `settings`."""

    @property
    def settings(self) -> Settings:
        """The settings alone, checked."""
        given = {f.name: getattr(self, f.name) for f in fields(Settings)}
        if self.validation is not None:
            given["validation"] = _name_of(self.validation)
        return Settings(**given)

    @property
    def choices(self) -> ColumnChoices:
        """What is stated of the columns."""
        return ColumnChoices(
            drop=_names(self.drop), keep=_names(self.keep), numeric=_names(self.numeric),
            categorical=_names(self.categorical),
            missing=None if self.missing is None else _names(self.missing),
            decimal=self.decimal, date_order=self.date_order,
        )  # fmt: skip


@taking(FitArguments)
def fit(arguments: FitArguments) -> Model:
    """Train a classifier on a table, as `backhand train` does, with the same defaults.

    The same data and settings give the same model, bit for bit, as the command line. The columns of
    a data frame have types, and those of a text file none: then numbers may differ in last digits.

    Parameters
    ----------
    data : path, glob, Table, mapping of columns, or data frame of pandas, polars or Arrow
        The rows to learn from and to hold out. None with a query that names its own files.
    target : str
        The column to predict.
    query : str, optional
        A SELECT statement in DuckDB's SQL that returns the rows; a file is the table `data` in it.
    validation : as `data`, optional
        A second table with the same columns, whose rows are the held-out rows. What is different in
        it is warned of.
    ... : all settings, which `help` describes one by one
    drop, keep, numeric, categorical : str or sequence of str
        Columns to ignore; to use although they would be dropped, as identifiers are; to read as
        numbers; to treat as categories.
    missing : str or sequence of str, optional
        Texts that mean a missing value, in features and in the target.
    decimal : {".", ","}, optional
        The decimal sign of numbers in texts; by default it is found in the column.
    date_order : {"dmy", "mdy"}, optional
        The order of dates with the year last; by default it is found in the column.
    format, encoding, table : str, optional
        How a file is to be read; see `read_table`.
    sheet : str or int, optional
        The sheet of a workbook, by its name or its number from 1.
    header : bool, optional
        Whether the first line has the names of the columns.
    report : path, optional
        A page for a browser to write: figures, charts, importance of columns, worst errors.
    engine : {"auto", "fused", "reference", "torch"} or Engine, default="auto"
        The engine that runs training.
    device : str, optional
        Where the torch engine computes: "cpu", "cuda", "cuda:1".
    threads : int, optional
        Maximum number of threads; None: as many as the process may use.
    precision : {"auto", "bf16"}, default="auto"
        What the products of training are computed from: float32 numbers, or numbers rounded to
        bfloat16, with float32 sums, parameters and updates: faster where the processor has units
        for it, and slower where it has not, which warns; see
        https://backhand-mlp.github.io/backhand/precision.html.
    memory : int or str, optional
        Maximum memory in bytes, or a size such as "512MB"; by default half of the free memory.
        Workers that share rows have this much on each machine, together.
    workers : int, optional
        Number of workers that share the work: threads of this process, or processes of a Ray
        cluster. The model is the same, bit for bit, for any number of them; see
        https://backhand-mlp.github.io/backhand/many-machines.html.
    ray : str, optional
        The Ray cluster on which the workers run: its address, "auto" (that of this machine) or
        "local" (one that is started here, and ended afterwards).
    share : {"auto", "rows", "networks"}, default="auto"
        What the workers share: "rows", of which each reads its own from the files, or the
        "networks" of the search, for which each has all rows. "auto" is networks if there is a
        search and the files are smaller than 256 MiB together.
    callbacks : sequence of callable, default=()
        With `quick` each is called with a `Progress` after each epoch, of each fold too; otherwise
        with a `SearchProgress`, several times per second. One that raises `StopTraining` ends
        training, or the search, with what there is by then.
    checkpoint : Checkpoint, optional
        Where to save the state of training, and whether to resume from there.

    Returns
    -------
    Model
        It predicts data frames, dicts of columns and files. Its classes are numbers or booleans if
        the target's column has such a type; those of a text file are texts. Its
        `metrics` have the figures of the training rows and of the held-out rows, its `evaluation`
        also those of each class, and its `notes` what was found out about the columns.

    Raises
    ------
    InputError
        If a setting is invalid, two contradict, or the table cannot be learned from.
    MissingFileError
        If there is no such file.
    DivergenceError
        If the loss stops being finite.
    MissingDependencyError
        If `ray` is given, and Ray is not installed.
    BackhandError
        If workers are lost again and again, or another library fails on one.

    See Also
    --------
    train : Trains on arrays, with all that can be set.
    MLPClassifierCV : Chooses in the same way, for X of numbers, as a scikit-learn estimator.
    read_table : Reads a table, with all options.

    Examples
    --------
    >>> import backhand
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> size, colour = rng.normal(size=200), rng.choice(["red", "blue"], 200)
    >>> columns = {"size": size, "colour": colour,
    ...            "ripe": np.where((size > 0) & (colour == "red"), "yes", "no")}
    >>> model = backhand.fit(columns, "ripe", hidden=16)
    >>> model.evaluation.rows, model.evaluation.accuracy > 0.9
    (40, True)
    >>> model.predict({"size": [1.5, 1.5], "colour": ["red", "blue"]}).tolist()
    ['yes', 'no']
    """
    settings, choices = arguments.settings, arguments.choices
    engine = engine_of(arguments.engine, arguments.device, arguments.threads, arguments.precision)
    check_callbacks(arguments.callbacks)
    check_checkpoint(arguments.checkpoint)
    if arguments.checkpoint is not None:
        settings.check_one_training()
    watch = _watch(arguments.callbacks)
    page = _page(arguments)
    sharing = Sharing(arguments.workers, arguments.ray, arguments.share)
    shared = sharing.of(arguments.data, arguments.query, settings)
    if shared == "rows" and not isinstance(arguments.engine, str):
        raise InputError(
            "engine is an object; workers that share rows make engines of their own: name it."
        )
    with connected(sharing, shared, arguments.threads) as workers, ExitStack() as tables:
        table, validation = _opened(arguments, settings, tables, workers)
        if workers is not None:
            engine = workers.engine(engine, table, arguments.device, arguments.threads)
        room = room_for(budget(arguments.memory), settings)
        prepared = prepare_table(
            table, arguments.target, settings, choices, validation=validation,
            matrices=room.matrices(),
        )  # fmt: skip
        _warn_of_table(prepared)
        validated = None if settings.cv is None else cross_validate(
            table, prepared, settings, choices, engine=engine, matrices=room.matrices_of_fold,
            callbacks=arguments.callbacks, watch=watch,
        )  # fmt: skip
        if page is None:
            tables.close()
        model, evaluation = fit_table(
            prepared, settings, engine=engine, callbacks=arguments.callbacks, watch=watch,
            checkpoint=arguments.checkpoint,
        )  # fmt: skip
        if validated is not None:
            model, evaluation = validated.given_to(model), validated.pooled
        of_folds = [] if validated is None else validated.advice
        advice = [*of_folds, *advise(prepared, model, evaluation)]
        if page is not None:
            write_training_report(
                page,
                prepared,
                model,
                evaluation,
                table if validation is None else validation,
                advice=advice,
            )
    for found in advice:
        warn(f"{found.what} {found.advice}")
    return replace(model, evaluation=evaluation, notes=tuple(prepared.notes))


def _watch(callbacks: Sequence[Any]) -> Callable[[SearchProgress], None]:
    """Calls the callbacks during a search."""

    def watch(progress: SearchProgress) -> None:
        call_each(callbacks, progress)

    return watch


def _page(arguments: FitArguments) -> Path | None:
    """The path of the report, checked before any work is done."""
    if arguments.report is None:
        return None
    data, inputs = arguments.data, list[str]()
    if isinstance(data, str | PathLike):
        with nullcontext() if arguments.ray is None else suppress(MissingFileError):
            inputs = expand(str(data))
    return check_report(Path(arguments.report), inputs)


def _opened(
    arguments: FitArguments, settings: Settings, tables: ExitStack, workers: Workers | None
) -> tuple[Table, Table | None]:
    """The table and the second table, which are closed with `tables`."""
    if workers is not None and workers.shared == "rows":
        return _opened_by_workers(arguments, settings, tables, workers)
    memory = room_for(budget(arguments.memory), settings).table
    unused = set(_names(arguments.drop)) - {settings.group, settings.time}
    reading = _reading(arguments)
    table = tables.enter_context(as_table(
        arguments.data, unused=unused, query=arguments.query, reading=reading, memory=memory
    ))  # fmt: skip
    if arguments.validation is None:
        return table, None
    second = arguments.validation
    alike = isinstance(second, str | PathLike) and isinstance(arguments.data, str | PathLike)
    return table, tables.enter_context(as_table(
        second, unused=unused, reading=reading if alike else None, memory=memory
    ))  # fmt: skip


def _opened_by_workers(
    arguments: FitArguments, settings: Settings, tables: ExitStack, workers: Workers
) -> tuple[Table, Table | None]:
    """The same of tables whose rows the workers read."""
    found = list[Table]()
    for data in (arguments.data, arguments.validation):
        if data is not None:
            table = workers.read(
                str(data), settings, reading=_reading(arguments), memory=arguments.memory
            )
            table.warn_of_remarks()
            found.append(tables.enter_context(_closed_when_done(table)))
    return found[0], found[1] if len(found) > 1 else None


@contextmanager
def _closed_when_done(table: Table) -> Iterator[Table]:
    """Close the table at the end of the context, unless that is an error: closing waits for all."""
    yield table
    table.close()


def _reading(arguments: FitArguments) -> dict[str, Any]:
    """What is stated about a file."""
    return {name: getattr(arguments, name)
            for name in ("format", "encoding", "sheet", "table", "header")}  # fmt: skip


def _name_of(data: Any) -> str:
    """What the model file calls a table."""
    if isinstance(data, Table):
        return data.source
    return str(data) if isinstance(data, str | PathLike) else called(data)


def _names(given: Names) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


def _warn_of_table(prepared: Prepared) -> None:
    """Warn of columns that may be read otherwise than meant, and of changes in a second table."""
    for note in prepared.notes:
        if note.advice and note.kind != "dropped":
            said = f"column '{note.column}' {note.what}; {note.advice}."
            warn(said)
    for change in prepared.changes:
        warn(f"column {change}.")
