"""`Marker`: one blank for each gradient; answers, how many there were, and the pass they make."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.doctor import Report, check
from backhand.doctor.report.hints import check_hints
from backhand.equations import Gradients, Parameters
from backhand.errors import InputError
from backhand.lesson.composed import (
    BLANKS,
    Equation,
    arguments_of,
    complete,
    composed,
    definition,
    given,
    later_values,
    right_pass,
)
from backhand.lesson.mark import SIGNS, TITLES, Mark, Outcome, Said
from backhand.lesson.sentences import (
    about_later,
    about_no_answer,
    about_right,
    about_wrong,
    of_this_equation,
)
from backhand.lesson.trial import Batch, random_batch, tried
from backhand.validation import check_forward

FRAME: dict[str, Any] = {
    "activation": "relu", "output": "softmax", "loss": "cross_entropy", "reduction": "mean",
    "layout": "rows", "biases": "flat", "labels": "one_hot",
}  # fmt: skip
"""The network of the lesson: the doctor need not find it."""


@dataclass(eq=False)
class Blank:
    """One gradient to be written by a learner; call it with an answer.

    Attributes
    ----------
    equation : str
        The gradient: dS, dW2, db2, dH1, dZ1, dW1 or db1.
    batch : Batch, optional
        The rows of which an entry is shown; by default, random ones.
    answers : int
        Number of different answers so far.
    outcome : {"correct", "wrong", "blank"}
        Of the last answer.
    correct : tuple of (callable, tuple of str), optional
        The last correct answer, and the values that it reads.

    See Also
    --------
    Marker : Has all seven.

    Examples
    --------
    >>> from backhand.lesson import Blank
    >>> blank = Blank("dH1")
    >>> blank(lambda dS, W2: dS @ W2.T).ok
    True
    >>> blank.outcome, blank.answers
    ('correct', 1)
    """

    equation: str
    batch: Batch | None = field(default=None, repr=False)
    answers: int = 0
    outcome: Outcome = "blank"
    correct: tuple[Equation, tuple[str, ...]] | None = None
    _last: Any = field(default=None, repr=False)

    def __call__(self, f: Equation, *, hints: int | None = None) -> Mark:
        """Mark an answer.

        Parameters
        ----------
        f : callable
            Returns the gradient. Its arguments are values of the forward pass or gradients that
            are computed before, by name: `def dW2(H1, dS): …`; N, d, H and K are the sizes. These
            names mean the same where they are not among its arguments.
        hints : {0, 1, 2}, optional
            How much is said of a wrong answer: 0, that it is wrong, and where; 1, also a question
            to ask oneself; 2, also what the line computes instead, and the right one. By default
            the first answer gets 0, the next 1, and every later one 2. The same answer again
            counts once.

        Returns
        -------
        Mark
            The outcome and what is said of it; `print` it.

        Raises
        ------
        InputError
            If `f` is not a function, or `hints` is none of these.

        Examples
        --------
        >>> from backhand.lesson import Marker
        >>> mark = Marker()
        >>> mark.db2(lambda dS: dS.sum(axis=1)).outcome
        'wrong'
        >>> print(mark.db2(lambda dS: dS.sum(axis=0)))
        db2 ✓ correct (answer 2)
          The same numbers as dS.sum(axis=0), on 4 random problems of different sizes.
        """
        f = _function(f, self.equation)
        if hints is not None:
            check_hints(hints)
        try:
            reads = arguments_of(f, self.equation)
        except InputError as error:  # about the answer: a sentence, and not the end of a notebook
            return self._said("wrong", [("", f"{str(error)[:1].upper()}{str(error)[1:]}")])
        trial = tried(self.equation, f, reads, self.batch or random_batch())
        if not trial.written:
            return self._said("blank", about_no_answer(trial))
        self._count(f)
        level = min(self.answers - 1, 2) if hints is None else hints
        if not trial.ended:
            return self._said("wrong", about_wrong(self.equation, trial, None, level), level)
        report = check(composed(self.equation, f, reads), autograd=False, **FRAME)
        if report.ok and not (trial.problem or trial.worst):
            self.correct = (f, reads)
            return self._said("correct", about_right(self.equation, report), level, report)
        report = of_this_equation(self.equation, trial, report)
        later = about_later(self.equation, later_values(f, self.equation))
        lines = about_wrong(self.equation, trial, report, level)
        return self._said("wrong", [*later, *lines], level, report)

    def _said(
        self, outcome: Outcome, lines: list[Said], hints: int = 0, report: Report | None = None
    ) -> Mark:
        self.outcome = outcome
        return Mark(self.equation, outcome, self.answers, hints, tuple(lines), report)

    def _count(self, f: Equation) -> None:
        """Count an answer, unless it is the last one again: a cell is often run twice."""
        code = getattr(f, "__code__", None)
        this = (code.co_code, code.co_consts, code.co_names, code.co_varnames) if code else f
        if this != self._last:
            self.answers, self._last = self.answers + 1, this


class Marker:
    """Mark a learner's seven gradients, one at a time.

    Each answer is a function for one equation. It is put into a backward pass that is otherwise
    right, and `backhand.check` says what is wrong with it. How much of this is shown grows with the
    number of answers.

    Parameters
    ----------
    params : Parameters, optional
        With `X` and `Y`: the batch that a learner sees. What a wrong answer gives there is shown;
        without it, what it gives on a few random rows.
    X : ndarray of shape (N, d), optional
        The rows of the batch.
    Y : ndarray of shape (N, K), optional
        Their classes, one-hot.

    Attributes
    ----------
    dS, dW2, db2, dH1, dZ1, dW1, db1 : Blank
        Call one with your function: `mark.dW2(my_dW2)`.
    blanks : tuple of Blank
        All seven, in the order of the derivation.
    missing : list of str
        The gradients of which there is no correct answer yet.

    Raises
    ------
    InputError
        If `X` and `Y` are not matrices with as many rows.

    Examples
    --------
    >>> from backhand.lesson import Marker
    >>> mark = Marker()
    >>> def dW2(H1, dS):
    ...     return dS.T @ H1
    >>> print(mark.dW2(dW2))
    dW2 ✗ not yet (answer 1)
      Its shape is (K, H), but dW2 has the shape of W2, (H, K).
      Change your line and run the cell again. The next one gets a hint.
    >>> mark
    Marker: dS …, dW2 ✗, db2 …, dH1 …, dZ1 …, dW1 …, db1 …
    """

    def __init__(self, params: Parameters | None = None, X: Any = None, Y: Any = None) -> None:
        batch = None
        if params is not None:
            X, Y = _rows(params, X, Y)
            batch = Batch(right_pass(X, Y, params), "on these rows")
        self.dS = Blank("dS", batch)
        self.dW2 = Blank("dW2", batch)
        self.db2 = Blank("db2", batch)
        self.dH1 = Blank("dH1", batch)
        self.dZ1 = Blank("dZ1", batch)
        self.dW1 = Blank("dW1", batch)
        self.db1 = Blank("db1", batch)

    @property
    def blanks(self) -> tuple[Blank, ...]:
        """All seven, in the order of the derivation."""
        return tuple(getattr(self, name) for name in BLANKS)

    @property
    def missing(self) -> list[str]:
        """The gradients of which there is no correct answer yet."""
        return [blank.equation for blank in self.blanks if blank.correct is None]

    def backward(self, params: Parameters, X: Any, Y: Any) -> Gradients:
        """Compute all gradients by the learner's own lines.

        Where there is no correct answer yet, the line of the equations is used (see `missing`), so
        that what comes after in a lesson runs.

        Parameters
        ----------
        params : Parameters
            W1, b1, W2, b2.
        X : ndarray of shape (N, d)
            Rows.
        Y : ndarray of shape (N, K)
            Their classes, one-hot.

        Returns
        -------
        Gradients
            All seven, float64 if X and `params` are.

        Raises
        ------
        InputError
            If `params`, `X` and `Y` do not fit together.

        Examples
        --------
        >>> import numpy as np, backhand
        >>> params = backhand.init(d=2, H=3, K=2, dtype=np.float64)
        >>> X, Y = np.ones((4, 2)), np.eye(2)[[0, 1, 1, 0]]
        >>> backhand.lesson.Marker().backward(params, X, Y).dW1.shape
        (2, 3)
        """
        X, Y = _rows(params, X, Y)
        functions = {b.equation: b.correct for b in self.blanks if b.correct is not None}
        values = complete(functions, given(X, Y, params))
        return Gradients(*(values[name] for name in Gradients._fields))

    def __repr__(self) -> str:
        return "Marker: " + ", ".join(f"{b.equation} {SIGNS[b.outcome]}" for b in self.blanks)

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr><td style="text-align:left"><code>{escape(b.equation)}</code></td>'
            f'<td style="text-align:left">{SIGNS[b.outcome]} {TITLES[b.outcome]}</td>'
            f"<td>{b.answers}</td></tr>"
            for b in self.blanks
        )
        head = "<tr><th>gradient</th><th>last answer</th><th>answers</th></tr>"
        return f"<table>{head}{rows}</table>"


def _rows(params: Parameters, X: Any, Y: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    """Both as arrays, which fit the parameters."""
    X, Y = np.asarray(X), np.asarray(Y)
    check_forward(params, X)
    if Y.shape != (len(X), len(params.b2)):
        raise InputError(f"Y has shape {Y.shape}; expected one-hot ({len(X)}, {len(params.b2)}).")
    return X, Y


def _function(f: Any, name: str) -> Callable[..., Any]:
    if callable(f):
        return f  # type: ignore[no-any-return]
    raise InputError(
        f"{name}: expected a function, got {type(f).__name__}. Give the function itself, without "
        f"brackets: {definition(name)}, then `mark.{name}({name})`."
    )
