"""Trainings on tables whose workers are processes of a Ray cluster of three nodes."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import numpy as np
import pytest

import backhand
from helpers.command_line import run
from tables.test_workers import CONFIGURATIONS, SMALL, columns, here, same

ray = pytest.importorskip("ray")
from helpers.ray_clusters import cluster_of, ray_processes  # noqa: E402

pytestmark = [
    pytest.mark.slow,
    pytest.mark.ray,
    pytest.mark.skipif(sys.platform == "win32", reason="Ray's clusters for tests do not run there"),
    pytest.mark.filterwarnings("ignore::backhand.BackhandWarning"),
]

__all__ = ["here"]


@pytest.fixture(scope="module")
def address():
    os.environ["BACKHAND_TEST"] = str(os.getpid())
    try:
        with cluster_of(3) as cluster:
            yield cluster.address
    finally:
        del os.environ["BACKHAND_TEST"]


@pytest.mark.parametrize(
    ("name", "files", "workers"),
    [
        ("a search", "p*.parquet", 3),
        ("weights and dropout", "c*.csv", 2),
        ("another table", "p*.parquet", 1),
        ("time", "c*.csv", 3),
    ],
)
def test_processes_that_share_rows_make_the_model_of_one_thread(
    here, address, name, files, workers
) -> None:
    settings = {**SMALL, "share": "rows", **CONFIGURATIONS[name]}
    one = backhand.fit(files, "t", workers=1, **settings)
    assert same(one, backhand.fit(files, "t", workers=workers, ray=address, **settings))


def test_processes_that_share_networks_make_the_model_of_one_machine(here, address) -> None:
    alone = backhand.fit(columns(), "t", **SMALL)
    assert same(alone, backhand.fit(columns(), "t", workers=3, ray=address, **SMALL))


def test_workers_that_are_killed_change_no_bit(here, address) -> None:
    settings = {**SMALL, "quick": True, "epochs": 30}
    whole = backhand.fit("p*.parquet", "t", workers=1, **settings)
    killed: list[int] = []

    def kill(progress: backhand.Progress) -> None:
        workers = [
            process for process in sorted(ray_processes())
            if b"ray::Worker" in Path(f"/proc/{process}/cmdline").read_bytes()
        ]  # fmt: skip
        if progress.epoch in (4, 11, 12, 25):
            killed.append(workers[progress.epoch % len(workers)])
            os.kill(killed[-1], signal.SIGKILL)

    found = backhand.fit(
        "p*.parquet", "t", workers=2, ray=address, **settings, callbacks=[kill]
    )  # fmt: skip
    assert len(killed) == 4
    assert same(whole, found)


def test_an_error_of_a_worker_is_one_sentence(here, address) -> None:
    data = bytearray((here / "p3.parquet").read_bytes())
    data[4:200] = bytes(np.random.default_rng(0).integers(0, 256, 196, np.uint8))
    (here / "p3.parquet").write_bytes(data)
    found = run(
        "train", "p*.parquet", "-t", "t", "--quick", "--workers", 2, "--ray", address, expect=2
    )
    assert "p3.parquet" in found.stderr or "p*.parquet" in found.stderr
    assert "Traceback" not in found.output
