"""The dictionary of mistakes: what people write in place of an equation."""

from __future__ import annotations

from backhand.doctor.faults.dictionary import dictionary
from backhand.doctor.faults.families import CONVENTIONS
from backhand.doctor.faults.fault import Mistake

__all__ = ["CONVENTIONS", "Mistake", "dictionary"]
