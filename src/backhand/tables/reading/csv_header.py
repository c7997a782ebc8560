"""The first line of a CSV file: its delimiter and the names of its columns."""

from __future__ import annotations

import csv
import re
import zlib
from collections import Counter
from pathlib import Path

from backhand.errors import InputError, listed
from backhand.tables.files.text_files import MAX_CSV_ROW, BoundedLines, open_text, truncated_gzip


def read_header(path: str) -> tuple[str, list[str]]:
    """Return the delimiter and the column names of a CSV file, from its first line."""
    try:
        with open_text(path) as file:
            delimiter = _delimiter(path, next(BoundedLines[str](file, MAX_CSV_ROW), ""))
            file.seek(0)
            lines = BoundedLines[str](file, MAX_CSV_ROW)
            names = next(csv.reader(lines, delimiter=delimiter, strict=True), [])
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path} is not UTF-8 text (byte {error.start} of its first part is "
            f"0x{error.object[error.start]:02x}); save it as UTF-8."
        ) from error
    except InputError as error:
        raise InputError(f"{path}, {error}; is it a table?") from error
    except EOFError as error:
        raise truncated_gzip(path) from error
    except (OSError, csv.Error, zlib.error) as error:
        if "unexpected end of data" in str(error):
            raise InputError(
                f"{path}, line 1: a quote among the column names is opened but not closed."
            ) from error
        raise InputError(f"{path} cannot be read: {error}.") from error
    if not any(name.strip() for name in names):
        raise InputError(f"{path} begins with an empty line; expected the column names.")
    if any("\0" in name for name in names):
        raise InputError(f"{path}, line 1: a column name holds a NUL byte; save the file as UTF-8.")
    return delimiter, [name or f"column{i}" for i, name in enumerate(names, 1)]


def check_headers_agree(paths: list[str], delimiter: str, names: list[str]) -> None:
    """Check that all files of a glob have the columns of the first, in its order."""
    for path in paths[1:]:
        if read_header(path) != (delimiter, names):
            raise InputError(
                f"{path} does not have the columns of {paths[0]}: {listed(read_header(path)[1])}; "
                f"expected {listed(names)}, in that order."
            )


def _delimiter(path: str, header: str) -> str:
    if ".tsv" in Path(path).suffixes:
        return "\t"
    unquoted = re.sub(r'"[^"]*"', "", header)
    counts = Counter({sign: unquoted.count(sign) for sign in ",;\t|"})
    return counts.most_common(1)[0][0]


def check_names(names: list[str], source: str) -> None:
    """Check that no two columns have the same name."""
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise InputError(
            f"{source} has several columns named {listed(twice)}; names must differ, because a "
            "model finds its columns by name."
        )
