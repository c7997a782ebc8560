"""`python -m backhand.benchmark`: the measuring process. Prints one JSON object a shape."""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import TextIO

from backhand.benchmark.effort import EFFORTS, Effort
from backhand.benchmark.problem import Shape, parse_shape
from backhand.benchmark.process import confine
from backhand.errors import InputError


def main() -> int:
    """Measure what the arguments say; standard output carries results and nothing else."""
    parser = argparse.ArgumentParser(prog="python -m backhand.benchmark", description=__doc__)
    parser.add_argument("--threads", type=int, default=1, help="exactly so many threads")
    parser.add_argument("--effort", choices=EFFORTS, default="normal", help="how long to measure")
    parser.add_argument("shapes", type=_shape, nargs="+", metavar="N,d,H,K")
    arguments = parser.parse_args()
    # What libraries and compilers print goes to standard error.
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as out:
        os.dup2(2, 1)
        return _measure_all(arguments, out)


def _measure_all(arguments: argparse.Namespace, out: TextIO) -> int:
    try:
        confine(arguments.threads)
        for shape in arguments.shapes:
            _measure(shape, arguments.threads, EFFORTS[arguments.effort], out)
    except BrokenPipeError:
        return 1  # nobody waits for the results
    except Exception as error:
        if os.environ.get("BACKHAND_TRACEBACK"):
            raise
        out_of_memory = isinstance(error, MemoryError)
        sentence = "there is not enough memory for this shape." if out_of_memory else \
            f"{type(error).__name__}: {error}"  # fmt: skip
        print(json.dumps({"error": sentence}), file=out, flush=True)
        return 1
    return 0


def _shape(text: str) -> Shape:
    try:
        return parse_shape(text)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from None  # whose words argparse prints


def _measure(shape: Shape, threads: int, effort: Effort, out: TextIO) -> None:
    from backhand.benchmark.measure import measure

    try:
        line = f"measuring {shape} with {threads} thread{'s'[: threads > 1]} ..."
        print(line, file=sys.stderr, flush=True)
    except OSError:  # what is said of it has no room; the results go elsewhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    print(json.dumps(measure(shape, threads, effort).to_json()), file=out, flush=True)


if __name__ == "__main__":
    sys.exit(main())
