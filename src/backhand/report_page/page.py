"""A page: its parts in order, with headings and a list of them."""

from __future__ import annotations

from collections.abc import Iterator

from backhand.errors import shortened
from backhand.report_page.contents import Contents
from backhand.report_page.html import Html, element, joined
from backhand.report_page.sections.behaviour import importance, learning, partial_dependence, worst
from backhand.report_page.sections.choice import choice
from backhand.report_page.sections.data import data
from backhand.report_page.sections.quality import quality
from backhand.report_page.sections.summary import summary, warnings
from backhand.report_page.sections.use import made, use, words
from backhand.report_page.style import STYLE

POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""The page loads nothing and runs nothing."""


def page(contents: Contents) -> str:
    """Return the page as HTML of one file."""
    title = f"Predicting {shortened(contents.schema.target)}"
    parts = list(_parts(contents))
    links = (element("li", element("a", heading, href=f"#{name}")) for name, heading, _ in parts)
    body = [
        element("a", "Skip to the contents", href="#main", class_="skip"),
        element("header", element("h1", title), element("p", contents.source_name, class_="quiet"),
                element("nav", element("ul", *links), aria_label="Contents")),
        element("main", joined(map(_section, parts)), id="main"),
    ]  # fmt: skip
    head = [
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("title", title),
        element("style", Html(STYLE)),
    ]
    document = element(
        "html", joined([element("head", joined(head)), element("body", joined(body))]), lang="en"
    )
    return f"<!DOCTYPE html>\n{document}\n"


def _parts(contents: Contents) -> Iterator[tuple[str, str, Html]]:
    """Return name, heading and content of each part that there is."""
    trained = contents.training is not None
    found = [
        ("summary", "Summary", summary(contents)),
        ("warnings", "What to beware of", warnings(contents)),
        ("data", "The data", data(contents)),
        ("quality", "How good it is", quality(contents)),
        ("choice", "What was chosen", choice(contents)),
        ("importance", "Which columns matter", importance(contents)),
        ("dependence", "How predictions depend on them", partial_dependence(contents)),
        ("learning", "How it learnt" if trained else "How it was trained", learning(contents)),
        ("worst", "The worst errors", worst(contents)),
        ("use", "How to use the model", use(contents)),
        ("made", "How it was made", made(contents)),
        ("words", "Words", words(contents)),
    ]
    for name, heading, content in found:
        if content:
            yield name, heading, content


def _section(part: tuple[str, str, Html]) -> Html:
    name, heading, content = part
    return element(
        "section", element("h2", heading, id=f"{name}-heading"), Html("\n"), content,
        id=name, aria_labelledby=f"{name}-heading",
    )  # fmt: skip
