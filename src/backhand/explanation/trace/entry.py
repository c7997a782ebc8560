"""One entry of a value: its number, the terms that it is the sum of, and where it is read."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from backhand.explanation.rules import RULES, Form, Rule
from backhand.explanation.trace.beside import beside, beside_to_json
from backhand.explanation.trace.equation import formula_of, line_of, place_of, sum_of
from backhand.explanation.trace.passes import Index, Passes
from backhand.explanation.trace.table import table_of
from backhand.explanation.trace.terms import Added, Term, added_to, label_of, terms_of
from backhand.support.optional import extra
from backhand.support.visible_text import encodable


@dataclass(frozen=True, repr=False)
class Entry:
    """One entry of a value, and where it comes from. `print` it for its table.

    A `backhand.Trace` makes it: `trace["dW1"][3, 7]`.

    Attributes
    ----------
    passes : Passes
        All values of the trace.
    name : str
        The value that it is an entry of: "dW1".
    index : tuple of int
        Its indices, from 0; () for the loss.
    label : str
        How it is written: "dW1[3,7]".
    value : float
        Its number.
    equation, formula : str
        The line of code that gives the whole value, and the equation in index notation; "" if it
        is given.
    terms : tuple of Term
        What it is the sum of: each has `factors`, its `value`, and whether a mask shuts it out.
    plus : tuple of Added
        What is added to the terms: a bias, the penalty.
    shut : tuple of Term
        The terms that a mask sets to 0.
    over, place, beside : str
        In words: what it is summed over, what it is of, and what a function of one's own gave.
    rule, form : Rule and Form, optional
        How it is computed; None if it is given.

    Examples
    --------
    >>> import backhand
    >>> entry = backhand.explain()["dW1"][3, 7]
    >>> entry.formula
    'dW1[i,h] = Σ_n X[n,i] · dZ1[n,h]'
    >>> [factor.name for factor in entry.terms[0].factors]
    ['X', 'dZ1']
    >>> abs(sum(term.value for term in entry.terms) - entry.value) < 1e-12
    True
    """

    passes: Passes
    name: str
    index: Index

    @property
    def label(self) -> str:
        """How it is written: "dW1[3,7]"."""
        return label_of(self.name, self.index)

    @property
    def value(self) -> float:
        """Its number."""
        return self.passes.at(self.name, self.index)

    @property
    def rule(self) -> Rule | None:
        """How it is computed; None if it is given."""
        return RULES.get(self.name)

    @property
    def form(self) -> Form | None:
        """How it is computed from its terms: "sum", "softmax", …; None if it is given."""
        return None if self.rule is None else self.rule.form

    @property
    def equation(self) -> str:
        """The line of code that gives the whole value: "X.T @ dZ1"; "" if it is given."""
        return line_of(self.name, self.passes.problem)

    @property
    def formula(self) -> str:
        """The equation in index notation; "" if it is given."""
        return formula_of(self.name, self.passes.problem)

    @property
    def over(self) -> str:
        """What it is summed over and what remains, in words; "" if it is not a sum of products."""
        return sum_of(self.name)

    @property
    def place(self) -> str:
        """What it is of, in words: "feature 3 (body mass), hidden unit 7"."""
        return place_of(self.name, self.index, self.passes.problem)

    @property
    def beside(self) -> str:
        """What a function of one's own gave for it, in words; "" if `explain` had none."""
        return beside(self.passes.own, self.name, self.index)

    @cached_property
    def terms(self) -> tuple[Term, ...]:
        """Its terms, each with its factors, the mask that shuts it out, and what it would be.

        They sum to the entry, but for what is added (`plus`); in P they are exp(S - max) of each
        class, of which one is divided by their sum.
        """
        return () if self.rule is None else terms_of(self.passes, self.rule, self.index)

    @cached_property
    def plus(self) -> tuple[Added, ...]:
        """What is added to the terms: a bias, the penalty."""
        return () if self.rule is None else added_to(self.passes, self.rule, self.index)

    @property
    def shut(self) -> tuple[Term, ...]:
        """The terms that a mask sets to 0."""
        return tuple(term for term in self.terms if term.shut)

    def back(self) -> list[Entry]:
        """Return the entries that it is computed from, each once.

        Returns
        -------
        list of Entry
            None of a value that is given, such as X.

        Examples
        --------
        >>> import backhand
        >>> backhand.explain(example="xor")["Z1"][0, 2].back()
        [X[0,0] = 0, X[0,1] = 0, W1[0,2] = ..., W1[1,2] = ..., b1[2] = ...]
        """
        if self.rule is None:
            return []
        found: dict[tuple[str, Index], None] = {}
        factors = [factor for term in self.terms for factor in term.factors]
        factors += [added.factor for added in self.plus if added.factor is not None]
        for operand in self.passes.operands(self.rule):
            read = ((f.name, f.index) for f in factors if f.name == operand.name)
            found |= dict.fromkeys(read)
        if self.form is Form.GATE:
            found["Z1", self.index] = None
        found |= dict.fromkeys((factor.name, factor.index) for factor in factors)
        found |= dict.fromkeys(self.passes.penalised_by(self.rule))
        return [Entry(self.passes, name, index) for name, index in found]

    def forward_of(self) -> list[Entry]:
        """Return the entries that are computed from it, in the order of the derivation.

        Returns
        -------
        list of Entry
            None of the last values, the new parameters.

        Examples
        --------
        >>> import backhand
        >>> [entry.label for entry in backhand.explain(example="xor")["b2"][1].forward_of()]
        ['S[0,1]', 'S[1,1]', 'S[2,1]', 'S[3,1]', 'new b2[1]']
        """
        return [Entry(self.passes, name, index)
                for name, index in self.passes.readers(self.name, self.index)]  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as JSON values.

        Returns
        -------
        dict
            Name, index, value, equation and terms; `json.dumps` takes it.

        Examples
        --------
        >>> import backhand
        >>> sorted(backhand.explain()["dW1"][3, 7].to_dict()["terms"][0])
        ['factor', 'factors', 'shut', 'value', 'would_be']
        """
        return {
            "name": self.name, "index": list(self.index), "value": self.value,
            "place": self.place, "form": self.form and str(self.form), "equation": self.equation,
            "formula": self.formula, "over": self.over,
            "terms": [term.to_json() for term in self.terms],
            "plus": [added.to_json() for added in self.plus],
            **beside_to_json(self.passes.own, self.name, self.index),
        }  # fmt: skip

    def to_frame(self) -> Any:
        """Return its table as a pandas data frame, a row per term.

        Returns
        -------
        pandas.DataFrame
            The columns of the table that `print` shows.

        Raises
        ------
        MissingDependencyError
            If pandas is not installed.

        Examples
        --------
        >>> import backhand
        >>> frame = backhand.explain()["dW1"][3, 7].to_frame()
        >>> frame.columns.tolist()[1:]
        ['X[n,3]', 'dH1[n,7]', 'Z1 > 0', 'dZ1[n,7]', 'product']
        """
        table = table_of(self)
        frame = extra("pandas", "a data frame of the terms").DataFrame(
            table.rows, columns=table.headings
        )
        if table.places:
            frame.isetitem(0, table.places)
        return frame

    def __float__(self) -> float:
        return self.value

    def __repr__(self) -> str:
        return f"{self.label} = {self.value:.6g}"

    def __str__(self) -> str:
        from backhand.explanation.trace.text import entry_text

        return encodable(entry_text(self), getattr(sys.stdout, "encoding", None) or "utf-8")

    def _repr_html_(self) -> str:
        from backhand.explanation.trace.html import entry_html

        return entry_html(self)
