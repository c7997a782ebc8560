"""Drawings by matplotlib as SVG within a page: in the page's own fonts and colours.

One SVG serves light, dark and paper: it is drawn in marker colours, for which the page's CSS
variables are written.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from backhand.report_page.html import Html, element
from backhand.support.optional import extra

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, QUIET, RULE, PAPER = "#0a0a01", "#0a0a02", "#0a0a03", "#0a0a04"
SERIES = ("#0a0a11", "#0a0a12", "#0a0a13", "#0a0a14", "#0a0a15", "#0a0a16")
"""Marker colours of several series."""

MARKERS, DASHES = "os^Dvp", ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (3, 1)))
"""What tells series apart without colour."""

KEYS = "●■▲◆▼⬟"
"""The same markers as characters."""

VARIABLES = {
    INK: "var(--ink)", QUIET: "var(--quiet)", RULE: "var(--rule)", PAPER: "var(--paper)",
    **{colour: f"var(--c{i})" for i, colour in enumerate(SERIES, 1)},
}  # fmt: skip

WIDTH, HEIGHT = 350, 235
"""Of a drawing, in pixels, when it is as wide as a telephone."""

STYLE: dict[str, Any] = {
    "svg.fonttype": "none", "svg.hashsalt": "backhand", "text.parse_math": False,
    "text.usetex": False, "axes.formatter.use_mathtext": False, "axes.unicode_minus": True,
    "date.epoch": "1970-01-01T00:00:00",
    "font.family": ["sans-serif"], "font.sans-serif": ["DejaVu Sans"], "font.size": 12.0,
    "axes.titlesize": 12.0, "axes.labelsize": 12.0, "xtick.labelsize": 11.0,
    "ytick.labelsize": 11.0, "legend.fontsize": 11.0, "legend.frameon": False,
    "figure.facecolor": "none", "axes.facecolor": "none", "savefig.facecolor": "none",
    "figure.dpi": 72.0, "savefig.dpi": 72.0, "savefig.bbox": None, "path.simplify": True,
    "path.sketch": None, "path.effects": [],
    "text.color": INK, "axes.labelcolor": QUIET, "axes.titlecolor": INK, "axes.edgecolor": RULE,
    "xtick.color": RULE, "ytick.color": RULE, "xtick.labelcolor": QUIET, "ytick.labelcolor": QUIET,
    "axes.grid": True, "grid.color": RULE, "grid.linewidth": 0.6, "axes.axisbelow": True,
    "axes.spines.top": False, "axes.spines.right": False, "axes.linewidth": 0.8,
    "lines.linewidth": 1.8, "lines.markersize": 4.0, "axes.xmargin": 0.02, "axes.ymargin": 0.06,
}  # fmt: skip


def drawing(draw: Callable[[Axes], None], name: str, label: str, *, height: int = HEIGHT) -> Html:
    """Return what a function draws on axes.

    Parameters
    ----------
    draw : callable
    name : str
        Unique in the page.
    label : str
        What is to be seen, for who cannot see it.
    height : int
        In pixels; the width is `WIDTH`.

    Raises
    ------
    MissingDependencyError
        If matplotlib is not installed.
    """
    matplotlib = extra("matplotlib", "a report with charts")
    svg = extra("matplotlib.backends.backend_svg", "a report with charts")
    figure_of = extra("matplotlib.figure", "a report with charts")

    file = io.StringIO()
    with matplotlib.rc_context(STYLE), warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # of characters that its own font lacks: the page's has them
        figure = figure_of.Figure(figsize=(WIDTH / 72, height / 72), layout="constrained")
        svg.FigureCanvasSVG(figure)
        draw(figure.add_subplot())
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    return inline(file.getvalue(), name, label)


def inline(text: str, name: str, label: str) -> Html:
    """Return an SVG file as an element of a page: small, without ids of others, in its colours."""
    body = text[text.index("<svg") : text.rindex("</svg>")]
    box = re.search(r'viewBox="([^"]*)"', body)
    body = body[body.index(">") + 1 :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", body, flags=re.DOTALL)
    used = set(re.findall(r'href="#([^"]*)"|url\(#([^)]*)\)', body))
    names = {one or other for one, other in used}
    body = re.sub(r"<[^>]*>", lambda tag: _tidy(tag[0], name, names), body)
    body = re.sub(r">\s+<", "><", body.strip())
    return element("svg", Html(body), viewBox=box[1] if box else None, role="img", aria_label=label)


def _tidy(tag: str, name: str, used: set[str]) -> str:
    """Return a tag in a page's colours and font, with ids of this drawing, and fewer digits."""
    tag = re.sub(r"#[0-9a-f]{6}\b", lambda colour: VARIABLES.get(colour[0], colour[0]), tag)
    tag = re.sub(
        r' id="([^"]*)"', lambda found: f' id="{name}-{found[1]}"' if found[1] in used else "", tag
    )
    tag = re.sub(r'xlink:href="#', f'href="#{name}-', tag)
    tag = re.sub(r"url\(#", f"url(#{name}-", tag)
    tag = re.sub(r"font-family: [^;\"]*;? ?", "", tag)
    tag = re.sub(r' transform="rotate\(-0 [^)]*\)"', "", tag)
    tag = re.sub(r"(\d+\.\d{2})\d+", r"\1", tag)
    return re.sub(r"\s+", " ", tag)
