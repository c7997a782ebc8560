"""What the transport on Ray does without a cluster; tests/slow/test_ray.py has the rest."""

from __future__ import annotations

import os
import sys

import numpy as np
import pytest

from backhand.cluster import ray_actors, ray_connection
from backhand.cluster.connect import connect
from backhand.cluster.ray_actors import Worker
from backhand.equations import Parameters
from backhand.errors import BackhandError, InputError, MissingDependencyError
from helpers import worker_functions as functions


class Stored:
    """Stands for a reference to an object of Ray."""


def test_references_among_the_arguments_are_sent_beside_them_and_put_back() -> None:
    x, params = np.ones(3), Parameters(*map(np.zeros, range(1, 5)))
    one, two = Stored(), Stored()
    args = (one, 3, {"a": [two, (one, x)], 4: params}, "b")
    references: list[object] = []
    lifted = ray_actors._lifted(args, Stored, references)
    assert references == [one, two, one]
    assert "Stored" not in repr(lifted)
    found = ray_actors._put_back(lifted, ("one", "two", "one"))
    assert found[:2] == ("one", 3) and found[3] == "b"
    assert found[2]["a"] == ["two", ("one", x)] and found[2][4] is params


def test_a_worker_returns_what_a_function_raises_and_says_where_it_was_raised(monkeypatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    worker = Worker(1)
    assert worker.run(functions.write, ("rows", [1, 2])) == 2
    failure = worker.run(functions.refuse, ("rows", 3))
    assert isinstance(failure.error, InputError) and "2 rows are not 3" in str(failure.error)
    failure = worker.run(functions.fail, ())
    assert isinstance(failure.error, KeyError)
    assert "in fail" in failure.error.__notes__[0]
    assert os.environ["OMP_NUM_THREADS"] == "1"


def test_the_reason_of_a_loss_is_one_line_without_ids() -> None:
    error = RuntimeError(
        "The actor died unexpectedly before finishing this task.\n\tclass_name: Worker\n"
        "\tactor_id: 93b7\nThe actor is dead because its worker process has died. "
    )
    assert ray_actors._reason(error) == (
        "The actor died unexpectedly before finishing this task. "
        "The actor is dead because its worker process has died"
    )


def test_without_ray_the_error_says_how_to_get_it(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingDependencyError, match=r"backhand\[ray\]"), connect(2, "local"):
        pass


def test_an_address_that_is_no_text_is_refused() -> None:
    with pytest.raises(InputError, match="ray is 5"), connect(2, 5):
        pass


@pytest.mark.parametrize("ended", ["before", "meanwhile"])
def test_a_connection_that_was_ended_is_an_error_and_no_other_is_made(ended, monkeypatch) -> None:
    answers = iter([ended == "meanwhile", False])
    monkeypatch.setattr(ray_connection, "_connected", lambda: next(answers))
    match = "connection to the Ray cluster was ended"
    with pytest.raises(BackhandError, match=match), ray_connection.while_connected():
        assert ended == "meanwhile"
        raise AttributeError("Ray's")


def test_while_the_connection_lasts_errors_are_as_they_are(monkeypatch) -> None:
    monkeypatch.setattr(ray_connection, "_connected", lambda: True)
    with pytest.raises(KeyError), ray_connection.while_connected():
        raise KeyError
