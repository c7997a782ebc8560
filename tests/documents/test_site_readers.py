"""A reader of the site, without a clone, can run its commands; its links say where they lead."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from markdown_it.token import Token

from conftest import ROOT
from documents.blocks import RUN, blocks_of, documents, tokens_of

DOCS = ROOT / "docs"
PAGES = [page for page in documents() if page.is_relative_to(DOCS)]
OF_A_CLONE = re.compile(r"\b(examples|docs)/")
BACKHAND = re.compile(r"\$ (\w+=\w+ )?backhand ")
SECTIONS = [DOCS / f"{name}.md" for name in ("learn", "use", "check", "examples", "inside")]


def name(page: Path) -> str:
    return page.relative_to(DOCS).as_posix()


def lines_to_run(page: Path) -> list[str]:
    """What a reader would copy: the lines of Python, and commands of Backhand."""
    run = [block for block in blocks_of(page) if block.language in RUN]
    return [line for block in run for line in block.text.splitlines()
            if block.language != "console" or BACKHAND.match(line)]  # fmt: skip


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_no_command_reads_a_file_that_only_a_clone_has(page: Path) -> None:
    assert [line for line in lines_to_run(page) if OF_A_CLONE.search(line)] == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_page_links_the_files_that_its_commands_read(page: Path) -> None:
    given = {path for block in blocks_of(page) for path in block.marks.get("given", "").split()
             if "/" in path}  # fmt: skip
    linked = {(page.parent / target).resolve() for _, target in links_of(page)}
    assert {path for path in given if ROOT / path not in linked} == set()


def links_of(page: Path) -> list[tuple[str, str]]:
    """The links of a page: text, and target without the anchor."""
    found = []
    for token in tokens_of(page):
        children = token.children or []
        for number, child in enumerate(children):
            if child.type == "link_open":
                target = str(child.attrGet("href")).partition("#")[0]
                found.append((text_of(children[number + 1 :]), target))
    return found


def text_of(following: list[Token]) -> str:
    """The text up to the end of a link."""
    closed = next(n for n, token in enumerate(following) if token.type == "link_close")
    return "".join(token.content for token in following[:closed])


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_link_has_the_title_of_its_page_and_not_the_name_of_a_source_file(page: Path) -> None:
    assert [text for text, _ in links_of(page) if text.endswith(".md")] == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_page_of_the_site_is_named_by_a_link_and_not_by_its_source(page: Path) -> None:
    """A file that is named as code is one that the reader sees: the docs are not."""
    code = [child.content for token in tokens_of(page) for child in token.children or []
            if child.type == "code_inline"]  # fmt: skip
    assert [text for text in code if re.fullmatch(r"(docs/)?[a-z-]+\.md", text)] == []


@pytest.mark.parametrize("page", SECTIONS, ids=name)
def test_a_section_calls_its_pages_by_their_titles(page: Path) -> None:
    """The navigation has the titles, so a reader finds there what the section names."""
    terms = re.findall(
        r"^\[(.+)\]\(([\w./-]+)\)\n: ", page.read_text(encoding="utf-8"), re.MULTILINE
    )
    assert len(terms) > 1
    assert {text: title_of(page.parent / target) for text, target in terms} == {
        text: text for text, _ in terms
    }


def title_of(path: Path) -> str:
    """The title of a page, or of a script of the gallery."""
    text = path.read_text(encoding="utf-8")
    return text.splitlines()[1] if path.suffix == ".py" else text.partition("# ")[2].splitlines()[0]
