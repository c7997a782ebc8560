"""HTML of elements: every text is escaped unless it is HTML itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape

from backhand.errors import shortened
from backhand.support.visible_text import MAX_CHARACTERS, printable

EMPTY = {"meta", "br", "col", "wbr"}
"""Elements without content, which have no end tag."""


class Html(str):
    """HTML, which is written as it is. Any other text is escaped where it is put in."""

    __slots__ = ()


OPTION = re.compile(r"(--[a-z][a-z0-9-]*(?: (?:\d[\d.]*|[A-Z]+|balanced)\b)?)")

LONGEST_CELL = 300
"""Characters of a cell of a table; the middle of a longer one is cut out, as of any text."""


LONGEST_WORD, PIECE = 16, 12
"""Letters of a word in a table that is never broken, and of the pieces of a longer one."""

JOINT = re.compile(r"(?<=_)(?=[^\W_])|(?<=[^\W\d_][./])(?=[^\W\d_])|(?<=-)(?=[^\W\d_])")
"""Where a name may be broken: customer_|id, petal.|width, leaf-|spot."""


def html_of(content: str) -> str:
    """Return HTML as it is, and a text escaped, its control characters made visible.

    A number and its % stay on one line.
    """
    if isinstance(content, Html):
        return content
    return re.sub(r"(\d) %", r"\1&nbsp;%", escape(printable(content, MAX_CHARACTERS)))


def breakable(text: str) -> Html:
    """Return a text whose words may be broken at their joints, and elsewhere only if too long."""
    parts = [part for piece in JOINT.split(text) for part in _pieces(piece)]
    return Html("<wbr>".join(map(html_of, parts)))


def _pieces(text: str) -> list[str]:
    """Return a text cut within its words that are too long."""
    cut = re.sub(rf"\S{{{LONGEST_WORD + 1},}}",
                 lambda word: re.sub(rf"(\S{{{PIECE}}})(?=\S)", "\\1\0", word[0]),
                 printable(text))  # fmt: skip
    return cut.split("\0")


def whole(text: str) -> Html:
    """Return a text of any length."""
    return Html(escape(printable(text)))


def element(name: str, /, *contents: str, **attributes: str | None) -> Html:
    """Return an element; an attribute's name may end in _, as `class_`; None leaves it out."""
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(printable(value, MAX_CHARACTERS))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in EMPTY:
        return Html(f"<{name}{given}>")
    return Html(f"<{name}{given}>{''.join(map(html_of, contents))}</{name}>")


def joined(parts: Iterable[str]) -> Html:
    """Return the parts, each on a line of its own."""
    return Html("\n".join(map(html_of, parts)))


def with_options(text: str) -> Html:
    """Return a text in which options of commands, such as --l2 0.01, are code."""
    parts = OPTION.split(text)  # every second part is an option
    return Html("".join(element("code", part) if i % 2 else html_of(part)
                        for i, part in enumerate(parts)))  # fmt: skip


def lines(text: str) -> Html:
    """Return a text of several lines, for <pre>."""
    return joined(text.split("\n"))


def table(
    headings: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    numbers: Iterable[int] = (),
    texts: Iterable[int] = (),
    caption: str,
) -> Html:
    """Return a table that scrolls inside its box; each row's first cell is its heading.

    `numbers` are the columns that are aligned to the right, `texts` those of long texts: with such,
    each row becomes a block on a narrow screen. `caption` names the table.
    """
    texts = list(texts)
    classes = dict.fromkeys(numbers, "number") | dict.fromkeys(texts, "text")

    def cell(name: str, i: int, content: str, **attributes: str | None) -> Html:
        if not isinstance(content, Html):
            content = breakable(shortened(content, LONGEST_CELL))
        return element(name, content, class_=classes.get(i), **attributes)

    head = element("tr", *(cell("th", i, text, scope="col") if text else cell("td", i, text)
                           for i, text in enumerate(headings)))  # fmt: skip
    body = joined(
        element("tr", cell("th", 0, row[0], scope="row"),
                *(cell("td", i, text, data_heading=headings[i] if texts and i > 1 else None)
                  for i, text in enumerate(row[1:], 1)))
        for row in rows
    )  # fmt: skip
    return scrolling(
        element(
            "table",
            element("caption", caption),
            element("thead", head),
            element("tbody", body),
            class_="blocks" if texts else None,
        ),
        caption,
    )


def scrolling(content: str, label: str) -> Html:
    """Return a box that scrolls sideways where its content is too wide, also by keys."""
    return element("div", content, class_="scroll", role="region", aria_label=label, tabindex="0")


def details(summary: str, *contents: str) -> Html:
    """Return a part that is folded until it is asked for."""
    return element("details", element("summary", summary), *contents)
