"""What the doctor found: a verdict for each value, and findings for each mistake."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Finding:
    """One mistake.

    Attributes
    ----------
    equation : str
        One of Z1, H1, S, P, L, dS, dW2, db2, dH1, dZ1, dW1, db1, update; or "call" for what is
        wrong with the function as a whole.
    mistake : str
        One sentence: what was written instead.
    certain : bool
        Whether it gives the function's numbers, to rounding, on every problem; or was seen as such.
    suggestion : str
        What to change.
    id : str
        Which mistake it is, whatever its words: `dZ1.mask.sign_of_dH1` of the fault dictionary,
        `dZ1.unknown`, `call.raises`.
    written, right : str
        The line as it seems to have been written, and as it should be; empty where unknown.
    problems : int
        On how many different problems it was confirmed.
    where : tuple of str
        Lines of the function's source that, by their names, make the value: "19: dZ1 = …".
    others : tuple of str
        Other mistakes that would give the same numbers.
    """

    equation: str
    mistake: str
    certain: bool
    suggestion: str
    id: str = ""
    written: str = ""
    right: str = ""
    problems: int = 0
    where: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """Whether one returned value is right, judged by the equations.

    Attributes
    ----------
    name : str
    ok : bool
    error : float
        ‖difference‖ / ‖right value‖, the largest of all problems; infinite for a wrong shape.
    inherited : bool
        Wrong only because what it is computed from is.
    expected_shape, shape : tuple of int
        On the problem with the largest error, as the two numbers of its worst entry.
    worst : tuple of int, optional
    expected, got : float, optional
    autograd, differences : bool, optional
        What the other witnesses say, where they were asked: autograd, and central differences of
        the loss that the function returns.
    """

    name: str
    ok: bool
    error: float
    inherited: bool
    expected_shape: tuple[int, ...]
    shape: tuple[int, ...]
    worst: tuple[int, ...] | None = None
    expected: float | None = None
    got: float | None = None
    autograd: bool | None = None
    differences: bool | None = None


@dataclass(frozen=True, repr=False)
class Report:
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

    ok: bool
    findings: list[Finding]
    verdicts: list[Verdict]
    remarks: list[str] = field(default_factory=list)
    ruled_out: list[str] = field(default_factory=list)
    function: str = ""
    arrays: str = ""
    problems: int = 0
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """The report as JSON values; an infinite error is null."""
        values = asdict(self)
        for verdict in values["verdicts"]:
            if verdict["error"] == float("inf"):
                verdict["error"] = None
            for key in ("expected", "got"):
                number = verdict[key]
                if number is not None and number - number != 0:  # infinite or nan
                    verdict[key] = str(number)
        return values

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
