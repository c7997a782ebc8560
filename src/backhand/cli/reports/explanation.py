"""Output of `backhand explain`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from backhand.cli.reports.output import console, hanging, print_json
from backhand.explanation.trace.entry import Entry
from backhand.explanation.trace.text import overview
from backhand.explanation.trace.trace import Trace
from backhand.support.visible_text import printable


def show_trace(trace: Trace, *, as_json: bool) -> None:
    """Print every value with its shape and equation, and its numbers where there is room."""
    if as_json:
        print_json("trace", trace.to_json())
        return
    out = console()
    if trace.own is not None:
        _print_lines(f"{trace.own}\n")
    if trace.problem.title:
        hanging(out, "", printable(trace.problem.title), indent=2)
    untitled = replace(trace.problem, title="")
    _print_lines(overview(trace.passes.values, untitled, out.width))
    print()
    hanging(out, "", "--entry 'dW1[0,0]' takes one number apart, and -o page.html writes a page "
                     "on which every number can be followed and changed.", indent=2)  # fmt: skip


def show_entries(entries: Sequence[Entry], *, as_json: bool) -> None:
    """Print each entry with the terms that it is the sum of."""
    for place, entry in enumerate(entries):
        if as_json:
            print_json("entry", entry.to_dict())
        else:
            _print_lines(f"{entry}" if place == 0 else f"\n{entry}")


def show_page(path: Path, *, as_json: bool) -> None:
    """Print where the page is."""
    if as_json:
        print_json("page", {"path": str(path)})
    else:
        print(f"Page in {printable(str(path))}")


def _print_lines(text: str) -> None:
    print("\n".join(map(printable, text.split("\n"))))
