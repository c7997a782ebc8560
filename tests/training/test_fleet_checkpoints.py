"""Checkpoints of a fleet: what is finished is written once, and resuming changes no bit."""

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backhand
from backhand import Checkpoint, EarlyStopping, FleetProgress, InputError, Member, TrainResult
from backhand.training.checkpoints import members as files
from backhand.training.fleet import train_fleet
from training.test_fleets import N, assert_same, rows_of


def long_fleet() -> list[Member]:
    """Some tenths of a second of unequal members, with all that a checkpoint has to hold."""
    fold = np.arange(N) % 3
    return [
        Member(hidden=8 + 8 * (k % 3), epochs=300 + 100 * (k % 4), batch_size=16, seed=k,
               optimizer=("adam", "sgd", "momentum")[k % 3], learning_rate=0.01, dropout=0.1,
               schedule=("cosine", "adaptive")[k % 2], rows=fold != k % 3, validation=fold == k % 3,
               early_stopping=EarlyStopping(patience=25 + 10 * k))
        for k in range(12)
    ]  # fmt: skip


def stop_after(done: int) -> Any:
    """A callback that stops a fleet once that many members have ended."""

    def stop(progress: FleetProgress) -> None:
        if progress.done >= done:
            raise backhand.StopTraining

    return stop


def run(folder: Path, members: Any = None, **how: Any) -> list[TrainResult]:
    X, y = rows_of()
    checkpoint = Checkpoint(folder, how.pop("every", "0.05s"), resume=how.pop("resume", True),
                            notify=how.pop("notify", None))  # fmt: skip
    return backhand.train_many(
        members or long_fleet(), X, y, **{"threads": 2, **how}, checkpoint=checkpoint
    )


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Callbacks are called every few milliseconds: long before the fleet ends."""
    monkeypatch.setattr(train_fleet, "WAIT_SECONDS", 0.003)


@pytest.fixture(scope="module")
def whole() -> list[TrainResult]:
    return backhand.train_many(long_fleet(), *rows_of())


def kinds(folder: Path) -> set[str]:
    return {path.name.rpartition("-")[0] for path in folder.glob("*.safetensors")}


def test_a_fleet_resumes_with_equal_bits(tmp_path, whole) -> None:
    folder = tmp_path / "fleet"
    for done, threads in ((0, 2), (2, 1), (5, 3), (100, 2)):
        results = run(folder, callbacks=[stop_after(done)], threads=threads)
    assert kinds(folder) == {"results"}
    assert all(result.ended in ("done", "patience") for result in results)
    for one, other in zip(results, whole, strict=True):
        assert_same(one, other)
    again = run(folder, callbacks=[stop_after(0)])
    for one, other in zip(again, whole, strict=True):
        assert_same(one, other)


def test_each_result_is_written_once(tmp_path) -> None:
    run(tmp_path / "f", every="0.01s")
    written = [n for path in files.files_in(tmp_path / "f") for n in files.read(path)[0]]
    assert sorted(written) == list(range(12))


def test_a_signal_saves_all_and_ends_the_fleet(tmp_path, whole) -> None:
    def interrupt(progress: FleetProgress) -> None:
        if not progress.finished and progress.done:
            signal.raise_signal(signal.SIGTERM)

    before = threading.active_count()
    with pytest.raises(backhand.Interrupted, match=r"\d+ of 12 members are done and saved in") as e:
        run(tmp_path / "f", callbacks=[interrupt], every="1h")
    assert e.value.signal == signal.SIGTERM
    assert threading.active_count() == before
    for one, other in zip(run(tmp_path / "f"), whole, strict=True):
        assert_same(one, other)


def test_ctrl_c_without_a_checkpoint_leaves_no_thread() -> None:
    def interrupt(progress: FleetProgress) -> None:
        signal.raise_signal(signal.SIGINT)

    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        backhand.train_many([Member(epochs=10**7)] * 3, *rows_of(), callbacks=[interrupt])
    assert threading.active_count() == before


def test_what_was_restored_is_said_once(tmp_path) -> None:
    folder, said = tmp_path / "f", list[str]()
    run(folder, notify=said.append)
    assert said.pop() == f"{folder} has no checkpoint to resume: the fleet begins."
    for path in files.files_in(folder)[1:]:
        path.unlink()
    (left,) = map(len, [files.read(path)[0] for path in files.files_in(folder)])
    run(folder, notify=said.append)
    run(folder, notify=said.append)
    assert said == [
        f"resumed from {folder}: {done} of 12 members were done." for done in (left, 12)
    ]


def test_an_error_of_a_callback_saves_all_and_says_where(tmp_path, whole) -> None:
    def fail(progress: FleetProgress) -> None:
        if not progress.finished and progress.done:
            raise OSError("no space")

    with pytest.raises(OSError, match="no space") as caught:
        run(tmp_path / "f", callbacks=[fail], every="1h")
    assert "members are done and saved" in caught.value.__notes__[0]
    for one, other in zip(run(tmp_path / "f"), whole, strict=True):
        assert_same(one, other)


def test_a_fleets_folder_is_not_one_trainings(tmp_path) -> None:
    X, y = rows_of()
    run(tmp_path / "fleet", [Member(hidden=4)])
    params, one = backhand.init(6, 4, 3, dtype=np.float64), tmp_path / "one"
    backhand.train(params, X, y, checkpoint=Checkpoint(one))
    with pytest.raises(InputError, match="checkpoints of a fleet, and this is a training run"):
        backhand.train(params, X, y, checkpoint=Checkpoint(tmp_path / "fleet", resume=True))
    with pytest.raises(
        InputError, match="contains checkpoints of a training run, and this is a fl"
    ):
        run(one)
    with pytest.raises(InputError, match=r"of a fleet\. To resume it, pass resume=True; to begin"):
        run(tmp_path / "fleet", [Member(hidden=4)], resume=False)
    with pytest.raises(InputError, match=r"every .* is '2epochs', but each member of a fleet has"):
        run(tmp_path / "new", every="2epochs")
    with pytest.raises(InputError, match="checkpoint is a str; expected a Checkpoint"):
        backhand.train_many([Member()], X, y, checkpoint="folder")  # type: ignore[arg-type]


def test_other_members_settings_or_rows_are_not_resumed(tmp_path) -> None:
    first = Member(hidden=4, epochs=3)
    run(tmp_path / "f", [first, Member(hidden=5, epochs=3, rows=[1, 2, 3])])
    others: list[tuple[list[Member], str]] = [
        ([first, Member(hidden=5, epochs=3, rows=[1, 2, 4])],
         "other data: of member 1, the numbers of selection have changed"),
        ([first, Member(hidden=5, epochs=4, rows=[1, 2, 3])],
         "other settings: of member 1, epochs: 3 then, 4 now"),
        ([first, Member(hidden=6, epochs=3, rows=[1, 2, 3])], "of member 1, hidden units: 5 then"),
        ([first], "f belongs to a fleet with more members: it has number 1, counted from 0"),
    ]  # fmt: skip
    for members, message in others:
        with pytest.raises(InputError, match=message):
            run(tmp_path / "f", members)
    X, y = rows_of()
    X[4, 4] += 1
    with pytest.raises(InputError, match="of member 0, the numbers of X have changed"):
        backhand.train_many([first], X, y, checkpoint=Checkpoint(tmp_path / "f", resume=True))


def test_members_in_a_damaged_file_are_trained_again(tmp_path, whole) -> None:
    folder = tmp_path / "f"
    run(folder, callbacks=[stop_after(2)], every="0.01s")
    run(folder, callbacks=[stop_after(6)], every="0.01s")
    path = files.files_in(folder, files.RESULTS)[0]
    content = bytearray(path.read_bytes())
    content[-9] ^= 1
    path.write_bytes(content)
    with pytest.warns(backhand.BackhandWarning, match="is damaged: its checksum .* begin again"):
        results = run(folder)
    for one, other in zip(results, whole, strict=True):
        assert_same(one, other)


def test_a_diverged_member_is_saved_and_restored(tmp_path) -> None:
    members = [Member(hidden=8, learning_rate=1e30, epochs=20), Member(hidden=8, epochs=5)]
    expected = run(tmp_path / "f", members)
    assert expected[0].ended == "diverged"
    for one, other in zip(run(tmp_path / "f", members), expected, strict=True):
        assert_same(one, other)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="there is no fork")
def test_a_fleet_that_is_killed_loses_no_bit(tmp_path, whole) -> None:
    rng, midway = np.random.default_rng(0), 0
    began = time.perf_counter()
    run(tmp_path / "whole", every="0.01s")
    length = time.perf_counter() - began
    for kill in range(30):
        folder = tmp_path / str(kill // 3)
        child = os.fork()
        if child == 0:
            run(folder, every="0.01s")
            os._exit(0)
        time.sleep(length * rng.uniform(0.05, 0.6))
        os.kill(child, signal.SIGKILL)
        midway += os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        if kill % 3 == 2:
            for one, other in zip(run(folder), whole, strict=True):
                assert_same(one, other)
    assert midway >= 10, "many were killed while they trained"
