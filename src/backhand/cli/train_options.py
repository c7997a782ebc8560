"""The options of `backhand train`, in the groups in which its help lists them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer

from backhand.choices import ShareName, names
from backhand.cli import options
from backhand.support.project import page

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from backhand.engines import Engine
    from backhand.table_settings import Settings
    from backhand.tables.schema.choices import ColumnChoices
    from backhand.tabular.room import Room
    from backhand.tabular.sharing import Workers
    from backhand.training.checkpoints.checkpoint import Checkpoint

TITLES = {
    "hidden": "Training",
    "quick": "Search",
    "test_size": "Held-out rows",
    "early_stopping": "Early stopping",
    "schedule": "Optimizer",
}
"""The titles of the settings of `table_settings.Settings`, each from that setting on."""

SPELLED: dict[str, dict[str, Any]] = {
    "l2": {"names": ("--l2",)},
    "quick": {"names": ("--quick",)},
    "early_stopping": {"names": ("--early-stopping",)},
    "validation": {"metavar": "FILE"},
    "group": {"metavar": "COLUMN"},
    "time": {"metavar": "COLUMN"},
    "cv": {"metavar": "N"},
    "budget": {"metavar": "SPAN"},
}
"""Names and metavars of options that do not follow from the setting."""

Columns = list[str] | None


def _column(text: str) -> Any:
    return typer.Option(metavar="COLUMN", show_default=False, help=f"{text}; may be repeated.")


@dataclass(frozen=True)
class FileOptions:
    """What is stated about the file."""

    title: ClassVar = "File"
    format: options.Format = None
    encoding: options.Encoding = None
    sheet: options.Sheet = None
    table: options.TableName = None
    header: options.Header = None

    def stated(self) -> dict[str, Any]:
        """Return them as arguments of `read_table`."""
        return asdict(self)


@dataclass(frozen=True)
class ColumnOptions:
    """What is stated about the columns."""

    title: ClassVar = "Columns"
    drop: Annotated[Columns, _column("Column to ignore")] = None
    keep: Annotated[
        Columns, _column("Column to use although it would be dropped, as identifiers are")
    ] = None
    numeric: Annotated[
        Columns, _column("Column to read as numbers, whatever texts are among them")
    ] = None
    categorical: Annotated[
        Columns, _column("Column to treat as categories, although it holds numbers")
    ] = None
    decimal: Annotated[
        str | None,
        typer.Option(
            metavar="SIGN",
            show_default="found in the column",
            help="Decimal sign of numbers: . or ,",
        ),
    ] = None
    date_order: Annotated[
        str | None,
        typer.Option(
            metavar="ORDER",
            show_default="found in the column",
            help="Order of dates with the year last: dmy or mdy.",
        ),
    ] = None
    missing: Annotated[
        Columns,
        typer.Option(metavar="TEXT", show_default="NA, None, ? and similar, in features only",
                     help="Text that means a missing value, in features and in the target (-999 "
                          "includes -999.0); may be repeated. An empty field is always missing. "
                          "With --missing '', NA, None, ? and similar are ordinary texts."),
    ] = None  # fmt: skip

    def choices(self) -> ColumnChoices:
        """Return them as the schema takes them."""
        from backhand.tables.schema.choices import ColumnChoices

        return ColumnChoices(
            drop=tuple(self.drop or ()), keep=tuple(self.keep or ()),
            numeric=tuple(self.numeric or ()), categorical=tuple(self.categorical or ()),
            missing=tuple(self.missing) if self.missing else None,
            decimal=self.decimal, date_order=self.date_order,
        )  # fmt: skip


@dataclass(frozen=True)
class StorageOptions:
    """Where the rows are while the model is trained, and how often the training is saved."""

    title: ClassVar = "Memory, disk and checkpoints"
    memory: options.Memory = None
    cache_dir: options.CacheDir = None
    keep_cache: Annotated[
        bool, typer.Option("--keep-cache", help="Keep the encoded rows there, as .npy files.")
    ] = False
    checkpoint: Annotated[
        Path | None,
        typer.Option(metavar="DIR", show_default=False, help="Folder for periodic checkpoints."),
    ] = None
    every: Annotated[
        str | None,
        typer.Option(metavar="INTERVAL", show_default="30s",
                     help="Interval between checkpoints: 30s, 5min, 2epochs."),
    ] = None  # fmt: skip
    resume: Annotated[
        bool, typer.Option("--resume", help="Resume from the last checkpoint, if there is one.")
    ] = False

    def periodic(self, settings: Settings) -> Checkpoint | None:
        """Return the checkpoint that is described, if any."""
        from backhand.cli.standard_streams import write_message
        from backhand.errors import InputError
        from backhand.training.checkpoints.checkpoint import Checkpoint

        if self.checkpoint is not None:
            settings.check_one_training()
            made = Checkpoint(
                self.checkpoint, self.every or "30s", resume=self.resume, notify=write_message
            )
            made.check("training run" if settings.quick else "search", "add --resume")
            return made
        for name, given in (("--resume", self.resume), ("--every", self.every is not None)):
            if given:
                raise InputError(
                    f"{name} needs a checkpoint folder; name it with --checkpoint DIR."
                )
        return None

    def room(self, settings: Settings) -> Room:
        """Return the memory and the folder for the rows of a training."""
        from backhand.support.atomic_files import check_folder
        from backhand.support.memory_budget import budget
        from backhand.tabular.room import room_for

        folder = check_folder(self.cache_dir, keep=self.keep_cache)
        return room_for(budget(self.memory), settings, folder, keep=self.keep_cache)


@dataclass(frozen=True)
class WorkerOptions:
    """Which processes or machines share the work."""

    title: ClassVar = "Workers"
    workers: Annotated[
        int | None,
        typer.Option(
            metavar="N", show_default=False,
            help="Number of workers that share the work: threads of this process, or processes "
            f"of a Ray cluster. The model is the same for any number; see {page('many-machines')}.",
        ),
    ] = None  # fmt: skip
    ray: Annotated[
        str | None,
        typer.Option(
            "--ray", metavar="ADDRESS", show_default=False,
            help="Ray cluster on which the workers run: its address, auto (that of this machine) "
            "or local (one that is started for this command).",
        ),
    ] = None  # fmt: skip
    share: Annotated[
        str,
        typer.Option(
            metavar="|".join(names(ShareName)),
            help="What the workers share: rows, of which each reads its own, or the networks of "
            "the search, for which each reads all rows. auto: networks if there is a search and "
            "the files are smaller than 256 MiB together.",
        ),
    ] = "auto"  # fmt: skip

    def connected(
        self, data: str | None, query: str | None, settings: Settings, threads: int | None
    ) -> AbstractContextManager[Workers | None]:
        """Connect to the workers, if the rows or networks of this training are shared."""
        from backhand.tabular.sharing import Sharing, connected

        sharing = Sharing(self.workers, self.ray, self.share)  # type: ignore[arg-type]
        return connected(sharing, sharing.of(data, query, settings), threads)


@dataclass(frozen=True)
class EngineOptions:
    """What computes."""

    title: ClassVar = "Engine"
    engine: options.EngineName = "auto"
    device: options.Device = None
    threads: options.Threads = None
    precision: options.Precision = "auto"

    def made(self) -> Engine:
        """Return the engine that is described."""
        from backhand.engines import make_engine

        return make_engine(self.engine, self.device, self.threads, self.precision)
