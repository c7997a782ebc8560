"""Fill the tables of docs/performance.md with the figures of the benchmarks.

    PYTHONPATH=src python docs/performance/fill.py [FOLDER]

FOLDER has the JSON files that the benchmarks wrote, such as build/ after `make bench`. Those that
the document uses are copied to docs/performance/figures/, rounded to five digits; without a folder,
the tables are made of what is there. A table whose figures are missing stays as it is.

README and docs/precision.md have tables of the same figures, which are filled too.

A table is between `<!-- NAME -->` and `<!-- end of NAME -->`; its function is in page_tables.py or
page_goals.py.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import page_goals
import page_tables

HERE = Path(__file__).parent
Tables = Mapping[str, Callable[[dict[str, Any]], str]]
FIGURES = HERE / "figures"
FILES = (
    "steps", "steps-two", "steps-bf16", "bf16", "parts", "parts-bf16", "precision", "predictions",
    "small_calls", "predict_command", "scaling", "jobs", "gpu",
)  # fmt: skip
"""Names of the files that are used; figures/avx2.json is what an earlier machine gave."""
PAGES = {
    HERE.parent / "performance.md": page_tables.TABLES | page_goals.TABLES,
    HERE.parent / "precision.md": page_tables.PRECISION_TABLES,
    HERE.parent.parent / "README.md": page_tables.README_TABLES,
}
"""The documents, and their tables by name."""


def rounded(values: Any) -> Any:
    """The same values, numbers with five digits."""
    if isinstance(values, float):
        return float(f"{values:.5g}")
    if isinstance(values, list):
        return [rounded(value) for value in values]
    if isinstance(values, dict):
        return {name: rounded(value) for name, value in values.items()}
    return values


def copy_figures(folder: Path) -> None:
    """Keep the figures that a folder has."""
    for name in FILES:
        if (path := folder / f"{name}.json").exists():
            values = rounded(json.loads(path.read_text(encoding="utf-8")))
            text = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
            (FIGURES / path.name).write_text(text + "\n", encoding="utf-8")


def read_figures() -> dict[str, Any]:
    """All figures that are kept, by the name of their file."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8"))
            for path in sorted(FIGURES.glob("*.json"))}  # fmt: skip


def filled(page: str, tables: Tables, figures: dict[str, Any]) -> tuple[str, list[str]]:
    """The page with its tables, and the names of those whose figures are missing."""
    missing = []
    for name, make in tables.items():
        begin, end = f"<!-- {name} -->\n", f"\n<!-- end of {name} -->"
        before, _, rest = page.partition(begin)
        _, found, after = rest.partition(end)
        if not found:
            raise SystemExit(f"The document has no {begin.strip()} … {end.strip()}.")
        try:
            page = f"{before}{begin}\n{make(figures)}\n{end}{after}"
        except KeyError as error:
            missing.append(f"{name}: no {error}")
    return page, missing


def main() -> None:
    if len(sys.argv) > 1:
        copy_figures(Path(sys.argv[1]))
    figures = read_figures()
    for page, tables in PAGES.items():
        text, missing = filled(page.read_text(encoding="utf-8"), tables, figures)
        page.write_text(text, encoding="utf-8")
        for table in missing:
            print(f"{page.name}, not filled: {table}")


if __name__ == "__main__":
    main()
