"""The report: what was found, and how it shows itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from backhand.doctor.report.contents import Contents, Finding, Verdict

__all__ = ["Finding", "Report", "Verdict"]


@dataclass(frozen=True, repr=False)
class Report(Contents):
    """The doctor's report; it prints itself, also in notebooks.

    Attributes
    ----------
    ok : bool
        Whether all is right.
    findings : list of Finding
        The most certain first.
    verdicts : list of Verdict
        Of each value that the function returned, in the order of the derivation.
    remarks : list of str
        What is worth knowing, and not wrong.
    ruled_out : list of str
        What the evidence speaks against, where no mistake was found that fits.
    function : str
    arrays : str
        What it was called with.
    problems : int
        How many different problems it was tried on.
    seconds : float
    """

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Report:
        """The report that `to_json` gave these values of."""
        verdicts = []
        for verdict in values["verdicts"]:
            error, numbers = verdict["error"], (verdict["expected"], verdict["got"])
            expected, got = (None if number is None else float(number) for number in numbers)
            verdicts.append(Verdict(**{
                **_tuples(verdict), "error": float("inf") if error is None else error,
                "expected": expected, "got": got,
            }))  # fmt: skip
        findings = [Finding(**_tuples(finding)) for finding in values["findings"]]
        return cls(**{**values, "findings": findings, "verdicts": verdicts})

    def __repr__(self) -> str:
        name, on = self.function or "function", f"{self.problems} problems"
        if self.ok:
            return f"Report on {name}: ok on {on}"
        ids = ", ".join(finding.id for finding in self.findings)
        return f"Report on {name}: {ids} (on {on})"

    def __str__(self) -> str:
        from backhand.doctor.report.render import as_text

        return as_text(self)

    def __rich__(self) -> Any:
        from backhand.doctor.report.render import rendered

        return rendered(self)

    def _repr_html_(self) -> str:
        from backhand.doctor.report.render import as_html

        return as_html(self)


def _tuples(values: dict[str, Any]) -> dict[str, Any]:
    """The same, with tuples where JSON has lists."""
    return {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
