"""The diagnosis of each wrong function: its faults, or what `judged.json` records instead."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from corpus.registry import Case

FILE = Path(__file__).with_name("judged.json")
"""The diagnoses that are not the ids of the faults, and whether each is exact all the same."""


class Judgement(NamedTuple):
    """A diagnosis on record.

    Attributes
    ----------
    found : list of str
        The ids of all findings, in alphabetical order.
    exact : bool or None
        Whether the doctor names the very fault that the author describes, in the same equation. A
        person decides it, reading both; None where nobody has yet.
    """

    found: list[str]
    exact: bool | None


Record = dict[str, Judgement]
"""The judgements by the names of the cases."""


def read() -> Record:
    return {name: Judgement(**one) for name, one in json.loads(FILE.read_text()).items()}


def write(record: Record) -> None:
    entries = {name: one._asdict() for name, one in sorted(record.items())}
    FILE.write_text(json.dumps(entries, indent=1) + "\n")


def judgement(case: Case, record: Record) -> Judgement:
    """The record of a case; a diagnosis that is its faults' ids is exact."""
    return record.get(case.name) or Judgement(sorted(case.faults), exact=True)


def equations(ids: Iterable[str]) -> set[str]:
    """The equations of some ids; `call` is that of what is wrong with a function as a whole."""
    return {one.partition(".")[0] for one in ids}
