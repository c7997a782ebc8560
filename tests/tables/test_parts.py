"""Tables in parts: each worker reads its own row groups and files, and the rows are the table's."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from backhand.cluster.in_process import InProcess
from backhand.cluster.part_memory import SHARED
from backhand.cluster.transport import Memory, Transport
from backhand.errors import BackhandError, InputError, MissingFileError
from backhand.tables.parted import looking
from backhand.tables.parted.opening import read_parted_table
from backhand.tables.parted.part import MATRICES
from backhand.tables.parted.parted_table import PartedTable
from backhand.tables.parted.units import Unit, runs_of
from backhand.tables.queries import MARKED, mark
from backhand.tables.queries import all_rows as all_rows_of
from backhand.tables.reading.reader import read_table
from backhand.tables.table import Table
from helpers.lossy_workers import LossyWorkers

HERE = frozenset({"here"})


def parquet(path: Path, sql: str, rows: int = 2048) -> None:
    duckdb.sql(f"COPY ({sql}) TO '{path}' (FORMAT parquet, ROW_GROUP_SIZE {rows})")


@pytest.fixture
def files(tmp_path: Path) -> str:
    """Parquet files of 10, 4,100 and 7,000 rows, in row groups of at most 2,048."""
    for k, n in enumerate((10, 4100, 7000)):
        cells = f"range + {k} * 10000 AS i, range * 0.5 AS x, ['a', 'b', 'c'][range % 3 + 1] AS t"
        parquet(tmp_path / f"{k}.parquet", f"SELECT {cells} FROM range({n})")
    return f"{tmp_path}/*.parquet"


@pytest.fixture
def workers() -> Any:
    """Make transports, which are closed after the test."""
    made: list[Transport] = []

    def make(count: int, kind: Callable[..., Transport] = InProcess, *args: Any) -> Transport:
        made.append(kind(count, *args))
        return made[-1]

    yield make
    for transport in made:
        transport.close()


def rows_of(part: Table, rows: str = "rows") -> list[tuple[Any, ...]]:
    return part.connection.execute(f"SELECT * FROM {rows}").fetchall()


def all_rows(table: Table) -> list[tuple[Any, ...]]:
    return [row for part in table.each(rows_of) for row in part]


def written(folder: Path, texts: Sequence[str], ending: str = "csv") -> str:
    for k, text in enumerate(texts):
        (folder / f"{k}.{ending}").write_text(text)
    return f"{folder}/*.{ending}"


def slow(*values: Any) -> Any:
    return pytest.param(*values, marks=pytest.mark.slow)


@pytest.mark.parametrize("count", [3, slow(1), slow(2), slow(5)])
def test_the_parts_are_those_of_one_worker_and_have_the_rows_of_the_table(files, workers, count):
    alone = read_parted_table(workers(1), files, batch_size=128)
    table = read_parted_table(workers(count), files, batch_size=128)
    plain = read_table(files)
    assert table.lengths == alone.lengths
    assert table.lengths == [2058, 2052, 2048, 2048, 2048, 856]  # small row groups join others
    assert (table.names, table.types, table.rows) == (plain.names, plain.types, plain.rows)
    assert all_rows(table) == rows_of(plain)
    assert sum(reader.rows for reader in table.readers) == plain.rows


def test_runs_have_all_units_in_order_and_about_one_size():
    draw = np.random.default_rng(0)
    for count in range(1, 12):
        units = [Unit(str(k), int(size)) for k, size in enumerate(draw.integers(1, 50, 40))]
        runs = runs_of(units, count, [HERE] * 40)
        sizes = [sum(unit.size for unit in run) for run in runs]
        assert [unit for run in runs for unit in run] == units
        assert len(runs) == count
        assert max(sizes) - min(sizes) <= 100
    uneven = [Unit("", size) for size in (1, 1, 97)]
    assert [len(run) for run in runs_of(uneven, 3, [HERE] * 3)] == [2, 1]


def test_a_part_lies_in_files_that_one_machine_has():
    units = [Unit(name, 10) for name in "abcd"]
    machines = [frozenset("12"), frozenset("2"), frozenset("1"), frozenset("1")]
    runs = runs_of(units, 1, machines)
    assert [[unit.path for unit in run] for run in runs] == [["a", "b"], ["c", "d"]]


def test_row_groups_of_other_parts_are_not_read(tmp_path, workers):
    path = tmp_path / "t.parquet"
    parquet(path, "SELECT range AS i, random() AS x FROM range(8 * 2048)")
    sql = f"SELECT min(data_page_offset), max(data_page_offset) FROM parquet_metadata('{path}')"
    offset = duckdb.sql(f"{sql} WHERE row_group_id = 3").fetchall()[0]
    table = read_parted_table(workers(2), path, batch_size=128)
    whole = path.read_bytes()
    damaged = bytearray(whole)
    damaged[offset[0] : offset[1] + 1000] = b"\xff" * (offset[1] + 1000 - offset[0])
    path.write_bytes(damaged)

    def read(part: Table, wanted: bool) -> int:
        return len(rows_of(part)) if wanted else 0

    others = [(part != 3,) for part in range(8)]
    assert table.each(read, of_part=others) == [2048, 2048, 2048, 0, 2048, 2048, 2048, 2048]
    with pytest.raises(BackhandError):
        table.each(read, of_part=[(part == 3,) for part in range(8)])


@pytest.mark.slow
def test_a_column_called_file_row_number_keeps_its_values(tmp_path, workers):
    parquet(tmp_path / "t.parquet", "SELECT 7 AS File_Row_Number, range AS i FROM range(5000)")
    table = read_parted_table(workers(2), tmp_path / "t.parquet", batch_size=128)
    assert (len(table.lengths), table.rows) == (1, 5000)
    assert all_rows(table) == [(7, i) for i in range(5000)]


@pytest.mark.slow
def test_marked_rows_are_those_of_the_mask_however_many_files_are_read(tmp_path):
    first = 0
    for k, n in enumerate((7000, 30, 3000, 10, 9000, 50, 4000)):
        kind = "INTEGER" if k % 2 else "BIGINT"  # so that each file has a SELECT of its own
        parquet(tmp_path / f"{k}.parquet", f"SELECT CAST(range AS {kind}) + {first} AS i "
                f"FROM range({n})")  # fmt: skip
        first += n
    table = read_table(f"{tmp_path}/*.parquet")
    assert table.types == ["VARCHAR"]
    chosen = np.arange(table.rows) % 3 == 0
    mark(table, chosen)
    sql = f"SELECT count(*), sum(CAST(c0 AS BIGINT)) FROM {MARKED}"
    found = set()
    for threads in (1, 4):
        table.connection.execute(f"SET threads = {threads}")
        found |= {table.connection.execute(sql).fetchall()[0] for _ in range(4)}
    assert found == {(int(chosen.sum()), int(np.flatnonzero(chosen).sum()))}


@pytest.mark.slow
def test_marked_rows_of_parts_are_those_of_the_mask(files, workers):
    table = read_parted_table(workers(2), files, batch_size=128)
    chosen = np.arange(table.rows) % 7 < 2
    mark(table, ~chosen)
    mark(table, chosen)
    marked = [row[0] for part in table.each(rows_of, MARKED) for row in part]
    plain = [row[0] for row in rows_of(read_table(files))]
    assert marked == [i for i, keep in zip(plain, chosen, strict=True) if keep]


def test_files_of_text_are_read_as_wholes_with_the_columns_of_all(tmp_path, workers):
    data = written(tmp_path, ["a;b\n1,5;x\n2,5;y\n", "# no rows\n" * 4 + "a;b\n", "a;b\n3,5;z\n"])
    with gzip.open(tmp_path / "3.csv.gz", "wt") as file:
        file.write("a;b\n4,5;w\n")
    table = read_parted_table(workers(3), f"{data}*", batch_size=None)
    assert (table.lengths, table.delimiter, table.as_text) == ([2, 0, 1, 1], ";", True)
    assert all_rows(table) == rows_of(read_table(f"{data}*"))
    assert table.where(3).endswith("2.csv (line 2)")


@pytest.mark.slow
def test_keys_of_json_objects_may_have_another_order_in_another_part(tmp_path, workers):
    lines = [json.dumps(row) + "\n" for row in ({"a": 1, "b": 2}, {"b": 4, "a": 3})]
    data = written(tmp_path, lines, "jsonl")
    table = read_parted_table(workers(2), data, batch_size=None)
    assert len(table.lengths) == 2
    assert (table.names, all_rows(table)) == (["a", "b"], [("1", "2"), ("3", "4")])


@pytest.mark.slow
def test_types_that_differ_between_parts_become_texts_as_in_the_plain_table(tmp_path, workers):
    parquet(tmp_path / "0.parquet", "SELECT 1 AS v, range AS i FROM range(3)")
    parquet(tmp_path / "1.parquet", "SELECT range AS i, 2.5::DOUBLE AS v FROM range(3)")
    table = read_parted_table(workers(2), f"{tmp_path}/*.parquet", batch_size=128)
    plain = read_table(f"{tmp_path}/*.parquet")
    assert (len(table.lengths), table.types) == (2, plain.types)
    assert all_rows(table) == rows_of(plain)


@pytest.mark.parametrize(
    ("texts", "ending", "said"),
    [
        (["a,b\n1,2\n", "a,c\n1,2\n"], "csv", "does not have the columns of"),
        (["a,b\n1,2\n", "b,a\n1,2\n"], "csv", "in that order"),
        slow(["a,b\n1,2\n", "a;b\n1;2\n"], "csv", "does not have the columns of"),
        slow(['{"a": 1}\n', '{"b": 1}\n'], "jsonl", "does not have the columns of"),
        slow(
            ["a,b\n1,2\n", "a,b\n" + "1,2\n" * 17 + "1,2,3\n"],
            "csv",
            "1.csv, line 19 has more values",
        ),
        slow(["a,b\n", "a,b\n"], "csv", "no rows"),
        slow(["a,b\n1,2\n", ""], "csv", "is empty"),
    ],
)
def test_files_that_are_not_one_table_are_told_of(tmp_path, workers, texts, ending, said):
    with pytest.raises(InputError, match=said):
        read_parted_table(workers(2), written(tmp_path, texts, ending), batch_size=None)


@pytest.mark.slow
def test_a_file_without_rows_adds_none(tmp_path, workers):
    parquet(tmp_path / "0.parquet", "SELECT range AS i FROM range(0)")
    parquet(tmp_path / "1.parquet", "SELECT range AS i FROM range(5)")
    table = read_parted_table(workers(2), f"{tmp_path}/*.parquet", batch_size=128)
    assert all_rows(table) == [(i,) for i in range(5)]
    with pytest.raises(InputError, match="no rows"):
        read_parted_table(workers(2), tmp_path / "0.parquet", batch_size=128)


def test_columns_of_two_families_are_told_of_by_the_sentence_of_the_plain_table(tmp_path, workers):
    parquet(tmp_path / "0.parquet", "SELECT 1 AS v")
    parquet(tmp_path / "1.parquet", "SELECT DATE '2020-01-01' AS v")
    said = []
    for read in (read_table, lambda data: read_parted_table(workers(2), data, batch_size=128)):
        with pytest.raises(InputError) as raised:
            read(f"{tmp_path}/*.parquet")
        said.append(str(raised.value))
    assert said[0] == said[1]


@pytest.mark.slow
def test_files_of_several_formats_are_told_of(tmp_path, workers):
    written(tmp_path, ["a\n1\n"])
    (tmp_path / "1.jsonl").write_text('{"a": 1}\n')
    with pytest.raises(InputError, match="several formats"):
        read_parted_table(workers(2), f"{tmp_path}/*", batch_size=None)


def test_what_cannot_be_shared_out_is_refused(tmp_path, workers):
    for data in ("-", "https://example.org/t.csv"):
        with pytest.raises(InputError, match="cannot be shared out"):
            read_parted_table(workers(1), data, batch_size=128)
    with pytest.raises(MissingFileError, match="does not exist on the machines of the workers"):
        read_parted_table(workers(1), tmp_path / "no.csv", batch_size=128)
    with pytest.raises(InputError, match="is a folder"):
        read_parted_table(workers(1), tmp_path, batch_size=128)


def test_a_worker_with_too_little_memory_says_so(files, workers):
    with pytest.raises(InputError, match="4 workers on one machine share 200 MB of memory"):
        read_parted_table(workers(4), files, batch_size=128, memory="200MB")


@pytest.mark.slow
def test_workers_without_rows_are_told_of(tmp_path, workers):
    data = written(tmp_path, ["a,b\n1,2\n"])
    table = read_parted_table(workers(3), data, batch_size=128)
    assert [told for told in table.remarks if "2 of 3 workers have no rows" in told]
    assert sorted(reader.rows for reader in table.readers) == [0, 0, 1]


class TwoMachines(InProcess):
    """Two workers, of which each is on a machine of its own."""

    def __init__(self, count: int) -> None:
        super().__init__(count)
        self.machines = [f"machine {n + 1}" for n in range(count)]


def of_machine(monkeypatch: Any, found: Callable[[str, list[str]], list[str]]) -> None:
    """Let a worker find only some of the files, by its name."""
    expand = looking.expand
    monkeypatch.setattr(
        looking, "expand", lambda data: found(threading.current_thread().name, expand(data))
    )


def opener(memory: Memory) -> str:
    return threading.current_thread().name


def test_each_file_is_read_where_it_is(files, workers, monkeypatch):
    def found(worker: str, paths: list[str]) -> list[str]:
        return paths[2:] if worker.endswith("1") else paths[:2]

    of_machine(monkeypatch, found)
    table = read_parted_table(workers(2, TwoMachines), files, batch_size=128)
    assert all_rows(table) == rows_of(read_table(files))
    firsts = [part[0][0] // 10000 for part in table.each(rows_of)]
    readers = [name[-1] for name in table.parts.each(opener)]
    assert readers == ["1" if file == 2 else "2" for file in firsts]


@pytest.mark.slow
def test_one_name_of_different_files_on_two_machines_is_told_of(tmp_path, workers, monkeypatch):
    data = written(tmp_path, ["a,b\n1,2\n"])

    def found(worker: str, paths: list[str]) -> list[str]:
        (tmp_path / "0.csv").write_text("a,b\n" + "1,2\n" * int(worker[-1]))
        return paths

    of_machine(monkeypatch, found)
    with pytest.raises(InputError, match="expected the same file"):
        read_parted_table(workers(2, TwoMachines), data, batch_size=128)


def test_a_file_that_changes_between_two_passes_is_told_of(files, workers):
    table = read_parted_table(workers(2), files, batch_size=128)
    with pytest.raises(InputError, match="changed while it was read"), table.unchanged():
        parquet(Path(files).parent / "1.parquet", "SELECT 1 AS i, 2.0 AS x, 'a' AS t")
    assert table.change() is not None


@pytest.mark.parametrize("spare", [0, slow(100)])
def test_parts_of_a_lost_worker_are_read_again_with_the_rows_that_were_marked(
    files, workers, spare
):
    calls = iter(range(10**6))

    def lose(worker: int, _: int) -> bool:
        return worker == 1 and next(calls) % 9 == 8

    table = read_parted_table(workers(3, LossyWorkers, lose, spare), files, batch_size=128)
    chosen = np.arange(table.rows) % 5 == 0
    mark(table, chosen)
    expected = rows_of(read_table(files))
    for _ in range(3):
        marked = [row[:3] for part in table.each(rows_of, MARKED) for row in part]
        assert marked == [row for row, keep in zip(expected, chosen, strict=True) if keep]
    assert table.parts.transport.losses > (1 if spare else 0)


@pytest.mark.slow
def test_closing_a_table_releases_its_rows_on_the_workers(files, workers):
    transport = workers(2)
    table = read_parted_table(transport, files, batch_size=128)
    other = read_parted_table(transport, files, batch_size=128)
    table.close()
    with pytest.raises(KeyError):
        table.parts.transport.submit(0, tables_of, table.parts._key).result(10)
    assert isinstance(other, PartedTable)
    assert len(all_rows(other)) == other.rows
    schemas = transport.submit(0, schemas_of, other.parts._key).result(10)
    assert len(schemas) == len(other.parts.of_worker(0))
    other.close()
    assert transport.submit(0, shared_of).result(10) == {MATRICES}


def test_a_worker_that_ends_is_not_waited_for_until_its_query_is_done(files, workers):
    transport, begun = workers(2), threading.Event()
    table = read_parted_table(transport, files, batch_size=128)
    call = transport.submit(0, endless, table.parts._key, begun)
    begun.wait(60)
    transport.close()
    with pytest.raises(KeyboardInterrupt):
        call.result(0)


def endless(memory: Memory, key: int, begun: threading.Event) -> Any:
    begun.set()
    sql = "SELECT sum(hash(range)) FROM range(1000000000000)"
    return all_rows_of(tables_of(memory, key)[0], sql)


def tables_of(memory: Memory, key: int) -> list[Table]:
    return [part["table"] for part in memory[key].values()]


def shared_of(memory: Memory) -> set[str]:
    return set(memory[SHARED])


def schemas_of(memory: Memory, key: int) -> list[Any]:
    (table, *_) = tables_of(memory, key)
    sql = "SELECT schema_name FROM duckdb_schemas() WHERE schema_name LIKE 'part%'"
    return table.connection.execute(sql).fetchall()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(40))
def test_any_files_have_the_rows_and_marks_of_the_plain_table(tmp_path, workers, seed):
    draw = np.random.default_rng(seed)
    columns = ["x", "i", "t"]
    for k in range(draw.integers(1, 9)):
        kind = draw.choice(["INTEGER", "BIGINT", "DOUBLE"] if seed % 2 else ["BIGINT"])
        order = draw.permutation(columns) if seed % 3 else columns
        n = draw.integers(0, draw.choice([70, 9000]))
        cells = f"range + {k} * 10000 AS i, CAST(range AS {kind}) AS x, 't' || range % 3 AS t"
        parquet(
            tmp_path / f"{k}.parquet",
            f"SELECT {', '.join(order)} FROM (SELECT {cells} FROM range({n}))",
        )
    plain = read_table(f"{tmp_path}/*.parquet")
    batch_size = [None, 1, 2**16][seed % 3]
    table = read_parted_table(
        workers(int(draw.integers(1, 6))), f"{tmp_path}/*.parquet", batch_size=batch_size
    )
    assert (table.names, table.types) == (plain.names, plain.types)
    rows = rows_of(plain)
    assert all_rows(table) == rows
    chosen, i = draw.random(plain.rows) < 0.3, plain.index("i")
    wanted = sum(row[i] for row, keep in zip(rows, chosen, strict=True) if keep)
    for one in (plain, table):
        mark(one, chosen)
        for _ in range(3):
            sums = one.each(all_rows_of, f"SELECT coalesce(sum(c{i}), 0) FROM {MARKED}")
            assert sum(part[0][0] for part in sums) == wanted
