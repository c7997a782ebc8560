"""Progress of reading and training: a bar in a terminal, JSON lines with --json, else nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from backhand.cli.reports.output import print_json
from backhand.selection import SearchProgress
from backhand.tabular.training import Reading
from backhand.training.callbacks import Callback
from backhand.training.callbacks import Progress as Training

SECONDS = 0.5
"""Least time between two JSON lines about reading."""

T = TypeVar("T")
P = TypeVar("P", Training, SearchProgress)


class ProgressDisplay(NamedTuple):
    """Functions that show the epochs done (a callback of `train`), a search, a message, or rows."""

    show_epochs: Callback
    show_search: Callable[[SearchProgress], None]
    show_message: Callable[[str], None]
    show_loading: Callable[[float], None]
    show_reading: Callable[[Reading], None]


@contextmanager
def progress_display(
    console: Console, message: str = "starting", *, as_json: bool
) -> Iterator[ProgressDisplay]:
    """Return a display that is open within the context; a bar shows `message` at first."""
    if as_json:
        yield ProgressDisplay(
            keep_final_errors_quiet(print_line),
            keep_final_errors_quiet(at_ends(print_search)),
            lambda what: print_json("preparing", {"what": what}),
            throttled(lambda share: print_json("loading", {"share": round(share, 3)})),
            throttled(lambda reading: print_json("reading", reading._asdict())),
        )
    elif not console.is_terminal:
        yield ProgressDisplay(silent, silent, silent, silent, silent)
    else:
        with _bar(console) as bar:
            task = bar.add_task(message, total=None, figures="")
            yield ProgressDisplay(
                keep_final_errors_quiet(
                    lambda training: bar.update(
                        task,
                        total=training.epochs,
                        completed=done(training),
                        description=f"epoch {training.epoch}/{training.epochs}",
                        figures=f"{figures(training)}  {clock(seconds_left(training))} left",
                    )
                ),
                keep_final_errors_quiet(
                    lambda search: bar.update(
                        task,
                        total=search.members,
                        completed=search.member
                        - 1
                        + done(search.training) / search.training.epochs,
                        description=part_of_search(search),
                        figures=figures(search.training),
                    )
                ),
                lambda what: bar.update(task, description=what, refresh=True),
                lambda share: bar.update(
                    task, total=1, completed=share, description=f"loading {share:.0%}"
                ),
                lambda reading: bar.update(
                    task,
                    total=reading.rows,
                    completed=reading.done,
                    description=f"{reading.what} {short(reading.done)}/{short(reading.rows)} rows",
                ),
            )


def throttled(report: Callable[[T], None]) -> Callable[[T], None]:
    """Return a function that calls `report` at most once per `SECONDS`."""
    last = time.monotonic()

    def throttled_report(news: T) -> None:
        nonlocal last
        if time.monotonic() - last >= SECONDS:
            last = time.monotonic()
            report(news)

    return throttled_report


def at_ends(report: Callable[[SearchProgress], None]) -> Callable[[SearchProgress], None]:
    """Return a function that calls `report` where a network ends, and between at intervals."""
    between = throttled(report)

    def called(search: SearchProgress) -> None:
        (report if search.training.finished else between)(search)

    return called


def keep_final_errors_quiet(show: Callable[[P], None]) -> Callable[[P], None]:
    """Wrap a callback: once training is finished, a lost output does not prevent saving."""

    def shown(progress: P) -> None:
        try:
            show(progress)
        except OSError:
            training = progress.training if isinstance(progress, SearchProgress) else progress
            if not training.finished:
                raise

    return shown


def silent(_: object) -> None:
    """Show nothing."""


def print_line(training: Training) -> None:
    """Print one JSON object about the epochs done so far."""
    history = training.history
    if not training.epoch:  # the first epoch is not complete
        return
    print_json("progress", {
        "epoch": training.epoch,
        "epochs": training.epochs,
        "loss": float(history.loss[-1]),
        "accuracy": float(history.accuracy[-1]),
        f"{measured_rows(training)}_accuracy": last_measured(history.validation_accuracy),
        "rows_per_second": round(speed(training)),
        "seconds_left": round(seconds_left(training), 3),
    })  # fmt: skip


def print_search(search: SearchProgress) -> None:
    """Print one JSON object about the network of a search that is being trained."""
    training = search.training
    if not training.epoch:  # the first epoch is not complete
        return
    print_json("search", {
        "member": search.member, "members": search.members, "fold": search.fold,
        "folds": search.folds, "penalty": search.penalty, "penalties": search.penalties,
        "l2": search.l2, "epoch": training.epoch, "epochs": training.epochs,
        "loss": float(training.history.loss[-1]),
        "validation_loss": last_measured(training.history.validation_loss),
    })  # fmt: skip


def part_of_search(search: SearchProgress) -> str:
    """Return `fold 3 of 5, λ 2 of 3, epoch 12/100`."""
    where = [f"fold {search.fold} of {search.folds}"] if search.fold else []
    if search.fold and search.penalties > 1:
        where.append(f"λ {search.penalty} of {search.penalties}")
    if not search.fold:
        where.append(f"network {search.member} of {search.members}, all rows")
    return ", ".join([*where, f"epoch {search.training.epoch}/{search.training.epochs}"])


def figures(training: Training) -> str:
    """Return `loss 0.0312  accuracy 0.991  held-out 0.984  1.2M rows/s`."""
    history, parts = training.history, []
    if training.epoch:
        parts = [f"loss {history.loss[-1]:.4f}", f"accuracy {history.accuracy[-1]:.3f}"]
    if (accuracy := last_measured(history.validation_accuracy)) is not None:
        parts.append(f"{measured_rows(training).replace('_', '-')} {accuracy:.3f}")
    return "  ".join([*parts, f"{short(speed(training))} rows/s"])


def measured_rows(training: Training) -> str:
    """Return which rows the validation figures are of: early stopping watches rows of its own."""
    return "held_out" if training.schedule.config.early_stopping is None else "validation"


def last_measured(figures: NDArray[np.float64]) -> float | None:
    """Return the last figure that is not nan, or None."""
    measured = figures[~np.isnan(figures)]
    return float(measured[-1]) if len(measured) else None


def speed(training: Training) -> float:
    """Return the training rows processed per second so far."""
    return done(training) * training.rows / max(training.seconds, 1e-9)


def seconds_left(training: Training) -> float:
    """Estimate the remaining seconds from the speed so far."""
    return training.seconds / done(training) * (training.epochs - done(training))


def done(training: Training) -> float:
    """Return the epochs done, with the completed fraction of the current one."""
    return training.epoch + training.share


def clock(seconds: float) -> str:
    """Return 75 seconds as `1:15`."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"


def short(number: float) -> str:
    """Return 1234567 as `1.2M`."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= size:
            return f"{number / size:.1f}{unit}"
    return f"{number:.0f}"


def _bar(console: Console) -> Progress:
    return Progress(
        BarColumn(bar_width=24),
        TextColumn("{task.description}"),
        TextColumn("{task.fields[figures]}"),
        console=console,
    )
