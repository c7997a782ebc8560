"""An empty cell in the head of a table is not a heading: a screen reader would announce one."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx


def visit(self: Any, node: nodes.entry) -> None:
    """Begin a cell as usual, but not as <th> if it is empty."""
    type(self).visit_entry(self, node)
    if not node.astext().strip():
        self.body[-1] = self.body[-1].replace("<th", "<td", 1)
        self.context[-1] = self.context[-1].replace("</th", "</td", 1)


def depart(self: Any, node: nodes.entry) -> None:
    """End a cell."""
    type(self).depart_entry(self, node)


def setup(app: Sphinx) -> dict[str, Any]:
    """Write the cells of tables by these functions."""
    app.add_node(nodes.entry, override=True, html=(visit, depart))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
