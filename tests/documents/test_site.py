"""The documentation site: every page is reached, every link arrives, and nothing is loaded."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from conftest import ROOT

DOCS = ROOT / "docs"
TOCTREE = re.compile(r"^```\{toctree\}\n(.*?)^```", re.DOTALL | re.MULTILINE)
GENERATED = {"gallery/index", "lesson-notebook"}
"""Pages that the build writes: the gallery of examples/gallery, and the lesson with its outputs."""


def entries(page: Path) -> list[str]:
    """The documents that the toctrees of a page name."""
    bodies = TOCTREE.findall(page.read_text(encoding="utf-8"))
    lines = [line.strip() for body in bodies for line in body.splitlines()]
    return [line for line in lines if line and not line.startswith(":")]


def documents() -> list[str]:
    """The pages of the site that are files of the repository."""
    generated = [DOCS / "gallery", DOCS / "reference" / "api"]
    pages = [page for page in DOCS.rglob("*.md") if not set(page.parents) & set(generated)]
    return sorted(page.relative_to(DOCS).with_suffix("").as_posix() for page in pages)


def test_every_page_is_in_exactly_one_toctree() -> None:
    named = Counter(entry for page in documents() for entry in entries(DOCS / f"{page}.md"))
    assert set(documents()) - {"index"} == set(named) - GENERATED
    assert set(named.values()) == {1}


def test_the_site_loads_and_links_what_exists(tmp_path: Path) -> None:
    checker = runpy.run_path(str(DOCS / "check_site.py"))
    (tmp_path / "b.html").write_text("<h1 id='here'>B</h1>")
    (tmp_path / "s.css").write_text("body { background: url(https://example.org/p.png) }")
    (tmp_path / "a.html").write_text(
        "<a href='b.html#here'></a> <a href='b.html#there'></a> <a href='c.html'></a>"
        "<a href='https://example.org'></a> <img src='//example.org/i.png'>"
        "<script src='https://example.org/s.js'></script> <a href='.'></a>"
        "<link rel='stylesheet' href='s.css'><link rel='canonical' href='https://example.org'>"
    )
    assert sorted(checker["faults"](tmp_path, checker["read_pages"](tmp_path))) == [
        "a.html: .: no such file",
        "a.html: b.html#there: no such anchor",
        "a.html: c.html: no such file",
        "a.html: loads //example.org/i.png",
        "a.html: loads https://example.org/s.js",
        "s.css: loads https://example.org/p.png",
    ]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built from a copy of the documents."""
    pytest.importorskip("sphinx", reason="the extra docs is not installed")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-b", "html", "-W", "--keep-going", "-n", "-q",
               "-d", folder / "doctrees", DOCS, folder / "site"]  # fmt: skip
    built = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert built.returncode == 0, built.stderr
    return folder / "site"


@pytest.mark.slow
def test_the_site_builds_without_warnings_and_has_no_broken_link(site: Path) -> None:
    checker = runpy.run_path(str(DOCS / "check_site.py"))
    pages = checker["read_pages"](site)
    assert len(pages) > 35
    assert sorted(checker["faults"](site, pages)) == []
