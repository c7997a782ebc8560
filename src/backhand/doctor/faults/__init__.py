"""The fault dictionary: what is written instead of an equation."""

from __future__ import annotations

from backhand.doctor.faults.conventions import Convention, conventions
from backhand.doctor.faults.dictionary import dictionary
from backhand.doctor.faults.families import WITH_DERIVATIVE
from backhand.doctor.faults.fault import Fault, Kind, Need

__all__ = ["WITH_DERIVATIVE", "Convention", "Fault", "Kind", "Need", "conventions", "dictionary"]
