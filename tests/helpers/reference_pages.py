"""The tables of the pages in docs/reference, as tests compare them with the code."""

import re

from conftest import ROOT

FOLDER = ROOT / "docs" / "reference"

Row = list[str]


def page(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def section(text: str, heading: str) -> str:
    """What follows a heading, to the next one of its level or above."""
    level = re.match("#+", heading)
    assert level is not None
    found = re.search(rf"^{re.escape(heading)}\n(.*?)(?=^#{{1,{len(level[0])}}} |\Z)", text,
                      re.DOTALL | re.MULTILINE)  # fmt: skip
    assert found is not None, heading
    return found[1]


def tables(text: str) -> list[list[Row]]:
    """The rows of each table of a text, without its head."""
    blocks = re.findall(r"(?:^\|.*\n?)+", text, re.MULTILINE)
    return [[[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
             for line in block.splitlines()[2:]] for block in blocks]  # fmt: skip


def quoted(cell: str) -> list[str]:
    """The names in a cell that are written as code."""
    return re.findall(r"`([^`]+)`", cell)


def names(rows: list[Row]) -> list[str]:
    """The names in the first column."""
    return [name for row in rows for name in quoted(row[0])]
