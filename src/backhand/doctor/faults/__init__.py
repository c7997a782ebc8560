"""The fault dictionary: what is written instead of an equation."""

from __future__ import annotations

from backhand.doctor.faults.conventions import CONVENTIONS, Convention
from backhand.doctor.faults.dictionary import dictionary
from backhand.doctor.faults.fault import Fault, Kind, Need

__all__ = ["CONVENTIONS", "Convention", "Fault", "Kind", "Need", "dictionary"]
