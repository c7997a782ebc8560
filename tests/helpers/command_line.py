"""Run a command of Backhand in this process, as the test files of the command line do."""

from typer.testing import CliRunner

from backhand.cli.app import app


def run(*arguments: object, expect: int | None = 0):
    """The result of `backhand ARGUMENTS`; `expect` is its exit code (None: any)."""
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    if expect is not None:
        assert result.exit_code == expect, result.output
    return result
