"""What is printed, compared with what a document shows: numbers that may differ are blanked."""

from __future__ import annotations

import doctest
import re

DECIMAL = r"(?:\d[\d,]*)?\.\d+(?:e[+-]?\d+)?|\d+e[+-]\d+"
UNIT = r"(?= ?(?:µs|ms|s|KB|MB)\b)"
RECORD = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+"
MAY_DIFFER = re.compile(rf"{RECORD}|{DECIMAL}|\d[\d,]*{UNIT}|\d+(?= of \d)|(?<= )[\d·]+$")
"""Losses and borderline rows may differ between CPUs, and times between runs; words may not.

These are decimal numbers, numbers with a unit of time or memory, the time of a record of
`logging`, the n of "n of m", and the last integer of a line, as in a confusion matrix.
"""
ANY = re.compile(rf"(?:{DECIMAL}|\d[\d,]*)(?:[kM](?= rows/s))?|(?<= )–(?= |$)")
CUT = ("…", "...")
"""A line of its own that stands for any number of lines."""


def lines_of(text: str, blanked: re.Pattern[str] = MAY_DIFFER) -> list[str]:
    """Lines without blank ones, with one space for several, and `#` for numbers that may differ."""
    lines = (re.sub(r"([─━═])\1+", r"\1", " ".join(line.split())) for line in text.splitlines())
    return [blanked.sub("#", line) for line in lines if line]


def same(shown: str, printed: str, blanked: re.Pattern[str] = MAY_DIFFER) -> bool:
    """Is this what is shown, where a line `…` stands for any lines?"""
    expected, lines = lines_of(shown, blanked), lines_of(printed, blanked)
    if not any(cut in expected for cut in CUT):
        return expected == lines
    pattern = "".join(
        r"(?:.*\n)*?" if line in CUT else re.escape(line) + r"\n" for line in expected
    )
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in lines)) is not None


def difference(shown: str, printed: str, blanked: re.Pattern[str] = MAY_DIFFER) -> str:
    """The first line that differs, as shown and as printed."""
    expected, lines = lines_of(shown, blanked), lines_of(printed, blanked)
    for line, other in zip(expected, lines, strict=False):
        if line != other and line not in CUT:
            return f"shown:   {line}\nprinted: {other}\n\nAll that was printed:\n{printed}"
    return f"{len(expected)} lines shown, {len(lines)} printed:\n{printed}"


class Checker(doctest.OutputChecker):
    """Doctest's, with the same numbers blanked."""

    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        return super().check_output(want, got, optionflags) or same(want, got)


NUMBER = re.compile(rf"-?(?:{DECIMAL}|\d+)")


def begins_with(comment: str, printed: str) -> bool:
    """Does the comment behind a `print` begin with what it prints, decimals within 5 %?"""
    words, numbers = NUMBER.sub("#", comment), NUMBER.findall(comment)
    others, printed_numbers = NUMBER.sub("#", printed), NUMBER.findall(printed)
    if not printed or not words.startswith(others):
        return False
    return all(
        abs(float(one) - float(other)) <= 0.05 * abs(float(other)) + 0.5 * 10.0 ** -decimals(one)
        for one, other in zip(numbers, printed_numbers, strict=False)
    )


def decimals(number: str) -> int:
    """How many digits a number shows behind its point; 9 if it is an integer, which is exact."""
    return len(number.partition(".")[2].partition("e")[0]) or 9
