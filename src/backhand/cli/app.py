"""The command `backhand`: its subcommands, and the border at which errors become sentences.

Each subcommand lives in a module of its own, which imports what it computes with only when it
runs: so `--help` answers at once.
"""

from __future__ import annotations

import os
import signal
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Annotated, ParamSpec

import typer

from backhand.cli.bench import bench
from backhand.cli.check import check
from backhand.cli.compare import compare
from backhand.cli.evaluate import evaluate
from backhand.cli.export import export
from backhand.cli.inspect import inspect
from backhand.cli.predict import predict
from backhand.cli.train import train
from backhand.cli.words import printable
from backhand.errors import BackhandError, BackhandWarning, InputError, MissingDependencyError
from backhand.interrupts import Interrupted, end_on_sigterm, is_interrupt

P = ParamSpec("P")

FAILED, WRONG_INPUT, SIGNALLED = 1, 2, 128
"""Exit codes; the last with the number of a signal added, as shells do: 130 for Ctrl-C."""

app = typer.Typer(
    help="The two-layer MLP classifier with its backward pass written by hand.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help comes in half the time
    context_settings={"help_option_names": ["-h", "--help"]},
)


def bordered(command: Callable[P, None]) -> Callable[P, None]:
    """A command that ends in one sentence and an exit code, never in a traceback."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        warnings.showwarning = _warn  # type: ignore[assignment]
        end_on_sigterm()
        try:
            command(*args, **kwargs)
            sys.stdout.flush()
        except typer.Exit:
            raise
        except (InputError, MissingDependencyError) as error:
            raise _ending(str(error), WRONG_INPUT) from None
        except BackhandError as error:
            raise _ending(str(error), FAILED) from None
        except Interrupted as error:
            raise _interrupted(error.place, error.signal) from None
        except KeyboardInterrupt:
            raise _interrupted() from None
        except BrokenPipeError:
            # Whoever read our output has read enough.
            _give_up_stdout()
            raise typer.Exit(FAILED) from None
        except OSError as error:
            _give_up_stdout()
            what = f"{error.filename}: " if error.filename else "the output could not be written: "
            raise _ending(f"{what}{error.strerror or error}.", FAILED) from None
        except MemoryError:
            raise _ending("there is not enough memory for this.", FAILED) from None
        except Exception as error:
            if is_interrupt(error):
                raise _interrupted() from None
            if os.environ.get("BACKHAND_TRACEBACK"):
                raise
            reason = str(error).strip().splitlines()[:1]
            raise _ending(
                f"something went wrong that should not: {type(error).__name__}"
                f"{': ' + reason[0] if reason else ''}. Please report it, with what the "
                "same command prints after BACKHAND_TRACEBACK=1.",
                FAILED,
            ) from None

    return run


def _warn(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, *_: object
) -> None:
    """Our own warnings as sentences; those of others as Python prints them."""
    if issubclass(category, BackhandWarning):
        typer.echo(f"backhand: {printable(str(message))}", err=True)
    else:
        typer.echo(warnings.formatwarning(message, category, filename, lineno), err=True, nl=False)


def _give_up_stdout() -> None:
    """Let the rest of standard output go nowhere: Python would complain when it closes it."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _interrupted(place: str = "", number: int = signal.SIGINT) -> typer.Exit:
    what = f"{place}; the same command with --resume goes on." if place else "nothing was written."
    return _ending(f"interrupted; {what}", SIGNALLED + number)


def _ending(sentence: str, code: int) -> typer.Exit:
    typer.echo(f"backhand: {printable(sentence)}", err=True)
    return typer.Exit(code)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"backhand {version('backhand')}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


for command in (train, predict, evaluate, inspect, export, check, compare, bench):
    app.command()(bordered(command))
