"""Three hosts with addresses of their own, and a slow link between them, train the same model."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.ray]


@pytest.fixture
def hosts(monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("ray")
    if sys.platform != "linux" or os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("network namespaces need Linux, root and the command ip")
    if not os.access("/dev/net/tun", os.W_OK):
        pytest.skip("this system has no devices of packets (/dev/net/tun)")
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    from network import Network
    from ray_hosts import ray_over

    with Network(3, 0.001, 1e8) as network, ray_over(network) as found:
        yield found


def make_table(folder: Path) -> str:
    import duckdb

    columns = "sin(i) AS x, cos(7 * i) AS z, CASE WHEN x > z THEN 'over' ELSE 'under' END AS y"
    for part, rows in enumerate((5000, 2500, 4000)):  # row groups have whole 2,048 rows
        duckdb.sql(
            f"COPY (SELECT {columns} FROM range({rows}) AS r(i)) "
            f"TO '{folder}/{part}.parquet' (ROW_GROUP_SIZE 2048)"
        )
    return f"{folder}/*.parquet"


def test_the_command_writes_the_model_of_one_process(hosts, tmp_path: Path) -> None:
    table, one, many = make_table(tmp_path), tmp_path / "one.bh", tmp_path / "many.bh"
    train = [sys.executable, "-m", "backhand", "train", table, "--target", "y", "--quick",
             "--epochs", "3", "--hidden", "16", "--dropout", "0.1"]  # fmt: skip
    subprocess.run([*train, "--workers", "1", "-o", one], check=True, timeout=60)
    said = hosts.run([*train, "--workers", "3", "--ray", hosts.address, "-o", many], seconds=120)
    assert many.read_bytes() == one.read_bytes()
    for host in (1, 2, 3):
        assert hosts.network.address(host) in said
