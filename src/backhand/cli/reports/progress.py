"""Progress of reading and training: a bar in a terminal, JSON lines with --json, else nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
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


class ProgressDisplay(NamedTuple):
    """Functions that show epochs (a callback of `train`), a search, a message, a fold, or rows."""

    show_epochs: Callback
    show_search: Callable[[SearchProgress], None]
    show_message: Callable[[str], None]
    show_fold: Callable[[str], None]
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
            at_ends(print_search),
            lambda what: print_json("preparing", {"what": what}),
            lambda what: print_json("preparing", {"what": what}) if what else None,
            throttled(lambda share: print_json("loading", {"share": round(share, 3)})),
            throttled(lambda reading: print_json("reading", reading._asdict())),
        )
    elif not console.is_terminal:
        yield ProgressDisplay(silent, silent, silent, silent, silent, silent)
    else:
        with _bar(console) as bar:
            task = bar.add_task(message, total=None, figures="", fold="")
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
                lambda search: bar.update(
                    task,
                    total=search.members,
                    completed=search.done + share_under_way(search),
                    description=part_of_search(search),
                    figures=f"{networks(search.done)}, {clock(search.seconds)}",
                ),
                lambda what: bar.update(task, description=what, refresh=True),
                lambda what: bar.update(task, fold=f"cv {what}: " if what else "", refresh=True),
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
    """Return a function that calls `report` when more networks are done, and at intervals."""
    between, done = throttled(report), 0

    def called(search: SearchProgress) -> None:
        nonlocal done
        (between if search.done == done else report)(search)
        done = search.done

    return called


def keep_final_errors_quiet(show: Callback) -> Callback:
    """Wrap a callback: once training is finished, a lost output does not prevent saving."""

    def shown(training: Training) -> None:
        try:
            show(training)
        except OSError:
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
    """Print one JSON object about a search."""
    print_json("search", asdict(search) | {"seconds": round(search.seconds, 3)})


def share_under_way(search: SearchProgress) -> float:
    """Return the sum of the shares that are done of the networks under way."""
    return sum(one.epoch / one.epochs for one in search.under_way)


def part_of_search(search: SearchProgress) -> str:
    """Return `fold 3 of 5, λ 2 of 3, epoch 12/100`, of the first network under way."""
    if not search.under_way:
        return "search"
    one = search.under_way[0]
    where = f"fold {one.fold} of {search.folds}" if one.fold else "all rows"
    if one.fold and search.penalties > 1:
        where += f", λ {one.penalty} of {search.penalties}"
    return f"{where}, epoch {one.epoch}/{one.epochs}"


def networks(count: int) -> str:
    """Return `1 network`."""
    return f"{count} network{'' if count == 1 else 's'}"


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
        TextColumn("{task.fields[fold]}{task.description}"),
        TextColumn("{task.fields[figures]}"),
        console=console,
    )
