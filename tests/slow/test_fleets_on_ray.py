"""Fleets on a Ray cluster of three nodes on this machine: the bits of one process."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
from contextlib import suppress
from typing import Any

import numpy as np
import pytest

import backhand
from backhand import Checkpoint, Member
from backhand.cluster.connect import connect
from backhand.cluster.remote_engine import RemoteEngine
from training.test_fleet_checkpoints import long_fleet, stop_after
from training.test_fleets import assert_same, folds, rows_of

ray = pytest.importorskip("ray")
from helpers.ray_clusters import all_ended, cluster_of, ray_processes  # noqa: E402

pytestmark = [
    pytest.mark.slow,
    pytest.mark.ray,
    pytest.mark.skipif(sys.platform == "win32", reason="Ray's clusters for tests do not run there"),
]


@pytest.fixture(scope="module")
def address() -> Any:
    os.environ["BACKHAND_TEST"] = str(os.getpid())
    with cluster_of(3) as cluster:
        yield cluster.address
    del os.environ["BACKHAND_TEST"]


@pytest.fixture(scope="module")
def whole() -> list[Any]:
    return backhand.train_many(long_fleet(), *rows_of())


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_a_fleet_has_the_bits_of_one_process(address: str, workers: int) -> None:
    X, y = rows_of()
    w = np.random.default_rng(1).random(len(y))
    members = [*folds(), *(Member(hidden=4, epochs=3, seed=seed) for seed in range(60))]
    for how in ({}, {"sample_weight": w, "dtype": np.float64}):
        here = backhand.train_many(members, X, y, **how)
        there = backhand.train_many(members, X, y, **how, workers=workers, ray=address)
        for one, other in zip(there, here, strict=True):
            assert_same(one, other)
    there[0].params.W1[:] = 7  # it is the user's, and may be changed


def test_a_memory_map_is_sent_by_its_numbers(address: str, tmp_path: Any) -> None:
    X, y = rows_of()
    mapped = np.lib.format.open_memmap(tmp_path / "X.npy", "w+", np.float32, X.shape)
    mapped[:] = X
    here = backhand.train_many(folds(), mapped, y)
    there = backhand.train_many(folds(), mapped, y, workers=2, ray=address)
    for one, other in zip(there, here, strict=True):
        assert_same(one, other)


@pytest.mark.parametrize("seed", range(4))
def test_workers_that_are_killed_change_no_bit(address: str, whole: Any, seed: int) -> None:
    draw = random.Random(seed)
    with connect(3, address) as transport:

        def kill() -> None:
            for _ in range(2):
                time.sleep(draw.uniform(0.05, 0.5))
                with suppress(ProcessLookupError):  # it was killed and is not replaced yet
                    os.kill(int(draw.choice(transport.places).split()[-1]), signal.SIGKILL)

        killer = threading.Thread(target=kill)
        engine = RemoteEngine(backhand.make_engine("fused"), transport)
        killer.start()
        results = backhand.train_many(long_fleet(), *rows_of(), engine=engine)
        killer.join()
    for one, other in zip(results, whole, strict=True):
        assert_same(one, other)


def test_a_fleet_that_was_begun_on_a_cluster_resumes_on_one_machine(
    address: str, whole: Any, tmp_path: Any
) -> None:
    for done, workers in ((2, 3), (5, None), (8, 1), (100, 2)):
        where = {} if workers is None else {"workers": workers, "ray": address}
        results = backhand.train_many(
            long_fleet(), *rows_of(), callbacks=[stop_after(done)], **where,
            checkpoint=Checkpoint(tmp_path / "fleet", "0.05s", resume=True),
        )  # fmt: skip
    for one, other in zip(results, whole, strict=True):
        assert_same(one, other)


PROGRAM = """
    import numpy as np
    import backhand
    def show(progress):
        if progress.under_way:
            print("begun", flush=True)
    try:
        backhand.train_many(
            [backhand.Member(hidden=64, epochs=10**6, seed=n) for n in range(9)],
            np.random.default_rng(0).normal(size=(200, 5)), np.arange(200) % 3,
            workers=2, ray="local", callbacks=[show])
    except KeyboardInterrupt:
        print("ended")
"""


def test_ctrl_c_ends_a_fleet_and_leaves_no_process() -> None:
    os.environ["BACKHAND_TEST"] = str(os.getpid())
    before = ray_processes()
    program = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PROGRAM)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert program.stdout is not None
        assert program.stdout.readline() == "begun\n"
        program.send_signal(signal.SIGINT)
        out, err = program.communicate(timeout=60)
    finally:
        program.kill()
    assert out.splitlines()[-1] == "ended", err
    assert "Traceback" not in err
    assert all_ended(before)
