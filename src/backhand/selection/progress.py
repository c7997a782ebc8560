"""How far a selection is, as it is reported while it runs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class MemberProgress:
    """A member that is being trained.

    Attributes
    ----------
    fold, penalty : int
        The numbers of its fold and of its λ, from 1; fold 0 if it learns from all rows.
    l2 : float
        λ.
    epoch, epochs : int
        Epochs done, and the most that there can be.
    """

    fold: int
    penalty: int
    l2: float
    epoch: int
    epochs: int


@dataclass(frozen=True)
class SearchProgress:
    """How far a selection is.

    Attributes
    ----------
    done, members : int
        Members that are done or not needed, since their penalty was given up; and all of them, with
        those that learn from all rows.
    folds, penalties : int
        How many there are.
    under_way : tuple of MemberProgress
    seconds : float
        Wall time since the selection began.
    searching : bool
        Whether networks of the search are trained, and not those that learn from all rows.
    """

    done: int
    members: int
    folds: int
    penalties: int
    under_way: tuple[MemberProgress, ...]
    seconds: float
    searching: bool = True
