"""Which rows are trained on, watched by early stopping and held out, as the settings say."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from backhand.errors import InputError
from backhand.option_names import named
from backhand.selection import FOLDS, InnerFolds, folds_for
from backhand.stratified import NONE, Seed, folds, held_out
from backhand.table_settings import LARGE, LARGE_FOLD, Settings
from backhand.tables.group_split import count_groups, group_codes, parts_of_groups
from backhand.tables.schema.choices import ColumnChoices
from backhand.tables.schema.notes import Note, dropped
from backhand.tables.schema.schema import Schema
from backhand.tables.schema.targets import Target
from backhand.tables.table import Table
from backhand.tables.time_split import TimeColumn, time_column

Mask = NDArray[np.bool_]


class Split(NamedTuple):
    """Which rows, (N,) each, are for what; `how` tells in a few words how they were chosen."""

    training: Mask
    stopping: Mask
    held_out: Mask
    how: str = ""


@dataclass(frozen=True)
class Splitter:
    """Divides the rows that have a class: by group, by time, or at random.

    `splitter_of` makes one. `codes` are those of `group_codes`.
    """

    table: Table
    target: Target
    settings: Settings
    missing: tuple[str, ...]
    codes: NDArray[np.int32] | None = None
    time: TimeColumn | None = None

    def split(self) -> Split:
        """Return the training rows and the held-out rows; with `cv`, none are held out."""
        labelled, share = self.target.y >= 0, self.settings.held_out_share
        if not share:
            return self._with_stopping(labelled, np.zeros_like(labelled), "")
        return self._with_stopping(*self._divided(labelled, share, self.settings.seed))

    def folds(self) -> Iterator[Split]:
        """Return a split for each fold of `cv`."""
        count, y, seed = self.settings.cv or 0, self.target.y, self.settings.seed
        if self.time is not None:  # each block but the first is held out once
            blocks = self.time.parts(self.time.cuts(y >= 0, (1.0,) * (count + 1)))
            blocks[y < 0] = NONE
            for block in range(1, count + 1):
                yield self._with_stopping(blocks < block, blocks == block, "")
            return
        if self.codes is None:
            parts = folds(y, count, seed)
        else:
            alone = folds(np.where(self.codes < 0, y, -1), count, seed)
            parts = np.minimum(parts_of_groups(self.codes, y, (1 / count,) * count, seed), alone)
        for part in range(count):
            yield self._with_stopping((parts != part) & (parts != NONE), parts == part, "")

    def inner_folds(self, training: Mask, features: int) -> InnerFolds:
        """Divide the training rows for a search: by group, in time, or each class evenly.

        There are fewer folds where the rows have too few groups or moments for all, and a single
        one, of fewer rows, if they are so many that each network takes long.
        """
        y, rng = self.target.y[training], np.random.default_rng([self.settings.seed, 2])
        if len(y) * (features + len(self.target.classes)) > LARGE:
            _, out, _ = self._divided(training, LARGE_FOLD, rng)
            return InnerFolds(np.where(out[training], np.uint8(0), np.uint8(NONE)))
        if self.time is not None:
            return InnerFolds(self._blocks(self.time, training)[training], forward=True)
        if self.codes is None:
            return InnerFolds(folds_for(y, rng))
        codes = self.codes[training]
        alone = folds_for(np.where(codes < 0, y, -1), rng)
        groups = int(np.count_nonzero(np.bincount(codes[codes >= 0])))
        if not groups:
            return InnerFolds(alone)
        count = min(FOLDS, groups)
        return InnerFolds(np.minimum(parts_of_groups(codes, y, (1 / count,) * count, rng), alone))

    def _blocks(self, time: TimeColumn, training: Mask) -> NDArray[np.uint8]:
        """The block in time of each row, (N,): one more block than folds, since none precedes it.

        Rows without a moment are in none.
        """
        for count in range(FOLDS + 1, 1, -1):
            with suppress(InputError):  # too few different values for so many
                return time.parts(time.cuts(training, (1.0,) * count))
        return np.full(len(training), NONE, np.uint8)

    def notes(self, schema: Schema) -> list[Note]:
        """Return what is to be told of the columns that divide the rows."""
        settings, labelled, notes = self.settings, self.target.y >= 0, list[Note]()
        if settings.group is not None and self.codes is not None:
            notes.append(dropped(settings.group, "names the groups, and is not a feature"))
            if missing := int((labelled & (self.codes < 0)).sum()):
                what = f"is missing in {missing:,} rows, each of which is a group of its own"
                notes.append(Note(settings.group, "missing", what))
        if self.time is not None:
            name, unordered = self.time.name, labelled & (self.time.parts([]) == NONE)
            if missing := int(unordered.sum()):
                where = "" if settings.cv is None else " of a fold"
                what = f"is missing in {missing:,} rows, which are on neither side{where}"
                notes.append(Note(name, "missing", what))
            if any(column.name == name for column in schema.columns):
                what = "is a feature, although all its held-out values are later than in training"
                notes.append(Note(name, "time", what, f"--drop '{name}' leaves it out"))
        return notes

    def _with_stopping(self, training: Mask, out: Mask, how: str) -> Split:
        """Take the rows that early stopping watches from the training rows."""
        if not self.settings.stopping_share:
            return Split(training, np.zeros_like(training), out, how)
        rng = np.random.default_rng([self.settings.seed, 1])
        kept, stopping, _ = self._divided(training, self.settings.stopping_share, rng)
        if not stopping.any():
            raise InputError(
                f"early stopping watches {100 * self.settings.stopping_share:.0f} % of the "
                f"training rows, and there are only {int(training.sum()):,}; raise "
                f"{named('validation_fraction')}."
            )
        return Split(kept, stopping, out, how)

    def _divided(self, among: Mask, share: float, seed: Seed) -> tuple[Mask, Mask, str]:
        """Divide some rows: those that stay, the share that is taken out, and how."""
        y = np.where(among, self.target.y, -1)
        if self.time is not None:
            cuts = self.time.cuts(among, (1 - share, share))
            parts = self.time.parts(cuts)
            how = f"{self.time.name} from {self.time.spelled(cuts[0])} on"
            return among & (parts == 0), among & (parts == 1), how
        if self.codes is None:
            out = held_out(y, share, seed)
            return among & ~out, out, ""
        out = parts_of_groups(self.codes, y, (1 - share, share), seed) == 1
        out |= held_out(np.where(self.codes < 0, y, -1), share, seed)
        group = str(self.settings.group)
        groups = [count_groups(self.table, group, self.missing, some) for some in (among, out)]
        return among & ~out, out, f"{groups[1]:,} of {groups[0]:,} groups of {group}"


def splitter_of(
    table: Table, target: Target, settings: Settings, choices: ColumnChoices
) -> Splitter:
    """Return what divides the rows of a table as the settings say.

    Raises
    ------
    InputError
        If a column that divides the rows does not exist, is the target, or cannot be used.
    """
    missing = Schema(target.name, (), choices.missing).missing
    group, time = settings.group, settings.time
    for option, name in (("group", group), ("time", time)):
        if name == target.name:
            raise InputError(f"{named(option)} names the target '{name}'; expected another column.")
    for what, names in (("kept", choices.keep), ("numeric", choices.numeric),
                        ("categorical", choices.categorical)):  # fmt: skip
        if group in names:
            raise InputError(f"column '{group}' names the groups, so that it cannot be {what}.")
    codes = None if group is None else group_codes(table, group, missing)
    ordered = None if time is None else time_column(table, time, target, choices)
    return Splitter(table, target, settings, missing, codes, ordered)
