"""What the user states about the columns of a table."""

from __future__ import annotations

from dataclasses import dataclass

from backhand.errors import InputError, did_you_mean, listed
from backhand.option_names import named
from backhand.tables.table import Table


@dataclass(frozen=True)
class ColumnChoices:
    """Names of columns, and how their cells are to be read; what is not stated is found.

    Attributes
    ----------
    drop, keep : tuple of str
        Columns not to use; columns to use that would be dropped, such as identifiers.
    numeric, categorical : tuple of str
        Columns to read as numbers; columns to treat as categories.
    missing : tuple of str, optional
        Texts that mean missing, in the target too. In the features those of `texts.MISSING` do so
        as well, unless the empty text is given here. An empty field always means missing. A cell's
        type makes no difference: -999 is also -999.0.
    decimal : {".", ","}, optional
        The decimal sign of numbers in texts; by default that which the rows of each column show.
    date_order : {"dmy", "mdy"}, optional
        The order of day and month in dates that have the year last.
    """

    drop: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    numeric: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    missing: tuple[str, ...] | None = None
    decimal: str | None = None
    date_order: str | None = None

    def __post_init__(self) -> None:
        for name, allowed in (("decimal", (".", ",")), ("date_order", ("dmy", "mdy"))):
            value = getattr(self, name)
            if value is not None and value not in allowed:
                raise InputError(
                    f"{named(name)} is '{value}'; expected {listed(allowed, conjunction='or')}."
                )

    def check(self, table: Table, target: str) -> None:
        """Check that the named columns exist, and that no two choices for one contradict.

        Raises
        ------
        InputError
            With the first that does not.
        """
        if target in self.drop:
            raise InputError(f"the target '{target}' cannot be dropped.")
        for name in (*self.drop, *self.keep, *self.numeric, *self.categorical):
            _check_column(table, name, target)
        for option, names in (("keep", self.keep), ("numeric", self.numeric)):
            if target in names:
                raise InputError(f"'{target}' is the target; --{option} is for the other columns.")
        for name in self.drop:
            for chosen, what in (
                (self.categorical, "categorical"), (self.numeric, "numeric"), (self.keep, "kept")
            ):  # fmt: skip
                if name in chosen:
                    raise InputError(f"column '{name}' cannot be both dropped and {what}.")
        for name in self.numeric:
            if name in self.categorical:
                raise InputError(f"column '{name}' cannot be both numeric and categorical.")


def _check_column(table: Table, name: str, target: str) -> None:
    """Check that a column is there that one option names."""
    parts = [part.strip() for part in name.split(",")]
    if name not in table.places and len(parts) > 1 and set(parts) <= table.places.keys():
        raise InputError(
            f"{table.source} has no column '{name}', but {listed(parts)}; name each by itself: at "
            "the shell by an option of its own, in Python in a list."
        )
    if name not in table.places:
        others = [other for other in table.names if other != target]
        raise InputError(f"{table.source} has no column '{name}'. {did_you_mean(name, others)}")
