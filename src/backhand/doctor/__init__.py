"""The doctor: which equation of a hand-written backward pass is wrong, and what was written."""

from __future__ import annotations

from backhand.doctor.diagnosis import assert_gradients, check
from backhand.doctor.report import Finding, Report, Verdict

__all__ = ["Finding", "Report", "Verdict", "assert_gradients", "check"]
