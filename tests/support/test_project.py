"""The addresses that messages name: those of the metadata, and of pages that exist."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

import backhand
from backhand.support import project
from conftest import ROOT

SOURCE = Path(backhand.__file__).parent
URLS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]


def test_the_addresses_are_those_of_the_metadata() -> None:
    assert {"Homepage", "Documentation", "Source", "Issues", "Changelog"} == set(URLS)
    assert project.SOURCE == URLS["Source"] == URLS["Homepage"]
    assert URLS["Documentation"] == project.DOCUMENTATION
    assert URLS["Issues"] == project.ISSUES
    assert URLS["Changelog"].startswith(project.SOURCE)


def test_no_other_module_spells_an_address_of_the_project_outside_of_docstrings() -> None:
    owner = project.SOURCE.split("/")[-2]
    texts = {path: path.read_text(encoding="utf-8") for path in SOURCE.rglob("*.py")}
    named = [path for path, text in texts.items() if owner in text]
    spelled = [path for path in named if owner in without_docstrings(texts[path])]
    assert len(named) > 1
    assert spelled == [SOURCE / "support" / "project.py"]


def without_docstrings(text: str) -> str:
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            node.value.value = ""
    return ast.unparse(tree)


def test_the_addresses_in_docstrings_are_those_of_pages() -> None:
    address = re.compile(rf"{re.escape(project.DOCUMENTATION)}([\w/-]+)\.html")
    texts = [path.read_text(encoding="utf-8") for path in SOURCE.rglob("*.py")]
    named = {name for text in texts for name in address.findall(text)}
    assert "precision" in named
    assert {name for name in named if not (ROOT / "docs" / f"{name}.md").exists()} == set()


def test_no_public_docstring_names_a_source_of_the_site() -> None:
    texts = {name: getattr(backhand, name).__doc__ or "" for name in backhand.__all__}
    assert {name for name, text in texts.items() if re.search(r"docs/\S+\.md", text)} == set()


def calls_of_page() -> list[str]:
    """The pages that `page("...")` is called with."""
    found = []
    for path in SOURCE.rglob("*.py"):
        found += re.findall(r"""\bpage\(["']([\w/-]+)["']\)""", path.read_text(encoding="utf-8"))
    return found


def test_every_page_that_a_message_names_exists() -> None:
    named = calls_of_page()
    assert "doctor" in named
    assert [name for name in named if not (ROOT / "docs" / f"{name}.md").exists()] == []


def texts_of_messages(path: Path) -> list[str]:
    """The texts of a module that are not docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    strings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return [
        node.value for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        and id(node) not in strings
    ]  # fmt: skip


@pytest.mark.parametrize("said", [r"docs/", r"report this\b", r"report it\b"])
def test_messages_give_addresses_instead_of_files_of_the_source(said: str) -> None:
    """A wheel has no folder docs, and "report it" says nothing without a place."""
    about = [
        (path.name, text) for path in SOURCE.rglob("*.py") for text in texts_of_messages(path)
        if re.search(said, text) and path.name != "project.py"
    ]  # fmt: skip
    assert [where for where, text in about if not text.rstrip().endswith(" at")] == []
