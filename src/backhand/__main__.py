"""Entry point of `backhand` and `python -m backhand`, which holds signals before any import."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command line; no signal or lost output causes a traceback at any moment.

    Signals are held back except while a command runs, so that none interrupts an import or the end
    of the process.
    """
    try:
        from backhand.support.signals import hold_signals, ignore_signals

        hold_signals()
    except KeyboardInterrupt:
        sys.stderr.write("backhand: interrupted; nothing was written.\n")
        os._exit(130)
    from backhand.cli.standard_streams import prepare_streams

    prepare_streams()
    if sys.argv[1:2] == ["check"] and len(sys.argv) > 2:
        from backhand.doctor.apart.check_process import start_ahead

        start_ahead()
    code = _run()
    ignore_signals()
    sys.exit(code)


def _run() -> int:
    """Parse the arguments, run the command and return the exit code."""
    from backhand.cli.standard_streams import discard_output, write_message, write_stderr

    try:
        from backhand.cli.app import app

        code = app(standalone_mode=False) or 0
        sys.stdout.flush()
        return int(code)
    except OSError as error:
        discard_output(sys.stdout)
        write_message(f"the output could not be written: {error.strerror or error}.")
    except (ImportError, MemoryError) as error:
        write_message(f"part of Backhand could not be loaded: {str(error) or 'not enough memory'}.")
    except Exception as error:
        if not hasattr(error, "show") or not hasattr(error, "exit_code"):
            raise
        if type(error).__name__ == "NoArgsIsHelpError":
            write_stderr(str(error))
        else:
            from backhand.cli.usage_errors import usage_sentence

            write_message(usage_sentence(error))
        return int(error.exit_code)
    return 1


if __name__ == "__main__":
    main()
