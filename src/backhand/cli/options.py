"""Arguments and options of several commands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ModelFile = Annotated[
    str, typer.Argument(metavar="MODEL", help="A .safetensors file that `train` has saved.")
]
OptionalData = Annotated[
    str | None,
    typer.Argument(
        metavar="DATA",
        show_default=False,
        help="A file: CSV, TSV, JSON, JSON lines, Parquet, Excel, Arrow (Feather) or SQLite, also "
        "compressed (.gz, .bz2, .xz, .zst, .zip); a quoted glob; an https:// address; or - for "
        "standard input.",
    ),
]
Format = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        show_default="by the ending, or the first bytes",
        help="Format of DATA: csv, tsv, json, jsonl, parquet, excel, arrow or sqlite.",
    ),
]
Encoding = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        show_default="UTF-8, or by the byte order mark",
        help="Encoding of a text file, such as cp1252, latin-1 or utf-16.",
    ),
]
Sheet = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        show_default="the first",
        help="Sheet of a workbook, by its name or number.",
    ),
]
TableName = Annotated[
    str | None,
    typer.Option(metavar="NAME", show_default="the only one", help="Table of an SQLite database."),
]
Header = Annotated[
    bool | None,
    typer.Option(
        "--header/--no-header",
        show_default="found in the file",
        help="Whether the first line of a CSV file or sheet has the column names. Without names, "
        "the columns are column1, column2, ….",
    ),
]
Query = Annotated[
    str | None,
    typer.Option(
        metavar="SQL",
        show_default=False,
        help="SELECT statement (DuckDB SQL) that returns the rows; DATA is the table `data` in it.",
    ),
]
L2 = Annotated[
    float,
    typer.Option(
        "--l2",
        help="λ of the L2 penalty λ/2 (‖W1‖² + ‖W2‖²), which is added to the loss. This is not "
        "the decoupled weight decay of AdamW.",
    ),
]
EngineName = Annotated[
    str, typer.Option("--engine", help="auto, fused (compiled), reference (NumPy) or torch.")
]
Device = Annotated[
    str | None,
    typer.Option(show_default=False, help="Device of the torch engine: cpu, cuda, cuda:1."),
]
Threads = Annotated[
    int | None,
    typer.Option(show_default=False, help="Maximum number of threads (small steps use one)."),
]
Precision = Annotated[
    str,
    typer.Option(
        "--precision",
        help="Numbers that training multiplies: auto (the parameters' dtype), or bf16 "
        "(rounded to bfloat16): faster on a CPU with instructions for it, slower on others.",
    ),
]
Memory = Annotated[
    str | None,
    typer.Option(
        metavar="SIZE",
        show_default="half of the free memory",
        help="Memory to use, such as 512MB or 2GB; what does not fit is stored on disk.",
    ),
]
CacheDir = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        show_default="the system's temporary folder",
        help="Folder for data that does not fit in memory.",
    ),
]
Hints = Annotated[
    int,
    typer.Option(
        metavar="0|1|2",
        help="What is reported of a fault: 0, the equation; 1, also a question to ask oneself; "
        "2, the line and the fix.",
    ),
]
ReportFile = Annotated[
    Path | None,
    typer.Option(
        "--report",
        metavar="FILE.html",
        show_default=False,
        help="Also write a page for a browser: figures, charts, what matters, the worst errors.",
    ),
]
Strict = Annotated[
    bool,
    typer.Option(
        "--strict",
        help="Fail if the rows are different from those of training: categories never seen, "
        "missing values in columns that had none, numbers far away.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, one object per line.")]
AllClasses = Annotated[
    bool,
    typer.Option("--all-classes", help="Show all classes, however many, not the worst only."),
]
ExplainWords = Annotated[
    bool, typer.Option("--explain-words", help="Explain the terms of the report at its end.")
]
