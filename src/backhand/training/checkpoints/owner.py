"""`Owner`: what a folder has checkpoints of, as messages say it, and how much was restored."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from backhand.support.logs import Log

LOG = Log(__name__)

Kind = Literal["training run", "fleet", "search"]
"""What a folder has checkpoints of. A search has a folder of its own for each of its fleets."""


class Owner:
    """The training run, fleet or search that a folder belongs to.

    Parameters
    ----------
    folder : path
        As the user named it.
    kind : Kind
    notify : callable, optional
        Called once with a sentence on how much was restored, or that there was nothing to resume.
    resume : bool
        Whether to resume.
    """

    def __init__(
        self, folder: Path, kind: Kind, notify: Callable[[str], None] | None, *, resume: bool
    ) -> None:
        self.folder, self.kind, self._notify, self._resume = folder, kind, notify, resume
        self._restored, self._told = "", False

    def note(self, counted: str, *, restored: bool) -> None:
        """Keep how much is done, such as "2 of 20 networks", if any was restored until now."""
        if restored or self._restored:
            self._restored = counted

    def tell(self) -> None:
        """Say how much was restored: once, when the first part begins that is not over."""
        if self._told or not self._resume:
            return
        self._told = True
        sentence = f"{self.folder} has no checkpoint to resume: the {self.kind} begins."
        if self._restored:
            sentence = f"resumed from {self.folder}: {self._restored} were done."
        if self._notify is None:
            LOG.info("%s", sentence)
        else:
            self._notify(sentence)
