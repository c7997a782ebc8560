"""Draw the pictures of docs/pictures.md with the code of that page.

    PYTHONPATH=src python docs/pictures/draw.py

Each picture is the last figure of the blocks of Python above it.
"""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import Any

from matplotlib import pyplot

PAGE = Path(__file__).resolve().parent.parent / "pictures.md"

BLOCK = re.compile(r"```python\n(.*?)```\n\n!\[[^]]*\]\((.*?)\)", re.DOTALL)
"""Code, and the picture below it."""


def main() -> None:
    pyplot.switch_backend("Agg")
    names: dict[str, Any] = {}
    with contextlib.chdir(PAGE.parents[1] / "examples"):  # where penguins.csv is
        for code, picture in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
            exec(code, names)
            pyplot.savefig(PAGE.parent / picture, dpi=90)
            pyplot.close("all")


if __name__ == "__main__":
    main()
