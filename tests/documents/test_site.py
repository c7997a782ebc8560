"""The documentation site: every page is reached, every link arrives, and nothing is loaded."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import ROOT
from helpers.browser import CHROMIUM

DOCS = ROOT / "docs"
TOCTREE = re.compile(r"^```\{toctree\}\n(.*?)^```", re.DOTALL | re.MULTILINE)
GENERATED = {"gallery/index", "lesson-notebook"}
"""Pages that the build writes: the gallery of examples/gallery, and the lesson with its outputs."""


def entries(page: Path) -> list[str]:
    """The documents that the toctrees of a page name."""
    bodies = TOCTREE.findall(page.read_text(encoding="utf-8"))
    lines = [line.strip() for body in bodies for line in body.splitlines()]
    titled = re.compile(r".*<(.*)>")
    return [titled.sub(r"\1", line) for line in lines if line and not line.startswith(":")]


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
    """The site, built elsewhere; its generated pages are written to docs/, as `make docs` does."""
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


PAGES = ("index", "ten-minutes", "derivation", "lesson-notebook", "live", "doctor", "tables",
         "gallery/index", "reference/api", "search")  # fmt: skip


@pytest.fixture(scope="module", params=["light", "dark"])
def tab(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A page in Chromium, of a reader who prefers light or dark."""
    if CHROMIUM is None:
        pytest.skip("there is no Chromium")
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = browser.new_context(color_scheme=request.param)
        yield context.new_page()
        browser.close()


@pytest.mark.slow
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_accessible_fits_and_asks_no_other_host(site: Path, tab: Any, name: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    asked: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    for width in (390, 1280):
        tab.set_viewport_size({"width": width, "height": 900})
        tab.goto((site / f"{name}.html").as_uri())
        tab.wait_for_load_state("networkidle")
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        found = axe.run(tab).response["violations"]
        assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == []
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []


@pytest.mark.slow
def test_the_search_works_from_disk(site: Path, tab: Any) -> None:
    tab.goto((site / "search.html").as_uri() + "?q=dropout")
    # Results come one after the other; the one that is not there fails after 30 s.
    tab.locator('#search-results ul.search li a[href*="derivation.html"]').first.wait_for()
