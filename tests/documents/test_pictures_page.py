"""docs/pictures.md shows a picture below each block of Python, and names every display."""

import re

from conftest import ROOT
from documents.blocks import blocks_of

PAGE = ROOT / "docs/pictures.md"


def test_each_block_of_the_page_has_its_picture() -> None:
    pictures = [block.picture for block in blocks_of(PAGE)]
    assert len(pictures) == PAGE.read_text(encoding="utf-8").count("![") and all(pictures)


def test_the_page_names_every_display() -> None:
    import backhand

    displays = {name for name in backhand.__all__ if name.endswith("Display")}
    assert set(re.findall(r"`(\w+Display)`", PAGE.read_text(encoding="utf-8"))) == displays
