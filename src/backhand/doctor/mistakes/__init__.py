"""The dictionary of mistakes: what people write in place of an equation."""

from __future__ import annotations

from backhand.doctor.mistakes.dictionary import dictionary
from backhand.doctor.mistakes.mistake import Mistake
from backhand.doctor.mistakes.several import CONVENTIONS

__all__ = ["CONVENTIONS", "Mistake", "dictionary"]
