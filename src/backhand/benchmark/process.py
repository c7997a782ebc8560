"""Measure in a separate process that has exactly the requested number of threads.

This module imports neither NumPy nor any other library that reads its number of threads when it
is loaded.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress

from backhand.benchmark.machine import allowed_cores
from backhand.benchmark.problem import Shape
from backhand.benchmark.results import ShapeResult
from backhand.choices import PrecisionName, names
from backhand.constraints import Choice, check
from backhand.errors import BackhandError, InputError
from backhand.support import system
from backhand.support.optional import extra

THREAD_VARIABLES = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS",
)  # fmt: skip


def confine(threads: int, cores: int | None = None) -> None:
    """Limit this process to `threads` threads per library and to `cores` cores.

    Must be called before NumPy, torch or JAX is imported. On a system without CPU affinity
    only the settings of the libraries apply.

    Parameters
    ----------
    threads : int
    cores : int, optional
        By default as many as threads.

    Raises
    ------
    InputError
        If this process may use fewer cores.
    """
    cores = cores or threads
    check_threads(cores)
    if "numpy" in sys.modules:
        raise RuntimeError("NumPy has already been imported, with its own number of threads")
    for variable in THREAD_VARIABLES:
        os.environ[variable] = str(threads)
    # XLA counts the cores that it may use; its Eigen thread pool has a setting of its own.
    multi = "true" if threads > 1 else "false"
    os.environ["XLA_FLAGS"] = (
        f"--xla_cpu_multi_thread_eigen={multi} intra_op_parallelism_threads={threads}"
    )
    os.environ["JAX_PLATFORMS"] = "cpu"
    system.machine.confine(allowed_cores()[:cores])


def check_threads(threads: int) -> None:
    """Raise `InputError` unless every thread can have a core of its own."""
    cores = len(allowed_cores())
    if not 1 <= threads <= cores:
        core = "1 core" if cores == 1 else f"{cores:,} cores"
        raise InputError(
            f"threads is {threads}; this process may use {core}, and each timed thread needs "
            "a core of its own."
        )


def benchmark(
    shapes: Sequence[Shape],
    threads: int = 1,
    effort: str = "normal",
    precision: str = "auto",
) -> Iterator[ShapeResult]:
    """Measure the shapes one after the other, and yield each result once it is there.

    `effort` is a key of `measure.EFFORTS`, `precision` one of `CONTENDERS_IN`. Progress is printed
    to standard error.

    Raises
    ------
    InputError
        If `threads` is less than 1 or more than the cores, or for an unknown precision.
    BackhandError
        If measuring fails.
    """
    check_threads(threads)
    check("precision", precision, Choice(names(PrecisionName)))
    extra("threadpoolctl", "the benchmark")  # by which NumPy is held to them
    # -P: a file in the working folder must not be imported instead of a library of the same name.
    return _results([
        sys.executable, "-P", "-m", "backhand.benchmark", "--threads", str(threads),
        "--effort", effort, "--precision", precision, *map(str, shapes),
    ])  # fmt: skip


def _results(command: list[str]) -> Iterator[ShapeResult]:
    # In its own session, so that Ctrl-C reaches only this process, which then ends the other.
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, encoding="utf-8", **system.processes.own_group()
    )
    assert process.stdout is not None
    try:
        for line in process.stdout:
            message = json.loads(line)
            if "error" in message:
                raise BackhandError(message["error"])
            if "progress" in message:  # printed here, so that it comes after the result before it
                with suppress(OSError):  # standard error is full; the results go to another stream
                    print(message["progress"], file=sys.stderr, flush=True)
                continue
            yield ShapeResult.from_json(message)
        if code := process.wait():
            raise BackhandError(f"the measuring process ended early (exit code {code}).")
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
