"""The doctor: which equation of a hand-written backward pass is wrong, and what was written."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from backhand.doctor.diagnosis import assert_gradients, check
    from backhand.doctor.report.report import Finding, Report, Verdict

__all__ = ["Finding", "Report", "Verdict", "assert_gradients", "check"]


def __getattr__(name: str) -> Any:
    # Imported when used: `process` is to start a process before NumPy is loaded here.
    if name not in __all__:
        raise AttributeError(f"module 'backhand.doctor' has no attribute '{name}'")
    home = "diagnosis" if name in ("assert_gradients", "check") else "report.report"
    return getattr(import_module(f"backhand.doctor.{home}"), name)
