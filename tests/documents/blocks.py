"""The fenced blocks of a document, and what the comments before them say.

A comment of HTML on a line of its own before a block is one of

    <!-- not run: REASON -->      the block is not run
    <!-- slow -->                 it is run by `make slow` only
    <!-- exit N -->               its last command ends with this exit code
    <!-- given: FILE … -->        the reader has these: they are copied from tests/documents/given/,
                                  or from the repository: examples/penguins.csv
    <!-- setup: CODE -->          Python that is run before the block, such as makes a table
    <!-- numbers differ -->       no number of its output is compared, as in a table of times

and `<!-- no block is run: REASON -->` anywhere exempts a whole document.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from conftest import ROOT

RUN = frozenset({"python", "pycon", "console"})
SHOWN = frozenset({
    "css", "csv", "diff", "dockerfile", "html", "ini", "javascript", "json", "makefile", "mermaid",
    "sql", "text", "toml", "yaml",
})  # fmt: skip
"""Languages of blocks that are not run."""

LESSON = ROOT / "examples/lesson/lesson.md"
"""The source of a notebook, which has tests of its own."""

MARK = re.compile(
    r"\s*<!-- (not run|slow|exit|given|setup|numbers differ)(?::?\s+(.*?))??\s*-->\s*", re.DOTALL
)
WHOLE = re.compile(r"<!-- no block is run: (.*?) -->", re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One block: `line` is that of its fence, `marks` has the comments before it.

    `picture` is the image in the paragraph below.
    """

    page: Path
    line: int
    language: str
    text: str
    marks: dict[str, str]
    picture: Path | None = None

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def exempt(self) -> bool:
        return "not run" in self.marks or self.language not in RUN

    @property
    def slow(self) -> bool:
        return "slow" in self.marks


def documents() -> list[Path]:
    """Every document whose blocks are run."""
    found = {*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"),
             *(ROOT / "examples").rglob("*.md")}  # fmt: skip
    return sorted(path for path in found if not path.match("reference/api/*") and path != LESSON)


def tokens_of(page: Path) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(page.read_text(encoding="utf-8"))


def blocks_of(page: Path) -> list[Block]:
    """The fenced blocks, in order; directives of MyST, such as {toctree}, are none."""
    blocks, marks = [], {}
    tokens = tokens_of(page)
    for number, token in enumerate(tokens):
        if token.type == "html_block":
            marks |= {found[1]: (found[2] or "").strip() for found in MARK.finditer(token.content)}
            continue
        if token.type == "fence" and not token.info.startswith("{"):
            language = token.info.split()[0] if token.info.strip() else ""
            assert token.map is not None
            picture = picture_of(page, tokens[number + 1 : number + 3])
            blocks.append(Block(page, token.map[0] + 1, language, token.content, marks, picture))
        marks = {}
    return blocks


def picture_of(page: Path, following: list[Token]) -> Path | None:
    """The picture that the paragraph below a block consists of, if it is one of the repository."""
    children = following[1].children or [] if len(following) == 2 else []
    source = str(children[0].attrGet("src")) if len(children) == 1 else ""
    is_image = bool(children) and children[0].type == "image" and ":" not in source
    return page.parent / source if is_image else None


def reason_for_all(page: Path) -> str | None:
    """Why no block of the page is run, if none is."""
    found = WHOLE.search(page.read_text(encoding="utf-8"))
    return found[1].strip() if found else None
