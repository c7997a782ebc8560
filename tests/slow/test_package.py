"""The wheel and the sdist that are published: what is in them, and what their metadata say."""

import email
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from conftest import ROOT

pytestmark = pytest.mark.slow
EXCLUDED = (".ci/", ".github/")
LARGEST = 3_000_000, 6_000_000
"""Bytes of a wheel and of an sdist: more is a file that was not meant to be in it."""


def build(*arguments: str) -> None:
    for package in ("build", "hatchling", "hatch_fancy_pypi_readme"):
        pytest.importorskip(package)
    # The builder's own PYTHONPATH would be that of the tests.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    command = [sys.executable, "-m", "build", "--no-isolation", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    made = tmp_path_factory.mktemp("dist")
    build("--outdir", str(made), str(ROOT))
    return made


@pytest.fixture(scope="module")
def sdist(folder) -> Path:
    (path,) = folder.glob("*.tar.gz")
    return path


@pytest.fixture(scope="module")
def wheel(folder) -> Path:
    (path,) = folder.glob("*.whl")
    return path


def names_of(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_names_and_sizes(wheel, sdist) -> None:
    assert re.fullmatch(r"backhand-\d+\.\d+\.\d+-py3-none-any\.whl", wheel.name)
    assert sdist.name == wheel.name.replace("-py3-none-any.whl", ".tar.gz")
    assert wheel.stat().st_size < LARGEST[0]
    assert sdist.stat().st_size < LARGEST[1]


def test_an_sdist_has_the_files_of_the_repository(sdist) -> None:
    listed = subprocess.run(["git", "ls-files"], capture_output=True, text=True, cwd=ROOT)
    if listed.returncode != 0:
        pytest.skip("not in a repository")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    expected = {one for one in listed.stdout.splitlines()
                if not one.startswith(EXCLUDED) and (ROOT / one).exists()}  # fmt: skip
    assert expected - names == set()
    # What is not committed yet is packed as well; nothing that git ignores is.
    more = names - expected - {"PKG-INFO"}
    ignored = subprocess.run(["git", "check-ignore", *sorted(more)], capture_output=True, cwd=ROOT)
    assert ignored.stdout == b""


def test_a_wheel_has_the_package_and_nothing_else(wheel) -> None:
    inside = {name for name in names_of(wheel) if ".dist-info/" not in name}
    source = ROOT / "src"
    expected = {path.relative_to(source).as_posix() for path in source.rglob("*")
                if path.is_file() and "__pycache__" not in path.parts}  # fmt: skip
    assert inside == expected


def test_an_sdist_builds_the_same_wheel(wheel, sdist, tmp_path) -> None:
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    build("--wheel", "--outdir", str(tmp_path / "dist"), str(source))
    (again,) = (tmp_path / "dist").glob("*.whl")
    assert again.read_bytes() == wheel.read_bytes()


def test_the_page_of_pypi_has_no_path_and_no_comment(wheel) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [one for one in archive.namelist() if one.endswith(".dist-info/METADATA")]
        metadata = email.message_from_bytes(archive.read(name))
    page = metadata.get_payload()
    assert page.startswith("# Backhand\n") and "<!--" not in page and "$HFPR" not in page
    targets = re.findall(r"\]\(([^)\s]+)\)", re.sub(r"(?s)```.*?```", "", page))
    assert len(targets) > 10
    assert all(target.startswith(("https://", "#")) for target in targets)
    version = metadata["Version"]
    assert any(f"/backhand/v{version}/docs/" in one for one in targets if "raw." in one)
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert metadata["License-Expression"] == "MIT"
