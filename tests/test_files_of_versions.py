"""Files of released versions are read by this one: models predict, checkpoints resume.

`files_of_versions/write.py` wrote them. Which are to be read, docs/reference/compatibility.md says:
models of every version; checkpoints of this minor version and the one before, and of a training on
a table of this one alone.
"""

import importlib.util
import json
import shutil
import tomllib
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backhand
from backhand.support.untrusted_json import parse
from conftest import ROOT
from files_of_versions.trainings import RESUMABLE

FOLDER = ROOT / "tests" / "files_of_versions"
VERSIONS = sorted(path for path in FOLDER.iterdir() if (path / "expected.json").exists())
EXPECTED = {path.name: json.loads((path / "expected.json").read_bytes()) for path in VERSIONS}
MODELS = [(path, name) for path in VERSIONS for name in EXPECTED[path.name]["models"]]
PRESENT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
ON_TABLES = {"table", "search"}


def minor(version: str) -> tuple[int, ...]:
    """MAJOR.MINOR of a version."""
    return tuple(map(int, version.split(".")[:2]))


def is_to_resume(name: str, then: str, now: str, versions: Iterable[str]) -> bool:
    """Is it promised that a version resumes the training of that name, which another began?"""
    minors = sorted({minor(version) for version in (*versions, now)})
    later = minors.index(minor(now)) - minors.index(minor(then))
    return later <= (0 if name in ON_TABLES else 1)


RESUMED = [(path, name) for path in VERSIONS for name in RESUMABLE
           if is_to_resume(name, path.name, PRESENT, EXPECTED)]  # fmt: skip
TOLERANCE = {"float32": 1e-5, "float64": 1e-9}
"""By which P may differ from what the version predicted on the machine of then."""

ROUNDING = 1e-4
"""By which the parameters of a resumed training may differ, relative to their norm."""

pytestmark = [
    pytest.mark.filterwarnings("ignore::backhand.BackhandWarning"),
    pytest.mark.filterwarnings("ignore:Stochastic Optimizer"),  # ten epochs do not converge
]


def ids(cases: list[tuple[Path, str]]) -> list[str]:
    return [f"{path.name} {name}" for path, name in cases]


def header_of(path: Path) -> Any:
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    return parse(json.loads(content[8 : 8 + length])["__metadata__"]["backhand"].encode())


def test_the_present_version_has_its_files() -> None:
    assert PRESENT in EXPECTED, "python tests/files_of_versions/write.py writes them"


def test_checkpoints_are_resumed_as_long_as_it_is_promised() -> None:
    versions = ("0.1.0", "0.1.1", "0.2.0")
    assert is_to_resume("train", "0.1.0", "0.2.0", versions)
    assert not is_to_resume("train", "0.1.1", "1.0.0", versions)
    assert is_to_resume("table", "0.1.0", "0.1.1", versions)
    assert not is_to_resume("search", "0.1.1", "0.2.0", versions)
    assert {name for _, name in RESUMED} == set(RESUMABLE)


def test_files_and_expectations_belong_together() -> None:
    for path in VERSIONS:
        written = {file.stem for file in path.glob("*.safetensors")}
        assert written == set(EXPECTED[path.name]["models"]) and written
        resumed = {folder.name for folder in (path / "checkpoints").iterdir()}
        assert resumed == set(EXPECTED[path.name]["parameters after resuming"]) == set(RESUMABLE)
        for file in path.glob("*.safetensors"):
            assert header_of(file)["versions"]["backhand"] == path.name


@pytest.mark.parametrize(("path", "name"), MODELS, ids=ids(MODELS))
def test_a_model_predicts_what_it_predicted_then(path: Path, name: str) -> None:
    model, expected = backhand.load(path / f"{name}.safetensors"), EXPECTED[path.name]
    then = expected["models"][name]
    rows = path / "rows.csv" if model.schema is not None else expected["rows"]
    P = model.predict_proba(rows, engine="reference")
    assert list(model.classes) == then["classes"] and str(P.dtype) == then["dtype"]
    np.testing.assert_allclose(P, then["P"], rtol=0, atol=TOLERANCE[then["dtype"]])


@pytest.mark.parametrize(("path", "name"), MODELS, ids=ids(MODELS))
def test_a_model_that_is_saved_again_is_the_same(path: Path, name: str, tmp_path: Path) -> None:
    model = backhand.load(path / f"{name}.safetensors")
    backhand.save(model, tmp_path / "again.safetensors")
    again = backhand.load(tmp_path / "again.safetensors")
    assert again.versions == model.versions and again.schema == model.schema
    assert again.chosen == model.chosen and again.training_rows == model.training_rows
    assert all(np.array_equal(a, b) for a, b in zip(again.params, model.params, strict=True))


def test_the_models_have_every_kind_of_column_and_every_optional_part() -> None:
    models = [backhand.load(path / f"{name}.safetensors") for path, name in MODELS]
    columns = [column for model in models if model.schema for column in model.schema.columns]
    assert {column.kind for column in columns} == {"number", "date", "category"}
    assert {column.decimal for column in columns if column.kind == "number"} == {".", ","}
    cycles = {cycle for column in columns for cycle in getattr(column, "cycles", ())}
    assert cycles == {"year", "week", "day"}
    for parts in ("bins", "cycles", "categories", "missing", "other", "order", "least"):
        assert any(getattr(column, parts, None) for column in columns), parts
    assert any(model.schema.named_missing for model in models if model.schema)
    assert any(model.chosen and model.chosen.encodings for model in models)
    assert any(model.training_rows for model in models)
    assert {type(model.classes[0]) for model in models} == {str, int, float, bool}


@pytest.mark.parametrize(("path", "name"), RESUMED, ids=ids(RESUMED))
def test_a_checkpoint_resumes(path: Path, name: str, tmp_path: Path) -> None:
    folder = tmp_path / "c"
    shutil.copytree(path / "checkpoints" / name, folder)
    for inside in (folder, *folder.rglob("*")):
        inside.chmod(0o700 if inside.is_dir() else 0o600)
    notes: list[str] = []
    params = RESUMABLE[name](backhand.Checkpoint(folder, "1h", resume=True, notify=notes.append))
    assert len(notes) == 1 and "resumed from" in notes[0]
    then = EXPECTED[path.name]["parameters after resuming"][name]
    for array, value in zip(params, then, strict=True):
        expected = np.array(value).reshape(array.shape)
        assert np.linalg.norm(array - expected) <= ROUNDING * np.linalg.norm(expected)


def test_the_files_of_a_version_are_not_written_again(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = importlib.util.spec_from_file_location("write", FOLDER / "write.py")
    assert spec is not None and spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    with warnings.catch_warnings():
        spec.loader.exec_module(script)
        with pytest.raises(SystemExit, match="written once"):
            script.main()


def test_the_files_are_small() -> None:
    for path in VERSIONS:
        assert sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) < 200_000
