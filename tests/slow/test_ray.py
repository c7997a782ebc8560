"""Workers of a Ray cluster of three nodes on this machine, and what happens when some are lost."""

from __future__ import annotations

import os
import pickle
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest

from backhand.cluster import ray_actors
from backhand.cluster.connect import connect
from backhand.cluster.parts import Parts
from backhand.cluster.transport import WorkerLost
from backhand.errors import BackhandError, InputError
from helpers import worker_functions as functions
from helpers.parted_cases import CASES
from helpers.parted_training import differing

ray = pytest.importorskip("ray")
from helpers.ray_clusters import add_node, all_ended, cluster_of, ray_processes, within  # noqa: E402

pytestmark = [
    pytest.mark.slow,
    pytest.mark.ray,
    pytest.mark.skipif(sys.platform == "win32", reason="Ray's clusters for tests do not run there"),
]

ROWS = [([1, 2],), ([3],), ([],), ([4, 5],), ([6],), ([7],), ([8, 9],)]
TOTALS = [3, 3, 0, 9, 6, 7, 17]


@pytest.fixture(scope="module", autouse=True)
def own_processes():
    """Processes that are started here carry a variable by which they are found."""
    os.environ["BACKHAND_TEST"] = str(os.getpid())
    yield
    del os.environ["BACKHAND_TEST"]


@pytest.fixture(scope="module")
def cluster(own_processes):
    with cluster_of(3) as cluster:
        yield cluster


@pytest.fixture
def address(cluster):
    while len([node for node in cluster.list_all_nodes() if node]) < 3:
        add_node(cluster)
    cluster.wait_for_nodes()
    return cluster.address


@pytest.fixture
def short_folder():
    """A folder with a path that is short enough for sockets."""
    folder = Path(tempfile.mkdtemp(prefix="t", dir="/tmp"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def kept(transport) -> Parts:
    parts = Parts(transport, len(ROWS))
    assert parts.keep(functions.write, "rows", of_part=ROWS) == [2, 1, 0, 2, 1, 1, 2]
    parts.keep(functions.double, "rows")
    return parts


def pid(place: str) -> int:
    return int(place.split()[-1])


def test_workers_are_spread_and_answer_in_the_order_of_the_parts(address) -> None:
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with connect(3, address) as transport:
        assert handlers == [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)]
        parts = kept(transport)
        assert parts.each(functions.total, "doubled") == [2 * total for total in TOTALS]
        assert len(set(parts.by_worker(functions.node))) == 3
        assert parts.by_worker(functions.process) == [pid(place) for place in transport.places]
        x = transport.share(np.ones(100_000))
        answers = parts.by_worker(functions.parts_and_sum, x)
        assert answers == [([0, 1], 1e5, False), ([2, 3, 4], 1e5, False), ([5, 6], 1e5, False)]
        given = parts.by_worker(functions.numbers, [x], of_part=[(x,)] * 7)[0]
        assert given[1][0].shape == given[2][1][0].shape == (100_000,)
        assert parts.each(functions.threads) == [1] * 7
    assert not ray.is_initialized()


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_trainings_have_the_bits_of_one_worker_in_this_process(address, workers) -> None:
    with connect(workers, address) as transport:
        for name, case in CASES.items():
            result = case.parted(workers, lambda _: nullcontext(transport))
            assert not differing(result, case.parted(1)), name


def test_a_killed_worker_is_replaced_and_makes_its_parts_again(address) -> None:
    with connect(3, address) as transport:
        parts = kept(transport)
        for worker in (0, 2, 0):
            os.kill(pid(transport.places[worker]), signal.SIGKILL)
            assert parts.each(functions.total, "rows") == TOTALS
        assert parts.each(functions.kept)[0] == {"rows": [1, 2], "doubled": [2, 4]}
        calls = [transport.submit(w, functions.wait, 30) for w in range(3)]
        os.kill(pid(transport.places[1]), signal.SIGKILL)
        with pytest.raises(WorkerLost, match="worker 2 is lost"):
            calls[1].result(20)


def test_a_worker_that_is_lost_while_it_starts_is_started_again(address, monkeypatch) -> None:
    start, started = ray_actors.RayActors._new, []

    def start_and_kill_the_first(transport):
        started.append(start(transport))
        if len(started) == 1:
            ray.kill(started[0])
        return started[-1]

    monkeypatch.setattr(ray_actors.RayActors, "_new", start_and_kill_the_first)
    with connect(2, address) as transport:
        assert kept(transport).each(functions.total, "rows") == TOTALS
    assert len(started) == 3


def test_a_function_that_ends_its_worker_each_time_ends_with_a_sentence(address) -> None:
    with connect(2, address) as transport:
        parts = kept(transport)
        with pytest.raises(BackhandError, match=r"4 times in a row at the same call") as caught:
            parts.each(functions.end_process)
        assert "\n" not in str(caught.value)


def test_a_connection_that_the_user_ends_is_an_error_and_no_other_is_made(address) -> None:
    with connect(2, address) as transport:
        parts = kept(transport)
        waiting = transport.submit(0, functions.wait, 30)
        timer = threading.Timer(0.5, ray.shutdown)
        timer.start()
        with pytest.raises(BackhandError, match="connection to the Ray cluster was ended"):
            waiting.result(20)
        timer.join()
        for call in (
            lambda: parts.each(functions.total, "rows"),
            lambda: transport.share(np.ones(100_000)),
            lambda: transport.replace(WorkerLost(0, "", 0)),
        ):
            with pytest.raises(BackhandError, match="connection to the Ray cluster was ended"):
                call()
    assert not ray.is_initialized()


def test_exceptions_reach_the_driver_as_they_do_from_threads(address) -> None:
    with connect(3, address) as transport:
        parts = kept(transport)
        with pytest.raises(InputError, match=r"^1 rows are not 2\.$"):
            parts.each(functions.refuse, "rows", 2)
        with pytest.raises(BackhandError, match=r"^worker 1 \(.*process \d+\) failed: KeyError"):
            parts.each(functions.fail)
        with pytest.raises(BackhandError, match="1 and 2 do not fit"):
            parts.each(functions.fail_unpicklably)


def test_a_stopped_worker_is_lost_after_some_seconds_of_silence(address, monkeypatch) -> None:
    monkeypatch.setattr(ray_actors, "SILENCE", 0.5)
    monkeypatch.setattr(ray_actors, "PULSE", 2.0)
    with connect(3, address) as transport:
        parts = kept(transport)
        assert parts.each(functions.compute, 0.8) == ["done"] * 7, "busy ones are alive"
        stopped = pid(transport.places[1])
        os.kill(stopped, signal.SIGSTOP)
        assert parts.each(functions.total, "rows") == TOTALS
        assert within(30, lambda: not Path(f"/proc/{stopped}").exists()), "it is killed"


def test_parts_of_a_removed_node_are_made_again_on_the_others(cluster, address) -> None:
    with connect(3, address) as transport:
        parts = kept(transport)
        cluster.remove_node(next(iter(cluster.worker_nodes)), allow_graceful=False)

        def two_hold_them() -> bool:  # the node's worker may answer for some moments
            assert parts.each(functions.total, "rows") == TOTALS
            return len(set(parts.holders)) == 2  # there is no room for a third worker

        assert within(60, two_hold_them)
        assert parts.each(functions.total, "doubled") == [2 * total for total in TOTALS]


def test_two_trainings_in_one_process_share_the_connection(address) -> None:
    found: dict[int, list] = {}

    def ask(number: int) -> None:
        with connect(1, address) as transport:
            parts = kept(transport)
            found[number] = [parts.each(functions.total, "rows") for _ in range(20)]

    askers = [threading.Thread(target=ask, args=(number,)) for number in range(2)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join(120)
    assert found == {number: [TOTALS] * 20 for number in range(2)}
    assert not ray.is_initialized()


def test_a_connection_of_the_user_stays(address) -> None:
    ray.init(address, log_to_driver=False, logging_level="ERROR")
    try:
        before = ray_processes()
        for where in ("auto", address):
            with connect(2, where) as transport:
                assert kept(transport).each(functions.total, "rows") == TOTALS
            assert ray.is_initialized() and all_ended(before)
        with (
            pytest.raises(InputError, match="is connected to the Ray cluster at"),
            connect(2, "local"),
        ):
            pass
    finally:
        ray.shutdown()


def test_without_room_for_all_workers_the_error_says_what_there_is(address, monkeypatch) -> None:
    monkeypatch.setattr(ray_actors, "STARTING", 5.0)
    message = r"of 5 workers, \d began .* of the Ray cluster: 3"
    with pytest.raises(InputError, match=message), connect(5, address):
        pass
    monkeypatch.undo()
    with connect(3, address) as transport:  # nothing of it is left
        assert kept(transport).each(functions.total, "rows") == TOTALS


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("127.0.0.1:1", "no Ray cluster answers at '127.0.0.1:1'"),
        ("nowhere.invalid:6379", "no Ray cluster answers at"),
        ("ray://127.0.0.1:10001", "Ray Client"),
        ("somewhere", "expected 'local', 'auto' or the address"),
    ],
)
def test_an_address_without_a_cluster_is_refused_within_seconds(address, message) -> None:
    began = time.monotonic()
    with pytest.raises(InputError, match=message), connect(2, address):
        pass
    assert time.monotonic() - began < 30
    assert not ray.is_initialized()


SCRIPT = """
import os, sys, time
from helpers import worker_functions as functions
from backhand.cluster.connect import connect
from backhand.cluster.parts import Parts

def main():
    print("connecting", flush=True)
    with connect(2, sys.argv[1]) as transport:
        parts = Parts(transport, 4)
        print("begun", flush=True)
        parts.each(functions.wait, 60)

if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        print("interrupted", flush=True)
"""


@pytest.mark.parametrize("moment", ["starting", "working"])
@pytest.mark.parametrize("where", ["local", "cluster"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_or_killed_driver_leaves_no_process_and_no_folder(
    where, number, moment, request, short_folder
) -> None:
    address = "local" if where == "local" else request.getfixturevalue("address")
    before = ray_processes()
    driver = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, address], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TMPDIR": str(short_folder)},
        start_new_session=True,
    )  # fmt: skip
    assert driver.stdout is not None
    try:
        assert driver.stdout.readline() == "connecting\n"
        assert moment == "starting" or driver.stdout.readline() == "begun\n"
        time.sleep(1.0)
        if number == signal.SIGINT:  # as a terminal sends it, to all that the driver has started
            os.killpg(driver.pid, number)
        else:
            driver.kill()
        rest, _ = driver.communicate(timeout=60)
    finally:
        driver.kill()
    assert rest == ("interrupted\n" if number == signal.SIGINT else "")
    assert all_ended(before, 60), "workers have been left"
    if number == signal.SIGINT:
        assert not list(short_folder.iterdir())


def test_a_transport_is_not_needed_to_pickle_what_it_returned(address) -> None:
    with connect(2, address) as transport:
        answer = kept(transport).each(functions.kept)
    assert pickle.loads(pickle.dumps(answer)) == answer
