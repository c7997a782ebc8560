"""How far two arrays differ, in relation to their norms."""

from __future__ import annotations

from typing import Any

import numpy as np


def relative_difference(a: Any, b: Any) -> float:
    """Compute ‖a - b‖ / max(‖a‖, ‖b‖); 0 where both are zero."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    scale = max(np.linalg.norm(a), np.linalg.norm(b))
    return float(np.linalg.norm(a - b) / scale) if scale else 0.0


def largest_difference(ours: tuple[Any, ...], theirs: tuple[Any, ...]) -> float:
    """Return the largest norm-relative difference over arrays in pairs."""
    return max(relative_difference(a, b) for a, b in zip(ours, theirs, strict=True))
