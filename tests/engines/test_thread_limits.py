"""How many threads are taken where nobody says a number: no more than others are held to."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from threadpoolctl import threadpool_limits

from backhand.engines import thread_limits
from backhand.engines.thread_limits import available_threads, blas_threads
from helpers.optional_packages import optional

joblib = optional("joblib")


@pytest.fixture(autouse=True)
def eight_cores(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(joblib, "cpu_count", lambda: 8)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    with blas_threads().limited(8):
        yield
        monkeypatch.undo()  # before the limit ends: what a test replaced could not set it back


@pytest.mark.parametrize(
    ("variable", "expected"),
    [("1", 1), ("3", 3), ("3,2", 3), (" 2 ", 2), ("64", 8), ("", 8), ("0", 8), ("all", 8)],
)
def test_omp_num_threads_is_obeyed(monkeypatch, variable: str, expected: int) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", variable)
    assert available_threads() == expected


@pytest.mark.skipif(not thread_limits._blas(), reason="threadpoolctl knows no BLAS here")
def test_a_limit_of_blas_is_obeyed_while_it_lasts() -> None:
    with threadpool_limits(2, user_api="blas"):
        assert available_threads() == 2
    assert available_threads() == 8


def test_a_blas_without_threads_limits_nothing(monkeypatch) -> None:
    class Serial:
        threading_layer, num_threads = "disabled", 1

    monkeypatch.setattr(thread_limits, "_blas", lambda: [Serial()])
    assert available_threads() == 8
    monkeypatch.setattr(thread_limits, "_blas", list)
    assert available_threads() == 8


def test_another_python_thread_is_no_joblib_worker() -> None:
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(available_threads).result() == 8


def test_no_thread_is_started_where_one_is_allowed() -> None:
    """In `train` and in the estimator, by the variable and by a limit of BLAS alone."""
    script = (
        "import os, threading, numpy as np, backhand, joblib\n"
        "from threadpoolctl import threadpool_limits\n"
        "joblib.cpu_count = lambda: 2\n"
        "started, start = [], threading.Thread.start\n"
        "threading.Thread.start = lambda self: (started.append(self.name), start(self))[1]\n"
        "X = np.random.default_rng(0).standard_normal((512, 200)).astype(np.float32)\n"
        "y = np.arange(512) % 3\n"
        "def train():\n"
        "    backhand.train(backhand.init(200, 400, 3), X, y, epochs=1, batch_size=256)\n"
        "    return len(started)\n"
        "def fit():\n"
        "    backhand.MLPClassifier((400,), max_iter=2, tol=9, batch_size=256).fit(X, y)\n"
        "    return len(started)\n"
        "import warnings; warnings.simplefilter('ignore')\n"
        "os.environ['OMP_NUM_THREADS'] = '1'\n"
        "print(train(), fit())\n"
        "del os.environ['OMP_NUM_THREADS']\n"
        "with threadpool_limits(1):\n"
        "    print(train(), fit())\n"
        "from backhand.engines.thread_limits import blas_threads\n"
        "with blas_threads().limited(2):\n"
        "    print(train() > 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True,
                          env=os.environ | {"OMP_NUM_THREADS": "2"}, timeout=120)  # fmt: skip
    assert done.stdout == "0 0\n0 0\nTrue\n", done.stderr
