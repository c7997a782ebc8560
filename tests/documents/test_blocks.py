"""Every block and every command of the documents does what the document shows."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import ROOT
from documents.blocks import RUN, SHOWN, Block, blocks_of, documents, reason_for_all, tokens_of
from documents.session import Session, check_data
from documents.surroundings import VARIABLES, prepare

PAGES = documents()
BLOCKS = {page: blocks_of(page) for page in PAGES if not reason_for_all(page)}
SLOW = [page for page, blocks in BLOCKS.items() if any(block.slow for block in blocks)]


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def runnable(page: Path, slow: bool) -> list[Block]:
    return [block for block in BLOCKS[page] if not block.exempt and (slow or not block.slow)]


@pytest.fixture
def place(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of its own for each document, which is the current one."""
    for variable, value in VARIABLES.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.chdir(prepare(tmp_path, page))
    monkeypatch.syspath_prepend(Path.cwd())
    level = logging.getLogger("backhand").level
    yield Path.cwd()
    logging.getLogger("backhand").setLevel(level)


def run(blocks: list[Block]) -> None:
    session = Session()
    for block in blocks:
        session.run(block)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("page", [page for page in BLOCKS if runnable(page, False)], ids=name)
def test_the_blocks_of_a_document_do_what_it_shows(page: Path, place: Path) -> None:
    run(runnable(page, slow=False))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("page", SLOW, ids=name)
def test_the_slow_blocks_as_well(page: Path, place: Path) -> None:
    run(runnable(page, slow=True))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_blocks_have_a_language_and_exemptions_a_reason(page: Path) -> None:
    for token in tokens_of(page):
        line = (token.map or [0])[0] + 1
        assert token.type != "code_block", f"{name(page)}:{line}: indented; write a fenced block"
    for block in blocks_of(page):
        assert block.language in RUN | SHOWN, f"{block.place}: language {block.language!r}"
        assert block.marks.get("not run", "a reason"), f"{block.place}: not run, without a reason"
        check_data(block)
    assert reason_for_all(page) != ""
