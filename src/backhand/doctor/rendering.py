"""The report as people read it."""

from __future__ import annotations


def as_text(r):
    return f"{r.ok} {r.findings} {r.remarks} {r.ruled_out} {r.verdicts}"
