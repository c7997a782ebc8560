"""What a report contains: a finding for each fault, a verdict for each returned value."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from backhand.doctor.frame.frame import Frame

Outcome = Literal["correct", "wrong", "not judged"]


@dataclass(frozen=True, repr=False)
class Finding:
    """One fault of the function that was checked.

    Attributes
    ----------
    equation : str
        One of Z1, H1, S, P, L, dS, dW2, db2, dH1, dZ1, dW1, db1, update; or "call" for what is
        wrong with the function as a whole.
    mistake : str
        One sentence: what the code does instead.
    certain : bool
        Whether it gives the function's numbers, up to rounding error, on every problem; or was
        observed directly.
    suggestion : str
        What to change.
    id : str
        Stable name of the fault: `dZ1.mask.sign_of_dH1` of the fault dictionary, `dZ1.unknown`,
        `call.raises`.
    written, right : str
        The line that the code seems to compute, and the expected one; empty if unknown.
    problems : int
        Number of different problems that confirmed it.
    where : tuple of str
        Lines of the function's source that, judging by the names, compute the value:
        "19: dZ1 = …".
    others : tuple of str
        Lines of other equations that would give the same numbers.

    Examples
    --------
    >>> import backhand
    >>> (finding, *_) = backhand.check(lambda X: None).findings
    >>> finding
    Finding('call.returns_nothing', 'It returns nothing.')
    >>> finding.equation, finding.certain
    ('call', True)
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

    def __repr__(self) -> str:
        return f"Finding({self.id!r}, {self.mistake!r})"


@dataclass(frozen=True)
class Verdict:
    """Whether one returned value is correct, compared with the equations.

    Attributes
    ----------
    name : str
        The value: Z1, H1, S, P, L, dS, dW2, db2, dH1, dZ1, dW1 or db1.
    ok : bool
        Whether it is correct.
    error : float
        ‖difference‖ / ‖expected value‖, the largest of all problems; infinite for a wrong shape.
    inherited : bool
        Correct given its inputs, which are wrong.
    expected_shape, shape : tuple of int
        On the problem with the largest error.
    worst : tuple of int, optional
        Indices of the entry that is furthest off on that problem.
    expected, got : float, optional
        The two numbers of that entry.
    convention : bool
        Correct by another convention than the equations'; the error is that after the convention
        has been taken into account.
    autograd, differences : bool, optional
        Whether the other oracles agree, None if not consulted: autograd, and central finite
        differences of the loss that the function returns.

    Examples
    --------
    >>> import backhand
    >>> def backward(X, Y, W1, b1, W2, b2):
    ...     acts = backhand.forward(backhand.Parameters(W1, b1, W2, b2), X)
    ...     dS = acts.P - Y  # forgets 1/N
    ...     return {"dS": dS, "dW2": acts.H1.T @ dS}
    >>> for verdict in backhand.check(backward).verdicts:
    ...     print(verdict.name, verdict.ok, verdict.inherited)
    dS False False
    dW2 False True
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
    convention: bool = False
    autograd: bool | None = None
    differences: bool | None = None


@dataclass(frozen=True, repr=False)
class Contents:
    """What a report contains; see `Report`."""

    outcome: Outcome
    findings: list[Finding]
    verdicts: list[Verdict]
    remarks: list[str] = field(default_factory=list)
    ruled_out: list[str] = field(default_factory=list)
    frame: Frame | None = None
    function: str = ""
    arrays: str = ""
    problems: int = 0
    seconds: float = 0.0
    cleared: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether everything is correct."""
        return self.outcome == "correct"

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON values; an infinite error is null.

        Returns
        -------
        dict
            Its keys are the attributes; `json.dumps` takes it.

        Examples
        --------
        >>> import backhand
        >>> values = backhand.check(lambda X: None).to_json()
        >>> values["outcome"], values["findings"][0]["id"]
        ('wrong', 'call.returns_nothing')
        """
        values = {"outcome": self.outcome, "ok": self.ok, **asdict(self)}
        values["frame"] = self.frame and self.frame.to_json()
        for verdict in values["verdicts"]:
            if verdict["error"] == float("inf"):
                verdict["error"] = None
            for key in ("expected", "got"):
                number = verdict[key]
                if number is not None and number - number != 0:  # infinite or nan
                    verdict[key] = str(number)
        return values
