"""The beginning of a CSV file: its delimiter, what stands above the names, and the names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from backhand.errors import InputError, listed, shortened
from backhand.tables.cells.texts import SPACES
from backhand.tables.files.source import Source
from backhand.tables.reading.column_names import numbered
from backhand.tables.reading.csv_sample import SEPARATOR, Sample, read_sample
from backhand.tables.reading.data_or_names import looks_like_data, names_numbers

SAME_WIDTH = 0.8
"""Share of the records that are as wide as the table, at least, where those above it are titles."""


@dataclass(frozen=True)
class Head:
    """How the rows of a CSV file are to be read.

    Attributes
    ----------
    delimiter : str
    above : list of str
        Lines above the names, or above the rows if there are no names.
    header : bool
        Whether the next line has the names.
    names : list of str
    remarks : list of str
        What a person should be told, as sentences.
    """

    delimiter: str
    above: list[str]
    header: bool
    names: list[str]
    remarks: list[str]


def read_head(source: Source, header: bool | None) -> Head:
    """Find where the rows of a CSV file begin, and the names of its columns.

    Empty lines, comment lines (`# …`) and a line `sep=;` above the names are left out; so are title
    lines, which have few fields beside the rows below them, unless the user states that the first
    line has the names.

    Parameters
    ----------
    source : Source
    header : bool, optional
        Whether the first line has the names, as the user states.

    Raises
    ------
    InputError
        If it is not text, or there are no names; or if the line of the names looks like data, and
        the user states nothing.
    """
    sample = read_sample(source)
    delimiter, skip = _beginning(sample, header)
    rows = [row for _, row in sample.records(delimiter, skip)]
    if not rows:
        raise InputError(
            f"{source.name} has only empty lines and comments; expected column names and rows."
        )
    above = sample.lines[:skip]
    remarks = _told(source, above)
    if header is False:
        width = Counter(map(len, rows)).most_common(1)[0][0]
        return Head(delimiter, above, False, [f"column{i}" for i in range(1, width + 1)], remarks)
    names, told = numbered(_names(source, sample, skip, rows, header), source.name)
    return Head(delimiter, above, True, names, remarks + told)


def _names(
    source: Source, sample: Sample, skip: int, rows: list[list[str]], header: bool | None
) -> list[str]:
    names = [name.strip(SPACES) for name in rows[0]]
    place = f"{source.name}, {'row' if source.format == 'excel' else 'line'} {skip + 1}"
    if len(rows) == 1 and "".join(sample.lines[skip:]).count('"') % 2:
        raise InputError(f"{place}: a quote among the column names is opened but not closed.")
    if not any(names):
        raise InputError(f"{place} has empty fields only; expected the column names.")
    if any("\0" in name for name in names):
        raise InputError(
            f"{place}: a column name holds a NUL byte; if the file is in UTF-16, read it with "
            "--encoding utf-16-le or utf-16-be (encoding), or save it as UTF-8."
        )
    if header is None and looks_like_data(names, rows[1:]):
        raise InputError(
            f"{place} looks like data, not like column names: {listed(names, most=4)}. If it is, "
            "add --no-header (header=False): the columns are then column1, column2, …; if these "
            "are the names, add --header (header=True)."
        )
    if source.format in ("csv", "tsv") and names[0].startswith("#"):  # a comment with the names
        names[0] = names[0].lstrip("# ") or names[0]
    return [name or f"column{i}" for i, name in enumerate(names, 1)]


def _beginning(sample: Sample, header: bool | None) -> tuple[str, int]:
    """Return the delimiter, and how many lines are above the names or rows."""
    signs, above = sample.delimiters, sample.above
    records = sample.records(signs[0], above)
    if header is True or len(records) < 2 or _is_table(records):
        return signs[0], above
    for sign in signs:
        records = sample.records(sign, above)
        width = Counter(len(row) for _, row in records[1:]).most_common(1)[0][0]
        titles = 0
        for start, row in records:
            comment = titles and sample.lines[start].lstrip().startswith("#")
            if not comment and not _is_title(row, width, header is not False):
                break
            titles += 1
        rows = [row for _, row in records[titles:]]
        alike = sum(len(row) == width for row in rows)
        if not titles or not rows or len(rows[0]) != width or alike < SAME_WIDTH * len(rows):
            continue
        if header is False or (
            not looks_like_data(rows[0], rows[1:])
            and (width > 2 or len(records[0][1]) < 2 or names_numbers(rows[0], rows[1:]))
        ):
            return sign, records[titles][0]
    return signs[0], above


def _is_table(records: list[tuple[int, list[str]]]) -> bool:
    """Return whether the first record is as wide as the others, and most of it is filled."""
    (_, first), *others = records
    alike = sum(len(row) == len(first) for _, row in others)
    return alike >= SAME_WIDTH * len(others) and not _is_title(first, len(first), True)


def _is_title(row: list[str], width: int, names: bool) -> bool:
    """Return whether a record above rows of a width may be a title: shorter, or hardly filled.

    Where there are no names, a record of the same width is a row with missing values.
    """
    if width < 2 or len(row) < width:
        return width > 1
    filled = sum(bool(field.strip()) for field in row)
    first = not filled or width > 2 or bool(row[0].strip())
    return names and len(row) == width and filled <= width // 2 and first


def _told(source: Source, lines: Sequence[str]) -> list[str]:
    """Return a sentence about the lines above the names that hold something."""
    held = [line.strip(",;\t| \r\n") for line in lines if not SEPARATOR.fullmatch(line)]
    held = [re.sub(r'"(.*)"', r"\1", line).replace('""', '"') for line in held if line]
    if not held:
        return []
    begin = f"'{shortened(held[0], 40)}'"
    if len(held) == 1:
        return [f"{source.name}: the line {begin} above the columns is skipped."]
    return [f"{source.name}: {len(held)} lines above the columns are skipped, the first {begin}."]


def check_heads_agree(sources: Sequence[Source], heads: Sequence[Head]) -> None:
    """Check that all files of a glob have the columns of the first, in its order."""
    first = heads[0]
    for source, head in zip(sources[1:], heads[1:], strict=True):
        if (head.delimiter, head.names) != (first.delimiter, first.names):
            raise InputError(
                f"{source.name} does not have the columns of {sources[0].name}: "
                f"{listed(head.names)}; expected {listed(first.names)}, in that order."
            )
