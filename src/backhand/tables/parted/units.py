"""What cannot be cut of a table's files: row groups of Parquet files, and other files as wholes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple


class Unit(NamedTuple):
    """A row group of a Parquet file, or a file of another format.

    Attributes
    ----------
    path : str
        The file.
    size : int
        Its rows, or the bytes of a file whose rows are not counted.
    rows : (int, int) or None
        The first row of the row group in its file, and the one behind its last; None: all.
    """

    path: str
    size: int
    rows: tuple[int, int] | None = None


def runs_of(
    units: Sequence[Unit], count: int, machines: Sequence[frozenset[str]]
) -> list[list[Unit]]:
    """Cut units into runs of neighbours of about the same size, each of which one machine can read.

    Sizes alone decide where, apart from files that are not on all machines: where none has both of
    two neighbours, there is a cut, too.

    Parameters
    ----------
    units : sequence of Unit
        In the order of the table's rows.
    count : int
        The number of runs. There are fewer if some units are much larger than others, and more if
        files are on some machines only.
    machines : sequence of frozenset of str
        Where each unit is.

    Examples
    --------
    >>> units = [Unit("a", 5), Unit("b", 1), Unit("c", 1), Unit("d", 5)]
    >>> [[unit.path for unit in run] for run in runs_of(units, 3, [frozenset({"m"})] * 4)]
    [['a'], ['b', 'c'], ['d']]
    """
    runs: list[list[Unit]] = []
    number, common = -1, frozenset[str]()
    for unit, run, here in zip(units, _even(units, count), machines, strict=True):
        if run != number or not common & here:
            runs.append([])
            number, common = run, here
        runs[-1].append(unit)
        common &= here
    return runs


def _even(units: Sequence[Unit], count: int) -> Iterator[int]:
    """Yield the run of each unit: in which of `count` equal stretches of the rows its middle is."""
    total, before = sum(unit.size for unit in units) or 1, 0
    for unit in units:
        yield (2 * before + unit.size) * count // (2 * total)
        before += unit.size
