"""What a fault is: lines of code that are computed instead of the equations'."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from functools import cached_property
from types import MappingProxyType

from backhand.doctor.frame.network import Network
from backhand.formulas import Line, equation_of


class Kind(StrEnum):
    """What sort of fault it is: the second part of its id."""

    ACCUMULATION = "accumulation"
    ACTIVATION = "activation"
    ALIGNMENT = "alignment"
    BIAS = "bias"
    CLIP = "clip"
    DERIVATIVE = "derivative"
    FACTOR = "factor"
    FUNCTION = "function"
    INPUT = "input"
    KEEPDIMS = "keepdims"
    LABELS = "labels"
    LOSS = "loss"
    MASK = "mask"
    MISSING = "missing"
    OPERAND = "operand"
    ORDER = "order"
    OVERWRITTEN = "overwritten"
    PENALTY = "penalty"
    PRECISION = "precision"
    REDUCTION = "reduction"
    SCALE = "scale"
    SHAPE = "shape"
    SIGN = "sign"
    SOFTMAX = "softmax"
    STALE = "stale"
    SUBSET = "subset"
    TRANSPOSE = "transpose"
    UNDEFINED = "undefined"
    ZERO = "zero"


class Need(Enum):
    """What there must be for a fault to be tried."""

    PENALTY = auto()
    """A penalty: l2 is not 0."""
    ETA = auto()
    """A learning rate."""
    MEMORY = auto()
    """An earlier call."""
    RETURNED = auto()
    """The value itself, returned: only that copy is wrong, later lines read the right one."""


@dataclass(frozen=True, eq=False, repr=False)
class Fault:
    """What is computed instead of an equation.

    Attributes
    ----------
    id : str
        Equation, kind and what: `dZ1.mask.sign_of_dH1`. Stable, and unique in the dictionary.
    lines : mapping of str to Line
        All the lines that change; the first is the one that the fault is about.
    kind : Kind
    message : str
        What is wrong, a sentence. Nothing depends on its words.
    reads : frozenset of str
        All names that its lines read, where there is a penalty.
    prior : float
        How usual it is, on a logarithmic scale. Of explanations that give the same numbers, the one
        with the largest sum of priors is named.
    needs : frozenset of Need
    """

    id: str
    lines: Mapping[str, Line]
    kind: Kind
    message: str
    reads: frozenset[str]
    prior: float = 0.0
    needs: frozenset[Need] = frozenset()

    def __repr__(self) -> str:
        return f"Fault({self.id!r})"

    @cached_property
    def name(self) -> str:
        """The value that it is about, a key of `LINES`."""
        return next(iter(self.lines))

    @cached_property
    def line(self) -> Line:
        """The line of that value."""
        return self.lines[self.name]

    @cached_property
    def equation(self) -> str:
        """The equation that is wrong."""
        return equation_of(self.name)

    @cached_property
    def fitted(self) -> bool:
        """Whether its lines have a number `c` to be found."""
        return "c" in self.reads

    @cached_property
    def remembers(self) -> bool:
        """Whether its lines read what was there in an earlier call."""
        return Need.MEMORY in self.needs

    @cached_property
    def returned(self) -> bool:
        """Whether only what is returned is wrong, and the right value was used."""
        return Need.RETURNED in self.needs


def fault(
    network: Network, name: str, what: str, line: str | Line, message: str,
    also: Mapping[str, str | Line] = MappingProxyType({}), *, needs: Iterable[Need] = (),
    shown: str = "",
) -> Fault:  # fmt: skip
    """A fault in the line of a value, and in others that change with it.

    Parameters
    ----------
    network : Network
        Whose equations it changes; lines that it does not have are left out.
    name : str
        The value, a key of `LINES`.
    what : str
        The id without its equation; it begins with the kind.
    line : str or Line
        What is computed instead; a string has the place of the line's data term.
    message : str
    also : mapping of str to str or Line
        Other lines that change.
    needs : iterable of Need
        Beside those that follow from what the lines read.
    shown : str
        How the line is displayed, where its code is our own device.
    """
    equations = network.lines
    lines = {
        value: code
        if isinstance(code, Line)
        else Line(code, equations[value].penalty, shown=shown if value == name else "")
        for value, code in {name: line, **also}.items()
        if value in equations
    }
    kind = Kind(what.partition(".")[0])
    parts = [one.reads(penalty=False) for one in lines.values()]
    reads = parts[0] if len(parts) == 1 else frozenset().union(*parts)
    penalty = any(one.penalty for one in lines.values())
    reads_all = (
        frozenset().union(*(one.reads(penalty=True) for one in lines.values()))
        if penalty
        else reads
    )
    follows = {
        Need.PENALTY: "l2" in reads,
        Need.ETA: "eta" in reads,
        Need.MEMORY: bool({"before", "last", "first"} & reads),
    }
    return Fault(
        f"{equation_of(name)}.{what}", MappingProxyType(lines), kind, message, reads_all,
        needs=frozenset({*needs, *(need for need, follow in follows.items() if follow)}),
    )  # fmt: skip


def number(value: str) -> str:
    """A number as a part of an id, in which a dot separates."""
    return value.replace(".", "_")
