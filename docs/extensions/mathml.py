"""Formulas as MathML, written by docutils when the site is built: pages need no script for them."""

from __future__ import annotations

import re
from typing import Any, NoReturn

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx

FUNCTION = re.compile(r"(<mi>(?:log|exp)</mi>)(?=\s*<m(?:i|sub|sup|subsup)>)")
"""A function before its argument, which MathML would set as one word."""


def mathml(formula: str, *, as_block: bool = False) -> str:
    """Return a formula of LaTeX as an element <math>."""
    return FUNCTION.sub(r'\1<mspace width="0.17em"/>', tex2mathml(formula, as_block=as_block))


def inline(self: Any, node: nodes.math) -> NoReturn:
    """Write a formula within a line."""
    self.body.append(mathml(node.astext()))
    raise nodes.SkipNode


def block(self: Any, node: nodes.math_block) -> NoReturn:
    """Write a formula on lines of its own; a wide one scrolls, by keys too."""
    attributes = {"tabindex": "0", "role": "group", "aria-label": "Formula"}
    self.body.append(self.starttag(node, "div", CLASS="formula", **attributes))
    self.body.append(mathml(node.astext(), as_block=True))
    self.body.append("</div>\n")
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the renderer; `html_math_renderer = "mathml"` selects it."""
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
