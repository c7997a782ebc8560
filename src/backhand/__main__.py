"""`backhand` and `python -m backhand`: the outermost border, before anything else is imported."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command line; an interrupt or a lost output at any moment is no traceback."""
    try:
        from backhand.streams import whole

        sys.stdout, sys.stderr = whole(sys.stdout), whole(sys.stderr)
        from backhand.cli.app import app

        app()
    except KeyboardInterrupt:
        sys.stderr.write("backhand: interrupted; nothing was written.\n")
        os._exit(130)
    except OSError as error:
        sys.stderr.write(f"backhand: the output could not be written: {error.strerror}.\n")
        # Not sys.exit: what cannot be written stays in a buffer, and Python would try it again.
        os._exit(1)


if __name__ == "__main__":
    main()
