"""What the data are: rows, classes, columns, and what was left out and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from backhand.report_page.contents import Contents
from backhand.report_page.html import Html, details, element, joined, table, with_options
from backhand.report_page.wording import percent, several
from backhand.tables.schema.notes import Note

MOST_CLASSES = 20
"""Classes that are listed at once."""

MOST_COLUMNS, OPEN_COLUMNS = 300, 20
"""Columns that are listed, and listed at once."""


def data(contents: Contents) -> Html:
    """Return rows, classes, columns and notes."""
    parts = [_rows(contents), _classes(contents), _columns(contents)]
    if contents.training is not None:
        parts.append(_notes(contents.training.notes))
    return joined(parts)


def _rows(contents: Contents) -> Html:
    training, evaluation = contents.training, contents.evaluation
    if training is None:
        unlabelled = 0 if evaluation is None else evaluation.unlabelled
        unknown = 0 if evaluation is None else evaluation.unknown
        text = f"{contents.source_name}: {several(contents.rows, 'row')}."
        if unknown:
            rows = several(unknown, "row")
            text += f" {rows} of a class that the model does not know; each counts as wrong."
        if unlabelled:
            text += f" {several(unlabelled, 'row')} without a class, left out."
        return element("p", text)
    parts = [f"{contents.source_name}: {several(contents.rows, 'row')}."]
    if training.unlabelled:
        parts.append(f"{several(training.unlabelled, 'row')} without a class, left out.")
    parts.append(f"{several(training.rows, 'row')} to train on.")
    if training.stopping:
        parts.append(f"{several(training.stopping, 'row')} that decide when training stops.")
    if training.held_out:
        how = f" ({training.how})" if training.how else ""
        parts.append(
            f"{several(training.held_out, 'row')} held out{how}, that is, kept aside to measure "
            "how good the model is."
        )
    elif contents.evaluation is not None:
        parts.append(
            "To measure how good such a model is, the rows were divided into parts before, and "
            "each part was predicted by a model trained on the others (cross-validation)."
        )
    parts += [f"{remark[:1].upper()}{remark[1:]}." for remark in training.remarks]
    return joined([element("p", " ".join(parts))])


def _class_counts(contents: Contents) -> Mapping[str, int]:
    if contents.training is not None:
        return contents.training.class_counts
    if contents.evaluation is None:
        return {}
    rows = contents.evaluation.confusion.sum(axis=1).tolist()
    return dict(zip(contents.classes, rows, strict=True))


def _classes(contents: Contents) -> Html:
    counts = _class_counts(contents)
    total = max(1, sum(counts.values()))
    ordered = sorted(counts.items(), key=lambda item: -item[1])

    def of(some: list[tuple[str, int]], caption: str) -> Html:
        rows = [(name, f"{n:,}", percent(n / total), _bar(n / total)) for name, n in some]
        return table(["class", "rows", "share", ""], rows, numbers=[1, 2], caption=caption)

    heading = element("h3", f"The classes of “{contents.schema.target}”")
    first = of(ordered[:MOST_CLASSES], "Rows of each class, the commonest first")
    rest = ordered[MOST_CLASSES:]
    if not rest:
        return joined([heading, first])
    folded = details(f"The other {len(rest):,} classes", of(rest, "Rows of the other classes"))
    return joined([heading, first, folded])


def _bar(share: float) -> Html:
    return element(
        "span", element("i", style=f"width: {100 * share:.1f}%"), class_="bar", aria_hidden="true"
    )


def _columns(contents: Contents) -> Html:
    facts = contents.columns
    both = contents.training is None
    headings = ["column", "values", "missing", *(["missing in training"] if both else [])]

    def of(some: list[tuple[str, ...]], caption: str) -> Html:
        return table(headings, some, numbers=[2, 3], texts=[1], caption=caption)

    rows = []
    for one in facts:
        shares = [one.missing, *([one.in_training] if both else [])]
        absent = (percent(share) if share else "none" for share in shares)
        rows.append((one.name, f"{one.kind}: {one.values}", *absent))
    parts = [
        element("h3", "The columns that the model uses"),
        of(rows[:OPEN_COLUMNS], "Columns, and what they hold"),
    ]
    rest = rows[OPEN_COLUMNS:MOST_COLUMNS]
    if rest:
        parts.append(details(f"The next {len(rest):,} columns", of(rest, "Further columns")))
    if rows[MOST_COLUMNS:]:
        parts.append(element("p", f"And {len(rows) - MOST_COLUMNS:,} more columns."))
    return joined(parts)


def _notes(notes: Sequence[Note]) -> Html:
    """Return the columns that are not used, and remarks about the others."""
    parts = []
    for dropped, title, caption in (
        (True, "Columns that the model does not use, and why", "Columns left out"),
        (False, "How columns were read", "Remarks on columns"),
    ):
        some = [note for note in notes if (note.kind == "dropped") == dropped]
        if not some:
            continue
        advised = any(note.advice for note in some)
        rows = [
            (note.column, note.what, *([with_options(note.advice)] if advised else []))
            for note in some
        ]
        headings = ["column", "why" if dropped else "what"]
        headings += ["to have it otherwise"] if advised else []
        shown = table(headings, rows[:OPEN_COLUMNS], texts=[1, 2], caption=caption)
        parts += [element("h3", title), shown]
        rest = rows[OPEN_COLUMNS:MOST_COLUMNS]
        if rest:
            more = table(headings, rest, texts=[1, 2], caption=caption)
            parts.append(details(f"{len(rest):,} more", more))
    return joined(parts)
