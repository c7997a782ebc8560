"""The report of a check, and how it is displayed."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from typing import Any

from backhand.doctor.frame.frame import Frame
from backhand.doctor.report.contents import Contents, Finding, Verdict
from backhand.support.visible_text import encodable, printable

__all__ = ["Finding", "Report", "Verdict"]


@dataclass(frozen=True, repr=False)
class Report(Contents):
    """The result of a check.

    `print` it for a page of text; notebooks display it in colour. `html()` is a web page, `svg()` a
    picture, `to_json()` values for other programs.

    Attributes
    ----------
    outcome : {"correct", "wrong", "not judged"}
        "not judged": no value was compared, which need not be a fault of the function: its file
        could not be run, it is not written yet, its parameters were not understood. `backhand
        check` ends with the exit code 0, 1 or 3.
    ok : bool
        Whether the outcome is "correct".
    findings : list of Finding
        The certain ones first.
    verdicts : list of Verdict
        One per returned value, in the order of the derivation.
    remarks : list of str
        Worth knowing, but not wrong.
    ruled_out : list of str
        What the evidence excludes, where no fault of the dictionary fits.
    frame : Frame, optional
        Which network the function computes and how it is called; None if no call gave gradients.
    function : str
        Name of the function.
    arrays : str
        Arrays that the function was called with: "numpy", "torch", "torch float32", "jax".
    problems : int
        Number of different problems.
    seconds : float
        Duration of the check.
    cleared : list of str
        Equations that are correct given their inputs, where the fault of another is unknown.

    See Also
    --------
    check : Returns one.

    Examples
    --------
    >>> import backhand
    >>> report = backhand.check(lambda X: None)
    >>> report
    Report on <lambda>: call.returns_nothing
    >>> report.outcome
    'wrong'
    >>> report.findings[0].suggestion
    'Return a dict with the keys dW1, db1, dW2 and db2, or a tuple in this order.'
    """

    def hinted(self, hints: int) -> Report:
        """Return the report with as much as a learner is to be told.

        Parameters
        ----------
        hints : {0, 1, 2}
            0: which equation is wrong; 1: also the question to ask oneself; 2: the line and the
            fix, which is all of it.

        Returns
        -------
        Report
            A new one, with shorter findings.

        Raises
        ------
        InputError
            If `hints` is none of these.

        Examples
        --------
        >>> import backhand
        >>> def forgets_the_mean(X, Y, W1, b1, W2, b2):
        ...     acts = backhand.forward(backhand.Parameters(W1, b1, W2, b2), X)
        ...     dS = acts.P - Y
        ...     return {"dS": dS, "dW2": acts.H1.T @ dS}
        >>> report = backhand.check(forgets_the_mean)
        >>> report.hinted(0).findings[0]
        Finding('dS', 'dS is wrong.')
        >>> report.hinted(2).findings[0].id
        'dS.scale.no_mean'
        """
        from backhand.doctor.report.hints import check_hints, hinted

        check_hints(hints)
        findings = [hinted(finding, hints) for finding in self.findings]
        told = self.ruled_out if hints == 2 else []
        return replace(self, findings=list(dict.fromkeys(findings)), ruled_out=told)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Report:
        """Rebuild a report from the values of `to_json`.

        Parameters
        ----------
        values : dict
            JSON values, as `to_json` returns them.

        Returns
        -------
        Report
            Equal to the one that was written.

        Examples
        --------
        >>> import backhand
        >>> import json
        >>> report = backhand.check(lambda X: None)
        >>> text = json.dumps(report.to_json())
        >>> backhand.Report.from_json(json.loads(text)) == report
        True
        """
        verdicts = []
        for verdict in values["verdicts"]:
            error, numbers = verdict["error"], (verdict["expected"], verdict["got"])
            expected, got = (None if number is None else float(number) for number in numbers)
            verdicts.append(Verdict(**{
                **_tuples(verdict), "error": float("inf") if error is None else error,
                "expected": expected, "got": got,
            }))  # fmt: skip
        findings = [Finding(**_tuples(finding)) for finding in values["findings"]]
        frame = values["frame"] and Frame.from_json(values["frame"])
        given = {name: value for name, value in values.items() if name != "ok"}
        return cls(**{**given, "findings": findings, "verdicts": verdicts, "frame": frame})

    def __repr__(self) -> str:
        ids = ", ".join(finding.id for finding in self.findings)
        return f"Report on {self.function or 'function'}: {ids or self.outcome}"

    def __str__(self) -> str:
        from backhand.doctor.report.render import as_text

        return encodable(as_text(self), getattr(sys.stdout, "encoding", None) or "utf-8")

    def __rich__(self) -> Any:
        from backhand.doctor.report.render import rendered

        return rendered(self)

    def html(self) -> str:
        """Return the report as a web page, complete in one text.

        It is light or dark as the reader's system is.

        Returns
        -------
        str
            HTML that needs no other file and no network.

        Examples
        --------
        >>> import backhand
        >>> page = backhand.check(lambda X: None).html()
        >>> page.startswith("<!DOCTYPE html>")
        True
        """
        from backhand.doctor.report.page import as_page

        return as_page(self, self._title)

    def svg(self, title: str | None = None, *, width: int = 80) -> str:
        """Return the report as a picture of a terminal.

        Parameters
        ----------
        title : str, optional
            What stands above; by default "backhand.check(NAME)".
        width : int, default=80
            Number of characters in a line.

        Returns
        -------
        str
            SVG.

        Examples
        --------
        >>> import backhand
        >>> backhand.check(lambda X: None).svg().startswith("<svg")
        True
        """
        from backhand.doctor.report.render import as_svg

        return as_svg(self, self._title if title is None else title, width)

    @property
    def _title(self) -> str:
        return printable(f"backhand.check({self.function or 'function'})")

    def _repr_html_(self) -> str:
        from backhand.doctor.report.page import as_fragment

        return as_fragment(self)


def _tuples(values: dict[str, Any]) -> dict[str, Any]:
    """The same, with tuples where JSON has lists."""
    return {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
