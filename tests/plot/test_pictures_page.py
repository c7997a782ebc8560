"""The code of docs/pictures.md runs, and makes the pictures that the page shows."""

import re
from runpy import run_path

import numpy as np
from matplotlib import pyplot

from conftest import ROOT

PAGE = ROOT / "docs/pictures.md"
BLOCK = run_path(str(ROOT / "docs/pictures/draw.py"))["BLOCK"]


def test_the_code_of_the_page_draws_its_pictures(monkeypatch) -> None:
    text = PAGE.read_text(encoding="utf-8")
    blocks = BLOCK.findall(text)
    assert len(blocks) == text.count("```python") == text.count("![")
    monkeypatch.chdir(ROOT)
    pyplot.switch_backend("Agg")
    names: dict = {}
    for code, picture in blocks:
        exec(code, names)
        pyplot.gcf().canvas.draw()
        drawn = np.asarray(pyplot.gcf().canvas.buffer_rgba())
        saved = pyplot.imread(ROOT / "docs" / picture)
        # Drawn at 100 dots per inch, and saved at 90.
        assert np.allclose(np.array(saved.shape[:2]) / 0.9, drawn.shape[:2], atol=2)
        pyplot.close("all")


def test_the_page_names_every_display() -> None:
    import backhand

    displays = {name for name in backhand.__all__ if name.endswith("Display")}
    assert set(re.findall(r"`(\w+Display)`", PAGE.read_text(encoding="utf-8"))) == displays
