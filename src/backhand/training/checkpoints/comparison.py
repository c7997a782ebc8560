"""Whether a checkpoint belongs to this training: its settings, its data, and what made it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from backhand.errors import InputError, warn
from backhand.option_names import given
from backhand.training.checkpoints.owner import Owner

UNRECORDED = {"precision": "auto"}
"""Settings that a checkpoint has only where they are something else."""


def check_same(
    owner: Owner,
    then: Mapping[str, Any],
    now: Mapping[str, Any],
    member: int | None = None,
    *,
    made_by: Mapping[str, Any],
) -> None:
    """Check that a checkpoint has the `settings` and `data` of this training.

    Parameters
    ----------
    owner : Owner
        What it is a checkpoint of, for the message.
    then, now : mapping
        What is in it, and what it must be.
    member : int, optional
        The number of the member, if it is a fleet's.
    made_by : mapping
        What made the checkpoint, for the message.

    Raises
    ------
    InputError
        If one is different; the message has its name and both values.
    """
    _check_parts(owner, *(found["data"].get("parts") for found in (then, now)))
    whose = f"of member {member}, " if owner.kind == "fleet" else ""
    for what in ("data", "settings"):  # the start may follow from the data
        for name in [*now[what], *(name for name in then[what] if name not in now[what])]:
            before, after = (found[what].get(name, UNRECORDED.get(name)) for found in (then, now))
            if before != after:
                difference = _difference(name[:60], before, after)
                raise InputError(
                    f"{owner.folder} belongs to a {owner.kind} with other {what}: {whose}"
                    f"{difference}. Resume with the same {what}, or use another folder."
                    f"{_other_version(made_by)}"
                )


def _other_version(made_by: Mapping[str, Any]) -> str:
    """A further sentence, if another version saved the checkpoint."""
    then, now = made_by.get("Backhand"), version("backhand")
    if then == now or not isinstance(then, str):
        return ""
    return (
        f" Backhand {then[:40]} saved it, and {now} is installed; another version may encode a "
        "table, or choose a setting, differently: then that one resumes it."
    )


def _check_parts(owner: Owner, then: int | None, now: int | None) -> None:
    """Check that the sums over rows are added in the same order: by the same parts, or none."""
    if then == now:
        return
    if now is None:
        remedy = f"Resume with workers: {given('workers', 1)} is enough."
    elif then is None:
        remedy = "Resume without workers."
    else:
        remedy = "Resume with the same files."
    before, after = (f"by workers, in {n} parts" if n else "without workers" for n in (then, now))
    raise InputError(
        f"{owner.folder} belongs to a {owner.kind} whose rows were summed up {before}, and here "
        f"they are summed up {after}. {remedy}"
    )


def warn_of_other_maker(folder: Path, then: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Warn if a checkpoint was made by another version, or on another CPU."""
    others = [name for name in now if then.get(name) != now[name]]
    if others:
        differences = "; ".join(_difference(name, then.get(name), now[name]) for name in others)
        warn(
            f"{folder} was made by other means: {differences}. Training resumes; its last digits "
            "may differ from those of an uninterrupted one."
        )  # fmt: skip


def _difference(name: str, then: Any, now: Any) -> str:
    texts = [json.dumps(value, ensure_ascii=False)[:60] for value in (then, now)]
    if all(re.fullmatch('"[0-9a-f]{32}"', text) for text in texts):
        return f"the numbers of {name} have changed"
    return f"{name}: {texts[0]} then, {texts[1]} now"
