"""One script of the modules, and one file of the page."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np

from backhand.equations import init
from backhand.explanation.page.bundle import EXPORT, IMPORT, WEB, bundle, places, source
from backhand.explanation.page.contents import page_contents
from backhand.explanation.page.write import html_page
from backhand.explanation.problem import Problem

MODULES = sorted(path.stem for path in WEB.rglob("*.js"))

FLOORS = ["mathematics", "lines", "state", "parts", "drawing", "panels", ""]
"""The folders of `web/` from the ground up: imports only go down."""


def test_no_two_modules_have_one_name() -> None:
    assert len(MODULES) == len(set(MODULES)) == len(places())


def test_modules_import_only_from_lower_folders_and_their_own() -> None:
    def folder(path: Path) -> str:
        return path.relative_to(WEB).parts[0] if path.parent != WEB else ""

    for module, path in places().items():
        for given in re.findall(r'^import .* from "(.*)";', source(module), re.MULTILINE):
            other = (path.parent / given).resolve()
            assert other == places()[other.stem], f"{module} imports {given}"
            here, there = folder(path), folder(other)
            assert FLOORS.index(there) <= FLOORS.index(here), f"{module} imports {given}"
            if here == there == "panels":
                assert other.parent == path.parent, f"{module} imports {given}"


def test_modules_come_after_those_that_they_import() -> None:
    script = bundle("app")
    order = re.findall(r"^const \$(\w+) = ", script, re.MULTILINE)
    assert order[-1] == "app" and len(set(order)) == len(order)
    for module in order:
        for _, other in IMPORT.findall(source(module)):
            assert order.index(other) < order.index(module)
    assert not re.search(r"^(?:import|export)\b", script, re.MULTILINE)


def test_modules_have_only_the_forms_that_the_bundle_knows() -> None:
    for module in MODULES:
        text = source(module)
        assert len(re.findall(r"^\s*import\b", text, re.MULTILINE)) == len(IMPORT.findall(text))
        assert len(re.findall(r"^\s*export\b", text, re.MULTILINE)) == len(EXPORT.findall(text))
        assert not re.search(r"\beval\(|new Function|innerHTML", text), module


def test_imported_names_are_exported() -> None:
    for module in MODULES:
        for names, other in IMPORT.findall(source(module)):
            wanted = {name.split(" as ")[0].strip() for name in names.split(",") if name.strip()}
            assert wanted <= set(EXPORT.findall(source(other))), (module, other)


def test_exported_names_are_imported() -> None:
    imported = {
        (other, name.split(" as ")[0].strip())
        for module in MODULES
        for names, other in IMPORT.findall(source(module))
        for name in names.split(",")
    }
    exported = {(module, name) for module in MODULES for name in EXPORT.findall(source(module))}
    called_from_python = {("widget", "render"), ("words", "productsThatFit")}
    assert exported - imported == called_from_python


def test_the_page_is_one_file_that_loads_nothing() -> None:
    problem = Problem(
        init(d=2, H=3, K=2, dtype=np.float64),
        np.zeros((2, 2)),
        np.eye(2),
        rows=("</script><script>alert(1)</script>", "b"),
        title="<A & B>",
    )
    page = html_page(page_contents(problem))
    assert page.count("</script>") == page.count("<script") == 3 and "alert(1)</script>" not in page
    assert "<title>&lt;A &amp; B&gt;</title>" in page
    assert "default-src 'none'" in page and not re.search(r'(?:src|href)="(?!#)', page)
    data = re.search(r'id="backhand-contents">(.*?)</script>', page, re.DOTALL)
    assert data and json.loads(data[1])["problem"]["rows"][0] == problem.rows[0]
