"""The lesson: seven blanks, one for each gradient, marked by the doctor with hints that grow."""

from backhand.lesson.mark import Mark
from backhand.lesson.marker import Blank, Marker

__all__ = ["Blank", "Mark", "Marker"]
