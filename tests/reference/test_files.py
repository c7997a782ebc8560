"""docs/reference/files.md has the keys of every file and event, no more and no less."""

import csv
import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backhand
from backhand.benchmark.machine import Machine
from backhand.benchmark.results import ShapeResult, Timing
from backhand.cli.reports import progress
from backhand.cli.reports.grading import GradingReport, write_csv
from backhand.doctor import Finding, Verdict
from backhand.doctor.grading.grade import Graded
from backhand.doctor.grading.submissions import Submission
from backhand.evaluation import Tally
from backhand.exports import numpy as numpy_export
from backhand.exports import onnx as onnx_export
from backhand.exports.verify import class_labels
from backhand.model import Model
from backhand.tables.schema import columns
from backhand.tables.schema.notes import Note
from backhand.tabular.advice import Advice
from backhand.tabular.cross_validation import CrossValidation
from backhand.training.checkpoints import file_format, members
from conftest import ROOT
from files_of_versions.trainings import TABLE, table
from helpers.command_line import run
from helpers.reference_pages import Row, names, page, quoted, section, tables

PAGE = page("files.md")
VERSION = ROOT / "tests" / "files_of_versions" / "0.1.0"
SOURCE = Path(backhand.__file__).parent

pytestmark = pytest.mark.filterwarnings("ignore::backhand.BackhandWarning")


def rows(*headings: str) -> list[Row]:
    """The rows of the first table below the last of the headings, each within the one before."""
    text = PAGE
    for heading in headings:
        text = section(text, heading)
    return tables(text)[0]


def check_keys(found: set[str], *headings: str) -> None:
    """Compare the keys with those of a table; one that is "only" there sometimes may be absent."""
    listed = rows(*headings)
    required = set(names([row for row in listed if not row[-1].startswith("only")]))
    assert found <= set(names(listed)), headings
    assert required <= found, headings


def meanings(*headings: str) -> dict[str, str]:
    """What a table says of each name."""
    return {name: row[-1] for row in rows(*headings) for name in quoted(row[0])}


def header_of(path: Path) -> Any:
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    return json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["backhand"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("files")
    with (path / "t.csv").open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(table())
        lines.writerows(zip(*table().values(), strict=True))
    return path


def events(*arguments: object) -> dict[str, dict[str, Any]]:
    """All fields of each event of a command, lines of one event together."""
    found: dict[str, dict[str, Any]] = {}
    for line in run(*arguments).stdout.splitlines():
        event = json.loads(line)
        found.setdefault(event.pop("event"), {}).update(event)
    return found


def train(folder: Path, output: str, *options: object) -> dict[str, dict[str, Any]]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(progress, "SECONDS", 0)  # else a fast machine prints no progress
        return events(
            "train", folder / "t.csv", "-t", "sold", "--hidden", 4, "--epochs", 2, "--engine",
            "reference", "-o", folder / output, "--json", *options,
        )  # fmt: skip


@pytest.fixture(scope="module")
def quick(folder: Path) -> dict[str, dict[str, Any]]:
    return train(
        folder, "quick.safetensors", "--quick", "--missing", "Ulm", "--missing", "",
        "--early-stopping",
    )  # fmt: skip


@pytest.fixture(scope="module")
def searched(folder: Path) -> dict[str, dict[str, Any]]:
    return train(folder, "m.safetensors", "--members", 1)


# Model file


def test_the_header_of_a_model_file(folder, searched, quick) -> None:
    for name in ("m", "quick"):
        header = header_of(folder / f"{name}.safetensors")
        assert set(header) == set(names(rows("## Model file", "### Header")))
        assert quoted(rows("### Header")[0][0]) == ["format"]
        assert str(header["format"]) in rows("### Header")[0][2]
    chosen = header_of(folder / "m.safetensors")["chosen"]
    check_keys(set(chosen), "## Model file", "### chosen")
    assert all(len(trial) == 6 for trial in chosen["trials"])
    cells = meanings("### Header")
    assert set(header["history"]) == set(quoted(cells["history"]))
    assert set(header["versions"]) == set(quoted(cells["versions"]))
    assert set(quoted(cells["training_rows"])) == {"evaluate", *header["training_rows"]}
    assert set(quoted(cells["metrics"])) <= set(header["metrics"])
    encodings = meanings("### chosen")["encodings"]
    assert set(quoted(encodings)) == set(chosen["encodings"])


def test_the_tensors_of_a_model_file() -> None:
    listed = rows("## Model file", "### Tensors")
    assert names(listed) == list(backhand.Parameters._fields)
    sizes = {"d": 4, "H": 8, "K": 3}
    params = backhand.init(**sizes)
    for row in listed:
        shape = tuple(sizes[letter] for letter in re.findall("[dHK]", row[1]))
        assert getattr(params, quoted(row[0])[0]).shape == shape


def test_the_schema_of_a_model_file(folder, quick) -> None:
    schema = header_of(folder / "quick.safetensors")["schema"]
    check_keys(set(schema), "## Model file", "### Schema")
    kinds = {column["kind"]: column for column in schema["columns"]}
    assert set(kinds) == set(columns.KINDS)
    for kind, column in kinds.items():
        check_keys(set(column), "## Model file", "### Schema", f"#### {kind}")


# Checkpoints


def test_the_header_of_a_checkpoint() -> None:
    listed = rows("## Checkpoints", "### Checkpoint header")
    assert set(names(listed)) == set(file_format.HEADER)
    assert f": {file_format.FORMAT}" in listed[0][2]
    assert f"`format` ({members.FORMAT})" in section(PAGE, "## Checkpoints")
    assert set(members.OF_FILE) == {"format", "checksum", "made_by", "members"}
    assert set(members.OF_MEMBER) - set(file_format.HEADER) == {"seconds"}


def test_the_tensors_of_a_checkpoint() -> None:
    (path,) = (VERSION / "checkpoints" / "train").iterdir()
    tensors, _ = file_format.read(path)
    short = {re.sub(r"\.(b1|W2|b2)$", ".W1", name) for name in tensors}
    listed = names(rows("## Checkpoints", "### Checkpoint tensors"))
    others = {"last.slot1.W1", "best.slot0.W1", "best.slot1.W1"}
    assert short - others == set(listed) - {"slot1", "b1", "W2", "b2", "sampler.…"}


def test_the_files_of_a_checkpoint() -> None:
    listed = names(tables(section(PAGE, "## Checkpoints"))[0])
    for name in [name.replace("NNNNNNNN", "00000012") for name in listed if "NNNN" in name]:
        assert file_format.NAME.fullmatch(name) or members.NAME.fullmatch(name)
    assert len([name for name in listed if "NNNN" in name]) == 3
    search = [path.name for path in (VERSION / "checkpoints" / "search").iterdir()]
    assert all(name.startswith("first-folds-") for name in search)


# JSON


def test_the_events_of_train(quick, searched) -> None:
    for found in (quick, searched):
        for event in ("reading", "table", "model", "result"):
            check_keys(set(found[event]), "## JSON", "### train", f"#### {event}")
    assert "progress" in quick and "search" in searched
    check_keys(set(quick["progress"]), "## JSON", "### train", "#### progress")
    check_keys(set(searched["search"]), "## JSON", "### train", "#### search")
    check_keys(set(quick["result"]["held_out"]), "## JSON", "### evaluate", "#### evaluation")
    check_keys(set(searched["result"]["chosen"]), "## Model file", "### chosen")
    assert set(searched["result"]["out_of_fold"]) == {"accuracy", "loss"}


def test_the_fields_of_a_cross_validation() -> None:
    tally = Tally(("a", "b"))
    tally.add(np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([0, 1]))
    evaluation = tally.result()
    check_keys(set(evaluation.to_json()), "## JSON", "### evaluate", "#### evaluation")
    values = CrossValidation([evaluation] * 2, evaluation, []).to_json()
    listed = quoted(meanings("#### result")["cross_validation"])
    assert set(listed) - {"--cv"} == {*values, *values["figures"]["loss"]}


def test_the_event_of_workers(folder, quick) -> None:
    found = train(folder, "w.safetensors", "--quick", "--workers", 1, "--share", "rows")
    check_keys(set(found["workers"]), "## JSON", "### train", "#### workers")
    assert "validation_accuracy" in quick["progress"] and "held_out_accuracy" in found["progress"]
    check_keys(set(found["progress"]), "## JSON", "### train", "#### progress")
    cells = meanings("#### workers")
    assert set(quoted(cells["workers"])) == set(found["workers"]["workers"][0])


def test_notes_and_warnings_have_the_fields_that_are_listed() -> None:
    notes = meanings("#### table")["notes"]
    assert set(quoted(notes)) == {f.name for f in fields(Note)}
    warnings = meanings("#### result")["warnings"]
    assert set(quoted(warnings)) == {f.name for f in fields(Advice)}
    kinds = re.search(r"kind : str\n((?:        .*\n)+)", Advice.__doc__ or "")
    assert kinds is not None
    (listed,) = re.findall(r"^`kind` is (.*?)\.", section(PAGE, "### train"), re.MULTILINE)
    assert quoted(listed) == re.findall(r'"([^"]+)"', kinds[1])


def test_the_events_of_evaluate_predict_and_inspect(folder, quick) -> None:
    model, data = folder / "quick.safetensors", VERSION / "rows.csv"
    evaluated = events("evaluate", model, folder / "t.csv", "--json")["evaluation"]
    assert set(evaluated) == set(names(rows("### evaluate", "#### evaluation")))
    written = events("predict", model, data, "-o", folder / "p.csv", "--json")["predicted"]
    check_keys(set(written), "### predict", "#### predicted")
    assert written["changes"]
    for change in written["changes"]:
        check_keys(set(change), "### evaluate", "#### changes")
    head = (folder / "p.csv").read_text(encoding="utf-8").splitlines()[0].split(",")
    assert head == [*table(), "prediction", "probability_no", "probability_yes"]
    shown = events("inspect", model, "--json")["model"]
    header = set(names(rows("### Header"))) - {"format", "training_rows"}
    assert set(shown) == {*header, "d", "H", "K", "dtype"}


def test_the_events_of_explain() -> None:
    check_keys(set(events("explain", "--json")["trace"]), "### explain", "#### trace")
    entry = events("explain", "--entry", "dW1[1,2]", "--json")["entry"]
    check_keys(set(entry), "### explain", "#### entry")
    cells = meanings("#### entry")
    assert set(quoted(cells["terms"])) == set(entry["terms"][0])


def returns_zeros(X, y, W1, b1, W2, b2):
    return {"dW1": W1 * 0, "db1": b1 * 0, "dW2": W2 * 0, "db2": b2 * 0}


@pytest.fixture(scope="module")
def report() -> backhand.Report:
    return backhand.check(returns_zeros)


def test_the_event_of_a_checked_function(report) -> None:
    found = {"file", *report.to_json()}
    assert found == set(names(rows("### check", "#### report of a function")))
    assert set(names(rows("### check", "#### findings"))) == {f.name for f in fields(Finding)}
    cells = meanings("#### report of a function")
    assert quoted(cells["verdicts"]) == [f.name for f in fields(Verdict)]
    assert report.to_json()["findings"] and report.to_json()["verdicts"]


def test_the_events_of_an_installation() -> None:
    from backhand.selftest import Checked

    assert set(names(rows("### check", "#### engine"))) == set(Checked._fields)


def test_the_events_and_the_csv_of_grade(report, tmp_path, capsys) -> None:
    submission = Submission("f.py", "returns_zeros")
    with_points = Graded(submission, report, {"dW1": 1.0, "db1": 0.0}, [])
    GradingReport(1, as_json=True).show([with_points])
    event = json.loads(capsys.readouterr().out)
    added = set(event) - {"event", "file", *report.to_json()}
    check_keys(added, "### grade", "#### submission")
    heads = []
    for graded in (Graded(submission, report, {}, []), with_points):
        write_csv(tmp_path / "g.csv", [graded])
        heads.append((tmp_path / "g.csv").read_text(encoding="utf-8").splitlines()[0].split(","))
    listed = rows("## CSV of grade")
    always = [name for row in listed if not row[1].startswith("only") for name in quoted(row[0])]
    assert heads[0] == always
    assert [name for name in heads[1] if name != "db1"] == names(listed)


@pytest.mark.slow
def test_the_events_of_compare() -> None:
    found = events("compare", "--json", "--rows", 4, "--epochs", 1)["epoch"]
    check_keys(set(found), "### compare", "#### epoch")
    cells = meanings("#### epoch")
    assert set(quoted(cells["by_hand"])) == set(found["by_hand"])


def test_the_events_of_bench() -> None:
    machine = {f.name for f in fields(Machine)} | {"threads", "precision", "bf16_products"}
    assert set(names(rows("### bench", "#### machine"))) == machine
    assert set(names(rows("### bench", "#### shape"))) == {f.name for f in fields(ShapeResult)}
    cells = meanings("#### shape")
    assert quoted(cells["timings"]) == [f.name for f in fields(Timing)]


def test_every_event_that_is_printed_is_on_the_page() -> None:
    text = section(PAGE, "## JSON")
    printed = set()
    for path in (SOURCE / "cli").rglob("*.py"):
        printed |= set(re.findall(r'print_json\(\s*"(\w+)"', path.read_text(encoding="utf-8")))
    assert {"evaluation", "table", "engine"} <= printed
    for event in printed:
        forms = (f"#### {event}\n", f"event `{event}`", f"\n`{event}`")
        assert any(form in text for form in forms), event


# Exports


@pytest.fixture(scope="module", params=["plain", "table"])
def model(request) -> Model:
    return backhand.load(VERSION / f"{request.param}.safetensors")


def test_the_names_of_an_exported_python_file(model) -> None:
    source = numpy_export.to_source(model, class_labels(model))
    defined = set(re.findall(r"^(?:def )?(\w+)(?: =|\()", source, re.MULTILINE))
    check_keys(defined & set(names(rows("## Exported Python file"))), "## Exported Python file")
    assert ("encode" in defined) == (model.schema is not None)


def test_the_graph_of_an_onnx_file(model) -> None:
    proto = onnx_export.to_proto(model, class_labels(model))
    text = section(PAGE, "## ONNX graph")
    listed = {name: row for row in rows("## ONNX graph") for name in quoted(row[0])}
    opsets = {opset.domain: opset.version for opset in proto.opset_import}
    assert f"opset {opsets['']} of ONNX" in text and f"IR version {proto.ir_version}" in text
    assert opsets.get("ai.onnx.ml", onnx_export.ML_OPSET) == onnx_export.ML_OPSET
    assert f"opset {onnx_export.ML_OPSET} of `ai.onnx.ml`" in text
    assert [output.name for output in proto.graph.output] == ["prediction", "probabilities"]
    assert {"X", "prediction", "probabilities"} == set(listed) - {"nan"}
    own = ["X"] if model.schema is None else [column.name for column in model.schema.columns]
    assert [given.name for given in proto.graph.input] == own
    properties = {one.key for one in proto.metadata_props}
    assert properties <= set(quoted(text.partition("Metadata:")[2]))


def test_rows_that_are_kept(folder, tmp_path) -> None:
    tmp_path.chmod(0o700)
    run("train", folder / "t.csv", "-t", "sold", "--quick", "--epochs", 1, "--hidden", 2, "-o",
        folder / "k.safetensors", "--engine", "reference", "--keep-cache", "--cache-dir",
        tmp_path)  # fmt: skip
    kept = {path.name for path in tmp_path.iterdir()}
    assert set(re.findall(r"`(\w+\.npy)`", section(PAGE, "## Rows that are kept"))) <= kept
    X = np.load(tmp_path / "training_X.npy", mmap_mode="r")
    y = np.load(tmp_path / "training_y.npy", mmap_mode="r")
    assert X.dtype == np.float32 and y.dtype == np.int64 and len(X) == len(y)
    assert TABLE["seed"] == 3  # the table is that of the files of each version
