"""Output is whole, or an error: streams that take a part, that are full, that nobody reads."""

from __future__ import annotations

import io
import os
import resource
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import backhand
from backhand import Model, Parameters
from backhand.support import output_streams
from backhand.tables.reading.reader import read_table
from backhand.tables.schema.columns import Number
from backhand.tables.schema.schema import Schema
from backhand.tabular.prediction import print_predictions

ROWS = 3000


@pytest.fixture(scope="module")
def model() -> Model:
    values = ([[1.0]], [0.0], [[0.2, -0.2]], [-1.0, 0.0])
    schema = Schema("t", (Number("x", 0.0, 1.0, False),))
    return Model(Parameters(*(np.array(v, np.float32) for v in values)), ("a", "b"), schema)


@pytest.fixture(scope="module")
def folder(model, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("streams")
    backhand.save(model, folder / "m.safetensors")
    (folder / "p.csv").write_text("x\n" + "".join(f"{i}\n" for i in range(ROWS)))
    return folder


@pytest.fixture(scope="module")
def expected(model, folder) -> bytes:
    out = io.BytesIO()
    print_predictions(model, read_table(folder / "p.csv", once=True), out)
    assert out.getvalue().count(b"\n") == ROWS + 1 and len(out.getvalue()) > 2**16
    return out.getvalue()


def nonblocking_pipe() -> tuple[int, int]:
    read, write = os.pipe()
    os.set_blocking(write, False)
    return read, write


def late_reader(descriptor: int, seconds: float = 0.3) -> tuple[threading.Thread, list[bytes]]:
    """Begins to read when the pipe has long been full."""
    got: list[bytes] = []

    def read() -> None:
        time.sleep(seconds)
        with os.fdopen(descriptor, "rb", 0) as pipe:
            while some := pipe.read(2**12):
                got.append(some)

    thread = threading.Thread(target=read)
    thread.start()
    return thread, got


@pytest.mark.parametrize("buffered", [True, False], ids=["buffered", "unbuffered"])
def test_what_is_printed_to_a_pipe_that_does_not_block_arrives(buffered) -> None:
    read, write = nonblocking_pipe()
    raw = io.FileIO(write, "w")
    standard = io.TextIOWrapper(io.BufferedWriter(raw) if buffered else raw, "utf-8",
                                write_through=not buffered)  # fmt: skip
    thread, got = late_reader(read)
    text = "".join(f"line {i} é\n" for i in range(20_000))
    print(text, end="", file=output_streams.whole(standard), flush=True)
    standard.close()
    thread.join()
    assert b"".join(got).decode() == text


def test_a_full_pipe_that_nobody_empties_is_an_error(monkeypatch) -> None:
    monkeypatch.setattr(output_streams, "WRITE_TIMEOUT", 0.05)
    read, write = nonblocking_pipe()
    with io.FileIO(write, "w") as raw, pytest.raises(BlockingIOError, match="nothing has read"):
        output_streams.write_all(raw.write, b"a" * 2**20, raw)
    os.close(read)


def test_what_is_no_file_of_the_system_stays_as_it_is() -> None:
    for stream in (io.StringIO(), io.TextIOWrapper(io.BytesIO()), None):
        assert output_streams.whole(stream) is stream


def test_a_raw_stream_that_takes_a_part_gets_all_predictions(model, folder, expected) -> None:
    class Part(io.RawIOBase):
        got = b""

        def writable(self) -> bool:
            return True

        def write(self, some) -> int:
            self.got += bytes(some[:1000])
            return min(1000, len(some))

    out = Part()
    predicted = print_predictions(model, read_table(folder / "p.csv", once=True), out)
    assert predicted.rows == ROWS
    assert out.got == expected


def predicting(folder: Path, unbuffered: str, **more) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "backhand", "predict", "m.safetensors", "p.csv"], cwd=folder,
        env=os.environ | {"PYTHONUNBUFFERED": unbuffered}, stderr=subprocess.PIPE, **more,
    )  # fmt: skip


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_predictions_arrive_in_a_pipe_that_does_not_block(folder, expected, unbuffered) -> None:
    read, write = nonblocking_pipe()
    process = predicting(folder, unbuffered, stdout=write)
    os.close(write)
    thread, got = late_reader(read, 2.0)
    _, said = process.communicate(timeout=60)
    thread.join()
    assert process.returncode == 0, said
    assert b"".join(got) == expected


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_file_that_cannot_grow_is_told(folder, unbuffered) -> None:
    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2**16 + 5000, 2**16 + 5000))

    with (folder / "out").open("wb") as out:
        process = predicting(folder, unbuffered, stdout=out, preexec_fn=limited)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert said == b"backhand: the output could not be written: File too large.\n"
