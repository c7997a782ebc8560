"""What is seen while training runs: a bar in a terminal, JSON lines with --json, else nothing."""

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
from backhand.tabular import Reading
from backhand.training.callbacks import Callback
from backhand.training.callbacks import Progress as Training

SECONDS = 0.5
"""Between two lines about reading, at least."""

T = TypeVar("T")


class Watcher(NamedTuple):
    """Shows the epochs done, as a callback of `train`, and says what is being prepared or read."""

    show: Callback
    say: Callable[[str], None]
    load: Callable[[float], None]
    read: Callable[[Reading], None]


@contextmanager
def watching(console: Console, what: str = "starting", *, as_json: bool) -> Iterator[Watcher]:
    """A watcher, for as long as the context lasts; a bar says `what` until it is told more."""
    if as_json:
        yield Watcher(
            kept_going(print_line),
            lambda what: print_json("preparing", {"what": what}),
            at_most(lambda share: print_json("loading", {"share": round(share, 3)})),
            at_most(lambda reading: print_json("reading", reading._asdict())),
        )
    elif not console.is_terminal:
        yield Watcher(silent, silent, silent, silent)
    else:
        with _bar(console) as bar:
            task = bar.add_task(what, total=None, figures="")
            yield Watcher(
                kept_going(
                    lambda training: bar.update(
                        task,
                        total=training.epochs,
                        completed=done(training),
                        description=f"epoch {training.epoch}/{training.epochs}",
                        figures=f"{figures(training)}  {clock(seconds_left(training))} left",
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


def at_most(report: Callable[[T], None]) -> Callable[[T], None]:
    """Report no more often than every `SECONDS`."""
    last = time.monotonic()

    def sometimes(news: T) -> None:
        nonlocal last
        if time.monotonic() - last >= SECONDS:
            last = time.monotonic()
            report(news)

    return sometimes


def kept_going(show: Callback) -> Callback:
    """The same, but when training is finished a lost output does not end it before it is saved."""

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
    """One JSON object for the epochs done so far."""
    history = training.history
    if not training.epoch:  # only a part of the first is done
        return
    print_json("progress", {
        "epoch": training.epoch,
        "epochs": training.epochs,
        "loss": float(history.loss[-1]),
        "accuracy": float(history.accuracy[-1]),
        "validation_accuracy": last_measured(history.validation_accuracy),
        "rows_per_second": round(speed(training)),
        "seconds_left": round(seconds_left(training), 3),
    })  # fmt: skip


def figures(training: Training) -> str:
    """`loss 0.031  accuracy 0.991  validation 0.984  1.2M rows/s`."""
    history, parts = training.history, []
    if training.epoch:
        parts = [f"loss {history.loss[-1]:.4f}", f"accuracy {history.accuracy[-1]:.3f}"]
    if (validation := last_measured(history.validation_accuracy)) is not None:
        parts.append(f"validation {validation:.3f}")
    return "  ".join([*parts, f"{short(speed(training))} rows/s"])


def last_measured(figures: NDArray[np.float64]) -> float | None:
    """The last figure that is not nan."""
    measured = figures[~np.isnan(figures)]
    return float(measured[-1]) if len(measured) else None


def speed(training: Training) -> float:
    """Training rows a second so far."""
    return done(training) * training.rows / max(training.seconds, 1e-9)


def seconds_left(training: Training) -> float:
    """At the speed so far."""
    return training.seconds / done(training) * (training.epochs - done(training))


def done(training: Training) -> float:
    """Epochs, with the share of the one that is under way."""
    return training.epoch + training.share


def clock(seconds: float) -> str:
    """75 seconds as `1:15`."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"


def short(number: float) -> str:
    """1234567 as `1.2M`."""
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
