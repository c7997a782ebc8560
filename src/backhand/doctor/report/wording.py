"""Putting into words what was found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from backhand.doctor.faults import Fault, Kind
from backhand.doctor.localise.search import Explanation
from backhand.doctor.probe.source import Line
from backhand.doctor.report.report import Finding
from backhand.formulas import LINES, UPDATED, equation_of

MOST_LINES = 3
"""Lines of source that are shown for one value; the last ones."""


@dataclass
class Teller:
    """Writes findings about one function.

    Attributes
    ----------
    penalty : bool
        Whether the lines have their penalty.
    layout : str
    lines : dict
        Where the function's source computes each value, as far as is known.
    problems : int
        How many it was tried on.
    """

    penalty: bool
    layout: str
    lines: dict[str, list[Line]]
    problems: int

    def line(self, name: str) -> str:
        """The equation of a value, as it should be coded."""
        return f"{label(name)} = {LINES[name].code(penalty=self.penalty)}"

    def fault(
        self, fault: Fault, constant: float | None, count: int,
        others: tuple[str, ...] = (),
    ) -> Finding:  # fmt: skip
        """A fault that was named, confirmed on `count` problems."""
        name, right = label(fault.name), self.line(fault.name)
        lines = [f"{label(value)} = {line.code(penalty=self.penalty)}"
                 for value, line in fault.lines.items()]  # fmt: skip
        says = fault.message
        if fault.returned:
            return Finding(fault.equation, f"{says}.", certain=True, id=fault.id,
                           suggestion=f"Return the {name} of the equation; change a copy of it.",
                           written=lines[0].replace(" =", " returned =", 1), right=right,
                           problems=count, others=others)  # fmt: skip
        if constant is not None and fault.fitted:
            lines[0] += f", c = {constant:.4g}"
            says += f" ({constant:.4g})"
        written = "; ".join(lines)
        if self.layout == "columns" and fault.kind is Kind.KEEPDIMS:
            says, written = "the kept dimension is missing: it is flat, not a column", ""
        return Finding(fault.equation, f"{name}: {says}.", certain=True, id=fault.id,
                       suggestion=f"Write `{right}`{self._advised(fault.name)}",
                       written=written, right=right, problems=count, others=others,
                       where=self._where(fault.name))  # fmt: skip

    def _advised(self, name: str, *others: str) -> str:
        """In which lines a value is made, as the end of an advice; or nothing."""
        numbers = [str(line.number) for line in self._places(name, *others)]
        if not numbers:
            return "."
        word = "line" if len(numbers) == 1 else "lines"
        return f"; by its name, it is made in {word} {' and '.join(numbers)}."

    def _places(self, *names: str) -> list[Line]:
        """The lines that make the first of some values of which the source knows any."""
        found = next((self.lines[name] for name in names if self.lines.get(name)), [])
        return found[-MOST_LINES:]

    def _where(self, *names: str) -> tuple[str, ...]:
        """The same, with what stands there."""
        return tuple(f"{line.number}: {line.text}" for line in self._places(*names))

    def others(
        self, fault: Fault, best: Explanation, found: Sequence[Explanation]
    ) -> tuple[str, ...]:
        """Lines of other equations that would give the same numbers in place of this fault."""
        rest = set(best.faults) - {fault}
        texts: dict[str, None] = {}
        for other in found:
            replaced = set(other.faults) - rest
            if len(replaced) == 1 and rest < set(other.faults):
                (instead,) = replaced
                if instead.equation != fault.equation and not instead.fitted:
                    code = instead.line.code(penalty=self.penalty)
                    texts[f"{label(instead.name)} = {code}"] = None
        return tuple(texts)[:3]

    def doubt(
        self, name: str, suspect: str, *, returned: bool, product: bool, finite: bool
    ) -> Finding:
        """A value that is wrong without a mistake that is known, and the line first in doubt.

        `returned`: the function returned it. `product`: it may be a product with the known factor.
        `finite`: it has neither nan nor infinite numbers.
        """
        says = f"{label(name)} is not {LINES[name].code(penalty=self.penalty)}"
        if not finite:
            says += ": it has nan or infinite numbers"
        elif not product:
            says += f", nor any product with {'H1' if name == 'dW2' else 'X'}"
        if not returned:
            says += ", as the gradients made of it show"
        if suspect != name:
            says += f"; {suspect}, of which it is made, is not what it should be"
        what = "what it is made of" if returned else f"{label(name)}, and what it is made of,"
        return Finding(
            equation_of(suspect), f"{says}. What was written is not known.", certain=False,
            id=f"{equation_of(suspect)}.unknown",
            right=self.line(suspect),
            suggestion=f"Return {what} as well, to have each judged by itself"
            f"{self._advised(suspect, name)}",
            where=self._where(suspect, name),
        )  # fmt: skip

    def absent(self, name: str) -> Finding:
        """A gradient that is not returned."""
        return Finding(
            equation_of(name), f"{name}: it is forgotten, and not among what is returned.",
            certain=True, id=f"{name}.missing.returned",
            suggestion=f"Compute `{self.line(name)}` and return it.",
            right=self.line(name), problems=self.problems,
        )  # fmt: skip

    def narrow(self, name: str) -> Finding:
        """A value that is right to the precision of float32 only."""
        return Finding(
            equation_of(name),
            f"{label(name)}: it is computed or kept in float32, and the rest in float64.",
            certain=True, id=f"{equation_of(name)}.precision.narrower",
            suggestion=f"Compute `{self.line(name)}` in one precision throughout.",
            right=self.line(name), problems=self.problems,
        )  # fmt: skip

    def call(self, what: str, clause: str, suggestion: str) -> Finding:
        """What is wrong with the function as a whole."""
        sentence = clause[0].upper() + clause[1:] + "."
        return Finding("call", sentence, certain=True, suggestion=suggestion, id=f"call.{what}",
                       problems=self.problems)  # fmt: skip


def label(name: str) -> str:
    """A value as it is spoken of: the update's are the parameters."""
    return name.removeprefix("new ") if name in UPDATED else name


def advice(clause: str) -> str:
    """What to do about a call that was refused."""
    if "raises" in clause:
        return "Mend that line; the shapes are X (N, d), W1 (d, H), b1 (H,), W2 (H, K), b2 (K,)."
    if "within" in clause:
        return "Look for a loop that does not end; or allow more time (seconds=, --seconds)."
    if "ended the process" in clause:
        return "Raise an exception where it cannot go on; a crash is that of a compiled library."
    if "parameters" in clause or "takes no" in clause:
        return (
            "Wrap it in a function of X, Y (or y, class indices), W1, b1, W2 and b2 that returns "
            "the gradients; docs/doctor.md shows how, in three lines."
        )
    return "Return the gradients as a dict with dW1, db1, dW2 and db2, or as a tuple in this order."
