"""The time limit of a call holds, whatever the function has replaced."""

import builtins
import time

import pytest

from backhand.doctor.probe.refusal import Reason, Refusal
from backhand.doctor.probe.time_limit import in_time


def test_a_function_that_replaces_max_has_the_whole_time(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow() -> str:
        time.sleep(0.05)
        return "done"

    with monkeypatch.context() as replaced:
        replaced.setattr(builtins, "max", lambda *_, **__: 0)
        found = in_time(slow, 10.0)
    assert found == "done"


def test_a_call_that_takes_too_long_is_refused() -> None:
    def endless() -> None:
        while True:
            time.sleep(0.01)

    with pytest.raises(Refusal) as refused:
        in_time(endless, 0.05)
    assert refused.value.reason is Reason.TIMEOUT
