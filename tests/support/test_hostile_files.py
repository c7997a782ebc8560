"""A model file is data from a stranger: whatever is in it, it is a model or a sentence.

`tests/slow/fuzz.py` looks for more; what it finds becomes a case here.
"""

import gzip
import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import backhand
from backhand import History
from backhand.cli.reports.model import show_model
from backhand.errors import BackhandError, InputError, MissingFileError
from backhand.model import Model
from backhand.support import untrusted_json
from backhand.tables.reading.reader import read_table
from backhand.tables.schema.columns import Category, Date, Number
from backhand.tables.schema.schema import Schema
from backhand.tabular.prediction import evaluate_table, print_predictions

SCHEMA = Schema("t", (Number("n", 1.5, 2.0, True), Category("c", ("x", "y"), False)))


HEADER = {
    "format": 1, "classes": ["a", "b", "c"], "schema": SCHEMA.to_json(), "hyperparameters": {},
    "metrics": {}, "history": {name: [0.5, None] for name in History.__dataclass_fields__},
    "versions": {"backhand": "0.1.0"},
    "training_rows": None,
    "chosen": None,
}  # fmt: skip


PARAMS = backhand.init(4, 5, 3)


DATA = b"".join(np.asarray(v).tobytes() for _, v in sorted(PARAMS._asdict().items()))


QUICK = settings(max_examples=60, deadline=2000, derandomize=True)


def described() -> dict:
    """The tensors of a model's file as its JSON says where they are."""
    found, start = {}, 0
    for name, value in sorted(PARAMS._asdict().items()):
        found[name] = {"dtype": "F32", "shape": list(value.shape),
                       "data_offsets": [start, start + value.nbytes]}  # fmt: skip
        start += value.nbytes
    return found


def file_of(outer: dict | str | bytes, data: bytes = DATA, length: int | None = None) -> bytes:
    """A safetensors file, however wrong."""
    raw = json.dumps(outer) if isinstance(outer, dict) else outer
    raw = raw if isinstance(raw, bytes) else raw.encode()
    return (len(raw) if length is None else length).to_bytes(8, "little") + raw + data


def model_file(header: object = None, **changes) -> bytes:
    """A model's file with another header (JSON or its text), or with parts of it changed."""
    header = HEADER | changes if header is None else header
    text = header if isinstance(header, str) else json.dumps(header)
    return file_of({"__metadata__": {"backhand": text}} | described())


def tensor(name: str = "W1", **changes) -> bytes:
    """A model's file in which a tensor is described otherwise."""
    entries = described()
    entries[name] |= changes
    return file_of({"__metadata__": {"backhand": json.dumps(HEADER)}} | entries)


def load(path, content: bytes) -> Model:
    path = path / "m.safetensors"
    path.write_bytes(content)
    return backhand.load(path)


def refused(path, content: bytes) -> str:
    with pytest.raises(InputError) as caught:
        load(path, content)
    assert type(caught.value) is InputError
    assert "m.safetensors" in str(caught.value) and len(str(caught.value)) < 1000
    return str(caught.value)


def test_the_file_that_is_damaged_here_is_whole(tmp_path) -> None:
    assert load(tmp_path, model_file()).schema == SCHEMA


LONG = "x" * (2**20 + 1)


DEEP = "[" * 33 + "]" * 33


OF_THE_FILE = {
    "a header of 2^64 bytes": (file_of(described(), length=2**64 - 1), "its end is missing"),
    "a header longer than the file": (file_of("{}", b"", length=100), "its end is missing"),
    "an empty header": (file_of("", b""), "not JSON"),
    "a list": (file_of("[]", b""), "not a JSON object"),
    "a number": (file_of("3", b""), "not a JSON object"),
    "no UTF-8": (file_of(b'{"\xff": 1}', b""), "not UTF-8"),
    "UTF-16": (file_of('{"a": 1}'.encode("utf-16"), b""), "not UTF-8"),
    "a mark before it": (file_of("\ufeff{}", b""), "not JSON"),
    "10,000 brackets": (file_of("[" * 10_000, b""), "nested 10,000 levels"),
    "a million brackets": (file_of("[" * 10**6, b""), "1,000,000 lists and objects"),
    "brackets in a text": (file_of('{"' + "[" * 100_000 + '": 1}', b""), "100,000 characters"),
    "what is closed": (file_of("]" * 10**6, b""), "more closing brackets"),
    "metadata that are no texts": (file_of({"__metadata__": {"backhand": {}}}, b""), "not strings"),
    "metadata that are a list": (file_of({"__metadata__": []}, b""), "not strings by name"),
    "no metadata": (file_of(described()), "and no header"),
    "one name twice": (file_of('{"a": {}, "a": {}}', b""), "same name twice"),
    "one name twice, escaped": (file_of('{"a": {}, "\\u0061": {}}', b""), "same name twice"),
    "300 tensors": (file_of({str(i): {} for i in range(300)}, b""), "300 tensors"),
    "a long name": (file_of({"x" * 257: {}}, b""), "257 characters"),
    "too few bytes": (file_of({"__metadata__": {}} | described(), DATA[:-1]), "the file has"),
    "too many bytes": (file_of({"__metadata__": {}} | described(), DATA + b"x"), "the file has"),
    "a description that is a list": (file_of({"W1": []}, b""), "not described by"),
    "more in a description": (tensor(more=1), "not described by"),
    "an unknown dtype": (tensor(dtype="F16"), "is 'F16'; expected"),
    "a dtype that is a list": (tensor(dtype=["F32"]), "dtype of tensor 'W1'"),
    "a wider dtype": (tensor(dtype="F64"), "does not match its shape"),
    "integers": (tensor(dtype="I32"), "several dtypes"),
    "1 TB": (tensor(shape=[2**19, 2**19]), "does not match its shape"),
    "1 TB, and offsets to match": (
        tensor("b2", shape=[2**38], data_offsets=[160, 160 + 2**40]), "the file has"),
    "more than can be addressed": (tensor(shape=[2**62, 4, 2**62]), "larger than any memory"),
    "nothing, of a size beyond all": (tensor(shape=[0, 2**62, 2**62]), "larger than any memory"),
    "a size of -1": (tensor(shape=[-1, -20]), "not a list"),
    "a size of 4.0": (tensor(shape=[4.0, 5]), "not a list"),
    "a size of true": (tensor(shape=[True, 20]), "not a list"),
    "a size of 1e400": (file_of('{"W1": {"shape": [1e400]}}', b""), "too large for a float"),
    "a size of NaN": (file_of('{"W1": {"shape": [NaN]}}', b""), "holds NaN"),
    "a size of 5000 digits": (file_of('{"a": ' + "9" * 5000 + "}", b""), "5,000 digits"),
    "nine dimensions": (tensor(shape=[4, 5, *[1] * 7]), "at most 8 sizes"),
    "three dimensions": (tensor(shape=[4, 5, 1]), "W1 is"),
    "three offsets": (tensor(data_offsets=[92, 172, 172]), "not two numbers"),
    "offsets backwards": (tensor(data_offsets=[172, 92]), "does not match its shape"),
    "offsets below 0": (tensor(data_offsets=[-80, 0]), "not two numbers"),
    "tensors that overlap": (tensor(data_offsets=[8, 88]), "overlap, or there is a gap"),
    "other names": (file_of(
        {"__metadata__": {"backhand": json.dumps(HEADER)},
         "W": {"dtype": "U8", "shape": [3], "data_offsets": [0, 3]}}, b"abc"), "it holds 'W'"),
    "no hidden unit": (file_of(
        {"__metadata__": {"backhand": json.dumps(HEADER)}} | {
            name: {"dtype": "F32", "shape": shape, "data_offsets": [start, start + size]}
            for name, shape, start, size in (("W1", [4, 0], 0, 0), ("W2", [0, 3], 0, 0),
                                             ("b1", [0], 0, 0), ("b2", [3], 0, 12))
        }, DATA[:12]), "expected no 0 there"),
}  # fmt: skip


@pytest.mark.parametrize("case", OF_THE_FILE)
def test_what_a_file_says_of_its_tensors_is_checked(tmp_path, case) -> None:
    content, said = OF_THE_FILE[case]
    assert said in refused(tmp_path, content)


def with_columns(*columns: dict) -> bytes:
    return model_file(schema={"target": "t", "columns": list(columns)})


NUMBER, DATE = Schema(
    "t", (Number("n", 0.0, 1.0, 0.0), Date("n", 0.0, 1.0, 0.0, cycles=("day",)))
).to_json()["columns"]


CATEGORY = {
    "kind": "category",
    "name": "c",
    "categories": ["x", "y"],
    "missing": False,
    "other": False,
}


CURVES = HEADER["history"]


OF_THE_HEADER = {
    "not JSON": (model_file("no"), "not JSON"),
    "nothing": (model_file("{}"), "lacks what is expected"),
    "a list": (model_file("[]"), "lacks what is expected"),
    "depth": (model_file(hyperparameters={"a": json.loads(DEEP)}), "nested"),
    "depth of 100,000": (model_file("[" * 100_000), "nested 100,000 levels"),
    "depth in objects": (model_file('{"a":' * 50 + "1" + "}" * 50), "nested 50 levels"),
    "a long text": (model_file(metrics={"a": LONG}), "1,048,577 characters"),
    "a long name": (model_file(metrics={LONG: 1}), "1,048,577 characters"),
    "NaN": (model_file(metrics={"a": float("nan")}), "holds NaN"),
    "-Infinity": (model_file(metrics={"a": float("-inf")}), "holds -Infinity"),
    "1e999": (model_file('{"format": 1e999}'), "too large for a float"),
    "301 digits": (model_file('{"format": ' + "1" * 301 + "}"), "301 digits"),
    "half a surrogate pair": (model_file(metrics={"a": "\ud800"}), "half a surrogate"),
    "half of one in a name": (model_file(metrics={"\udfff": 1}), "half a surrogate"),
    "half of one as a class": (model_file(classes=["a", "b", "\udc00"]), "half a surrogate"),
    "one name twice": (model_file(json.dumps(HEADER)[:-1] + ', "format": 1}'), "same name twice"),
    "format 0": (model_file(format=0), "its format is 0"),
    "format true": (model_file(format=True), "its format is True"),
    "a format that is a long text": (model_file(format=LONG[:5000]), "its format is"),
    "versions that are no texts": (model_file(versions={"a": 1}), "not all texts"),
    "metrics that are a list": (model_file(metrics=[]), "metrics are not values by name"),
    "two classes": (model_file(classes=["a", "b"]), "names 2 classes"),
    "classes that are a text": (model_file(classes="abc"), "no list of classes"),
    "classes that are lists": (model_file(classes=[["a"], ["b"], ["c"]]), "not all texts"),
    "classes of two kinds": (model_file(classes=["1", 1, 2]), "not all texts"),
    "classes of true and 1": (model_file(classes=[True, 1, 2]), "not all texts"),
    "no class": (model_file(classes=[None, "a", "b"]), "not all texts"),
    "one class twice": (model_file(classes=["a", "b", "a"]), "not all different"),
    "1 and 1.0": (model_file(classes=[1, 1.0, 2]), "not all different"),
    "alike as floats": (model_file(classes=[2**53, 2**53 + 1, 0.5]), "not all different"),
    "a NUL behind": (model_file(classes=["a", "b", "b\0"]), "ends in NUL"),
    "numbers of 65 bits": (model_file(classes=[1, 2, 2**64]), "more than 64 bits"),
    "a class as long as a book": (model_file(classes=["a", "b", "c" * 1001]), "1,001 characters"),
    "a schema that is a list": (model_file(schema=[]), "not a target and columns"),
    "a target that is null": (model_file(schema={"target": None, "columns": []}), "not a string"),
    "columns that are a text": (model_file(schema={"target": "t", "columns": "ab"}), "not a list"),
    "no columns": (with_columns(), "names 0 features"),
    "columns that are texts": (with_columns("n"), "fields of a column"),
    "an unknown kind": (with_columns(NUMBER | {"kind": "tensor"}), "fields of a column"),
    "a kind that is a list": (with_columns(NUMBER | {"kind": []}), "fields of a column"),
    "a column with more": (with_columns(NUMBER | {"encode": "x"}), "fields of a column"),
    "a name that is a number": (with_columns(NUMBER | {"name": 3}), "needs a string `name`"),
    "missing that is a text": (with_columns(NUMBER | {"missing": "exit()"}), "a share of rows"),
    "missing that is 1000": (with_columns(NUMBER | {"missing": 1000}), "a share of rows"),
    "a mean that is code": (with_columns(NUMBER | {"mean": "__import__('os')"}), "needs numbers"),
    "a mean that is true": (with_columns(NUMBER | {"mean": True}), "needs numbers"),
    "an unknown order": (with_columns(DATE | {"order": "ymd"}), "`order` or `cycles` of no date"),
    "an order that is a list": (with_columns(DATE | {"order": ["dmy"]}), "`order` or `cycles`"),
    "no order": (with_columns({k: v for k, v in DATE.items() if k != "order"}), "the fields"),
    "cycles that are a text": (with_columns(DATE | {"cycles": "day"}), "`order` or `cycles`"),
    "an unknown cycle": (with_columns(DATE | {"cycles": ["day", "hour"]}), "`cycles` other than"),
    "a cycle that is a list": (with_columns(DATE | {"cycles": [["day"]]}), "`cycles` other than"),
    "a cycle twice": (with_columns(DATE | {"cycles": ["day", "day"]}), "the same cycle twice"),
    "a million cycles": (with_columns(DATE | {"cycles": ["day"] * 10**6}), ""),
    "std of 0": (with_columns(NUMBER | {"std": 0}), "`mean` or `std` out of range"),
    "std below 0": (with_columns(NUMBER | {"std": -1.0}), "`mean` or `std` out of range"),
    "std of 1e300": (with_columns(NUMBER | {"std": 1e300}), "`mean` or `std` out of range"),
    "one name twice in it": (with_columns(NUMBER, CATEGORY | {"name": "n"}), "have the same name"),
    "categories that are a text": (
        with_columns(CATEGORY | {"categories": "xy"}),
        "list of strings as `categories`",
    ),
    "no categories": (with_columns(CATEGORY | {"categories": []}), "list of strings"),
    "numbers as categories": (with_columns(CATEGORY | {"categories": [1, 2]}), "list of strings"),
    "one category twice": (with_columns(CATEGORY | {"categories": ["x", "x"]}), "twice"),
    "more features than rows": (
        with_columns(CATEGORY | {"categories": list(map(str, range(10**5)))}), "100000 features"),
    "history that is null": (model_file(history=None), "history is not of"),
    "a curve that lacks": (model_file(history={"loss": []}), "history is not of"),
    "a curve that is a text": (model_file(history=CURVES | {"loss": "ab"}), "not of numbers"),
    "a curve of texts": (model_file(history=CURVES | {"loss": ["1", "2"]}), "not of numbers"),
    "a curve of true": (model_file(history=CURVES | {"loss": [True, True]}), "not of numbers"),
    "a longer curve": (model_file(history=CURVES | {"loss": [1, 2, 3]}), "more epochs"),
}  # fmt: skip


@pytest.mark.parametrize("case", OF_THE_HEADER)
def test_what_a_header_says_of_its_model_is_checked(tmp_path, case) -> None:
    content, said = OF_THE_HEADER[case]
    assert said in refused(tmp_path, content)


def test_odd_but_sound_headers_load(tmp_path) -> None:
    for changes in ({"classes": [0, 1.5, 2**53]}, {"classes": [0, 1, 2**64 - 1]}, {"schema": None},
                    {"classes": ["", " ", "\U0001f600"]}, {"metrics": {"a": [[{}]]}},
                    {"more": "of a later version"}):  # fmt: skip
        assert len(load(tmp_path, model_file(**changes)).labels) == 3


def test_a_pipe_a_device_and_other_things_are_told(tmp_path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", "/dev/zero"):
        with pytest.raises(InputError, match="is not a regular file; expected a model file"):
            backhand.load(path)
    for name in ("a\0b", "\ud800" * 3 + "\0", "x" * 5000):
        with pytest.raises(InputError):
            backhand.load(name)
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(InputError, match="cannot be read"):
        backhand.load(tmp_path / "loop")
    with pytest.raises(MissingFileError, match="does not exist; expected a model file"):
        backhand.load(tmp_path / "none")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_told(tmp_path) -> None:
    (tmp_path / "m").write_bytes(model_file())
    (tmp_path / "m").chmod(0)
    with pytest.raises(InputError, match="cannot be read: Permission denied"):
        backhand.load(tmp_path / "m")


MEASURED = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read there")


LIMITED = r"""
import re, sys, time
import backhand
from backhand.errors import InputError
def most():  # ru_maxrss would begin with what the parent process had, and hide as much
    return int(re.search(r"VmHWM:\s+(\d+)", open("/proc/self/status").read())[1])
before = most()
for path in sys.argv[1:]:
    started = time.process_time()
    try:
        backhand.load(path)
    except InputError as error:
        grown = (most() - before) // 1024
        print(f"{grown} {time.process_time() - started:.2f}")
"""


@MEASURED
def test_large_claims_take_no_memory_and_no_time(tmp_path) -> None:
    """Files of a few MB, and one of 1 TB that is all holes, in a process of their own."""
    shapes = {"W1": [2**38, 1], "W2": [1, 1], "b1": [1], "b2": [1]}
    entries, start = {}, 0
    for name, shape in shapes.items():
        size = 4 * shape[0]
        entries[name] = {"dtype": "F32", "shape": shape, "data_offsets": [start, start + size]}
        start += size
    contents = [
        OF_THE_FILE["1 TB, and offsets to match"][0],
        model_file('{"format": 2, "a": [' + ",".join(['{"":0}'] * 200_000) + "]}"),
        model_file('{"format": 2, "a": {' + ",".join(f'"{i:x}":0' for i in range(400_000)) + "}}"),
        model_file('{"format": 2, "a": ["' + '","'.join(f"{i:x}" for i in range(500_000)) + '"]}'),
        model_file('{"format": 2, "a": "\U0001f600' + '", "b": "'.join(["x" * 10**6] * 4) + '"}'),
        model_file("[" * 4_000_000),
        model_file("\\" * 4_000_000),
        file_of(entries, b""),
    ]
    paths = [tmp_path / f"{i}.safetensors" for i in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    with paths[-1].open("r+b") as file:
        file.truncate(len(contents[-1]) + start)
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, *map(str, paths)],
        capture_output=True,
        text=True,
        check=True,
    )
    found = [line.split() for line in done.stdout.splitlines()]
    assert len(found) == len(contents)
    for grown, seconds in found:
        assert int(grown) < 200 and float(seconds) < 20, done.stdout


@MEASURED
def test_many_classes_of_which_one_is_long_take_no_more_than_an_array(tmp_path) -> None:
    """NumPy has room for the longest text in every place: 64 MB for a file of 0.3 MB."""
    K = 16_700
    classes = [f"{i:x}" for i in range(K - 2)] + ["c" * 1000, "0"]
    entries, start = {"__metadata__": {"backhand": json.dumps(HEADER | {"classes": classes})}}, 0
    for name, shape in {"W1": [4, 1], "W2": [1, K], "b1": [1], "b2": [K]}.items():
        size = 4 * shape[0] * (shape[1] if shape[1:] else 1)
        entries[name] = {"dtype": "F32", "shape": shape, "data_offsets": [start, start + size]}
        start += size
    path = tmp_path / "m.safetensors"
    path.write_bytes(file_of(entries, bytes(start)))
    with pytest.raises(InputError, match="not all different"):
        backhand.load(path)
    script = [sys.executable, "-c", LIMITED, str(path)]
    done = subprocess.run(script, capture_output=True, text=True, check=True)
    grown, seconds = done.stdout.split()
    assert int(grown) < 130 and float(seconds) < 20, done.stdout


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(["\ud800", "\0", "'; DROP TABLE rows; --", 10**400, 2**63, -1, 1e308]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)  # fmt: skip


@st.composite
def edited(draw, value: object) -> object:
    """JSON with something in it replaced, taken away or put twice."""
    if isinstance(value, dict | list) and value and draw(st.integers(0, 9)):
        key = draw(st.sampled_from(sorted(value) if isinstance(value, dict) else range(len(value))))
        copy = value.copy()
        match draw(st.sampled_from(["into", "into", "into", "away", "twice"])):
            case "away":
                del copy[key]
            case "twice" if isinstance(copy, list):
                copy.insert(key, copy[key])
            case _:
                copy[key] = draw(edited(value[key]))
        return copy
    return draw(JSON)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = tmp_path_factory.mktemp("table") / "t.csv"
    path.write_text('n,c,t\n1,x,a\n,y,b\n-3e9,,c\n7,"z\'",d\n')
    return read_table(path)


def use(model: Model, table) -> None:
    """What the command line does with a loaded model, tables apart that lack its columns."""
    for as_json in (False, True):
        show_model(model, "m", as_json=as_json)
    model.predict(np.ones((2, model.sizes[0])))
    if model.schema is not None:
        table.names = [*[column.name for column in model.schema.columns], "\0t"]
        table.names += [f"more {i}" for i in range(len(table.types) - len(table.names))]
        for job in (lambda *of: print_predictions(*of, io.BytesIO()), evaluate_table):
            try:
                job(model, table)
            except BackhandError as error:
                assert len(str(error)) < 10**5


@given(header=edited(HEADER))
@QUICK
def test_edited_headers_are_a_model_or_a_sentence(tmp_path_factory, table, header) -> None:
    content = model_file(json.dumps(header))
    try:
        loaded = load(tmp_path_factory.getbasetemp(), content)
    except InputError:
        return
    with redirect_stdout(io.StringIO()):
        use(loaded, table)


@given(entries=edited(described() | {"__metadata__": {"backhand": json.dumps(HEADER)}}))
@QUICK
def test_edited_descriptions_are_a_model_or_a_sentence(tmp_path_factory, entries) -> None:
    try:
        load(tmp_path_factory.getbasetemp(), file_of(json.dumps(entries)))
    except InputError as error:
        assert "m.safetensors" in str(error)


@given(data=st.data())
@QUICK
def test_damaged_bytes_are_a_model_or_a_sentence(tmp_path_factory, data) -> None:
    content = bytearray(model_file())
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=3)):
        content[place] ^= 1 << data.draw(st.integers(0, 7))
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content))) :]
    if data.draw(st.booleans()):
        place = data.draw(st.integers(0, len(content)))
        content[place:place] = data.draw(st.binary(max_size=20))
    try:
        load(tmp_path_factory.getbasetemp(), bytes(content))
    except InputError as error:
        assert "m.safetensors" in str(error)


FOUND_IN_TABLES = {
    "a .gz whose inside is damaged": ("t.csv.gz", gzip.compress(b"a,t\n1,x\n")[:10] + b"\xff" * 30),
    "a JSON .gz whose inside is damaged": (
        "t.jsonl.gz",
        gzip.compress(b'{"a": 1, "t": "x"}\n' * 9)[:10] + b"\xff" * 30,
    ),
    "a .gz that ends early": ("t.csv.gz", gzip.compress(b"a,t\n1,x\n")[:-12]),
}
"""What fuzzing found where tables are read."""


@pytest.mark.parametrize("case", FOUND_IN_TABLES)
def test_tables_that_were_found_by_fuzzing_are_told(tmp_path, case) -> None:
    name, content = FOUND_IN_TABLES[case]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=r"\.gz (cannot be read|is truncated)"):
        read_table(tmp_path / name)


@given(value=JSON, key=st.text(max_size=5))
@QUICK
def test_json_that_is_written_can_be_read(value, key) -> None:
    try:
        text = untrusted_json.dump({key: value})
    except InputError:
        return
    assert untrusted_json.parse(text.encode()) == {key: value}


def test_what_would_not_load_is_not_saved(tmp_path) -> None:
    for changes, said in (
        ({"classes": ("a", "b", "b")}, "not all different"),
        ({"classes": ("a", "b", "\ud800")}, "JSON values"),
        ({"schema": Schema("t", (Number("n", 0.0, 0.0, False),))}, "`mean` or `std` out of range"),
        ({"schema": Schema("t", (Date("n", 0.0, 1.0, False),))}, "names 1 features"),
    ):
        with pytest.raises(InputError, match=said):
            backhand.save(Model(PARAMS, **({"classes": ("a", "b", "c")} | changes)), tmp_path / "m")
    assert list(tmp_path.iterdir()) == []
