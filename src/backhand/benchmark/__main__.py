"""`python -m backhand.benchmark`: the measuring process. Prints one JSON object per shape."""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import TextIO

from backhand.benchmark.contenders import CONTENDERS_IN
from backhand.benchmark.measure import EFFORTS, measure
from backhand.benchmark.problem import Shape, parse_shape
from backhand.benchmark.process import confine
from backhand.errors import InputError


def main() -> int:
    """Measure the shapes in the arguments; standard output carries the results only."""
    parser = argparse.ArgumentParser(prog="python -m backhand.benchmark", description=__doc__)
    parser.add_argument("--threads", type=int, default=1, help="number of threads")
    parser.add_argument("--effort", choices=EFFORTS, default="normal", help="how long to measure")
    parser.add_argument(
        "--precision", choices=CONTENDERS_IN, default="auto", help="precision of the products"
    )
    parser.add_argument("shapes", type=_shape, nargs="+", metavar="N,d,H,K")
    arguments = parser.parse_args()
    # Libraries and compilers print too: their output is redirected to standard error.
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as out:
        os.dup2(2, 1)
        return _measure_all(arguments, out)


def _measure_all(arguments: argparse.Namespace, out: TextIO) -> int:
    try:
        confine(arguments.threads)
        for shape in arguments.shapes:
            _measure(shape, arguments, out)
    except BrokenPipeError:
        return 1  # the reader of the results is gone
    except Exception as error:
        if os.environ.get("BACKHAND_TRACEBACK"):
            raise
        out_of_memory = isinstance(error, MemoryError)
        sentence = "not enough memory for this shape." if out_of_memory else \
            f"{type(error).__name__}: {error}"  # fmt: skip
        print(json.dumps({"error": sentence}), file=out, flush=True)
        return 1
    return 0


def _shape(text: str) -> Shape:
    try:
        return parse_shape(text)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from None  # argparse prints the message


def _measure(shape: Shape, arguments: argparse.Namespace, out: TextIO) -> None:
    threads = arguments.threads
    line = f"measuring {shape} with {threads} thread{'s'[: threads > 1]} ..."
    print(json.dumps({"progress": line}), file=out, flush=True)
    effort, precision = EFFORTS[arguments.effort], arguments.precision
    found = measure(shape, threads, effort, CONTENDERS_IN[precision], precision)
    print(json.dumps(found.to_json()), file=out, flush=True)


if __name__ == "__main__":
    sys.exit(main())
