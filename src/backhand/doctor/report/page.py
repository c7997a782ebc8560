"""A report as HTML: a part of a notebook, and a page of its own.

Every text is escaped. Without its style the report is still a table and lists.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from itertools import groupby
from operator import itemgetter

from backhand.doctor.report.contents import Contents
from backhand.doctor.report.document import Document, Role, Section, Span, Table, document

STYLE = """\
.backhand-report { --correct: #2b8f47; --wrong: #e0433d; --doubtful: #a87400; --quiet: #7c7c7c;
  line-height: 1.45; overflow-x: auto; }
.backhand-report p { margin: 0; }
.backhand-report .part { margin-top: 0.9em; }
.backhand-report .strong { font-weight: bold; }
.backhand-report .quiet, .backhand-report .label { color: var(--quiet); }
.backhand-report .correct { color: var(--correct); }
.backhand-report .wrong { color: var(--wrong); }
.backhand-report .doubtful { color: var(--doubtful); }
.backhand-report .outcome, .backhand-report .title { font-weight: bold; }
.backhand-report .outcome { margin: 0 0.5em; }
.backhand-report .values, .backhand-report code { font-family: ui-monospace, "SFMono-Regular",
  "DejaVu Sans Mono", Menlo, Consolas, monospace; font-size: 0.95em; }
.backhand-report code { background: none; color: inherit; padding: 0; white-space: pre-wrap; }
.backhand-report table { border-collapse: collapse; border: 0; margin: 0.9em 0 0.3em;
  table-layout: auto; font-size: 1em; }
.backhand-report thead { border: 0; }
.backhand-report tbody tr:nth-child(n) { background: none; }
.backhand-report th, .backhand-report td { border: 0; padding: 0.1em 1.6em 0.1em 0;
  text-align: left; vertical-align: bottom; white-space: nowrap; max-width: none; }
.backhand-report th { color: var(--quiet); font-weight: normal; white-space: pre; }
.backhand-report .number { text-align: right; }
.backhand-report .entries { margin: 0.2em 0 0 1.4em; }
.backhand-report .entries td { vertical-align: top; white-space: normal; }
.backhand-report .entries .label { white-space: nowrap; }
"""
"""Colours that are readable on light and dark pages alike: a notebook has themes of its own."""

PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
{style}
body {{ background: #ffffff; color: #1f2328; max-width: 60em; margin: 2em auto; padding: 0 1.2em;
  font: 16px/1.5 system-ui, sans-serif; }}
.backhand-report {{ --correct: #1a7f37; --wrong: #cf222e; --doubtful: #8a5a00; --quiet: #636c76; }}
a {{ color: inherit; }}
@media (prefers-color-scheme: dark) {{
  body {{ background: #16191d; color: #e3e6ea; }}
  .backhand-report {{ --correct: #4cc267; --wrong: #ff7b72; --doubtful: #e0ae3c;
    --quiet: #98a1ab; }}
}}
@media print {{ body {{ margin: 0; }} }}
</style>
</head>
<body>
{body}
</body>
</html>
"""


def as_fragment(report: Contents) -> str:
    """The report for a notebook."""
    return f"<style>\n{STYLE}</style>\n{_body(document(report))}"


def as_page(report: Contents, title: str) -> str:
    """The report as a whole page."""
    return web_page(title, _body(document(report)))


def web_page(title: str, body: str) -> str:
    """A page that needs no other file; what is in it is given the style of a report by its class.

    `body` is HTML, `title` is text.
    """
    return PAGE.format(title=escape(title), style=STYLE, body=body)


def _body(report: Document) -> str:
    function, outcome, *frame = report.headline
    parts = [
        f"<p>{_span(function)} {_span(outcome, 'outcome')} {' '.join(map(_span, frame))}</p>",
        f'<p class="quiet">{escape(report.circumstances)}</p>',
    ]
    if report.table:
        parts.append(_table(report.table))
    parts += map(_section, report.sections)
    for label, notes in groupby(report.notes, key=itemgetter(0)):
        sentences = "<br>\n".join(
            f'<span class="quiet">{escape(label)}:</span> {escape(sentence)}'
            for _, sentence in notes
        )
        parts.append(f'<p class="part">{sentences}</p>')
    return '<div class="backhand-report">\n{}\n</div>'.format("\n".join(parts))


def _table(table: Table) -> str:
    head = _row("th", map(escape, table.headings), table.numbers)
    rows = [_row("td", map(_span, row), table.numbers) for row in table.rows]
    legend = [f'<p class="quiet">{escape(sentence)}</p>' for sentence in table.legend]
    return "\n".join([f'<table class="values">\n<thead>{head}</thead>\n<tbody>', *rows,
                      "</tbody>\n</table>", *legend])  # fmt: skip


def _row(tag: str, cells: Iterable[str], numbers: Iterable[int]) -> str:
    return "<tr>{}</tr>".format("".join(
        f'<{tag} class="number">{cell}</{tag}>' if number in numbers else f"<{tag}>{cell}</{tag}>"
        for number, cell in enumerate(cells)
    ))  # fmt: skip


def _section(section: Section) -> str:
    entries = "\n".join(
        f'<tr><td class="label">{escape(label)}</td><td>{_span(span)}</td></tr>'
        for label, span in section.entries
    )
    title = f"<p>{_span(section.title, 'title')}</p>"
    return f'<div class="part">\n{title}\n<table class="entries">\n{entries}\n</table>\n</div>'


def _span(span: Span, also: str = "") -> str:
    """A text with the class of its role; code as code, in a sentence too."""
    if span.role is Role.CODE:
        return f"<code>{escape(span.text)}</code>"
    text = _CODE.sub(r"<code>\1</code>", escape(span.text))
    classes = " ".join(filter(None, [also, "" if span.role is Role.PLAIN else span.role.value]))
    return f'<span class="{classes}">{text}</span>' if classes else text


_CODE = re.compile("`([^`]+)`")
