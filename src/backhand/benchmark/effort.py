"""How much time a measurement may take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Effort:
    """Repeats of each contender, seconds and steps that each has to have at least.

    Without `slow_starts`, contenders that compile for seconds are left out.
    """

    repeats: int
    seconds: float
    least_steps: int
    slow_starts: bool = True


EFFORTS = {
    "quick": Effort(repeats=3, seconds=0.1, least_steps=1, slow_starts=False),
    "normal": Effort(repeats=5, seconds=0.1, least_steps=5),
    "thorough": Effort(repeats=7, seconds=0.2, least_steps=10),
}
"""To see that it works, for a look, and for figures that are written down."""
