"""The format of a file, by the ending of its name and by its first bytes."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

from backhand.errors import InputError, listed
from backhand.tables.files.source import READ_AS, TEXTS

ENDINGS = {
    ".csv": "csv", ".tsv": "tsv", ".tab": "tsv",
    ".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl",
    ".parquet": "parquet", ".pq": "parquet",
    ".xlsx": "excel", ".xlsm": "excel", ".xlsb": "excel", ".xls": "excel", ".ods": "excel",
    ".feather": "arrow", ".arrow": "arrow", ".arrows": "arrow", ".ipc": "arrow",
    ".sqlite": "sqlite", ".sqlite3": "sqlite", ".db": "sqlite",
}  # fmt: skip
"""Endings of names, in lower case, and their formats."""

PACKED = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz", ".zst": "Zstandard", ".zip": "zip"}
"""Endings of the names of compressed files, which may follow those of the formats."""

CALLED = {
    "csv": "CSV", "tsv": "TSV", "json": "JSON", "jsonl": "JSON lines", "parquet": "a Parquet file",
    "excel": "a workbook", "arrow": "an Arrow file (Feather)", "sqlite": "an SQLite database",
}  # fmt: skip

OTHER_NAMES = {"xlsx": "excel", "xls": "excel", "ods": "excel", "feather": "arrow",
               "ndjson": "jsonl", "txt": "csv"}  # fmt: skip
"""What users may call a format beside its name."""

HEAD = 4096
"""Bytes at the beginning of a file that its format is recognised by."""

MAGIC = {
    b"PAR1": "parquet", b"SQLite format 3\0": "sqlite", b"ARROW1\0\0": "arrow",
    b"\xff\xff\xff\xff": "arrow", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "excel",
}  # fmt: skip
"""First bytes of the formats that are not text."""

PACKED_MAGIC = {
    b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\0": "xz", b"\x28\xb5\x2f\xfd": "Zstandard",
    b"PK\x03\x04": "zip", b"PK\x05\x06": "zip",
}  # fmt: skip

NOT_READ = {
    b"ORC": "an ORC file; convert it to Parquet, such as with pyarrow: "
    "pyarrow.parquet.write_table(pyarrow.orc.read_table(…), …)",
    b"FEA1": "a Feather file of version 1; write it again with version 2, or as Parquet",
    b"\x89HDF": "an HDF5 file; convert it to Parquet or CSV",
    b"%PDF": "a PDF document; expected a table",
    b"7z\xbc\xaf\x27\x1c": "a 7-Zip archive; unpack it first",
    b"Rar!": "a RAR archive; unpack it first",
    b"RDX": "an R data file; write the table in R with write.csv",
    b"<stata_dta>": "a Stata file; convert it to Parquet or CSV, such as with pandas.read_stata",
    b"$FL2": "an SPSS file; convert it to Parquet or CSV, such as with pandas.read_spss",
    b"\x80\x04": "a Python pickle; write the table as Parquet or CSV",
    b"\x80\x05": "a Python pickle; write the table as Parquet or CSV",
    b"\x93NUMPY": "a NumPy array; write it as CSV, or train on it in Python with MLPClassifierCV",
}
"""First bytes of files that are recognised and not read, with what to do."""

MARKUP = re.compile(rb"\s*<(?:!doctype|html|\?xml|table)", re.IGNORECASE)
"""The beginning of a page or an XML document, which often has the name of a table."""

SAFETENSORS = re.compile(rb'.{5}\0\0\0\{"', re.DOTALL)
"""The beginning of a model file."""


def stated_format(name: str | None) -> str | None:
    """Return the format that --format names.

    Raises
    ------
    InputError
        If there is no such format.
    """
    if name is None:
        return None
    known = OTHER_NAMES.get(name.lower().removeprefix("."), name.lower().removeprefix("."))
    if known not in READ_AS:
        raise InputError(
            f"format (--format) is '{name}'; expected {listed(READ_AS, conjunction='or')}."
        )
    return known


def packing_of(head: bytes) -> str | None:
    """Return how a file is compressed, by its first bytes; None if it is not."""
    return next((kind for magic, kind in PACKED_MAGIC.items() if head.startswith(magic)), None)


def is_workbook(path: str) -> bool:
    """Return whether a zip file is a workbook: Excel's, or an OpenDocument spreadsheet."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if any(name.startswith("xl/") for name in names):
                return True
            return "mimetype" in names and b"spreadsheet" in archive.open("mimetype").read(100)
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, ValueError):
        return False


def packing_by_name(name: str) -> str | None:
    """Return the compression that the ending of a name says."""
    return PACKED.get(Path(name).suffix.lower())


def format_by_name(name: str) -> str | None:
    """Return the format that the ending of a name says, without what says its compression."""
    path = Path(name)
    while path.suffix.lower() in PACKED:
        path = path.with_suffix("")
    return ENDINGS.get(path.suffix.lower())


def format_of(name: str, inside: str, path: str, stated: str | None) -> tuple[str, str | None]:
    """Return the format of a file that is not compressed, and a remark if its name says another.

    What its first bytes prove goes before what its name says. Text proves nothing.

    Parameters
    ----------
    name, inside : str
        What messages call it, and the name whose ending says the format: of what a zip file holds.
    path : str
    stated : str, optional
        The format that the user states.

    Raises
    ------
    InputError
        If it has another format than the stated one, or one that is not read.
    """
    with Path(path).open("rb") as file:
        head = file.read(HEAD)
    found = next((kind for magic, kind in MAGIC.items() if head.startswith(magic)), None)
    if packing_of(head) == "zip" and is_workbook(path):
        found = "excel"
    named = format_by_name(inside)
    if found is None and stated not in TEXTS:
        _refuse_known(name, head)
    if stated is not None:
        if found != stated and (found is not None or stated not in TEXTS):
            raise InputError(
                f"{name} is not {CALLED[stated]}, as the format (--format) says; it is "
                f"{CALLED.get(found or '', 'text, or of a format that is not known')}."
            )
        return stated, None
    if found is not None:
        told = f"{name} is {CALLED[found]}, whatever its name says, and is read as one."
        return found, told if named not in (None, found) else None
    if named in TEXTS:
        return named, None
    if named is not None:
        raise InputError(
            f"{name} is damaged, or not {CALLED[named]}; if it is text, name its format with "
            "--format csv (format='csv')."
        )
    return _format_of_text(name, head), None


def _refuse_known(name: str, head: bytes) -> None:
    for magic, what in NOT_READ.items():
        if head.startswith(magic):
            raise InputError(f"{name} cannot be read: it is {what}.")
    if head[257:262] == b"ustar":
        raise InputError(f"{name} cannot be read: it is a tar archive; unpack it first.")
    if SAFETENSORS.match(head):
        raise InputError(f"{name} is a safetensors file, such as a model; expected a table.")
    if MARKUP.match(head.removeprefix(b"\xef\xbb\xbf")):
        raise InputError(
            f"{name} cannot be read: it is a web page or an XML document; save the table itself, "
            "such as as CSV."
        )


def _format_of_text(name: str, head: bytes) -> str:
    """Return the format of text whose name says nothing."""
    marked = head.startswith((b"\xff\xfe", b"\xfe\xff"))
    if b"\0" in head and not marked:
        raise InputError(
            f"{name} has no known format; expected a name that ends in "
            f"{listed(ENDINGS, most=len(ENDINGS), conjunction='or')}, text, or the format with "
            "--format (format)."
        )
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    return {b"{": "jsonl", b"[": "json"}.get(start, "csv")
