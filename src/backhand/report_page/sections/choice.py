"""What a search chose: networks, penalty and temperature, and the figures that decided."""

from __future__ import annotations

from backhand.report_page.contents import Contents
from backhand.report_page.html import Html, element, joined, table
from backhand.tabular.choice import choice_in_words, losses_by_penalty


def choice(contents: Contents) -> Html | None:
    """Return what was chosen and how, if there was a search."""
    chosen = contents.model.chosen
    if chosen is None:
        return None
    text = (
        "The penalty, the number of epochs and the temperature were chosen on the training rows "
        "alone. These are divided into folds; networks that did not learn from a fold predict its "
        "rows (out of fold), and the choice with the least log loss there is taken. The held-out "
        "rows decide nothing."
    )
    words = (
        part for title, what in choice_in_words(chosen, contents.model.sizes[1])
        for part in (element("dt", title.capitalize()), element("dd", what))
    )  # fmt: skip
    parts = [element("p", text), element("dl", *words, class_="words")]
    losses = losses_by_penalty(chosen)
    if len(losses.rows) > 1:
        parts.append(table(
            ["penalty λ", *losses.headings], losses.rows,
            numbers=range(1, len(losses.headings) + 1),
            caption="Log loss on the folds by penalty, before the temperature",
        ))  # fmt: skip
    return joined(parts)
