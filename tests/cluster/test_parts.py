"""Parts on workers of this process: who holds them, and what happens when workers are lost."""

from __future__ import annotations

import random
import threading
import time

import pytest

import backhand.cluster.in_process as in_process
from backhand.cluster.assignment import assigned
from backhand.cluster.connect import connect
from backhand.cluster.in_process import InProcess
from backhand.cluster.parts import Parts, part_count
from backhand.cluster.transport import WorkerLost
from backhand.errors import BackhandError, InputError
from helpers import worker_functions as functions
from helpers.lossy_workers import LossyWorkers

ROWS = [([1, 2],), ([3],), ([],), ([4, 5],), ([6],), ([7],), ([8, 9],)]
TOTALS = [3, 3, 0, 9, 6, 7, 17]


def kept(transport) -> Parts:
    parts = Parts(transport, len(ROWS))
    assert parts.keep(functions.write, "rows", of_part=ROWS) == [2, 1, 0, 2, 1, 1, 2]
    parts.keep(functions.double, "rows")
    return parts


@pytest.mark.parametrize("workers", [1, 2, 3, 5, 9])
def test_whoever_holds_the_parts_answers_are_those_of_each_in_order(workers) -> None:
    with connect(workers) as transport:
        parts = kept(transport)
        assert parts.each(functions.total, "doubled") == [2 * total for total in TOTALS]
        answers = parts.by_worker(functions.numbers, "x", of_part=ROWS)
        assert [part for mine, _, _ in answers for part in mine] == list(range(7))
        assert all(given == {part: ROWS[part] for part in mine} for mine, _, given in answers)
        assert len(answers) == min(workers, 7)
        assert [part for w in range(workers) for part in parts.of_worker(w)] == list(range(7))


def test_no_parts_of_one_table_are_those_of_another_on_the_same_workers() -> None:
    with connect(2) as transport:
        one, two = kept(transport), Parts(transport, 2)
        two.keep(functions.write, "rows", of_part=[([10],), ([20],)])
        assert two.each(functions.total, "rows") == [10, 20]
        assert one.each(functions.total, "rows") == TOTALS
        two.release()
        assert one.each(functions.total, "rows") == TOTALS


def test_the_number_of_parts_depends_on_sizes_alone() -> None:
    counts = [part_count(100, 128), part_count(100, 65536), part_count(3, 128)]
    assert counts == [8, 16, 3]
    assert [part_count(0, 5), part_count(5000, None), part_count(50, None)] == [1, 1024, 50]


def test_each_worker_gets_neighbouring_parts_of_about_the_same_size() -> None:
    assert assigned([1, 1, 1, 5, 1, 1], [(0, 1)] * 6) == [0, 0, 0, 1, 1, 1]
    assert assigned([0, 0, 0, 0], [(0, 1)] * 4) == [0, 0, 1, 1]
    assert assigned([1, 1, 1, 1, 1, 1], [(2,), (2,), (0, 1, 2), (0, 1, 2), (0, 1), (0, 1)]) == [
        2, 2, 0, 1, 0, 1
    ]  # fmt: skip


def test_a_part_is_held_on_a_machine_that_has_it_or_the_error_names_these() -> None:
    transport = InProcess(3)
    transport.machines = ["a", "b", "c"]
    parts = Parts(transport, 4, machines=[{"b"}, {"b", "c"}, {"a"}, {"c"}])
    assert [transport.machines[worker] for worker in parts.holders] == ["b", "c", "a", "c"]
    with pytest.raises(BackhandError, match=r"part 2 \(d, e\)"):
        Parts(transport, 2, machines=[{"a"}, {"d", "e"}])
    transport.close()


@pytest.mark.parametrize("spare", [0, 1, 1000])
@pytest.mark.parametrize("seed", range(8))
def test_lost_workers_change_no_answer(seed, spare) -> None:
    draw = random.Random(seed)
    transport = LossyWorkers(
        5, lambda worker, call: worker != 4 and draw.random() < 0.05, spare=spare
    )
    parts = kept(transport)
    for _ in range(10):
        assert parts.each(functions.total, "doubled") == [2 * total for total in TOTALS]
        of, answers = 1, parts.by_worker(functions.numbers, 1)
        assert sorted(part for mine, _, _ in answers for part in mine) == list(range(7))
        assert of == answers[0][1]
        assert parts.each(functions.kept) == [
            {"rows": rows, "doubled": [2 * row for row in rows]} for (rows,) in ROWS
        ]
    assert transport.losses > (3 if spare == 1000 else 0)
    transport.close()


def test_what_is_kept_while_another_thread_recovers_is_kept_everywhere() -> None:
    transport = LossyWorkers(3, lambda worker, call: call % 97 == 50)
    parts = kept(transport)
    wrong: list[object] = []

    def ask() -> None:
        for _ in range(60):
            if (found := parts.each(functions.total, "rows")) != TOTALS:
                wrong.append(found)

    askers = [threading.Thread(target=ask) for _ in range(2)]
    for asker in askers:
        asker.start()
    for number in range(30):
        parts.keep(functions.write, f"rows {number}", of_part=ROWS)
    for asker in askers:
        asker.join(60)
    assert not wrong and transport.losses > 3
    assert all(len(memory) == 32 for memory in parts.each(functions.kept))
    transport.close()


def test_a_call_that_loses_its_worker_each_time_ends_with_a_sentence() -> None:
    transport = LossyWorkers(2, lambda worker, call: False)
    parts = Parts(transport, 2)
    parts.keep(functions.write, "rows", of_part=ROWS[:2])
    transport.lose = lambda worker, call: worker == 1
    with pytest.raises(
        BackhandError, match=r"lost 4 times in a row .* worker 2 .* a test has lost it"
    ):
        parts.each(functions.total, "rows")
    transport.close()


def test_when_all_workers_are_lost_the_error_says_so() -> None:
    transport = LossyWorkers(2, lambda worker, call: False, spare=0)
    parts = Parts(transport, 2)
    parts.keep(functions.write, "rows", of_part=ROWS[:2])
    transport.lose = lambda worker, call: True
    with pytest.raises(BackhandError, match="all workers are lost"):
        parts.each(functions.total, "rows")
    transport.close()


def test_the_first_error_by_part_is_raised_ours_as_it_is_and_others_with_their_place() -> None:
    with connect(3) as transport:
        parts = kept(transport)
        with pytest.raises(InputError, match=r"^1 rows are not 2\.$"):
            parts.each(functions.refuse, "rows", 2)
        with pytest.raises(BackhandError, match=r"^worker 1 \(this process\) failed: KeyError"):
            parts.each(functions.fail)
        with pytest.raises(BackhandError, match="1 and 2 do not fit"):
            parts.each(functions.fail_unpicklably)
        with pytest.raises(BackhandError, match="KeyError"):
            parts.keep(functions.fail)
        assert parts.each(functions.total, "rows") == TOTALS, "nothing is left of what failed"


def test_a_worker_that_does_not_answer_in_time_is_replaced(monkeypatch) -> None:
    monkeypatch.setattr(in_process, "CLOSING", 0.01)
    with connect(2) as transport:
        parts = kept(transport)
        began = threading.active_count()
        with pytest.raises(BackhandError, match=r"no answer in 0\.01 s"):
            parts.each(functions.wait, 0.05, seconds=0.01)
        assert parts.each(functions.total, "rows") == TOTALS
        ends = time.monotonic() + 30
        while threading.active_count() > began and time.monotonic() < ends:
            time.sleep(0.01)
        assert threading.active_count() == began, "threads that were replaced have ended"


def test_nothing_is_left_when_the_context_ends_even_by_an_error() -> None:
    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt), connect(3) as transport:
        kept(transport)
        transport.submit(1, functions.wait, 0.05)
        raise KeyboardInterrupt
    assert threading.active_count() == before
    transport.close()
    with pytest.raises(WorkerLost, match="worker 2 is lost: it has ended"):
        transport.submit(1, functions.wait, 0).result(seconds=10)
    with pytest.raises(BackhandError, match="all workers are lost"):
        Parts(transport, 3).each(functions.kept)


@pytest.mark.parametrize("workers", [0, -1, 2.5, True, "2", 20_000])
def test_a_number_of_workers_is_a_whole_number(workers) -> None:
    with pytest.raises(InputError, match="workers is"), connect(workers):
        pass
