"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ModelFile = Annotated[str, typer.Argument(metavar="MODEL", help="A .safetensors file of `train`.")]
OptionalData = Annotated[
    str | None,
    typer.Argument(
        metavar="DATA",
        show_default=False,
        help="A .csv, .tsv, .json, .jsonl or .parquet file, also .gz, or a quoted glob of such.",
    ),
]
Query = Annotated[
    str | None,
    typer.Option(
        metavar="SQL",
        show_default=False,
        help="A SELECT in DuckDB's SQL that gives the rows; in it, DATA is the table `data`.",
    ),
]
EngineName = Annotated[str, typer.Option("--engine", help="auto, fused, reference or torch.")]
Device = Annotated[
    str | None,
    typer.Option(show_default=False, help="Where the torch engine computes: cpu, cuda, cuda:1."),
]
Threads = Annotated[
    int | None,
    typer.Option(show_default=False, help="At most so many threads; small steps take one."),
]
Memory = Annotated[
    str | None,
    typer.Option(
        metavar="SIZE",
        show_default="half of what is free",
        help="Memory to work with, such as 512MB or 2GB; what does not fit lies on the disk.",
    ),
]
CacheDir = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        show_default="the system's, for temporary files",
        help="Folder for what does not fit in memory.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]
