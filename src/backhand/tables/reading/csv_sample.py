"""The first lines of a CSV file, and their records by a delimiter."""

from __future__ import annotations

import csv
import re
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from backhand.errors import InputError
from backhand.tables.files.encodings import invalid_line, not_utf8
from backhand.tables.files.source import Source
from backhand.tables.files.text_files import MAX_CSV_ROW, BoundedLines, open_text, truncated_gzip
from backhand.tables.reading.data_or_names import number_of

LINES, CHARACTERS = 100, 2**18
"""How much of a file is read, at most; a line that is begun is read to its end."""

DELIMITERS = ",;\t|"

SEPARATOR = re.compile(r'"?sep=(.)"?\r?\n?', re.IGNORECASE)
"""The first line by which Excel is told the delimiter."""


@dataclass(frozen=True)
class Sample:
    """The first lines of a file.

    Attributes
    ----------
    lines : list of str
        With their ends.
    whole : bool
        Whether these are all.
    above : int
        How many of them, at the beginning, are empty, comments or `sep=`.
    delimiters : list of str
        What may be the delimiter, the likeliest first; one if it is stated.
    """

    lines: list[str]
    whole: bool
    above: int
    delimiters: list[str]

    def records(self, delimiter: str, skip: int) -> list[tuple[int, list[str]]]:
        """Return the records behind some lines, each with the number of lines above it."""
        reader = csv.reader(self.lines[skip:], delimiter=delimiter, skipinitialspace=True)
        found, start = [], skip
        try:
            for row in reader:
                if row:
                    found.append((start, row))
                start = skip + reader.line_num
        except csv.Error:  # a field is too long: its quote is not closed
            pass
        return found if self.whole or len(found) < 2 else found[:-1]


def read_sample(source: Source) -> Sample:
    """Read the first lines.

    Raises
    ------
    InputError
        If they are not UTF-8 text, or one is too long.
    """
    lines, whole = _lines(source)
    if not lines:  # of a compressed file
        raise InputError(f"{source.name} is empty; a table needs column names and rows.")
    if source.format == "sqlite":  # its columns have names
        return Sample(lines, whole, 0, [","])
    above, stated = _above(lines, blank=", \t\r\n" if source.format == "excel" else " \t\r\n")
    known = {"tsv": "\t", "excel": ","}.get(source.format, stated)
    return Sample(lines, whole, above, [known] if known else _delimiters(lines[above]))


def _lines(source: Source) -> tuple[list[str], bool]:
    found: list[str] = []
    characters = 0
    try:
        with open_text(source.path) as file:
            for line in BoundedLines[str](file, MAX_CSV_ROW).each():
                found.append(line)
                characters += len(line)
                if len(found) >= LINES or characters > CHARACTERS:
                    return found, False
    except UnicodeDecodeError as error:
        number = invalid_line(source.path)
        place = source.name if number is None else f"{source.name}, line {number}"
        raise InputError(not_utf8(place)) from error
    except InputError as error:
        raise InputError(f"{source.name}, {error}; is it a table?") from error
    except EOFError as error:
        raise truncated_gzip(source.name) from error
    except (OSError, zlib.error) as error:
        raise InputError(f"{source.name} cannot be read: {error}.") from error
    return found, True


def _above(lines: Sequence[str], blank: str) -> tuple[int, str | None]:
    """Return how many lines are empty, comments or `sep=`, and the delimiter that one states."""
    stated = None
    for number, line in enumerate(lines):
        if found := SEPARATOR.fullmatch(line):
            stated = found[1]
        elif line.strip(blank) and not line.lstrip().startswith("#"):
            names_above = number and _has_names(lines[number - 1], line, stated)
            return number - bool(names_above), stated
    return 0, stated


def _has_names(comment: str, row: str, stated: str | None) -> bool:
    """Return whether a comment line has the names of the row below it, as `#id,x,y` does.

    It is so if the row has a number below something else.
    """
    if not comment.startswith("#"):
        return False
    delimiter = stated or _delimiters(row)[0]
    names, values = (next(csv.reader([line], delimiter=delimiter)) for line in (comment, row))
    return 1 < len(names) == len(values) and any(
        number_of(value) is not None and number_of(name) is None
        for name, value in zip(names, values, strict=True)
    )


def _delimiters(line: str) -> list[str]:
    """Return the delimiters, the most frequent in a line outside quotes first."""
    unquoted = re.sub(r'"[^"]*"', "", line)
    counts = Counter({sign: unquoted.count(sign) for sign in DELIMITERS})
    return [sign for sign, _ in counts.most_common()]
