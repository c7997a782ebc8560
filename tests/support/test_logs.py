"""Records of `logging`: which there are, that they are silent, and that they cost nothing."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import backhand
from backhand.cluster.homes import Homes
from backhand.cluster.in_process import InProcess
from backhand.cluster.transport import WorkerLost
from backhand.support.logs import Log
from helpers.command_line import run

PENGUINS = Path(__file__).parents[2] / "examples" / "penguins.csv"


def trained(folder: Path | None = None, *, resume: bool = True) -> backhand.TrainResult:
    kept = folder and backhand.Checkpoint(folder, "2epochs", resume=resume)
    return backhand.train(
        backhand.init(2, 2, 2), np.arange(12.0).reshape(6, 2), np.array([0, 1] * 3), epochs=4,
        engine="reference", checkpoint=kept,
    )  # fmt: skip


def messages(caplog: pytest.LogCaptureFixture, name: str = "") -> list[str]:
    return [
        record.getMessage() for record in caplog.records
        if record.name.removeprefix("backhand.").startswith(name)
    ]  # fmt: skip


def test_nothing_is_recorded_unless_it_is_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)  # as it is outside of pytest
    trained()
    assert not caplog.records


def test_a_training_says_its_engine_and_its_end(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "backhand")
    trained()
    (engine,) = messages(caplog, "engines.registry")
    assert engine == "engine reference on cpu, threads as available, precision auto: asked for"
    (end,) = messages(caplog, "training.loop")
    assert end.startswith("trained 4 of 4 epochs on 6 rows in ") and end.endswith(" (done)")
    assert caplog.records[-1].funcName == "drive", "the record is of the module's own line"
    assert caplog.records[-1].pathname.endswith("loop.py")


def test_levels_are_those_of_the_logger(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "backhand")
    trained()
    assert messages(caplog, "training") and not messages(caplog, "engines")


def test_checkpoints_are_recorded(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "backhand")
    folder = tmp_path / "kept"
    trained(folder)
    first, *saved = messages(caplog, "training.checkpoints")
    assert first == f"{folder} has no checkpoint to resume: the training run begins."
    assert ["after 2 epochs" in saved[0], "after 4 epochs" in saved[1]] == [True, True]
    caplog.clear()
    trained(folder)
    assert f"resumed from {folder}: 4 of 4 epochs were done." in messages(caplog)


def test_resuming_from_nothing_is_said(tmp_path: Path) -> None:
    kept, data = tmp_path / "kept", tmp_path / "t.csv"
    data.write_text("x,t\n" + "1,a\n2,b\n" * 20)
    options = ("--target", "t", "--epochs", 2, "--output", tmp_path / "m.safetensors")
    said = run("train", data, *options, "--checkpoint", kept, "--resume").stderr
    assert f"{kept} has no checkpoint to resume: the search begins." in said
    said = run("train", data, *options, "--checkpoint", tmp_path / "other").stderr
    assert "no checkpoint" not in said


def test_a_lost_worker_of_networks_is_recorded(caplog: pytest.LogCaptureFixture) -> None:
    transport = InProcess(2, 1)
    try:
        homes = Homes(transport)
        homes.lose(homes.of(1), WorkerLost(1, "its machine is gone", 0))
    finally:
        transport.close()
    (record,) = caplog.records
    assert (record.levelname, record.name) == ("WARNING", "backhand.cluster.homes")
    assert "worker 2 (" in record.getMessage() and "its machine is gone" in record.getMessage()


def test_a_search_says_what_it_chose(caplog: pytest.LogCaptureFixture) -> None:
    pytest.importorskip("duckdb")
    caplog.set_level(logging.DEBUG, "backhand")
    backhand.fit(PENGUINS, "species", hidden=4, members=1, budget="2s")
    found = messages(caplog)
    assert any(one.startswith("DuckDB: ") and "spills to" in one for one in found)
    assert any("penguins.csv: 8 columns, " in one for one in found)
    assert any(one.startswith("chosen: l2 ") for one in found), found


def test_compiled_code_says_whether_it_was_compiled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    compiler = pytest.importorskip("backhand.engines.fused.llvm.compiler")
    caplog.set_level(logging.DEBUG, "backhand")
    monkeypatch.setenv("BACKHAND_CACHE_DIR", str(tmp_path / "cache"))
    for _ in range(2):
        monkeypatch.setattr(compiler, "_entries", {})
        compiler.check_compiler()
    compiled, loaded = caplog.records
    assert (compiled.levelname, loaded.levelname) == ("INFO", "DEBUG")
    assert compiled.getMessage().startswith("multiply_add.float32 compiled for ")
    assert f"loaded from {tmp_path / 'cache'}" in loaded.getMessage()


def test_the_document_lists_every_logger_and_no_other() -> None:
    page = (Path(__file__).parents[2] / "docs/logging.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `(backhand[\w.]*)` \|", page, re.MULTILINE)
    package = Path(backhand.__file__).parent
    modules = [path.relative_to(package).with_suffix("") for path in package.rglob("*.py")
               if re.search(r"(?m)^LOG = ", path.read_text(encoding="utf-8"))]  # fmt: skip
    loggers = [".".join(("backhand", *module.parts)) for module in modules]
    rows = [[row for row in listed if f"{name}.".startswith(f"{row}.")] for name in loggers]
    assert [name for name, found in zip(loggers, rows, strict=True) if len(found) != 1] == []
    assert {row for found in rows for row in found} == set(listed)


# The command line.


def test_a_variable_shows_records_on_standard_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "t.csv"
    data.write_text("x,t\n" + "1,a\n2,b\n" * 20)
    train = ("train", data, "--target", "t", "--quick", "--output", tmp_path / "m.safetensors")
    plain = run(*train)
    monkeypatch.setenv("BACKHAND_LOG", "info")
    told = run(*train)
    lines = [line for line in told.stderr.splitlines() if " INFO backhand." in line]
    assert any("backhand.tables.reading.reader: " in line for line in lines)
    assert any("backhand.training.loop: trained " in line for line in lines)
    assert len(told.stderr.splitlines()) == len(plain.stderr.splitlines()) + len(lines)
    assert "INFO" not in told.stdout
    monkeypatch.delenv("BACKHAND_LOG")
    assert "INFO" not in run(*train).stderr, "the handler stays"


def test_another_level_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKHAND_LOG", "loud")
    said = run("inspect", "m.safetensors", expect=2).stderr
    assert "BACKHAND_LOG is 'loud'; expected debug, info or warning." in said


# What it costs.


def test_logging_is_not_imported_and_then_has_a_handler_that_does_nothing() -> None:
    script = (
        "import sys, backhand\n"
        "from backhand.support.logs import Log\n"
        "log = Log('backhand.test')\n"
        "log.warning('nothing')\n"
        "assert 'logging' not in sys.modules\n"
        "import logging\n"
        "log.warning('%s', 'nothing')\n"
        "(handler,) = logging.getLogger('backhand').handlers\n"
        "assert isinstance(handler, logging.NullHandler)\n"
    )
    done = subprocess.run([sys.executable, "-S", "-c", script], capture_output=True, text=True,
                          env={"PYTHONPATH": str(Path(backhand.__file__).parents[1])})  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_the_arguments_of_a_record_that_is_not_wanted_are_not_formatted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)

    class Unformatted:
        def __str__(self) -> str:
            raise AssertionError

    Log("backhand.test").info("%s", Unformatted())
