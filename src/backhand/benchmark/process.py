"""Measuring in a process of its own, which has exactly the number of threads that is wanted.

Nothing here imports NumPy or anything else that looks at its number of threads when it is loaded.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence

from backhand.benchmark.machine import allowed_cores
from backhand.benchmark.problem import Shape
from backhand.benchmark.results import ShapeResult
from backhand.errors import BackhandError, InputError

THREAD_VARIABLES = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS",
)  # fmt: skip


def confine(threads: int, cores: int | None = None) -> None:
    """Hold this process's libraries to so many threads, on as many cores or so many.

    Has to come before NumPy, torch or JAX is imported. Where the system has no affinity (macOS),
    the libraries' own settings have to do.

    Raises
    ------
    InputError
        If there are fewer cores.
    """
    cores = cores or threads
    check_threads(cores)
    if "numpy" in sys.modules:
        raise RuntimeError("NumPy is loaded already, and has its number of threads")
    for variable in THREAD_VARIABLES:
        os.environ[variable] = str(threads)
    # XLA counts the cores that it may use; Eigen's pool inside it is another matter.
    multi = "true" if threads > 1 else "false"
    os.environ["XLA_FLAGS"] = (
        f"--xla_cpu_multi_thread_eigen={multi} intra_op_parallelism_threads={threads}"
    )
    os.environ["JAX_PLATFORMS"] = "cpu"
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, allowed_cores()[:cores])


def check_threads(threads: int) -> None:
    """Whether so many threads have a core each; `InputError` if not."""
    cores = len(allowed_cores())
    if not 1 <= threads <= cores:
        core = "1 core" if cores == 1 else f"{cores} cores"
        raise InputError(
            f"threads is {threads}; this process may use {core}, and each thread that is "
            "timed needs one of its own."
        )


def benchmark(
    shapes: Sequence[Shape], threads: int = 1, effort: str = "normal"
) -> Iterator[ShapeResult]:
    """Measure the shapes one after the other, and give each result as it comes.

    `effort` is one of `EFFORTS`. Progress goes to standard error.

    Raises
    ------
    InputError
        For more threads than cores, or fewer than one.
    BackhandError
        If the measuring fails.
    """
    check_threads(threads)
    # -P: a file in the working folder that is called like a library must not take its place.
    return _results([
        sys.executable, "-P", "-m", "backhand.benchmark", "--threads", str(threads),
        "--effort", effort, *map(str, shapes),
    ])  # fmt: skip


def _results(command: list[str]) -> Iterator[ShapeResult]:
    # In a session of its own, so that Ctrl-C reaches this process alone, which then ends that one.
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, encoding="utf-8", start_new_session=True
    )
    assert process.stdout is not None
    try:
        for line in process.stdout:
            message = json.loads(line)
            if "error" in message:
                raise BackhandError(message["error"])
            yield ShapeResult.from_json(message)
        if code := process.wait():
            raise BackhandError(f"measuring ended before it was done (exit code {code}).")
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
