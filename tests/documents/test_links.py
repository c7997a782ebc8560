"""Links between the files of the repository arrive, as GitHub shows these: files and headings."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from functools import cache
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from markdown_it.token import Token

from conftest import ROOT
from documents.blocks import tokens_of

GENERATED = {ROOT / "docs" / "gallery", ROOT / "docs" / "reference" / "api"}
FOLDERS = [ROOT / name for name in ("docs", "examples", ".github")]
PAGES = sorted(
    path for path in [*ROOT.glob("*.md"), *(path for top in FOLDERS for path in top.rglob("*.md"))]
    if not GENERATED & set(path.parents)
)  # fmt: skip
IN_HTML = re.compile(r"""\b(?:href|src)\s*=\s*["']([^"']+)["']""")
NAMED = re.compile(r"""\b(?:id|name)\s*=\s*["']([^"']+)["']""")

OF_THE_SITE = {
    ("docs/learn.md", "live/lesson.zip"),
    ("docs/live.md", "live/explain.html"), ("docs/report.md", "live/penguins.html"),
}  # fmt: skip
"""What only the site has: its build writes these files, and `check_site.py` looks for them."""


def flat(tokens: list[Token]) -> list[Token]:
    return [inner for token in tokens for inner in (token, *flat(token.children or []))]


def html_of(tokens: list[Token]) -> str:
    return "\n".join(t.content for t in tokens if t.type in ("html_block", "html_inline"))


def links_of(page: Path) -> list[str]:
    """What a page links and shows, but what has an address."""
    tokens = flat(tokens_of(page))
    found = [str(t.attrs[name]) for t in tokens for name in ("href", "src") if name in t.attrs]
    return [a for a in [*found, *IN_HTML.findall(html_of(tokens))] if not urlsplit(a).scheme]


def slug(heading: Token) -> str:
    """The anchor that GitHub gives a heading."""
    text = "".join(t.content for t in heading.children or [] if t.type in ("text", "code_inline"))
    return re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")


@cache
def anchors_of(page: Path) -> set[str]:
    tokens, seen = tokens_of(page), Counter[str]()
    found = set(NAMED.findall(html_of(flat(tokens))))
    for before, token in pairwise(tokens):
        if before.type == "heading_open":
            name = slug(token)
            found.add(f"{name}-{seen[name]}" if seen[name] else name)
            seen[name] += 1
    return found


def fault(page: Path, link: str) -> str | None:
    """What is wrong with a link, or None."""
    parts = urlsplit(link)
    target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    if not target.exists():
        return "no such file"
    if not target.is_relative_to(ROOT):
        return "outside of the repository"
    if parts.fragment and target.suffix == ".md" and parts.fragment not in anchors_of(target):
        return "no such heading"
    return None


def expected(page: Path) -> list[str]:
    here = page.relative_to(ROOT).as_posix()
    return [link for link in links_of(page) if (here, link) not in OF_THE_SITE]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_arrives(page: Path) -> None:
    assert [(link, said) for link in expected(page) if (said := fault(page, link))] == []


def test_no_link_leads_to_a_file_that_is_not_committed() -> None:
    """It would exist where the site was built, and nowhere else."""
    linked = {
        (page.parent / unquote(path)).resolve().relative_to(ROOT).as_posix()
        for page in PAGES for link in expected(page) if (path := urlsplit(link).path)
    }  # fmt: skip
    assert "docs/architecture.md" in linked and "CONTRIBUTING.md" in linked
    ignored = subprocess.run(
        ["git", "check-ignore", "--stdin"],
        input="\n".join(sorted(linked)), capture_output=True, text=True, cwd=ROOT,
    )  # fmt: skip
    assert ignored.stdout == ""


def test_what_is_wrong_with_a_link_is_found(tmp_path: Path) -> None:
    page = ROOT / "docs" / "index.md"
    assert fault(page, "nowhere.md") == fault(page, "nowhere/") == "no such file"
    assert fault(page, "architecture.md#nothing-of-this-name") == "no such heading"
    assert fault(page, "#nothing-of-this-name") == "no such heading"
    assert fault(page, "/") == "outside of the repository"
    assert fault(page, "architecture.md#the-fused-engine") is None
    (tmp_path / "a.md").write_text(
        '# A: `b` *c*\n\n# A: `b` *c*\n\n<a id="d" href="e.md">[f](g.md)</a>'
    )
    assert anchors_of(tmp_path / "a.md") == {"a-b-c", "a-b-c-1", "d"}
    assert set(links_of(tmp_path / "a.md")) == {"e.md", "g.md"}
