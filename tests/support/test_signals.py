"""Signals wait where they would do harm, are noted where work is saved, and are never lost."""

import gc
import signal
import sys
import threading
import time

import pytest

from backhand.support import signals
from backhand.support.signals import (
    Interrupted,
    signals_held,
    signals_noted,
    signals_raised,
    signals_seen,
)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")

ALL = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


CONTEXTS = [signals_held, signals_noted, signals_raised, lambda: signals_seen(print)]


class Came(Exception):
    """A signal reached the handler that was there before."""


@pytest.fixture(params=ALL, ids=lambda number: number.name)
def number(request):
    """Each signal, with a handler that must be there again at the end."""

    def handle(number, _):
        raise Came(number)

    before = signal.signal(request.param, handle)
    yield request.param
    assert signal.getsignal(request.param) is handle
    signal.signal(request.param, before)


def test_a_signal_waits_until_the_end_and_then_comes(number) -> None:
    reached = []
    with pytest.raises(Came), signals_held():
        signal.raise_signal(number)
        with signals_held():
            signal.raise_signal(number)
        reached.append("the end")
    assert reached


def test_an_error_is_not_hidden(number) -> None:
    with pytest.raises(ValueError, match="inside"), signals_held():
        raise ValueError("inside")


@pytest.mark.parametrize("context", CONTEXTS)
def test_what_is_ignored_stays_ignored(context) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with context():
            signal.raise_signal(signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("context", CONTEXTS)
def test_other_threads_may_use_it(context) -> None:
    done = []

    def work() -> None:
        with context():
            done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done


def test_what_is_raised_says_which_signal_it_was(number) -> None:
    with pytest.raises(Interrupted) as raised, signals_raised() as came:
        signal.raise_signal(number)
    assert raised.value.signal == number and came == [number]


def test_signals_that_follow_at_once_do_not_interrupt_the_clearing_up(number, monkeypatch) -> None:
    cleared = []
    with pytest.raises(Interrupted) as raised, signals_raised() as came:
        try:
            signal.raise_signal(number)
        finally:
            signal.raise_signal(signal.SIGTERM)
            cleared.append(True)
    assert cleared and raised.value.signal == number and came == [number, signal.SIGTERM]
    monkeypatch.setattr(signals, "SAME_REQUEST", 0.0)
    with pytest.raises(Interrupted), signals_raised():
        try:
            signal.raise_signal(number)
        finally:
            signal.raise_signal(signal.SIGTERM)
            pytest.fail("the second did not end it")


def test_a_signal_is_not_lost_where_python_swallows_exceptions(number, capsys) -> None:
    class Finalised:
        def __del__(self) -> None:
            signal.raise_signal(number)

    with pytest.raises(Interrupted), signals_raised():
        Finalised()
        gc.collect()
        for _ in range(500):  # another thread raises it again, which interrupts no sleep
            time.sleep(0.01)
    assert capsys.readouterr().err == ""


def test_a_noted_signal_is_one_wish_and_another_ends_it_at_once(number, monkeypatch) -> None:
    with signals_noted() as came:
        signal.raise_signal(number)
        signal.raise_signal(signal.SIGTERM)
        assert came == [number, signal.SIGTERM]
    monkeypatch.setattr(signals, "SAME_REQUEST", 0.01)
    with pytest.raises(Interrupted) as raised, signals_noted():
        signal.raise_signal(number)
        time.sleep(0.02)
        signal.raise_signal(signal.SIGTERM)
    assert raised.value.signal == number


def test_a_signal_is_seen_at_once_and_handled_as_well(number) -> None:
    seen = threading.Event()
    with pytest.raises(Came), signals_held(), signals_seen(lambda number: seen.set()):
        signal.raise_signal(number)
        assert seen.wait(10)


def test_a_signal_between_two_contexts_reaches_the_handler_before(number) -> None:
    """As if it came after the context ended, and before its handler was replaced."""
    with signals_held():
        left_behind = signal.getsignal(number)
    with pytest.raises(Came):
        left_behind(number, None)


def test_signals_wait_for_the_command_from_the_first_line_on(number, monkeypatch) -> None:
    handlers = {n: signal.getsignal(n) for n in ALL}
    monkeypatch.setattr(signals, "_waiting", [])
    try:
        signals.hold_signals()
        signal.raise_signal(number)
        with pytest.raises(Interrupted) as raised, signals_raised():
            pytest.fail("it still waited")
        assert raised.value.signal == number
        signal.raise_signal(number)  # the command is done
    finally:
        for n, handler in handlers.items():
            signal.signal(n, handler)
