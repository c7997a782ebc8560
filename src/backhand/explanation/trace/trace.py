"""The trace: every value of one forward pass, backward pass and update."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from typing import TYPE_CHECKING, Any

from backhand.errors import InputError
from backhand.explanation.cells import cell_of, unknown_value
from backhand.explanation.problem import Problem, array_to_json
from backhand.explanation.trace.entry import Entry
from backhand.explanation.trace.passes import Passes
from backhand.explanation.trace.value import Value
from backhand.support.atomic_files import check_output, replacing
from backhand.support.visible_text import encodable

if TYPE_CHECKING:
    from backhand.explanation.own_function import OwnFunction


@dataclass(frozen=True, repr=False, eq=False)
class Trace:
    """Every value of one forward pass, backward pass and update, and where each number comes from.

    `explain` returns it. `trace["dW1"]` is a value, `trace["dW1"][3, 7]` one of its entries.

    Attributes
    ----------
    problem : Problem
        What the passes start from, in float64: parameters, rows, classes, names.
    own : OwnFunction, optional
        What a function of one's own gave for the same problem, if `explain` was called with one.
    examples : tuple of Problem
        Other problems that its page can show.
    names : list of str
        The names of all values, in the order of the derivation; those given first.

    Examples
    --------
    >>> import backhand
    >>> trace = backhand.explain()
    >>> trace["dW1"]
    dW1 (4, 8) = X.T @ dZ1
    >>> trace["dW1"][3, 7].formula
    'dW1[i,h] = Σ_n X[n,i] · dZ1[n,h]'
    >>> [name for name in trace.names if name.startswith("d")]
    ['dS', 'dW2', 'db2', 'dH1', 'dZ1', 'dW1', 'db1']
    """

    problem: Problem
    own: OwnFunction | None = None
    examples: tuple[Problem, ...] = ()

    def __post_init__(self) -> None:
        _ = self.passes.values  # numbers that cannot be computed with are reported here

    @cached_property
    def passes(self) -> Passes:
        """The values as arrays, and which entry reads which."""
        return Passes(self.problem, self.own)

    @property
    def names(self) -> list[str]:
        """The names of all values, in the order of the derivation; those given first."""
        return list(self.passes.values)

    def __getitem__(self, name: str) -> Value:
        if not isinstance(name, str):
            raise InputError(f"{name!r} is not the name of a value; expected one such as 'dW1'.")
        if name not in self.passes.values and name.partition("[")[0].rstrip() in self:
            entry = self.entry(name)
            places = ", ".join(map(str, entry.index)) or "()"
            raise InputError(
                f"'{name}' is an entry; expected trace['{entry.name}'][{places}], or "
                f"trace.entry('{entry.label}')."
            )
        if name not in self.passes.values:
            raise unknown_value(name, self.names)
        return Value(self.passes, name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def __contains__(self, name: object) -> bool:
        return name in self.passes.values

    def _ipython_key_completions_(self) -> list[str]:
        return self.names

    def entry(self, cell: str) -> Entry:
        """Return an entry by its name as text.

        Parameters
        ----------
        cell : str
            Such as "dW1[3,7]", "new b1[0]" or "L"; indices count from 0.

        Returns
        -------
        Entry
            Its number, the terms that it is the sum of, and where it is used; `print` it.

        Raises
        ------
        InputError
            If there is no such entry.

        Examples
        --------
        >>> import backhand
        >>> backhand.explain().entry("dS[0,2]").formula
        'dS[n,k] = (P[n,k] - Y[n,k]) · w[n]'
        """
        name, index = cell_of(cell, self.passes.sizes)
        return self[name][index]

    def to_json(self) -> dict[str, Any]:
        """Return the problem and all values as JSON values.

        An array is its shape and its numbers, row by row: a list, or base64 of float64 (little
        endian) where there are more than 2,000.

        Returns
        -------
        dict
            "problem", "values" and "equations"; `json.dumps` takes it.

        Examples
        --------
        >>> import backhand
        >>> backhand.explain(example="xor").to_json()["values"]["dW1"]["shape"]
        [2, 4]
        """
        computed = {name: array_to_json(array) for name, array in self.passes.values.items()}
        own = {} if self.own is None else {"own_function": self.own.to_json()}
        lines = {name: self[name].equation for name in self.names}
        return {"problem": self.problem.to_json(), "values": computed, "equations": lines, **own}

    def page_contents(self) -> dict[str, Any]:
        """Return what its page is made of, as JSON values; the widget takes the same."""
        from backhand.explanation.page.contents import page_contents

        own = None if self.own is None else self.own.to_json()
        return page_contents(self.problem, own_function=own, examples=self.examples)

    def widget(self) -> Any:
        """Return the page as a widget for Jupyter, VS Code, Colab and marimo.

        Returns
        -------
        NetworkWidget
            Its `W1`, `X`, … are the page's numbers: assigning changes the page, and a change on the
            page changes them. `widget.trace` is the trace of the numbers as they stand.

        Raises
        ------
        MissingDependencyError
            If anywidget is not installed.

        Examples
        --------
        >>> import backhand
        >>> widget = backhand.explain().widget()
        >>> widget.selected = "dW1[3,7]"
        >>> widget.trace["dW1"].shape
        (4, 8)
        """
        from backhand.explanation.widget import NetworkWidget

        return NetworkWidget(self.problem, self.page_contents(), Trace)

    def save(self, path: str | PathLike[str], *, selected: str | None = None) -> None:
        """Write the trace as a web page in one file, which needs no server and no network.

        Parameters
        ----------
        path : str or path
            The file to write, whole or not at all; one that is there is replaced.
        selected : str, optional
            The entry that is pinned when the page opens, such as "dW1[3,7]".

        Raises
        ------
        InputError
            If `path` cannot be written to, or does not end in .html or .htm; or if there is no such
            entry.
        OutputError
            If writing fails.

        Examples
        --------
        >>> import backhand, pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "page.html"
        >>> backhand.explain().save(path)
        >>> path.read_text(encoding="utf-8").startswith("<!doctype html>")
        True
        """
        from backhand.explanation.page.write import html_page

        ending = ".htm" if str(path).lower().endswith(".htm") else ".html"
        output = check_output(path, "the page", ending=ending)
        contents = self.page_contents()
        if selected is not None:
            name, index = cell_of(selected, self.passes.sizes)
            contents["selected"] = {"name": name, "index": list(index)}
        text = html_page(contents)
        with replacing(output) as temporary:
            temporary.write_text(text, encoding="utf-8", newline="\n")

    def __repr__(self) -> str:
        N, d = self.problem.X.shape
        H, K = self.problem.params.W2.shape
        about = f" beside {self.own.name}" if self.own else ""
        if self.own and not self.own.is_standard:
            about = f" of the standard network{about}, which computes another one"
        return f"Trace{about}: N {N:,}, d {d:,}, H {H:,}, K {K:,}, L {float(self['L']):.6g}"

    def __str__(self) -> str:
        from backhand.explanation.trace.text import overview

        text = overview(self.passes.values, self.problem)
        if self.own is not None:
            text = f"{self.own}\n\n{text}"
        return encodable(text, getattr(sys.stdout, "encoding", None) or "utf-8")

    def _repr_html_(self) -> str:
        from backhand.explanation.trace.html import trace_html

        return trace_html(self)
