"""Fuzzing of what is read: files of strangers may end in an error of Backhand's own, no other.

    python tests/slow/fuzz.py model --seconds 600
    python tests/slow/fuzz.py table --seconds 300

`model` loads a model file, and does with what loads what the command line does; `table` reads a
table and prepares it for training. With atheris (`pip install '.[fuzz]'`; Python below 3.14) the
inputs follow which lines of Backhand they reach; without it they are mutated blindly. An input is a
finding if it raises anything but a BackhandError, takes more than 2 s (twice), or more than 200 MB.
It is saved in --findings, and the script ends with 1; with --all it goes on, and saves one of each
kind. After a crash of the process the input is there as `current`.
"""

from __future__ import annotations

import argparse
import atexit
import gzip
import hashlib
import io
import json
import os
import random
import resource
import shutil
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable
from contextlib import redirect_stdout, suppress
from pathlib import Path
from typing import Any

import numpy as np

try:
    import atheris
except ImportError:
    atheris = None

MOST_SECONDS, MOST_MB = 2.0, 200.0
LARGEST_INPUT = 2**16
ENDINGS = (".csv", ".jsonl", ".parquet", ".tsv", ".json", ".csv.gz", ".jsonl.gz", ".csv.gz packed",
           ".jsonl.gz packed")  # fmt: skip
TEXTS = ["", "a", "x" * 300, "\0", "\ud800", "\x9b", "é☃😀", "'; DROP TABLE rows; --", '"', "true",
         "__import__('os')", "number", "date", "category", "nan"]  # fmt: skip
NUMBERS = [0, 1, -1, 2, 3, 4, 5, 2**31, 2**32, 2**53, 2**63 - 1, 2**63, 2**64, 10**30, 10**400, 0.5,
           1e-320, 1e155, 1e308, float("inf"), float("nan")]  # fmt: skip


class Fuzzer:
    """Runs inputs, measures them, and keeps what is wrong.

    Parameters
    ----------
    run : callable
        Takes the bytes of an input; may raise a BackhandError.
    args : namespace
        seconds, findings, all.
    """

    def __init__(self, run: Callable[[bytes], None], args: argparse.Namespace) -> None:
        self.run, self.args = run, args
        self.kinds: set[str] = set()
        self.inputs = self.refused = 0
        self.longest = self.largest = 0.0
        self.started = time.monotonic()
        args.findings.mkdir(parents=True, exist_ok=True)

    def one(self, data: bytes) -> None:
        """Run one input; ends the process when the time is over or, without --all, at a finding."""
        (self.args.findings / "current").write_bytes(data)
        self.inputs += 1
        before, peak = resident(), most_resident()
        seconds = self._timed(data)
        if most_resident() > peak:
            self.largest = max(self.largest, most_resident() - before)
            if most_resident() - before > MOST_MB:
                self.found(data, "memory", f"{most_resident() - before:.0f} MB")
        if seconds > MOST_SECONDS:
            # The machine may have been busy with something else.
            seconds = min(seconds, self._timed(data))
            if seconds > MOST_SECONDS:
                self.found(data, "time", f"{seconds:.1f} s")
        self.longest = max(self.longest, seconds)
        if time.monotonic() - self.started > self.args.seconds:
            self.end()

    def _timed(self, data: bytes) -> float:
        from backhand.errors import BackhandError

        started = time.monotonic()
        try:
            self.run(data)
        except BackhandError:
            self.refused += 1
        except Exception as error:
            frames = traceback.extract_tb(error.__traceback__)
            at = ([frame for frame in frames if "backhand" in frame.filename] or frames)[-1]
            kind = f"{type(error).__name__}-{Path(at.filename).stem}-{at.lineno}"
            self.found(data, kind, traceback.format_exc())
        return time.monotonic() - started

    def found(self, data: bytes, kind: str, what: str) -> None:
        """Keep an input that did something wrong, one of a kind."""
        if kind in self.kinds:
            return
        self.kinds.add(kind)
        path = self.args.findings / f"{kind}-{hashlib.sha1(data).hexdigest()[:8]}"
        path.write_bytes(data)
        print(f"FOUND {kind}: {path}\n{what}", file=sys.stderr, flush=True)
        if not self.args.all:
            self.end()

    def end(self) -> None:
        """Say what was done, and leave without libFuzzer's having a say."""
        print(
            f"{self.inputs:,} inputs in {time.monotonic() - self.started:.0f} s, {self.refused:,} "
            f"refused; longest {self.longest:.2f} s, largest {self.largest:.0f} MB; "
            f"{len(self.kinds)} findings", file=sys.stderr, flush=True,
        )  # fmt: skip
        (self.args.findings / "current").unlink(missing_ok=True)
        atexit._run_exitfuncs()
        os._exit(bool(self.kinds))


def resident() -> float:
    """MB of memory that the process has now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def most_resident() -> float:
    """MB of memory that the process has had at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def model_target(folder: Path) -> Callable[[bytes], None]:
    """Load a model; of those that load, show them all, and predict with every tenth."""
    import backhand
    from backhand.cli.reports.model import show_model
    from backhand.tables.reading.reader import read_table
    from backhand.tabular.prediction import evaluate_table, predict_table

    path, loads = folder / "m.safetensors", 0
    (folder / "t.csv").write_text('n,c,t\n1,x,a\n,y,b\n-3e9,,c\n7,"z\'",d\n')

    def run(data: bytes) -> None:
        nonlocal loads
        path.write_bytes(data)
        model = backhand.load(path)
        loads += 1
        with redirect_stdout(io.StringIO()):
            for as_json in (False, True):
                show_model(model, "m", as_json=as_json)
        if loads % 10:
            return
        model.predict(np.ones((2, model.sizes[0])), "reference")
        columns = () if model.schema is None else model.schema.columns
        if 0 < len(columns) < 3:
            table = read_table(folder / "t.csv")
            table.names[: len(columns)] = [column.name for column in columns]
            with suppress(backhand.BackhandError):
                predict_table(model, table, folder / "p.csv", "reference")
            with suppress(backhand.BackhandError):
                evaluate_table(model, table, engine="reference")
            table.connection.close()

    return run


def table_target(folder: Path) -> Callable[[bytes], None]:
    """Read a table in the format of the first byte; its last column is the target."""
    from backhand.table_settings import Settings
    from backhand.tables.reading.reader import read_table
    from backhand.tabular.training import prepare_table

    def run(data: bytes) -> None:
        ending, content = ENDINGS[data[0] % len(ENDINGS)] if data else ".csv", data[1:]
        if ending.endswith(" packed"):
            content = gzip.compress(content, 1)
        path = folder / f"t{ending.removesuffix(' packed')}"
        path.write_bytes(content)
        table = read_table(path)
        try:
            prepare_table(table, table.names[-1], Settings(quick=True))
        finally:
            table.connection.close()

    return run


def model_seeds() -> list[bytes]:
    """Model files: of arrays, of a table, in double, and of a checkpoint's sort."""
    import backhand
    from backhand import History
    from backhand.model import Model
    from backhand.tables.schema.columns import Category, Date, Number
    from backhand.tables.schema.schema import Schema

    number, category = Number("n", 1.5, 2.0, True), Category("c", ("x", "y"), True)
    history = History(*(np.array([0.5, np.nan]) for _ in range(4)))
    of_a_table = Schema("t", (number, category, Date("d", 1.0, 2.0, False)))
    models = [
        Model(backhand.init(6, 5, 3), ("a", "b", "ç"), of_a_table, {"hidden": 5, "a": [1]},
              {"accuracy": 0.5}, history),
        Model(backhand.init(3, 2, 2, dtype=np.float64), (0, 1), history=history),
        Model(backhand.init(5, 1, 2), (True, False), Schema("t", (number, category))),
    ]  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        path, seeds = Path(folder) / "m", []
        for model in models:
            backhand.save(model, path)
            seeds.append(path.read_bytes())
    return seeds


def table_seeds() -> list[bytes]:
    """Small tables in all formats, behind the byte that says which."""
    import duckdb

    csv = b'n,c,d,t\n1,x,2020-01-01,a\n,y,2020-01-02,b\n2.5,x,,a\n1e3,"y",2021-05-05,b\n'
    lines = b"".join(b'{"n": %d, "c": "x%d", "t": "%s"}\n' % (i, i % 2, b"ab"[i % 2 :][:1])
                     for i in range(6))  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "t.csv").write_bytes(csv)
        duckdb.sql(f"COPY (FROM '{folder}/t.csv') TO '{folder}/t.parquet'")
        parquet = (Path(folder) / "t.parquet").read_bytes()
    contents = {".csv": csv, ".tsv": csv.replace(b",", b"\t"), ".jsonl": lines,
                ".json": b"[" + lines.strip().replace(b"\n", b",") + b"]",
                ".parquet": parquet}  # fmt: skip
    seeds = []
    for number, ending in enumerate(ENDINGS):
        content = contents[ending.split()[0].removesuffix(".gz")]
        packed = ending.endswith(".gz")
        seeds.append(bytes([number]) + (gzip.compress(content) if packed else content))
    return seeds


def edited(value: Any, rng: random.Random) -> Any:
    """JSON with something in it replaced, taken away, doubled or grown."""
    if isinstance(value, dict | list) and value and rng.random() < 0.9:
        key = rng.choice(sorted(value) if isinstance(value, dict) else range(len(value)))
        copy, what = value.copy(), rng.random()
        if what < 0.1:
            del copy[key]
        elif what < 0.2 and isinstance(copy, list):
            copy.insert(key, copy[key])
        elif what < 0.25 and isinstance(copy, list):
            copy *= rng.choice([2, 3, 100])
        elif what < 0.3 and isinstance(copy, dict):
            copy[rng.choice(TEXTS)] = copy.pop(key)
        else:
            copy[key] = edited(value[key], rng)
        return copy
    if rng.random() < 0.6 and isinstance(value, str | float | int):
        return rng.choice(TEXTS if isinstance(value, str) else NUMBERS)
    others: list[Any] = [None, True, False, [], {}, [value], {"a": value}]
    return rng.choice([*others, rng.choice(TEXTS), rng.choice(NUMBERS)])


def mutated_model(data: bytes, rng: random.Random, blind: Callable[[bytes], bytes]) -> bytes:
    """A model file with its JSON, outer or inner, edited, or its bytes; mostly of its length."""
    length = int.from_bytes(data[:8], "little")
    raw, tensors = data[8 : 8 + length], data[8 + length :]
    try:
        outer = json.loads(raw)
        inner = json.loads(outer["__metadata__"]["backhand"])
        what = rng.random()
        if what < 0.5:
            outer["__metadata__"]["backhand"] = json.dumps(edited(inner, rng))
        elif what < 0.6:
            text = outer["__metadata__"]["backhand"].encode("utf-8", "ignore")
            outer["__metadata__"]["backhand"] = blind(text).decode("utf-8", "replace")
        elif what < 0.8:
            outer = edited(outer, rng)
        else:
            place = rng.randrange(len(tensors) - 3)
            number = np.float32(rng.choice([0, -1, 1e-45, 3e38, np.nan, rng.random()])).tobytes()
            tensors = tensors[:place] + number + tensors[place + 4 :]
        raw = json.dumps(outer).encode()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raw = blind(raw)
    if rng.random() < 0.1:
        raw = blind(raw)
    made = len(raw).to_bytes(8, "little") + raw + tensors
    return blind(made) if rng.random() < 0.1 else made


def mutated_table(data: bytes, rng: random.Random, blind: Callable[[bytes], bytes]) -> bytes:
    """The content mutated; now and then the format, or a text in it."""
    first, content = data[:1], data[1:]
    if rng.random() < 0.1:
        return bytes([rng.randrange(len(ENDINGS))]) + content
    if rng.random() < 0.3:
        place = rng.randrange(len(content) + 1)
        text = rng.choice([*TEXTS, *map(str, NUMBERS), "\n", ",", '"', "[", "{", "2020-01-01"])
        return first + content[:place] + text.encode("utf-8", "ignore") + content[place:]
    return first + blind(content)


def blindly(data: bytes, rng: random.Random) -> bytes:
    """Bytes changed without looking at them: what libFuzzer does, where there is none."""
    made = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 5])):
        place = rng.randrange(len(made) + 1)
        match rng.randrange(4):
            case 0 if made:
                made[min(place, len(made) - 1)] ^= 1 << rng.randrange(8)
            case 1:
                made[place:place] = rng.randbytes(rng.choice([1, 2, 8]))
            case 2:
                del made[place : place + rng.choice([1, 2, 8, 100])]
            case _:
                made[place:place] = made[place : place + rng.choice([1, 8, 64])]
    return bytes(made)


def run_atheris(fuzzer: Fuzzer, mutate: Any, seeds: list[bytes], folder: Path) -> None:
    """libFuzzer's loop, which keeps inputs that reach new lines."""
    corpus = folder / "corpus"
    corpus.mkdir()
    for i, seed in enumerate(seeds):
        (corpus / str(i)).write_bytes(seed)

    def custom(data: bytes, most: int, seed: int) -> bytes:
        def blind(given: bytes) -> bytes:
            # It has to be given something.
            return bytes(atheris.Mutate(given or b"0", max(1, min(most, len(given) + 64))))

        rng = random.Random(seed)
        if rng.random() < 0.2:
            data = rng.choice(seeds)
        return bytes(mutate(data, rng, blind)[:most])

    options = [f"-max_len={LARGEST_INPUT}", "-timeout=60", "-rss_limit_mb=4096", "-verbosity=0",
               f"-artifact_prefix={fuzzer.args.findings}/",
               f"-seed={fuzzer.args.seed}"]  # fmt: skip
    atheris.Setup([sys.argv[0], *options, str(corpus)], fuzzer.one, custom_mutator=custom)
    atheris.Fuzz()


def run_plain(fuzzer: Fuzzer, mutate: Any, seeds: list[bytes]) -> None:
    """Mutants of mutants of the seeds, without knowing what they reach."""
    rng = random.Random(fuzzer.args.seed)
    pool = list(seeds)
    while True:
        data = mutate(
            rng.choice(rng.choice([pool, seeds])), rng, lambda given: blindly(given, rng)
        )[:LARGEST_INPUT]
        fuzzer.one(data)
        if rng.random() < 0.1:
            pool.append(data)
        if len(pool) > 300:
            pool = seeds + rng.sample(pool, 100)


def main() -> None:
    """Parse the command line and fuzz until the time is over."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", choices=["model", "table"])
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--findings", type=Path, default=Path("build/fuzz"))
    parser.add_argument("--all", action="store_true", help="go on after a finding")
    parser.add_argument("--plain", action="store_true", help="without atheris")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    warnings.simplefilter("ignore")  # an overflow in a hostile model's predictions is no finding
    guided = atheris is not None and not args.plain
    if guided:
        with atheris.instrument_imports(include=["backhand"]):
            target, seeds, mutate = chosen(args.what)
    else:
        target, seeds, mutate = chosen(args.what)
    folder = Path(tempfile.mkdtemp(prefix="fuzz"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    fuzzer = Fuzzer(target(folder), args)
    for seed in seeds:  # what is imported at first use is no memory of an input
        fuzzer._timed(seed)
    fuzzer.started, fuzzer.refused = time.monotonic(), 0
    if guided:
        run_atheris(fuzzer, mutate, seeds, folder)
    run_plain(fuzzer, mutate, seeds)


def chosen(what: str) -> tuple[Any, list[bytes], Any]:
    """The target, its seeds and its mutator; all of Backhand that is used is imported here."""
    if what == "model":
        return model_target, model_seeds(), mutated_model

    return table_target, table_seeds(), mutated_table


if __name__ == "__main__":
    main()
