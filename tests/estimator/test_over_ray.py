"""`RayMLPClassifier` on a Ray cluster of three nodes; see test_over_workers.py for the list."""

import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise

import numpy as np
import pytest
from sklearn.datasets import load_iris

from backhand import BackhandError, InputError, MLPClassifier, RayMLPClassifier
from backhand.estimator import ray_classifier

ray = pytest.importorskip("ray")
from helpers.ray_clusters import all_ended, cluster_of, ray_processes, within  # noqa: E402

pytestmark = [
    pytest.mark.slow,
    pytest.mark.ray,
    pytest.mark.skipif(sys.platform == "win32", reason="Ray's clusters for tests do not run there"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]

X, Y = load_iris(return_X_y=True)
ORDER = np.random.default_rng(0).permutation(150)
X, Y = X[ORDER], Y[ORDER]
NAMES = np.array(["setosa", "versicolor", "virginica"])[Y]
CUTS = [0, 9, 9, 70, 150]


@pytest.fixture(scope="module", autouse=True)
def cluster():
    """A cluster to which this process is connected, as a user's program is."""
    os.environ["BACKHAND_TEST"] = str(os.getpid())
    try:
        with cluster_of(3) as found:
            ray.init(found.address, log_to_driver=False, logging_level="ERROR")
            try:
                yield found
            finally:
                ray.shutdown()
    finally:
        del os.environ["BACKHAND_TEST"]


def parts(rows) -> list:
    return [rows[a:b] for a, b in pairwise(CUTS)]


def stored(rows) -> list:
    return [ray.put(part) for part in parts(rows)]


def classifier(num_workers=2, address=None, **settings) -> RayMLPClassifier:
    settings = {"hidden_layer_sizes": 5, "max_iter": 3, "random_state": 0} | settings
    return RayMLPClassifier(num_workers=num_workers, address=address, **settings)


def same(one, other) -> bool:
    pairs = zip([*one.coefs_, one.loss_curve_], [*other.coefs_, other.loss_curve_], strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("settings", [{}, {"solver": "lbfgs"}, {"early_stopping": True}])
def test_any_number_of_workers_gives_the_same_bits(settings) -> None:
    expected = classifier(1, "threads", **settings).fit(parts(X), parts(NAMES))
    rows, labels = stored(X), stored(NAMES)
    for workers in (1, 2, 3):
        assert same(classifier(workers, **settings).fit(rows, labels), expected)
    assert ray.is_initialized()  # it was the user who connected
    in_one_piece = classifier(1, "threads", **settings).fit(X, Y)
    assert same(classifier(3, **settings).fit(X, Y), in_one_piece)


def test_predictions_of_objects_are_those_of_the_rows() -> None:
    clf = classifier().fit(X, NAMES)
    some, labels = stored(X), stored(NAMES)
    found = clf.predict_proba(some)
    assert [len(part) for part in found] == [9, 0, 61, 80]
    assert np.array_equal(np.concatenate(found), clf.predict_proba(X))
    assert clf.score(some, labels) == pytest.approx(clf.score(X, NAMES), abs=1e-15)


def test_the_cluster_may_be_named_after_construction(cluster) -> None:
    expected = classifier(1, "threads").fit(X, Y)
    clf = RayMLPClassifier(hidden_layer_sizes=5, max_iter=3, random_state=0)
    for address in (None, "auto", cluster.address):
        clf.set_params(address=address, num_workers=2)
        assert same(clf.fit(X, Y), expected) and clf.address == address
    with pytest.raises(InputError, match="this process is connected to the Ray cluster at"):
        clf.set_params(address="local").fit(X, Y)


def test_it_can_be_pickled_fitted_or_not(cluster) -> None:
    for clf in (classifier(address=cluster.address), classifier().fit(stored(X), stored(Y))):
        back = pickle.loads(pickle.dumps(clf))
        assert back.get_params() == clf.get_params()
        assert same(back.fit(X, Y), classifier(1, "threads").fit(X, Y))
    code = (
        "import pickle, sys; clf = pickle.load(sys.stdin.buffer)\n"
        "print(clf.predict([[1, 2, 3, 4]])); assert 'ray' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], input=pickle.dumps(back),
                          capture_output=True, timeout=120)  # fmt: skip
    assert done.returncode == 0 and done.stdout.startswith(b"["), done.stderr


def test_two_fits_at_once_do_not_disturb_each_other() -> None:
    expected = [classifier(1, "threads").fit(X[:n], Y[:n]) for n in (150, 90)]
    with ThreadPoolExecutor(2) as pool:
        calls = [pool.submit(classifier(1).fit, X[:n], Y[:n]) for n in (150, 90)]
        assert all(same(call.result(300), one) for call, one in zip(calls, expected, strict=True))


def test_what_is_wrong_in_a_part_is_reported_with_its_place() -> None:
    rows = stored(X)
    rows[3] = ray.put(np.full((80, 4), np.nan))
    with pytest.raises(InputError, match=r"^X\[3\]: Input X contains NaN"):
        classifier().fit(rows, stored(Y))


def test_an_object_that_could_not_be_made_is_one_sentence() -> None:
    @ray.remote
    def fails() -> None:
        raise RuntimeError("the disk is full")

    with pytest.raises(BackhandError, match="the disk is full") as caught:
        classifier().fit([fails.remote(), *stored(X)[1:]], stored(Y))
    assert "\n" not in str(caught.value)


def test_workers_wait_for_the_tasks_whose_cpus_they_would_take() -> None:
    @ray.remote
    def slow(rows):
        time.sleep(1)
        return rows

    rows = [slow.remote(part) for part in parts(X)]
    clf = classifier(3).fit(rows, stored(Y))
    assert same(clf, classifier(1, "threads").fit(parts(X), parts(Y)))


def test_objects_need_workers_of_ray() -> None:
    with pytest.raises(InputError, match="which only workers of Ray can read"):
        classifier(address="threads").fit(stored(X), stored(Y))


def test_a_port_where_something_else_listens_is_refused() -> None:
    code = (
        "import sys; from backhand import RayMLPClassifier\n"
        "try: RayMLPClassifier(address=sys.argv[1]).fit([[1.0], [2.0]], [0, 1])\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        address = f"127.0.0.1:{other.getsockname()[1]}"
        done = subprocess.run([sys.executable, "-c", code, address], text=True,
                              capture_output=True, timeout=300)  # fmt: skip
    assert done.stdout.startswith("InputError no Ray cluster"), done.stdout + done.stderr
    assert done.stdout.count("\n") == 1


@contextmanager
def killed(monkeypatch, seconds: float):
    """Kill a worker some time after it has been started; yields the list of who was killed."""
    connect, transports, dead = ray_classifier.connect, [], []

    @contextmanager
    def noted(*arguments):
        with connect(*arguments) as transport:
            transports.append(transport)
            yield transport

    def kill() -> None:
        if within(120, lambda: transports):
            time.sleep(seconds)
            pid = int(transports[0].places[1].split()[-1])
            os.kill(pid, signal.SIGKILL)
            dead.append(pid)

    monkeypatch.setattr(ray_classifier, "connect", noted)
    thread = threading.Thread(target=kill)
    thread.start()
    yield dead
    thread.join()


@pytest.mark.parametrize("seconds", [0.0, 0.5, 1.5])
def test_a_lost_worker_changes_no_bit(monkeypatch, seconds) -> None:
    settings = {"max_iter": 400, "batch_size": 50, "n_iter_no_change": 400}
    expected = classifier(1, "threads", **settings).fit(parts(X), parts(Y))
    with killed(monkeypatch, seconds) as dead:
        clf = classifier(2, **settings).fit(stored(X), stored(Y))
        assert dead, "training ended before a worker was killed"
    assert same(clf, expected)


INTERRUPTED = """
import numpy as np, warnings
from backhand import RayMLPClassifier
X, y = np.random.default_rng(0).standard_normal((2000, 20)), np.arange(2000) % 3
clf = RayMLPClassifier(5, max_iter=100_000, n_iter_no_change=100_000, verbose=True, random_state=0)
clf.fit(X, y)
print("ended with", len(clf.loss_curve_), flush=True)
"""


@pytest.mark.filterwarnings("ignore")
def test_a_cluster_of_its_own_ends_with_the_fit_also_after_ctrl_c() -> None:
    before = ray_processes()
    done = subprocess.Popen([sys.executable, "-W", "ignore", "-c", INTERRUPTED], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            start_new_session=True)  # fmt: skip
    assert done.stdout is not None
    first = done.stdout.readline()
    assert first.startswith("Iteration 1"), first + done.stderr.read()
    done.send_signal(signal.SIGINT)
    out, err = done.communicate(timeout=120)
    assert "ended with" in out and "Traceback" not in err, out[-300:] + err
    assert all_ended(before)


def test_the_local_classifier_needs_no_cluster() -> None:
    clf = classifier(solver="lbfgs").fit(stored(X), stored(NAMES))
    local = clf.to_local()
    assert type(local) is MLPClassifier
    assert np.array_equal(local.predict(X), clf.predict(X))
