"""Links that leave `docs/`: to the page of the site that corresponds, or else to the repository.

The Markdown files are read on GitHub too, where `../src/backhand/equations.py` is the file itself.
On the site it would be missing.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.util import logging

LINK = re.compile(r"(?<=\]\()(\.\./[^)\s#]*)(#[^)\s]*)?(?=\))")

DOWNLOADED = {"examples/mistaken.py", "examples/penguins.csv"}
"""Files that the commands of a page read: MyST copies them into the site."""

PAGES = {
    "examples/gallery/README.rst": "gallery/index.rst",
    "README.md": "index.md",
    "examples/lesson/lesson.ipynb": "lesson-notebook.ipynb",
}
"""Pages of the site, by what they correspond to in the repository."""


def address(place: str, section: str, source: str) -> str | None:
    """Return where a link to a file of the repository leads, or None if there is no such file."""
    if page := PAGES.get(place + section):
        return f"/{page}"
    if place.startswith("examples/gallery/") and place.endswith(".py"):
        return f"/gallery/{Path(place).stem}.rst"
    root = Path(__file__).parents[2]
    if not (root / place).exists():
        return None
    kind = "tree" if (root / place).is_dir() else "blob"
    return f"{source}/{kind}/main/{place}{section}"


def resolve(app: Sphinx, document: str, content: list[str]) -> None:
    """Replace the links of a document that leave the folder of documents."""
    docs = Path(app.srcdir).resolve()
    folder = Path(app.env.doc2path(document)).parent

    def replaced(found: re.Match[str]) -> str:
        target = (folder / found[1]).resolve()
        place = target.relative_to(docs.parent).as_posix()
        if target.is_relative_to(docs) or place in DOWNLOADED:
            return found[0]
        where = address(place, found[2] or "", app.config.repository)
        if where is None:
            logging.getLogger(__name__).warning("no such file: %s", found[0], location=document)
        return where or found[0]

    content[0] = LINK.sub(replaced, content[0])


def setup(app: Sphinx) -> dict[str, Any]:
    """Resolve the links when a file is read; `repository` is the address of the project."""
    app.add_config_value("repository", "", "env")
    app.connect("source-read", resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
