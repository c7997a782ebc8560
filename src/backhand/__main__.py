"""`backhand` and `python -m backhand`: the outermost border, before anything else is imported."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command line; a signal or a lost output at any moment is no traceback.

    Signals wait but while a command runs: so none comes into an import or the end of the process.
    """
    try:
        from backhand.support.signals import hold_signals, ignore_signals

        hold_signals()
    except KeyboardInterrupt:
        sys.stderr.write("backhand: interrupted; nothing was written.\n")
        os._exit(130)
    from backhand.cli.standard_streams import make_ready

    make_ready()
    code = _run()
    ignore_signals()
    sys.exit(code)


def _run() -> int:
    """Parse and run; the exit code. What commands raise has ended at their own border."""
    from backhand.cli.standard_streams import give_up, say
    from backhand.cli.terminal_text import printable

    try:
        from backhand.cli.app import app

        code = app(standalone_mode=False) or 0
        sys.stdout.flush()
        return int(code)
    except OSError as error:
        give_up(sys.stdout)
        say(f"the output could not be written: {error.strerror or error}.")
    except (ImportError, MemoryError) as error:
        say(f"a part of Backhand could not be loaded: {str(error) or 'there is no memory for it'}.")
    except Exception as error:
        if not hasattr(error, "show") or not hasattr(error, "exit_code"):
            raise
        # Of typer, about the options and arguments, which it quotes as they are.
        error.message = "\n".join(map(printable, str(error.message).split("\n")))  # type: ignore[attr-defined]
        try:
            error.show()
            sys.stderr.flush()
        except OSError:
            give_up(sys.stderr)
        return int(error.exit_code)
    return 1


if __name__ == "__main__":
    main()
