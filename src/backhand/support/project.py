"""The addresses of the project, for messages; those of `pyproject.toml`, which a test compares."""

from __future__ import annotations

SOURCE = "https://github.com/backhand-mlp/backhand"
DOCUMENTATION = "https://backhand-mlp.github.io/backhand/"
ISSUES = f"{SOURCE}/issues"

REPORT_WITH_MODEL = f"Please report this at {ISSUES}, with the model file."
"""The last sentence of a message about an export that is not the model."""


def page(name: str) -> str:
    """Return the address of a page of the documentation: `page("doctor")` is docs/doctor.md."""
    return f"{DOCUMENTATION}{name}.html"
