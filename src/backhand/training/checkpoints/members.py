"""A fleet's checkpoint files: the states of some members as tensors and a JSON header.

There are two kinds. A file of results is written once and stays. A file of members under way is
superseded by the next one. A member's tensors have its number before their names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from numpy.typing import NDArray

from backhand.errors import InputError, listed
from backhand.support.atomic_files import replacing
from backhand.support.safetensors_io import (
    Entry,
    NewerFormatError,
    read_tensors,
    write_tensors,
)
from backhand.training.checkpoints.file_format import (
    HEADER,
    DamagedError,
    checksum,
    to_tensors,
)
from backhand.training.state import TrainState

FORMAT = 1
"""Version of the header's layout."""

RESULTS, UNDER_WAY = "results", "under-way"
"""What a file's name begins with."""

NAME = re.compile(rf"({RESULTS}|{UNDER_WAY})-(\d{{8,18}})\.safetensors")

MOST_MEMBERS, MOST_TENSORS = 1000, 32_000
"""Maximum number of members in a file, and of their tensors."""

OF_FILE = {"format": int, "checksum": str, "made_by": dict, "members": dict}
"""The header's names and types."""

OF_MEMBER = {name: kind for name, kind in HEADER.items() if name not in OF_FILE} | {
    "seconds": float
}
"""The names and types of a member's entry in `members`."""


@dataclass(frozen=True)
class Saved:
    """A member as it is saved.

    Attributes
    ----------
    state : TrainState
        With the sampler's state.
    seconds : float
        How long it was trained.
    about : mapping
        Its `settings` and `data`.
    """

    state: TrainState
    seconds: float
    about: Mapping[str, Any]


class Found(NamedTuple):
    """A member as it is read: its tensors by name, and its entry in the header."""

    tensors: dict[str, NDArray[Any]]
    header: dict[str, Any]


def files_in(folder: Path, kind: str | None = None) -> list[Path]:
    """The files of a fleet in a folder, of one kind or of both, oldest first."""
    found = [path for path in folder.iterdir() if NAME.fullmatch(path.name)]
    some = [path for path in found if kind is None or path.name.startswith(f"{kind}-")]
    return sorted(some, key=number_of)


def number_of(path: Path) -> int:
    """The number in a file's name, which grows with each file of the folder."""
    found = NAME.fullmatch(path.name)
    assert found is not None
    return int(found.group(2))


def write(
    folder: Path, kind: str, number: int, members: Mapping[int, Saved], made_by: Mapping[str, str]
) -> Path:
    """Write a file, whole or not at all, and return its path.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    tensors: dict[str, NDArray[Any]] = {}
    entries = {}
    for member, saved in members.items():
        own, header = to_tensors(saved.state)
        tensors |= {f"{member}.{name}": value for name, value in own.items()}
        entries[str(member)] = {**header, **saved.about, "seconds": saved.seconds}
    about = {"format": FORMAT, "made_by": dict(made_by), "members": entries}
    path = folder / f"{kind}-{number:08}.safetensors"
    with replacing(path) as temporary:
        write_tensors(temporary, tensors, about | {"checksum": checksum(tensors, about)})
    return path


def read(path: Path) -> tuple[dict[int, Found], dict[str, Any]]:
    """The members in a file by their numbers, and what it was made by.

    Raises
    ------
    NewerFormatError
        If a later version wrote it in a format of its own.
    DamagedError
        If it is not such a file, or its checksum does not match its content.
    """
    try:
        tensors, header = read_tensors(
            path, expected=_checked, what="checkpoint", newest=FORMAT, links=False,
            most_tensors=MOST_TENSORS,
        )  # fmt: skip
    except NewerFormatError:
        raise
    except InputError as error:
        raise DamagedError(str(error)) from error
    found = header.pop("checksum")
    if checksum(tensors, header) != found:
        raise DamagedError(f"{path} is damaged: its checksum does not match its content.")
    own: dict[str, dict[str, NDArray[Any]]] = {member: {} for member in header["members"]}
    for name, value in tensors.items():
        member, _, rest = name.partition(".")
        own[member][rest] = value
    members = {int(n): Found(own[n], about) for n, about in header["members"].items()}
    return members, header["made_by"]


def _checked(entries: Mapping[str, Entry], header: Any) -> dict[str, Any]:
    """The header, whose members are those of the tensors and have all that a member has."""
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise InputError(f"it is not a fleet's checkpoint of format {FORMAT}")
    _check_entries("header", header, OF_FILE)
    members = header["members"]
    for member, about in members.items():
        if not re.fullmatch("0|[1-9][0-9]{0,17}", member) or not isinstance(about, dict):
            raise InputError("its members are not numbered records")
        _check_entries(f"member {member}", about, OF_MEMBER)
    owners = {name.partition(".")[0] for name in entries}
    if owners - set(members):
        raise InputError(f"it holds tensors of {listed(sorted(owners - set(members)))}")
    return header


def _check_entries(what: str, found: Mapping[str, Any], expected: Mapping[str, type]) -> None:
    if set(found) != set(expected):
        raise InputError(f"its {what} has {listed(found)}; expected {listed(expected)}")
    for name, kind in expected.items():
        if type(found[name]) is not kind and kind is not object:
            raise InputError(f"the {name} of its {what} is not of type {kind.__name__}")
