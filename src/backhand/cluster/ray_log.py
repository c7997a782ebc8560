"""What Ray's compiled part writes on standard error while it joins a cluster is left out."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

STDERR = 2

LINE = re.compile(rb"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+ [A-Z] \d+ \d+\] ")
"""How a line of its log begins: "[2026-11-26 20:36:37,049 W 12923 12923] gcs_client.cc:210: …".
Neither its level nor an option of Ray turns these lines off before a cluster is joined."""


@contextmanager
def log_left_out() -> Iterator[None]:
    """Leave Ray's log out of what this process writes on standard error; the rest comes later."""
    try:
        kept = os.dup(STDERR)
    except OSError:  # it is closed
        yield
        return
    with tempfile.TemporaryFile() as written, os.fdopen(kept, "wb", buffering=0) as stderr:
        _flush()
        os.dup2(written.fileno(), STDERR)
        try:
            yield
        finally:
            _flush()
            os.dup2(stderr.fileno(), STDERR)
            written.seek(0)
            stderr.writelines(line for line in written if not LINE.match(line))


def _flush() -> None:
    if sys.stderr is not None:
        sys.stderr.flush()
