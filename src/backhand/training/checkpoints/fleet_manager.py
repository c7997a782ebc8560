"""`FleetManager`: saves the members of a fleet in a locked folder, and restores them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from backhand.errors import InputError, OutputError, warn
from backhand.support.logs import Log
from backhand.training.checkpoints.comparison import check_same, warn_of_other_maker
from backhand.training.checkpoints.consistency import Consistency
from backhand.training.checkpoints.file_format import DamagedError
from backhand.training.checkpoints.lock import usable
from backhand.training.checkpoints.members import (
    MOST_MEMBERS,
    RESULTS,
    UNDER_WAY,
    Found,
    Saved,
    files_in,
    number_of,
    read,
    write,
)
from backhand.training.checkpoints.owner import Owner

LOG = Log(__name__)


KEPT = 2
"""Number of saves whose members under way are kept."""


class Known(NamedTuple):
    """What a member's saved state has to agree with.

    Attributes
    ----------
    consistency : Consistency
    about : mapping
        The member's `settings` and `data`.
    """

    consistency: Consistency
    about: Mapping[str, Any]


class FleetManager:
    """Saves the members of one fleet in a folder that is locked, and restores them.

    Each save writes what is new: the results since the one before, in files that stay, and the
    members under way, in a file that the next save supersedes.

    Parameters
    ----------
    folder : path
    seconds : float
        Time between two saves.
    made_by : mapping
        Versions and CPU.
    owner : Owner
        The fleet, or the search that it is a part of.
    """

    def __init__(
        self, folder: Path, seconds: float, made_by: Mapping[str, str], owner: Owner
    ) -> None:
        self.folder, self._seconds, self._made_by = folder, seconds, made_by
        self.owner = owner
        self._last = time.monotonic()
        self._number = 0
        self._under_way: list[list[Path]] = []

    @property
    def due(self) -> bool:
        """Whether to save."""
        return time.monotonic() - self._last >= self._seconds

    def save(self, results: Mapping[int, Saved], under_way: Mapping[int, Saved]) -> None:
        """Write the new results and the members under way, and remove what is superseded.

        Raises
        ------
        OutputError
            If a file cannot be written; those before it stay.
        """
        try:
            self._write(RESULTS, results)
            self._under_way.append(self._write(UNDER_WAY, under_way))
        except OutputError as error:
            raise OutputError(
                f"{error} The checkpoints before it are whole: fix that, and resume."
            ) from error
        self._last = time.monotonic()
        LOG.info("%s: saved %d networks that are done and %d under way", self.folder, len(results),
                 len(under_way))  # fmt: skip
        with suppress(OSError):  # what stays now is removed after the next save
            while len(self._under_way) > KEPT or (self._under_way and not under_way):
                for path in self._under_way[0]:
                    path.unlink(missing_ok=True)
                del self._under_way[0]

    def _write(self, kind: str, members: Mapping[int, Saved]) -> list[Path]:
        paths = []
        for some in _pieces(members, MOST_MEMBERS):
            self._number += 1
            paths.append(write(self.folder, kind, self._number, some, self._made_by))
        return paths

    def restore(
        self,
        count: int,
        known: Callable[[int], Known],
        take: Callable[[int, Saved], None],
    ) -> int:
        """Pass on the last saved state of each member that has one, file by file; their number.

        A member that is in a damaged file alone is trained again.

        Parameters
        ----------
        count : int
            Number of members.
        known : callable
            Returns what a member's state has to agree with.
        take : callable
            Called with a member's number and what was saved of it, once for a member. So all states
            need not be in memory at once.

        Raises
        ------
        InputError
            If a file is of other members, settings or data, or if all are damaged.
        """
        with usable(self.folder):
            results, under_way = files_in(self.folder, RESULTS), files_in(self.folder, UNDER_WAY)
        self._number = max(map(number_of, [*results, *under_way]), default=0)
        self._under_way = [[path] for path in under_way]
        restored: set[int] = set()
        damage: list[str] = []
        makers: dict[Path, Any] = {}
        for path in [*results, *reversed(under_way)]:
            try:
                members, makers[path] = read(path)
                for member in members.keys() - restored:
                    found = members[member]
                    saved = self._restored(path, member, found, makers[path], count, known)
                    take(member, saved)
                    restored.add(member)
            except DamagedError as error:
                damage.append(str(error))
        if damage and not restored:
            raise InputError(f"no checkpoint in {self.owner.folder} can be read: {damage[0]}")
        if damage:
            warn(f"{damage[-1]} The members in it resume from an earlier state, or begin again.")
        for made_by in makers.values():
            if made_by != self._made_by:
                warn_of_other_maker(self.owner.folder, made_by, self._made_by)
                break
        return len(restored)

    def _restored(
        self,
        path: Path,
        member: int,
        found: Found,
        made_by: Mapping[str, Any],
        count: int,
        known: Callable[[int], Known],
    ) -> Saved:
        if member >= count:
            many = "networks" if self.owner.kind == "search" else "members"
            raise InputError(
                f"{self.owner.folder} belongs to a {self.owner.kind} with more {many}: it has "
                f"number {member}, counted from 0, and there are {count} now. Resume with the same "
                f"{many}, or use another folder."
            )
        consistency, about = known(member)
        check_same(self.owner, found.header, about, member, made_by=made_by)
        try:
            state = consistency.state(found.tensors, found.header)
        except InputError as error:
            raise DamagedError(
                f"{path} is damaged or was not written by Backhand: in member {member}, "
                f"{str(error).rstrip('.')}."
            ) from error
        return Saved(state, found.header["seconds"], about)


def _pieces(members: Mapping[int, Saved], most: int) -> Iterator[dict[int, Saved]]:
    """Cut members into pieces of at most `most`."""
    rest = iter(members.items())
    while piece := dict(islice(rest, most)):
        yield piece
