"""The drawings are what their script draws, and can be read as XML."""

import importlib.util
from xml.etree import ElementTree

import pytest

from conftest import ROOT

FOLDER = ROOT / "docs" / "drawings"
spec = importlib.util.spec_from_file_location("draw_lesson", FOLDER / "draw.py")
draw = importlib.util.module_from_spec(spec)
spec.loader.exec_module(draw)


@pytest.mark.parametrize("name", draw.PICTURES)
def test_a_drawing_is_what_its_script_draws(name: str) -> None:
    drawn = draw.PICTURES[name]()
    assert (FOLDER / name).read_text() == drawn
    root = ElementTree.fromstring(drawn)
    assert root.find("{http://www.w3.org/2000/svg}title").text
    assert name in (FOLDER / "README.md").read_text()


def test_what_stands_in_a_drawing_is_in_the_equations() -> None:
    from backhand.formulas import LINES

    names = {result for result, *_ in draw.PRODUCTS} | set(draw.GRADIENTS)
    assert names <= set(LINES)
    assert {name: set(reads.split(", ")) for name, reads in draw.READS.items()} == {
        name: set(LINES[name].reads(penalty=False)) - {"N", "T", "sum", "axis"}
        for name in draw.READS
    }
