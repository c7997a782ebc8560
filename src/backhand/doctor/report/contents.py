"""What a report contains: a verdict for each value, and a finding for each mistake."""

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
class Contents:
    """What a report contains; see `Report`."""

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
