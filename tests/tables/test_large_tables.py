"""Tables larger than memory: the same model, a bounded memory, and nothing left behind."""

from __future__ import annotations

import gzip
import io
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import numpy as np
import pytest

import backhand
from backhand.errors import InputError, OutputError
from backhand.model import Model
from backhand.stratified import held_out
from backhand.support import system
from backhand.support.memory_budget import budget, format_size, parse_size
from backhand.table_settings import Settings
from backhand.tables.array_store import ArrayStore
from backhand.tables.expressions import number
from backhand.tables.queries import CHUNK_ROWS, chunks
from backhand.tables.reading.reader import read_table
from backhand.tables.schema.choices import ColumnChoices
from backhand.tables.schema.columns import Number
from backhand.tables.schema.schema import Schema
from backhand.tabular.prediction import predict_table, print_predictions
from backhand.tabular.training import fit_table, prepare_table
from backhand.training import samplers
from backhand.training.samplers import SeededSampler

ROWS = 200_000


@pytest.fixture(scope="module")
def large(tmp_path_factory) -> Path:
    """Two files of numbers with gaps and a category, of which a class follows."""
    folder = tmp_path_factory.mktemp("large")
    for part in range(2):
        duckdb.connect().execute(
            f"COPY (SELECT i, CASE WHEN i % 7 = 0 THEN NULL ELSE sin(i) END AS a, cos(i * 3) AS b, "
            f"CASE WHEN i % 3 = 0 THEN 'x' ELSE 'y' END AS c, "
            f"CASE WHEN cos(i * 3) > 0.1 THEN 'yes' ELSE 'no' END AS t "
            f"FROM range({part * ROWS // 2}, {(part + 1) * ROWS // 2}) AS r(i)) "
            f"TO '{folder}/part{part}.parquet' (FORMAT parquet)"
        )
    return folder


def test_rows_come_in_their_order_and_are_counted(large) -> None:
    table = read_table(f"{large}/part*.parquet", memory="64MB")
    seen: list[int] = []
    table.watched_by(seen.append)
    i = np.concatenate([values for _, (values,) in chunks(table, ["c0"])])
    assert np.array_equal(i, np.arange(ROWS)) and table.rows == ROWS == seen[-1]


def test_a_mapped_matrix_gives_the_same_model(large, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(samplers, "WINDOW_BYTES", 2**20)
    settings = Settings(quick=True, epochs=2, hidden=8)
    models = []
    for memory in (2**40, 0):
        table = read_table(f"{large}/part*.parquet", memory="64MB", cache_dir=tmp_path)
        prepared = prepare_table(table, "t", settings, ColumnChoices(drop=("i",)),
                                 matrices=ArrayStore(memory, tmp_path))  # fmt: skip
        assert isinstance(prepared.training.X, np.memmap) == (memory == 0)
        assert prepared.training.rows + prepared.held_out.rows == ROWS
        assert not [path for path in tmp_path.iterdir() if path.is_file()], "no file has a name"
        models.append(fit_table(prepared, settings)[0])
    one, other = models
    assert all(map(np.array_equal, one.params, other.params))
    assert one.metrics == other.metrics and one.metrics["held_out_accuracy"] > 0.95


def test_stretches_are_of_one_length_however_duckdb_cuts(large) -> None:
    for memory, threads in (("64MB", 1), ("2GB", 2)):
        table = read_table(f"{large}/part*.parquet", memory=memory)
        table.connection.execute(f"SET threads = {threads}")
        for expressions, length in ((["c0"], CHUNK_ROWS), (["c0", *["c1"] * 99], 41943)):
            stretches = list(chunks(table, expressions))
            lengths = [rows.stop - rows.start for rows, _ in stretches]
            assert set(lengths[:-1]) == {length} and 0 < lengths[-1] <= length
            i = np.concatenate([values[0] for _, values in stretches])
            assert np.array_equal(i, np.arange(ROWS))


def test_the_model_file_does_not_depend_on_the_memory(large, tmp_path) -> None:
    files = []
    for memory, threads in (("64MB", 1), ("2GB", 2)):
        table = read_table(f"{large}/part*.parquet", memory=memory, cache_dir=tmp_path)
        table.connection.execute(f"SET threads = {threads}")
        settings = Settings(quick=True, epochs=1, hidden=4)
        model, _ = fit_table(
            prepare_table(table, "t", settings, ColumnChoices(drop=("i",))), settings
        )
        backhand.save(model, tmp_path / "m.safetensors")
        files.append((tmp_path / "m.safetensors").read_bytes())
    assert files[0] == files[1]


@pytest.fixture(scope="module")
def wide(tmp_path_factory) -> tuple[Model, Path]:
    """Ten thousand rows of 784 small numbers, and a network for them."""
    path, names = tmp_path_factory.mktemp("wide") / "wide.parquet", [f"p{k}" for k in range(784)]
    pixels = ", ".join(f"(i * {k + 3} % 251)::UTINYINT AS p{k}" for k in range(784))
    duckdb.connect().execute(
        f"COPY (SELECT i, {pixels} FROM range(10_000) AS r(i)) TO '{path}' (FORMAT parquet)"
    )
    schema = Schema("t", tuple(Number(name, 125.0, 72.0, missing=False) for name in names))
    classes = tuple("0123456789")
    return Model(backhand.init(784, 4, 10, seed=0), classes, schema), path


@pytest.mark.parametrize(
    "ending",
    ["", *(pytest.param(e, marks=pytest.mark.slow) for e in (".csv", ".csv.gz", ".parquet"))],
)
def test_many_columns_are_predicted_in_the_least_memory(wide, tmp_path, ending) -> None:
    model, path = wide
    outputs = []
    for memory in ("64MB", "4GB"):
        table, output = read_table(path, once=True, memory=memory), tmp_path / f"{memory}{ending}"
        if ending:
            assert predict_table(model, table, output).rows == 10_000
        else:
            with output.open("wb") as out:
                assert print_predictions(model, table, out).rows == 10_000
        outputs.append(output)
    if ending == ".parquet":
        one, other = (duckdb.read_parquet(str(output)).fetchnumpy() for output in outputs)
        assert list(one) == list(other) and np.array_equal(one["i"], np.arange(10_000))
        assert all(np.array_equal(one[name], other[name]) for name in one)
    elif ending == ".csv.gz":
        assert gzip.decompress(outputs[0].read_bytes()) == gzip.decompress(outputs[1].read_bytes())
    else:
        assert outputs[0].read_bytes() == outputs[1].read_bytes()
        assert outputs[0].read_text().startswith("i,p0,p1,")


def test_too_little_memory_is_told_with_what_was_allowed(tmp_path) -> None:
    path = tmp_path / "one row group.parquet"
    numbers = ", ".join(f"random() AS x{k}" for k in range(10))
    duckdb.connect().execute(
        f"COPY (SELECT {numbers} FROM range(600_000)) TO '{path}' (ROW_GROUP_SIZE 1_000_000)"
    )
    table = read_table(path, once=True, memory="64MB")
    with pytest.raises(OutputError, match=r"more memory than the 64 MB it may use.*row group"):
        list(chunks(table, [number(table, i) for i in range(10)]))


def test_a_kept_cache_is_what_train_takes(large, tmp_path) -> None:
    settings = Settings(quick=True, epochs=1, hidden=8)
    table = read_table(large / "part0.parquet")
    prepared = prepare_table(table, "t", settings, matrices=ArrayStore(0, tmp_path, keep=True))
    names = {f"{part}_{what}.npy" for part in ("training", "held_out") for what in "Xy"}
    assert {path.name for path in tmp_path.iterdir()} == names
    X = np.load(tmp_path / "training_X.npy", mmap_mode="r")
    y = np.load(tmp_path / "training_y.npy", mmap_mode="r")
    assert np.array_equal(X, prepared.training.X)
    params = backhand.init(X.shape[1], 4, 2, seed=0)
    mapped = backhand.train(params, X, y, epochs=1, batch_size=100)
    in_memory = backhand.train(params, np.array(X), np.array(y), epochs=1, batch_size=100)
    assert all(map(np.array_equal, mapped.params, in_memory.params))
    clf = backhand.MLPClassifier((4,), max_iter=6, tol=1e9, n_iter_no_change=2, random_state=0)
    coefs = [clf.fit(X[:2000], y[:2000]).coefs_, clf.fit(np.array(X[:2000]), y[:2000]).coefs_]
    assert all(map(np.array_equal, *coefs))


def test_memory_stays_bounded(large, tmp_path) -> None:
    """Far less is resident than the table would take; pages of mapped files apart."""
    source = f"""
import resource, sys
from pathlib import Path
from backhand.tabular.prediction import predict_table
from backhand.table_settings import Settings
from backhand.tabular.training import prepare_table, fit_table
from backhand.tables.array_store import ArrayStore
from backhand.tables.reading.reader import read_table
def anonymous():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(l.split()[1]) for l in lines if l.startswith("RssAnon")) * 1024
table = read_table({str(large / "part*.parquet")!r}, memory="64MB", cache_dir={str(tmp_path)!r})
before = anonymous()
settings = Settings(quick=True, epochs=1, hidden=8)
prepared = prepare_table(table, "t", settings, matrices=ArrayStore(0, {str(tmp_path)!r}))
fit_table(prepared, settings)
print(anonymous() - before)
"""
    if not Path("/proc/self/status").exists():
        pytest.skip("only Linux tells what is resident without mapped files")
    printed = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True)
    assert printed.returncode == 0, printed.stderr
    assert int(printed.stdout) < 250e6


@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".parquet"])
def test_predictions_stream_in_order(large, tmp_path, ending) -> None:
    settings = Settings(quick=True, epochs=1, hidden=8)
    source = f"{large}/part*.parquet"
    model, _ = fit_table(
        prepare_table(read_table(source), "t", settings, ColumnChoices(drop=("i",))), settings
    )
    once = read_table(source, once=True, memory="64MB")
    output = tmp_path / f"p{ending}"
    assert predict_table(model, once, output).rows == ROWS
    found = duckdb.connect().execute(
        f"SELECT i, probability_yes FROM '{output}'"
    ).fetchnumpy()  # fmt: skip
    assert np.array_equal(found["i"], np.arange(ROWS))
    expected = model.predict_proba(model.schema.encode(read_table(source)))[:, 1]
    np.testing.assert_allclose(found["probability_yes"], expected, atol=1e-6)


def test_output_appears_before_the_last_row_is_read(large) -> None:
    settings = Settings(quick=True, epochs=1, hidden=8)
    source = f"{large}/part*.parquet"
    model, _ = fit_table(
        prepare_table(read_table(source), "t", settings, ColumnChoices(drop=("i",))), settings
    )
    table, read = read_table(source, once=True), [0]
    table.watched_by(lambda rows: read.__setitem__(0, rows))

    class Out(io.BytesIO):
        first = None

        def write(self, some) -> int:
            if self.first is None:
                self.first = read[0]
            return super().write(some)

    out = Out()
    assert print_predictions(model, table, out).rows == ROWS
    assert out.getvalue().count(b"\n") == ROWS + 1
    assert out.first < ROWS


def test_who_has_read_enough_ends_it(large) -> None:
    settings = Settings(quick=True, epochs=1, hidden=8)
    model, _ = fit_table(
        prepare_table(read_table(large / "part0.parquet"), "t", settings), settings
    )

    class Closed(io.BytesIO):
        def write(self, some) -> int:
            raise BrokenPipeError(32, "Broken pipe")

    with pytest.raises(BrokenPipeError):
        print_predictions(model, read_table(large / "part0.parquet", once=True), Closed())


def test_lack_of_room_is_told_before_anything_is_written(tmp_path, monkeypatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(system.files, "reserve", full)
    for keep in (False, True):
        with pytest.raises(OutputError, match=r"needs 4 kB in the folder .*No space left"):
            ArrayStore(0, tmp_path, keep=keep).array("x", (1000, 1), np.float32)
    assert not list(tmp_path.iterdir())


def test_sizes() -> None:
    assert parse_size("512MB") == 512_000_000 and parse_size(" 1.5 GiB") == 3 * 2**29
    assert format_size(1.28e9) == "1.28 GB" and format_size(999) == "999 B"
    assert 0 < budget(None) < os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for wrong in ("much", "12 parsecs", "-1GB", "1MB"):
        with pytest.raises(InputError, match="memory"):
            parse_size(wrong)


@pytest.mark.parametrize("rows", [1, 10, 99, 100, 101, 640, 641, 1000, 1234])
@pytest.mark.parametrize("batch_size", [1, 7, 32, 500])
def test_windows_are_a_permutation_in_whole_batches(monkeypatch, rows, batch_size) -> None:
    monkeypatch.setattr(samplers, "WINDOW_BYTES", 1000)
    monkeypatch.setattr(samplers, "BLOCK_BYTES", 70)
    order = SeededSampler(rows, 3, 10, batch_size)
    epochs = [[order.of_part(e, p) for p in range(order.parts)] for e in (0, 1)]
    for parts in epochs:
        assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(rows))
        assert all(len(part) == order.window for part in parts[:-1])
        assert order.window % batch_size == 0
    again = SeededSampler(rows, 3, 10, batch_size)
    assert np.array_equal(again.of_part(1, order.parts - 1), epochs[1][-1])
    if rows > 100 and batch_size < 50:
        assert not np.array_equal(epochs[0][0], epochs[1][0])
        assert len(np.unique(epochs[0][0] // 7)) < 1.5 * order.window / 7 + 2, "whole blocks"


def test_rows_in_order_come_in_parts_too(monkeypatch) -> None:
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((500, 4)), rng.integers(0, 2, 500)
    params = backhand.init(4, 5, 2, seed=0, dtype=np.float64)
    whole = backhand.train(params, X, y, epochs=3, batch_size=20, shuffle=False)
    monkeypatch.setattr(samplers, "WINDOW_BYTES", 32 * 100)
    parts = backhand.train(params, X, y, epochs=3, batch_size=20, shuffle=False)
    assert all(map(np.array_equal, whole.params, parts.params))
    np.testing.assert_allclose(parts.history.loss, whole.history.loss, rtol=1e-12)
    with pytest.raises(backhand.DivergenceError) as found:
        backhand.train(params, X * 1e3, y, epochs=3, batch_size=20, learning_rate=1e12)
    assert np.isfinite(found.value.params.W1).all()


def test_rows_are_held_out_stretch_by_stretch(monkeypatch) -> None:
    y = np.random.default_rng(0).integers(-1, 3, 10_000).astype(np.int8)
    monkeypatch.setattr("backhand.stratified.STRETCH", 700)
    test = held_out(y, 0.2, 0)
    assert np.array_equal(test, held_out(y, 0.2, 0)) and not test[y < 0].any()
    for k in range(3):
        assert abs(test[y == k].sum() - 0.2 * (y == k).sum()) <= 1
    assert test.sum() == round(0.2 * (y >= 0).sum())


def test_loading_is_told(large) -> None:
    shares: list[float] = []
    joined = f"SELECT a.i FROM '{large}/part0.parquet' AS a, range(1000) AS b(i)"
    read_table(query=f"SELECT sum(sin(i)) AS s FROM ({joined})", watch=shares.append)
    assert shares and all(0 <= share <= 1 for share in shares)
