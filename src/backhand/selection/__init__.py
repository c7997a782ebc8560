"""Selection: penalty, epochs and temperature are chosen on inner folds, and one net is made."""

from __future__ import annotations

from backhand.selection.calibration import Calibration
from backhand.selection.chosen import Chosen, Encodings, Trial
from backhand.selection.folds import FOLDS, InnerFolds, folds_for
from backhand.selection.out_of_fold import OutOfFold
from backhand.selection.progress import MemberProgress, SearchProgress
from backhand.selection.recipe import MEMBERS, PATIENCE, PENALTIES, Recipe
from backhand.selection.selection import Selection, select

__all__ = [
    "FOLDS",
    "MEMBERS",
    "PATIENCE",
    "PENALTIES",
    "Calibration",
    "Chosen",
    "Encodings",
    "InnerFolds",
    "MemberProgress",
    "OutOfFold",
    "Recipe",
    "SearchProgress",
    "Selection",
    "Trial",
    "folds_for",
    "select",
]
