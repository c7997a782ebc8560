"""The command `backhand` and its subcommands.

Each subcommand has a module of its own, which imports the libraries for its computation only when
it runs, so that `--help` is fast.
"""

from __future__ import annotations

from typing import Annotated

import typer

from backhand.cli.bench import bench
from backhand.cli.check import EXIT_CODES, check
from backhand.cli.compare import compare
from backhand.cli.error_boundary import FAILED, error_boundary
from backhand.cli.evaluate import evaluate
from backhand.cli.explain import explain
from backhand.cli.export import export
from backhand.cli.glossary import GLOSSARY
from backhand.cli.grade import grade
from backhand.cli.inspect import inspect
from backhand.cli.option_groups import Command, GroupedCommand
from backhand.cli.predict import predict
from backhand.cli.train import train

app = typer.Typer(
    help="The two-layer MLP classifier with its backward pass written by hand.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help is printed in half the time
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(requested: bool) -> None:
    if requested:
        from importlib.metadata import version

        typer.echo(f"backhand {version('backhand')}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    pass


app.command(epilog=GLOSSARY, cls=GroupedCommand)(error_boundary(train))
for command in (predict, evaluate, inspect, explain, export, check, grade, compare, bench):
    failed = EXIT_CODES["not judged"] if command is check else FAILED
    app.command(cls=Command)(error_boundary(command, failed))
