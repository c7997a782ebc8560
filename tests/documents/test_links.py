"""Links in the Markdown files, as on GitHub: the files exist, and so do the headings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

from markdown_it.token import Token

from conftest import ROOT
from documents.blocks import documents, tokens_of


@cache
def anchors(page: Path) -> set[str]:
    """As GitHub makes them: lower case, without punctuation, with hyphens for spaces."""
    tokens = tokens_of(page)
    headings = [
        "".join(child.content for child in following.children or [])
        for token, following in pairwise(tokens)
        if token.type == "heading_open"
    ]
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in headings}


def links(tokens: list[Token]) -> Iterator[str]:
    for token in tokens:
        for name in ("href", "src"):
            if target := token.attrGet(name):
                yield str(target)
        yield from links(token.children or [])


def faults(page: Path) -> list[str]:
    """The links of a page that lead nowhere."""
    found = []
    for link in links(tokens_of(page)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (
            anchor and target.suffix == ".md" and anchor not in anchors(target)
        ):
            found.append(link)
    return found


def test_links_between_files_arrive() -> None:
    assert sum(len([*links(tokens_of(page))]) for page in documents()) > 300
    found = {str(page.relative_to(ROOT)): faults(page) for page in documents()}
    assert {page: broken for page, broken in found.items() if broken} == {}


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    (tmp_path / "b.md").write_text("# `B` & [more](c.md)\n")
    page = tmp_path / "a.md"
    page.write_text("# A\n[1](b.md) [2](b.md#b--more) [3](b.md#c) [4](no.md) [5](#a) ![6](no.png)")
    assert faults(page) == ["b.md#c", "no.md", "no.png"]
