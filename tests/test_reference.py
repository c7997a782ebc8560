"""The reference of the public names: valid docstrings, and a page that lists each name once."""

import inspect
import re
from dataclasses import fields, is_dataclass

import pytest

from backhand.training.config import PLACEHOLDER
from conftest import ROOT
from helpers.public_names import (
    CLASSES,
    LISTED,
    MEMBERS,
    METHODS,
    NAMES,
    RETURNED,
    docstring,
    public_api,
)

DESCRIBED = [n for n, value in (NAMES | RETURNED).items() if not inspect.ismodule(value)]

CHECKS = {
    "GL02", "GL03",  # blank lines, also those of docstrings that are generated
    "GL05", "GL06", "GL07", "GL08", "GL09", "GL10",  # known sections in their order
    "SS01", "SS04", "SS06",  # a summary of one line
    "PR01", "PR02", "PR04", "PR05", "PR06", "PR07", "PR09", "PR10",  # all parameters, with types
    "RT01", "RT03", "RT05", "YD01",  # what is returned
    "SA02", "SA04",
}  # fmt: skip
"""Checks of `numpydoc.validate`. What is left out, and why: an extended summary and "See Also"
where there is nothing to add (ES01, SA01); capital letters, since descriptions begin with η, "log
P" or "scikit-learn's" (SS02, PR08, RT04, SA03); the order of parameters, of which those by keyword
are grouped by subject (PR03); a name for one result, without which `Parameters` would look like a
section (RT02); Examples, which `test_doctests.py` counts (EX01)."""

EXEMPT = {
    # Its signature has all parameters of `MLPClassifier`, whose page describes them.
    "RayMLPClassifier": {"PR01", "PR02"},
}


@pytest.fixture(scope="module")
def validate():
    return pytest.importorskip("numpydoc.validate").validate


@pytest.mark.parametrize("name", DESCRIBED)
def test_docstrings_are_valid_numpydoc(name: str, validate) -> None:
    found = []
    for path in [name, *(path for path in METHODS if path.rpartition(".")[0] == name)]:
        errors = dict(validate(_full_name(path))["errors"])
        made_for_users = "\nParameters\n---" in docstring(path) or path not in CLASSES
        skipped = EXEMPT.get(path, set()) | (set() if made_for_users else {"PR01"})
        found += [(path, code, errors[code]) for code in errors if code in CHECKS - skipped]
    assert not found


def _full_name(path: str) -> str:
    name, _, member = path.partition(".")
    first = public_api.RETURNED.get(name, f"backhand.{name}")
    return f"{first}.{member}" if member else first


@pytest.mark.parametrize("name", CLASSES)
def test_docstrings_of_classes_describe_their_fields_and_properties(name: str) -> None:
    described = set(
        re.split(r", |\n", "\n".join(re.findall(r"^(\w.*?) : ", docstring(name), re.M)))
    )
    kind = CLASSES[name]
    declared = {f.name for f in fields(kind) if f.name[0] != "_"} if is_dataclass(kind) else set()
    declared |= set(getattr(kind, "_fields", ()))
    declared |= {path.rpartition(".")[2] for path in MEMBERS
                 if path.rpartition(".")[0] == name and path not in METHODS}  # fmt: skip
    assert not declared - described


def test_docstrings_name_what_a_function_raises() -> None:
    """Of those with parameters; an engine or a wrong argument is refused by an error."""
    takes = [n for n, value in NAMES.items() if inspect.isfunction(value) and docstring(n)]
    assert not [name for name in takes if "\nRaises\n------" not in docstring(name)]


def test_the_settings_of_a_training_are_described_in_place_of_the_placeholder() -> None:
    assert not [name for name in NAMES if PLACEHOLDER.strip() in docstring(name)]
    for name in {"train", "fit", "Member"} & set(NAMES):
        assert "\nbatch_size : int" in docstring(name)


def test_see_also_names_what_there_is() -> None:
    unknown = []
    for path in [*DESCRIBED, *METHODS]:
        _, _, section = docstring(path).partition("\nSee Also\n--------\n")
        entries = section.split("\n\n")[0]
        for found in re.findall(r"^([\w.]+) :", entries, re.MULTILINE):
            here = [found.removeprefix("backhand."), f"{path.rpartition('.')[0]}.{found}"]
            known = any(x in NAMES or x in LISTED or x in MEMBERS for x in here)
            unknown += [(path, found)] * (not known)
    assert not unknown


def test_the_page_of_the_reference_has_every_name_once() -> None:
    page = (ROOT / "docs/reference/api.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```\{eval-rst\}\n(.*?)```", page, re.DOTALL)
    listed = [
        name for block in blocks for name in re.findall(r"^   ~?([\w.]+)$", block, re.MULTILINE)
    ]
    inside = [name for name in NAMES if "." in name]
    returned = [path.removeprefix("backhand.") for path in public_api.RETURNED.values()]
    assert sorted(listed) == sorted([*LISTED, *inside, *returned])  # a new one joins a group


def test_members_that_are_internal_exist() -> None:
    for name, members in public_api.INTERNAL.items():
        if name in CLASSES:
            assert not [member for member in members if not hasattr(CLASSES[name], member)]
